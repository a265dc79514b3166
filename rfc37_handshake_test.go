package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// RFC 37 "The NULL Security Mechanism", RFC 37 "Connection Metadata" and the
// properties below it. RFC 23 has most of the words under the same headings.

// zmtpTypes are the socket types that speak ZMTP, each with those it talks to:
// RFC 37 "The Socket-Type Property".
var zmtpTypes = map[zmq.Type][]zmq.Type{
	zmq.REQ:    {zmq.REP, zmq.ROUTER},
	zmq.REP:    {zmq.REQ, zmq.DEALER},
	zmq.DEALER: {zmq.REP, zmq.DEALER, zmq.ROUTER},
	zmq.ROUTER: {zmq.REQ, zmq.DEALER, zmq.ROUTER},
	zmq.PUB:    {zmq.SUB, zmq.XSUB},
	zmq.XPUB:   {zmq.SUB, zmq.XSUB},
	zmq.SUB:    {zmq.PUB, zmq.XPUB},
	zmq.XSUB:   {zmq.PUB, zmq.XPUB},
	zmq.PUSH:   {zmq.PULL},
	zmq.PULL:   {zmq.PUSH},
	zmq.PAIR:   {zmq.PAIR},
}

// eachType runs a test for each socket type that speaks ZMTP.
func eachType(t *testing.T, f func(t *testing.T, typ zmq.Type)) {
	t.Helper()
	for _, typ := range slices.Sorted(maps.Keys(zmtpTypes)) {
		t.Run(typ.String(), func(t *testing.T) { f(t, typ) })
	}
}

// TestRFC37_NULL_AsServerZero: octet 32 of the greeting, of each type.
func TestRFC37_NULL_AsServerZero(t *testing.T) {
	eachType(t, func(t *testing.T, typ zmq.Type) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			p := r.peer(r.socket(typ))
			p.send(greeting(3, 1, "NULL"))
			if g := p.recv(64); g[32] != 0 || string(bytes.TrimRight(g[12:32], "\x00")) != "NULL" {
				t.Errorf("the greeting is %x", g)
			}
		})
	})
}

// TestRFC37_NULL_ServerReplies: who is bound says READY when it has heard the
// peer's, and not if that has an error.
func TestRFC37_NULL_ServerReplies(t *testing.T) {
	r := &wireRole{t: t}
	t.Run("reply", func(t *testing.T) {
		p := r.peer(r.socket(zmq.REP))
		p.greet(ours)
		p.send([]byte("\x04\x19\x05READY\x0BSocket-Type\x00\x00\x00\x03REQ"))
		p.expect("04 19 05 5245414459 0B 536F636B65742D54797065 00000003 524550")
		p.sync()
	})
	t.Run("no reply to silence", func(t *testing.T) {
		p := r.peer(r.socket(zmq.REP, zmq.WithHandshakeTimeout(100*time.Millisecond)))
		p.greet(ours)
		p.expectEnd()
	})
	t.Run("READY with the greeting", func(t *testing.T) {
		p := r.peer(r.socket(zmq.REP))
		p.send(append(ours[:64:64], "\x04\x19\x05READY\x0BSocket-Type\x00\x00\x00\x03REQ"...))
		p.recv(64)
		p.expectReady()
	})
	for name, octets := range map[string]string{
		"malformed":  "\x04\x19\x05READY\x0BSocket-Type\x00\x00\x01\x03REQ",
		"empty name": "\x04\x1E\x05READY\x0BSocket-Type\x00\x00\x00\x03REQ\x00\x00\x00\x00\x00",
		"too much":   "\x06\x00\x00\x00\x00\x00\x02\x00\x00\x05READY",
		"message":    "\x00\x01A",
		"other":      "\x04\x05\x04PONG",
	} {
		t.Run(name, func(t *testing.T) {
			p := r.peer(r.socket(zmq.REP))
			p.greet(ours)
			p.send([]byte(octets))
			p.expectEnd()
		})
	}
}

// connecting runs a test in simulated time, with a role that connects.
func connecting(t *testing.T, f func(t *testing.T, r *wireRole)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, &wireRole{t: t, dials: newWireDials(t)}) })
}

// TestRFC37_NULL_ClientSendsReady: who connects says READY behind the greeting
// and does not wait for the peer's, though it may have come already.
func TestRFC37_NULL_ClientSendsReady(t *testing.T) {
	const ready = "04 26 05 5245414459 0B 536F636B65742D54797065 00000003 524551 08 4964656E74697479 00000000"
	connecting(t, func(t *testing.T, r *wireRole) {
		p := r.peer(r.socket(zmq.REQ))
		p.greet(ours)
		p.expect(ready)
		p.sendReady("Socket-Type", "REP")
		p.sync()
	})
	connecting(t, func(t *testing.T, r *wireRole) {
		p := r.peer(r.socket(zmq.REQ))
		p.send(ours)
		p.sendReady("Socket-Type", "REP")
		p.recv(64)
		p.expect(ready)
		p.sync()
	})
}

// TestRFC37_NULL_NothingBeforePeersReady: whatever waits to be sent waits for
// the end of the handshake.
func TestRFC37_NULL_NothingBeforePeersReady(t *testing.T) {
	t.Run("connecting", func(t *testing.T) {
		connecting(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.XSUB, zmq.WithHeartbeat(time.Second), zmq.WithHandshakeTimeout(time.Minute))
			if err := s.Subscribe("A"); err != nil {
				t.Fatal(err)
			}
			p := r.peer(s)
			say(t, s, "queued")
			p.recv(64)
			p.expectSilence(10 * time.Second)
			p.send(ours)
			p.expectReady()
			p.expectSilence(10 * time.Second)
			say(t, s, "and more")
			p.expectSilence(10 * time.Second)
			p.sendReady("Socket-Type", "XPUB")
			p.expectTopic(wire.NameSubscribe, "A")
			p.expectMsg("queued")
			p.expectMsg("and more")
		})
	})
	t.Run("bound", func(t *testing.T) {
		r := &wireRole{t: t}
		s := r.socket(zmq.XPUB, zmq.WithXPubWelcome("welcome"), zmq.WithHeartbeat(time.Millisecond),
			zmq.WithInvertMatching(true), zmq.WithHandshakeTimeout(200*time.Millisecond))
		p := r.peer(s)
		p.greet(ours)
		say(t, s, "to all")
		p.expectEnd()
	})
}

// TestRFC37_Metadata_CaseOfNames: a name is the same in any case of letters.
func TestRFC37_Metadata_CaseOfNames(t *testing.T) {
	for _, change := range []func(string) string{strings.ToUpper, strings.ToLower} {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.ROUTER)
			p := r.peer(s)
			p.greet(ours)
			p.sendReady(change("Socket-Type"), "DEALER", change("Identity"), "me", change("X-Hat"), "Red")
			p.expectReady()
			p.sendMsg("hello")
			m, err := s.Recv(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(m.Frames); !slices.Equal(got, []string{"me", "hello"}) {
				t.Errorf("received %q", got)
			}
			for _, name := range []string{"X-Hat", "X-HAT", "x-hat"} {
				if got := m.Property(name); got != "Red" {
					t.Errorf("property %s is %q", name, got)
				}
			}
		})
	}
}

// TestRFC37_Metadata_Exchanged: both sides learn what the other announces,
// with values of any octets and of none.
func TestRFC37_Metadata_Exchanged(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.DEALER, zmq.WithRoutingID("ours"), zmq.WithMetadata("X-Empty", ""), zmq.WithMetadata("X-Octets", "\x00\xFF"))
		p := r.peer(s)
		got := p.handshake("DEALER", "Identity", "theirs", "X-Nothing", "", "Implementation", "a\x00b")
		want := map[string]string{"Socket-Type": "DEALER", "Identity": "ours", "X-Empty": "", "X-Octets": "\x00\xFF"}
		if !maps.Equal(got, want) {
			t.Errorf("READY has %q, want %q", got, want)
		}
		p.sendMsg("hello")
		m, err := s.Recv(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"Socket-Type": "DEALER", "Identity": "theirs", "X-Nothing": "", "Implementation": "a\x00b", "X-Empty": "",
		} {
			if got := m.Property(name); got != want {
				t.Errorf("property %s is %q, want %q", name, got, want)
			}
		}
		if got := m.Peer(); got.Type() != "DEALER" || string(got.Identity()) != "theirs" || got.Mechanism() != "NULL" {
			t.Errorf("the peer is %s %q by %s", got.Type(), got.Identity(), got.Mechanism())
		}
	})
}

// TestRFC37_Metadata_ApplicationNames: the library uses no name with X-, and
// leaves those to the application, which gets no others.
func TestRFC37_Metadata_ApplicationNames(t *testing.T) {
	eachType(t, func(t *testing.T, typ zmq.Type) {
		connecting(t, func(t *testing.T, r *wireRole) {
			for name := range r.peer(r.socket(typ)).handshake(zmtpTypes[typ][0].String()) {
				if name != "Socket-Type" && name != "Identity" {
					t.Errorf("the library announces %s", name)
				}
			}
		})
	})
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://names"} {
		t.Run(endpoint, func(t *testing.T) {
			domain := zmq.WithDomain(zmq.NewDomain())
			pull := open(t, zmq.PULL, domain)
			push := open(t, zmq.PUSH, domain, zmq.WithMetadata("X-Hat", "red"), zmq.WithMetadata("x-shoe", "blue"))
			b, err := pull.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if err := push.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
			say(t, push, "hello")
			m, err := pull.Recv(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			if hat, shoe := m.Property("X-Hat"), m.Property("X-Shoe"); hat != "red" || shoe != "blue" {
				t.Errorf("hat %q, shoe %q", hat, shoe)
			}
		})
	}
	for _, name := range []string{"Hat", "X", "X-", "Socket-Type", "X-a b", "X-" + strings.Repeat("a", 254)} {
		if _, err := zmq.New(zmq.PUSH, zmq.WithMetadata(name, "red")); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("the name %.20q is accepted: %v", name, err)
		}
	}
}

// TestRFC37_SocketType_Names: each type announces its name, and talks to the
// types that it is to talk to. Others are told so and closed.
func TestRFC37_SocketType_Names(t *testing.T) {
	eachType(t, func(t *testing.T, typ zmq.Type) {
		var names []string
		for peer := range zmtpTypes {
			names = append(names, peer.String())
		}
		for _, name := range append(names, "CLIENT", "STREAM", "BOGUS", "", "req", "Rep") {
			legal := slices.ContainsFunc(zmtpTypes[typ], func(peer zmq.Type) bool { return peer.String() == name })
			connecting(t, func(t *testing.T, r *wireRole) {
				p := r.peer(r.socket(typ))
				p.greet(ours)
				if got := p.expectReady()["Socket-Type"]; got != typ.String() {
					t.Errorf("it calls itself %q", got)
				}
				p.sendReady("Socket-Type", name)
				if legal {
					p.sync()
					return
				}
				if reason, err := wire.ParseError(p.expectCommand(wire.NameError)); err != nil || reason == "" {
					t.Errorf("ERROR %q: %v", reason, err)
				}
				p.expectEnd()
			})
		}
		r := &wireRole{t: t}
		s := r.socket(typ)
		for _, properties := range [][]string{{"Socket-Type", "BOGUS"}, {"Socket-Type", typ.String() + "S"}, {"X-Hat", "red"}, nil} {
			p := r.peer(s)
			p.greet(ours)
			p.sendReady(properties...)
			p.expectCommand(wire.NameError)
			p.expectEnd()
		}
		if got := r.peer(s).handshake(zmtpTypes[typ][0].String())["Socket-Type"]; got != typ.String() {
			t.Errorf("it calls itself %q", got)
		}
	})
}

// TestRFC37_Identity_IgnoredElsewhere: only REQ, DEALER and ROUTER have an
// identity. Others announce none, and what they announce means nothing.
func TestRFC37_Identity_IgnoredElsewhere(t *testing.T) {
	eachType(t, func(t *testing.T, typ zmq.Type) {
		has := typ == zmq.REQ || typ == zmq.DEALER || typ == zmq.ROUTER
		connecting(t, func(t *testing.T, r *wireRole) {
			properties := r.peer(r.socket(typ)).handshake(zmtpTypes[typ][0].String())
			if _, announced := properties["Identity"]; announced != has {
				t.Errorf("READY has %q", properties)
			}
		})
	})
	for name, identity := range map[string]string{
		"plain": "me", "reserved": "\x00me", "long": strings.Repeat("a", 256),
	} {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.PULL)
				for i := range 2 { // both may have the same
					p := r.peer(s)
					p.handshake("PUSH", "Identity", identity)
					p.sendMsg(fmt.Sprint(i))
					m, err := s.Recv(soon(t))
					if err != nil {
						t.Fatal(err)
					}
					if got := m.Peer().Identity(); len(got) > 0 || len(m.Frames) != 1 {
						t.Errorf("received %v from %q", m, got)
					}
				}
			})
		})
	}
}

// TestRFC37_Identity_Length: up to 255 octets, which may be any but for the
// first.
func TestRFC37_Identity_Length(t *testing.T) {
	for _, n := range []int{0, 1, 255} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			id := strings.Repeat("\xFF", n)
			bothRoles(t, func(t *testing.T, r *wireRole) {
				p := r.peer(r.socket(zmq.DEALER, zmq.WithRoutingID(id)))
				if got := p.handshake("ROUTER")["Identity"]; got != id {
					t.Errorf("READY has the identity %q", got)
				}
			})
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.ROUTER)
				p := r.peer(s)
				p.handshake("DEALER", "Identity", id)
				p.sendMsg("hello")
				got := hear(t, s)
				if n > 0 && got[0] != id {
					t.Errorf("received %q", got)
				}
				say(t, s, got...)
				p.expectMsg("hello")
			})
		})
	}
	long := strings.Repeat("a", 256)
	if _, err := zmq.New(zmq.DEALER, zmq.WithRoutingID(long)); !errors.Is(err, zmq.ErrTooLarge) {
		t.Errorf("256 octets as an option: %v", err)
	}
	bothRoles(t, func(t *testing.T, r *wireRole) { refusedIdentity(t, r, long) })
}

// TestRFC37_Identity_FirstOctet: it is zero in the identities that a ROUTER
// makes up, and so in no other.
func TestRFC37_Identity_FirstOctet(t *testing.T) {
	if _, err := zmq.New(zmq.DEALER, zmq.WithRoutingID("\x00me")); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a zero as an option: %v", err)
	}
	bothRoles(t, func(t *testing.T, r *wireRole) { refusedIdentity(t, r, "\x00me") })
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.ROUTER)
		made := map[string]bool{}
		for range 3 {
			p := r.peer(s)
			p.handshake("DEALER")
			p.sendMsg("hello")
			id := hear(t, s)[0]
			if id == "" || id[0] != 0 || made[id] {
				t.Errorf("a ROUTER made up %x", id)
			}
			made[id] = true
		}
	})
}

// refusedIdentity holds a ROUTER to tell a peer with this identity that it is
// not wanted.
func refusedIdentity(t *testing.T, r *wireRole, id string) {
	t.Helper()
	s := r.socket(zmq.ROUTER)
	p := r.peer(s)
	p.greet(ours)
	if r.dials != nil {
		p.expectReady()
	}
	p.sendReady("Socket-Type", "DEALER", "Identity", id)
	p.expectCommand(wire.NameError)
	p.expectEnd()
	if n := s.Peers(); n != 0 {
		t.Errorf("the socket has %d peers", n)
	}
}

// TestRFC37_Resource_Accepted: a peer that asks for a resource is served.
func TestRFC37_Resource_Accepted(t *testing.T) {
	for _, resource := range []string{"system", "system/name-service/test", "A$-_@.&+/9", "", "?"} {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.REP)
			p := r.peer(s)
			p.handshake("REQ", "Resource", resource)
			p.sendMsg("", "question")
			expectHeard(t, s, "question")
			say(t, s, "answer")
			p.expectMsg("", "answer")
		})
	}
}
