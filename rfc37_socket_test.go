package zmq_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// RFC 37 "Messages", RFC 37 "Socket Semantics", RFC 37 "The Publish-Subscribe
// Pattern", RFC 37 "Connection Heartbeating" and RFC 37 "Wire Analysis of the
// Connection".

// TestRFC37_Messages_Atomic: of a message whose sender dies in the middle
// nothing is delivered, be it small or large, and nothing of a message is sent
// to a peer that has not got its beginning.
func TestRFC37_Messages_Atomic(t *testing.T) {
	large := strings.Repeat("L", 300<<10)
	for name, octets := range map[string][]byte{
		"between small frames": []byte("\x01\x01A\x01\x01B"),
		"in a small frame":     []byte("\x01\x01A\x00\x05BC"),
		"between large frames": wire.AppendFrame(nil, wire.FlagMore, []byte(large)),
		"in a large frame":     wire.AppendFrame([]byte("\x01\x01A"), 0, []byte(large))[:200<<10],
		"in a header":          []byte("\x01\x01A\x02\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.PULL)
				p := r.peer(s)
				p.handshake("PUSH")
				p.sendMsg("before")
				p.send(octets)
				p.end()
				expectHeard(t, s, "before")
				p = r.again(s)
				p.handshake("PUSH")
				p.sendMsg("whole", "message")
				expectHeard(t, s, "whole", "message")
			})
		})
	}
	t.Run("sending", func(t *testing.T) {
		connecting(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.PUSH)
			p := r.peer(s)
			say(t, s, "one", "two", large)
			p.handshake("PULL")
			p.expect("01 03 6F6E65 01 03")
			p.cut()
			p = r.again(s)
			p.handshake("PULL")
			p.expectMsg("one", "two", large)
		})
	})
}

// converse sends a message from one of two joined sockets to the other.
func converse(t *testing.T, a, b *zmq.Socket) {
	t.Helper()
	awaitPeers(t, a, 1)
	awaitPeers(t, b, 1)
	from, to := a, b
	switch a.Type() {
	case zmq.REP, zmq.ROUTER, zmq.SUB, zmq.XSUB, zmq.PULL:
		from, to = b, a
	}
	if typ := to.Type(); typ == zmq.SUB || typ == zmq.XSUB {
		if err := to.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		awaitSubscribers(t, from, "", 1)
	}
	message := []string{"hello"}
	if from.Type() == zmq.DEALER {
		message = []string{"", "hello"} // the envelope that a REP wants
	}
	say(t, from, message...)
	if got := hear(t, to); got[len(got)-1] != "hello" {
		t.Errorf("received %q", got)
	}
}

// eachJoin runs a test for each type, over each transport; the endpoint can be
// bound once.
func eachJoin(t *testing.T, f func(t *testing.T, s, peer *zmq.Socket, endpoint string)) {
	t.Helper()
	eachType(t, func(t *testing.T, typ zmq.Type) { eachJoinOf(t, typ, f) })
}

// eachJoinOf runs a test for one type, over each transport.
func eachJoinOf(t *testing.T, typ zmq.Type, f func(t *testing.T, s, peer *zmq.Socket, endpoint string)) {
	t.Helper()
	for _, endpoint := range []string{"ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://join", "tcp://127.0.0.1:*"} {
		domain, soon := zmq.WithDomain(zmq.NewDomain()), zmq.WithReconnect(time.Millisecond)
		f(t, open(t, typ, domain, soon), open(t, zmtpTypes[typ][0], domain, soon), endpoint)
	}
}

// TestRFC37_Sockets_BindAndConnect: each type can do both.
func TestRFC37_Sockets_BindAndConnect(t *testing.T) {
	for _, binds := range []bool{true, false} {
		eachJoin(t, func(t *testing.T, s, peer *zmq.Socket, endpoint string) {
			bound, connected := s, peer
			if !binds {
				bound, connected = peer, s
			}
			b, err := bound.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if err := connected.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
			converse(t, s, peer)
		})
	}
}

// TestRFC37_Sockets_ConnectBeforeBind: each type finds a peer that comes later.
func TestRFC37_Sockets_ConnectBeforeBind(t *testing.T) {
	eachJoin(t, func(t *testing.T, s, peer *zmq.Socket, endpoint string) {
		if strings.HasPrefix(endpoint, "tcp") {
			// A port that was bound just now is free, and nobody else's yet.
			b, err := peer.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			endpoint = b.Endpoint()
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Connect(endpoint); err != nil {
			t.Fatal(err)
		}
		if n := s.Peers(); n != 0 {
			t.Errorf("%d peers before the bind", n)
		}
		if _, err := peer.Bind(endpoint); err != nil {
			t.Fatal(err)
		}
		converse(t, s, peer)
	})
}

// TestRFC37_Sockets_WholeMessageQueued: a message is taken with all its frames
// or with none.
func TestRFC37_Sockets_WholeMessageQueued(t *testing.T) {
	connecting(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.PUSH, zmq.WithSendHWM(2))
		p := r.peer(s)
		for i := range 2 {
			say(t, s, fmt.Sprint(i), "middle", "last")
		}
		for range 3 {
			m := zmq.MsgFromStrings("refused", "middle", "last")
			if err := s.TrySend(m.Frames...); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("a message beyond the mark: %v", err)
			}
			if err := s.TrySend(); !errors.Is(err, zmq.ErrInvalid) {
				t.Errorf("a message without frames: %v", err)
			}
		}
		p.handshake("PULL")
		p.expectMsg("0", "middle", "last")
		p.expectMsg("1", "middle", "last")
		p.expectSilence(time.Second)
		say(t, s, "2")
		p.expectMsg("2")
	})
}

// TestRFC37_Sockets_NoDuplicates: the link is cut within a message, at each of
// its octets. What went out whole is not sent again; the rest is, from its first
// octet.
func TestRFC37_Sockets_NoDuplicates(t *testing.T) {
	const first, second = "\x00\x03one", "\x01\x03two\x00\x03too"
	for cut := range len(first + second) {
		connecting(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.PUSH)
			p := r.peer(s)
			say(t, s, "one")
			say(t, s, "two", "too")
			p.handshake("PULL")
			p.recv(cut)
			p.cut()
			p = r.again(s)
			p.handshake("PULL")
			if cut < len(first) {
				p.expectMsg("one")
			}
			p.expectMsg("two", "too")
			p.expectSilence(time.Second)
		})
	}
}

// TestRFC37_Sockets_InOrder: sizes and frames of all kinds, both ways.
func TestRFC37_Sockets_InOrder(t *testing.T) {
	const n = 3000
	sizes := []int{0, 1, 30, 250, 255, 256, 1000, 9000, 70000}
	frame := func(i int) string { return fmt.Sprint(i, ":", strings.Repeat("x", sizes[i%len(sizes)])) }
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://order"} {
		t.Run(endpoint, func(t *testing.T) {
			domain := zmq.WithDomain(zmq.NewDomain())
			a, b := open(t, zmq.PAIR, domain), open(t, zmq.PAIR, domain)
			bound, err := a.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Connect(bound.Endpoint()); err != nil {
				t.Fatal(err)
			}
			sent := make(chan error, 2)
			send := func(s *zmq.Socket) {
				ctx := soon(t)
				for i := range n {
					m := zmq.MsgFromStrings(frame(i), fmt.Sprint(i))
					if err := s.Send(ctx, m.Frames[:1+i%2]...); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}
			go send(a)
			go send(b)
			for i := range n {
				for _, s := range []*zmq.Socket{a, b} {
					expectHeard(t, s, []string{frame(i), fmt.Sprint(i)}[:1+i%2]...)
				}
			}
			for range 2 {
				if err := <-sent; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// published holds a publisher to send, of these messages, the wanted ones to
// the peer and no others. The last must be among them.
func published(t *testing.T, s *zmq.Socket, p *wirePeer, messages, wanted []string) {
	t.Helper()
	for _, m := range messages {
		say(t, s, m)
	}
	for _, m := range wanted {
		p.expectMsg(m)
	}
}

// TestRFC37_PubSub_FilterAtPublisher: what a subscriber did not ask for is not
// on the wire.
func TestRFC37_PubSub_FilterAtPublisher(t *testing.T) {
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		say(t, s, "A0")
		p.sync()
		p.sendMsg("\x01A")
		p.sync()
		published(t, s, p, []string{"B1", "", "a", "A2", "BA", "A"}, []string{"A2", "A"})
	})
}

// subscribe lets the peer subscribe to topics, and waits until that counts.
func (p *wirePeer) subscribe(topics ...string) {
	p.t.Helper()
	for _, topic := range topics {
		p.sendCommand(wire.NameSubscribe, topic)
	}
	p.sync()
}

// TestRFC37_PubSub_PrefixMatch: the topic is the start of the message.
func TestRFC37_PubSub_PrefixMatch(t *testing.T) {
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.subscribe("AB")
		published(t, s, p, []string{"A", "AB", "ABC", "AC", "BAB", "ABAB"}, []string{"AB", "ABC", "ABAB"})
	})
}

// TestRFC37_PubSub_EmptyMatchesAll: the empty message too.
func TestRFC37_PubSub_EmptyMatchesAll(t *testing.T) {
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.subscribe("")
		all := []string{"A", "", "\x00", "\x01A", "Z"}
		published(t, s, p, all, all)
	})
}

// TestRFC37_PubSub_Additive: what two subscriptions match comes once.
func TestRFC37_PubSub_Additive(t *testing.T) {
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.subscribe("A", "AB", "")
		all := []string{"AB", "A", "B", "ABC"}
		published(t, s, p, all, all)
		p.sendCommand(wire.NameCancel, "")
		p.sync()
		published(t, s, p, []string{"B", "AB"}, []string{"AB"})
	})
}

// TestRFC37_PubSub_NotIdempotent: what was asked for twice has to be cancelled
// twice. The user of a subscriber sees that; on the wire each subscription goes
// out and the last cancellation alone, for publishers count each peer once.
func TestRFC37_PubSub_NotIdempotent(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://count"} {
		t.Run(endpoint, func(t *testing.T) {
			domain := zmq.WithDomain(zmq.NewDomain())
			pub, sub := open(t, zmq.PUB, domain), open(t, zmq.SUB, domain)
			b, err := pub.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if err := sub.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
			if err := sub.Subscribe("A", "A", "mark"); err != nil {
				t.Fatal(err)
			}
			for _, wanted := range [][]string{{"A", "mark"}, {"A", "mark 1"}, {"mark 2"}} {
				awaitSubscribers(t, pub, "mark", 1)
				say(t, pub, "A")
				say(t, pub, wanted[len(wanted)-1])
				for _, m := range wanted {
					expectHeard(t, sub, m)
				}
				if len(wanted) == 2 {
					if err := sub.Unsubscribe("A"); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := sub.Unsubscribe("A"); !errors.Is(err, zmq.ErrNotFound) {
				t.Errorf("a third cancellation: %v", err)
			}
		})
	}
	eachSubscriber(t, func(t *testing.T, r *wireRole, typ zmq.Type, peer string) {
		s := r.socket(typ)
		p := r.peer(s)
		p.handshake(peer)
		awaitPeers(t, s, 1)
		if err := errors.Join(s.Subscribe("A", "A"), s.Unsubscribe("A"), s.Subscribe("B"), s.Unsubscribe("A")); err != nil {
			t.Fatal(err)
		}
		p.expectTopic(wire.NameSubscribe, "A")
		p.expectTopic(wire.NameSubscribe, "A")
		p.expectTopic(wire.NameSubscribe, "B")
		p.expectTopic(wire.NameCancel, "A")
	})
}

// TestRFC37_PubSub_SubscribeCommand: to the octet, and taken as well.
func TestRFC37_PubSub_SubscribeCommand(t *testing.T) {
	eachSubscriber(t, func(t *testing.T, r *wireRole, typ zmq.Type, peer string) {
		s := r.socket(typ)
		p := r.peer(s)
		p.handshake(peer)
		awaitPeers(t, s, 1)
		if err := s.Subscribe("", "A"); err != nil {
			t.Fatal(err)
		}
		p.expect("04 0A 09 535542534352494245" + "04 0B 09 535542534352494245 41")
		p.sync()
	})
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.send([]byte("\x04\x0B\x09SUBSCRIBEA"))
		p.sync()
		published(t, s, p, []string{"B", "A"}, []string{"A"})
	})
}

// TestRFC37_PubSub_CancelCommand: to the octet, and taken as well.
func TestRFC37_PubSub_CancelCommand(t *testing.T) {
	eachSubscriber(t, func(t *testing.T, r *wireRole, typ zmq.Type, peer string) {
		s := r.socket(typ)
		if err := s.Subscribe("", "A"); err != nil {
			t.Fatal(err)
		}
		p := r.peer(s)
		p.handshake(peer)
		p.expectTopic(wire.NameSubscribe, "")
		p.expectTopic(wire.NameSubscribe, "A")
		if err := s.Unsubscribe("A", ""); err != nil {
			t.Fatal(err)
		}
		p.expect("04 08 06 43414E43454C 41" + "04 07 06 43414E43454C")
		p.sync()
	})
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.subscribe("A", "B")
		p.send([]byte("\x04\x08\x06CANCELA"))
		p.sync()
		published(t, s, p, []string{"A", "B"}, []string{"B"})
	})
}

// TestRFC37_ClearText_MessageFrames: a message with NULL is its frames, to the
// octet, and no command.
func TestRFC37_ClearText_MessageFrames(t *testing.T) {
	medium, long := strings.Repeat("m", 255), strings.Repeat("l", 256)
	huge := strings.Repeat("h", 70000)
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.DEALER)
		p := r.peer(s)
		p.handshake("DEALER")
		awaitPeers(t, s, 1)
		for _, c := range []struct {
			frames []string
			octets string
		}{
			{[]string{"A"}, "\x00\x01A"},
			{[]string{""}, "\x00\x00"},
			{[]string{"A", "", "B"}, "\x01\x01A\x01\x00\x00\x01B"},
			{[]string{medium, long}, "\x01\xFF" + medium + "\x02\x00\x00\x00\x00\x00\x00\x01\x00" + long},
			{[]string{long, "A"}, "\x03\x00\x00\x00\x00\x00\x00\x01\x00" + long + "\x00\x01A"},
			{[]string{huge}, "\x02\x00\x00\x00\x00\x00\x01\x11\x70" + huge},
		} {
			say(t, s, c.frames...)
			if got := string(p.recv(len(c.octets))); got != c.octets {
				t.Fatalf("came %.40q, want %.40q", got, c.octets)
			}
			p.send([]byte(c.octets))
			expectHeard(t, s, c.frames...)
		}
	})
}

// TestRFC37_Heartbeat_PongEchoesContext: a PING of up to 16 octets of context
// is answered with these, also between the frames of a message; a longer one
// with the first 16, as libzmq has it.
func TestRFC37_Heartbeat_PongEchoesContext(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16} {
		context := strings.Repeat("\x00c", 8)[:n]
		ping := append([]byte{4, byte(7 + n)}, "\x04PING\x00\x00"+context...)
		pong := string([]byte{4, byte(5 + n)}) + "\x04PONG" + context
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.PULL)
			p := r.peer(s)
			p.handshake("PUSH")
			for _, before := range []string{"", "\x01\x01A", "\x01\x01A\x01\x00"} {
				p.send([]byte(before))
				p.send(ping)
				if got := string(p.recv(len(pong))); got != pong {
					t.Fatalf("came %q, want %q", got, pong)
				}
			}
			p.send([]byte("\x00\x01Z"))
			expectHeard(t, s, "A", "A", "", "Z")
		})
	}
	bothRoles(t, func(t *testing.T, r *wireRole) {
		p := r.peer(r.socket(zmq.PULL))
		p.handshake("PUSH")
		p.sendCommand(wire.NamePing, "\x00\x00"+strings.Repeat("c", 55))
		want := "\x04\x15\x04PONG" + strings.Repeat("c", 16)
		if got := string(p.recv(len(want))); got != want {
			t.Fatalf("came %q, want %q", got, want)
		}
	})
}
