package zmq_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// RFC 37 "Version Negotiation", RFC 37 "Topology", RFC 37 "Authentication and
// Confidentiality", RFC 37 "Error Handling", RFC 37 "Security Considerations".
// RFC 23 has the same words under the same headings.

// oldGreetings are the first octets of peers that are too old: as many as it
// takes to know them.
var oldGreetings = map[string][]byte{
	"1.0": {0x01, 0x00},
	"2.0": {0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, 0x01},
}

// withRest is the whole of a greeting of which g is the start.
func withRest(g []byte) []byte { return append(g[:len(g):len(g)], make([]byte, 64-len(g))...) }

// accepted holds a socket to serve a peer with this greeting as one of 3.x, and
// returns what it says of the peer.
func accepted(t *testing.T, r *wireRole, g []byte) zmq.Peer {
	t.Helper()
	s := r.socket(zmq.PULL)
	p := r.peer(s)
	p.handshakeAs(g, "PUSH")
	p.sendMsg("served")
	m, err := s.Recv(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(m.Frames); len(got) != 1 || got[0] != "served" {
		t.Fatalf("received %q", got)
	}
	return m.Peer()
}

// refused holds a socket to say no more than its greeting to a peer that
// sends these octets, to end the connection, and to serve the next one.
func refused(t *testing.T, r *wireRole, octets []byte, opts ...zmq.Option) {
	t.Helper()
	s := r.socket(zmq.PULL, opts...)
	p := r.peer(s)
	p.greet(octets)
	p.expectEnd()
	p = r.again(s)
	p.handshake("PUSH")
	p.sendMsg("served")
	expectHeard(t, s, "served")
}

// TestRFC37_Version_DowngradeByFirstOctets: 3.0 and 3.1 are told from older
// versions, which can't be spoken, by the first 11 octets or fewer.
func TestRFC37_Version_DowngradeByFirstOctets(t *testing.T) {
	for version, octets := range oldGreetings {
		t.Run(version, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) { refused(t, r, octets) })
		})
	}
	for version, g := range map[string][]byte{"3.0": greeting(3, 0, "NULL"), "3.1": greeting(3, 1, "NULL")} {
		t.Run(version, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				if got := accepted(t, r, g).Version(); got != version {
					t.Errorf("the version is %q", got)
				}
			})
		})
	}
}

// TestRFC37_Version_WholeGreetingAtOnce: a silent peer gets 64 octets.
func TestRFC37_Version_WholeGreetingAtOnce(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		p := r.peer(r.socket(zmq.DEALER, zmq.WithLeastVersion("3.0"), zmq.WithHandshakeTimeout(100*time.Millisecond)))
		p.expect("FF 0000000000000000 7F 03 01" +
			"4E554C4C 00000000000000000000000000000000" + // NULL
			"00" + // as-server
			"00000000000000000000000000000000000000000000000000000000000000")
		p.expectEnd()
	})
}

// TestRFC37_Version_WholeGreetingExpected: nothing follows on less than 64
// octets, and the peer has as long for them as for the whole handshake.
func TestRFC37_Version_WholeGreetingExpected(t *testing.T) {
	for _, n := range []int{1, 10, 11, 12, 32, 63} {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.DEALER, zmq.WithHandshakeTimeout(100*time.Millisecond))
			p := r.peer(s)
			p.greet(ours[:n])
			p.expectEnd()
			p = r.again(s)
			p.greet(ours[:n])
			p.endSending()
			p.expectEnd()
		})
	}
	t.Run("time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := &wireRole{t: t, dials: newWireDials(t)}
			p := r.peer(r.socket(zmq.DEALER, zmq.WithHandshakeTimeout(7*time.Second)))
			start := time.Now()
			p.greet(ours[:63])
			p.expectEnd()
			if took := time.Since(start); took != 7*time.Second {
				t.Errorf("it ended after %v", took)
			}
		})
	})
}

// TestRFC37_Version_PaddingIgnored: the eight octets of padding may be any, and
// so may the filler. Of the octet behind the padding one bit counts.
func TestRFC37_Version_PaddingIgnored(t *testing.T) {
	for name, padding := range map[string][]byte{
		"ones":             bytes.Repeat([]byte{0xFF}, 8),
		"length of 1.0":    {0, 0, 0, 0, 0, 0, 0, 1},
		"another protocol": []byte("GET / HT"),
	} {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				g := greeting(3, 1, "NULL")
				copy(g[1:9], padding)
				accepted(t, r, g)
			})
		})
	}
	t.Run("filler", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			accepted(t, r, append(ours[:33:33], bytes.Repeat([]byte{0xA5}, 31)...))
		})
	})
	t.Run("no signature", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			g := greeting(3, 1, "NULL")
			g[9] = 0x7E
			refused(t, r, g)
		})
	})
}

// higher are greetings of versions above 3.1.
var higher = []struct {
	name     string
	greeting []byte
}{
	{"3.2", greeting(3, 2, "NULL")},
	{"3.255", greeting(3, 255, "NULL")},
	{"4.0", greeting(4, 0, "NULL")},
	{"255.255", greeting(255, 255, "NULL")},
}

// TestRFC37_Version_HigherAccepted: a version above ours is as good as ours.
func TestRFC37_Version_HigherAccepted(t *testing.T) {
	for _, c := range higher {
		t.Run(c.name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				if got := accepted(t, r, c.greeting).Version(); got != "3.1" {
					t.Errorf("the version is %q", got)
				}
			})
		})
	}
}

// TestRFC37_Version_OwnProtocolToHigherPeer: what goes to a peer of a higher
// version is 3.1, to the octet.
func TestRFC37_Version_OwnProtocolToHigherPeer(t *testing.T) {
	for _, c := range append(higher, higher[0]) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			s := r.socket(zmq.XSUB)
			if err := s.Subscribe("A"); err != nil {
				t.Fatal(err)
			}
			p := r.peer(s)
			p.handshakeAs(c.greeting, "XPUB")
			p.expect("04 0B 09 535542534352494245 41") // SUBSCRIBE A
			say(t, s, "B", "")
			p.expect("01 01 42 00 00")
			p.sync()
		})
	}
}

// TestRFC37_Version_TooLowCloses: a peer below the least version gets the
// greeting and the end of the connection.
func TestRFC37_Version_TooLowCloses(t *testing.T) {
	for version, octets := range oldGreetings {
		t.Run(version, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) { refused(t, r, withRest(octets), zmq.WithLeastVersion("3.0")) })
		})
	}
	t.Run("3.0 below 3.1", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			refused(t, r, greeting(3, 0, "NULL"), zmq.WithLeastVersion("3.1"))
		})
	})
}

// TestRFC37_Topology_AsServerIgnored: with NULL, as-server may say anything.
func TestRFC37_Topology_AsServerIgnored(t *testing.T) {
	for _, octet := range []byte{1, 2, 255} {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			g := greeting(3, 1, "NULL")
			g[32] = octet
			accepted(t, r, g)
		})
	}
}

// TestRFC37_Mechanism_FullGreetingAnswered: who sends 64 octets gets 64, also
// if that is the end.
func TestRFC37_Mechanism_FullGreetingAnswered(t *testing.T) {
	for mechanism, ends := range map[string]bool{"NULL": false, "PLAIN": true, "CURVE": true} {
		t.Run(mechanism, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				p := r.peer(r.socket(zmq.DEALER))
				p.send(greeting(3, 1, mechanism))
				if got := p.recv(64); !bytes.Equal(got, ours) {
					t.Errorf("the greeting is %x", got)
				}
				if ends {
					p.expectEnd()
				}
			})
		})
	}
}

// TestRFC37_Mechanism_MismatchCloses: only NULL is NULL.
func TestRFC37_Mechanism_MismatchCloses(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "CURVE", "NULLS", "NUL", "", "null", "NULL\x00S", "XNULL"} {
		bothRoles(t, func(t *testing.T, r *wireRole) { refused(t, r, greeting(3, 1, mechanism)) })
	}
}

// TestRFC37_Error_FatalNoReconnect: an ERROR ends the connection, whenever it
// comes. NULL has no credentials to change, so it is tried again, but only
// after the longest interval.
func TestRFC37_Error_FatalNoReconnect(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.DEALER, zmq.WithReconnect(100*time.Millisecond), zmq.WithReconnectMax(10*time.Second))
		p := r.peer(s)
		p.greet(ours)
		if r.dials != nil {
			p.expectReady()
		}
		for _, behind := range []string{"greeting", "READY", "message"} {
			p.send(wire.AppendError(nil, "go away"))
			p.expectEnd()
			ended := time.Now()
			if p = r.again(s); r.dials != nil && time.Since(ended) < 10*time.Second {
				t.Errorf("dialled again %v after an ERROR behind the %s", time.Since(ended), behind)
			}
			p.handshake("DEALER")
			p.sendMsg("received before")
			expectHeard(t, s, "received before")
		}
	})
}

// TestRFC37_Error_CloseIsTemporary: a connection that ends, at whatever point,
// is dialled again: after the first interval, then after twice as long each
// time up to the longest, and up to half of it more at random. A handshake
// begins it anew.
func TestRFC37_Error_CloseIsTemporary(t *testing.T) {
	stages := []func(p *wirePeer){
		func(*wirePeer) {},
		func(p *wirePeer) { p.send(ours[:5]) },
		func(p *wirePeer) { p.send(ours[:11]); p.recv(64) },
		func(p *wirePeer) { p.greet(ours) },
		func(p *wirePeer) { p.greet(ours); p.expectReady() },
	}
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.DEALER, dials.dialer(), zmq.WithReconnect(100*time.Millisecond), zmq.WithReconnectMax(time.Second))
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		p := dials.accept()
		exact := true
		for round := range 3 {
			want := 100 * time.Millisecond
			for try := range 2 * len(stages) {
				stages[try%len(stages)](p)
				p.cut()
				ended := time.Now()
				p = dials.accept()
				took := time.Since(ended)
				if took < want || took > want*3/2 {
					t.Errorf("round %d: try %d came after %v, want %v to %v", round, try, took, want, want*3/2)
				}
				exact = exact && took == want
				want = min(2*want, time.Second)
			}
			p.handshake("DEALER")
			p.sync()
		}
		if exact {
			t.Error("nothing is added at random")
		}
	})
	t.Run("bound", func(t *testing.T) {
		r := &wireRole{t: t}
		s := r.socket(zmq.DEALER)
		for range 3 {
			for _, stage := range stages[:4] {
				p := r.peer(s)
				stage(p)
				p.cut()
			}
			p := r.peer(s)
			p.handshake("DEALER")
			p.sync()
			p.cut()
		}
	})
}

// TestRFC37_Security_NoDowngrade: neither an older version nor a weaker
// mechanism can be talked into, and what began as 3.x goes on as that.
func TestRFC37_Security_NoDowngrade(t *testing.T) {
	t.Run("forged version", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, r *wireRole) {
			refused(t, r, greeting(3, 0, "NULL"), zmq.WithLeastVersion("3.1"))
		})
		for _, octets := range oldGreetings {
			bothRoles(t, func(t *testing.T, r *wireRole) { refused(t, r, withRest(octets)) })
		}
	})
	t.Run("mechanism", func(t *testing.T) {
		bothRoles(t, func(t *testing.T, r *wireRole) { refused(t, r, greeting(3, 1, "PLAIN")) })
	})
	for name, octets := range map[string][]byte{
		"identity of 1.0": {0x01, 0x00},
		"identity of 2.0": {0x00, 0x00},
		"message":         {0x00, 0x01, 'A'},
	} {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.PULL)
				p := r.peer(s)
				p.greet(ours)
				if r.dials != nil {
					p.expectReady()
				}
				p.send(append(octets, 0x00, 0x01, 'A'))
				p.expectEnd()
				if _, err := s.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
					t.Errorf("received: %v", err)
				}
			})
		})
	}
	if _, err := zmq.New(zmq.PULL, zmq.WithLeastVersion("2.0")); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a least version of 2.0: %v", err)
	}
}
