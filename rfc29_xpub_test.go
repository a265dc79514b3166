package zmq_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

// RFC 29 "The XPUB Socket Type". What it has in common with PUB is in
// rfc29_pub_test.go.

var (
	// xpubKind is an XPUB that sends, xpubInKind one that receives.
	xpubKind   = kind{typ: zmq.XPUB, peer: zmq.SUB, sends: true, drops: true, subscribed: true}
	xpubInKind = kind{typ: zmq.XPUB, peer: zmq.XSUB, receives: true}
)

func TestRFC29_XPUB_QueuePerPeer(t *testing.T) {
	t.Run("out", func(t *testing.T) { testDropsForOne(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testQueuePerPeer(t, xpubInKind) })
}

func TestRFC29_XPUB_QueueBeforeConnection(t *testing.T) {
	t.Run("out", func(t *testing.T) { testEarlyPublisher(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testQueueBeforeConnection(t, xpubInKind) })
}

func TestRFC29_XPUB_QueueOutlivesConnection(t *testing.T) {
	t.Run("out", func(t *testing.T) { testQueueOutlivesConnection(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testQueueOutlivesConnection(t, xpubInKind) })
}

func TestRFC29_XPUB_QueueOnAccept(t *testing.T) {
	t.Run("out", func(t *testing.T) { testQueueOnAccept(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testQueueOnAccept(t, xpubInKind) })
}

func TestRFC29_XPUB_PeerGone(t *testing.T) {
	t.Run("out", func(t *testing.T) { testPeerGone(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testPeerGone(t, xpubInKind) })
}

func TestRFC29_XPUB_Unmodified(t *testing.T) {
	t.Run("out", func(t *testing.T) { testUnmodified(t, xpubKind) })
	t.Run("in", func(t *testing.T) { testUnmodified(t, xpubInKind) })
}

func TestRFC29_XPUB_BinaryPrefix(t *testing.T)       { testBinaryPrefix(t, zmq.XPUB) }
func TestRFC29_XPUB_SendNeverBlocks(t *testing.T)    { testSendNeverBlocks(t, xpubKind) }
func TestRFC29_XPUB_TakesSubscriptions(t *testing.T) { testTakesSubscriptions(t, zmq.XPUB) }

// TestRFC29_XPUB_FullQueueDrops: unless the option says that nothing is to be
// dropped: then Send waits for the slowest.
func TestRFC29_XPUB_FullQueueDrops(t *testing.T) {
	testDropsWhole(t, xpubKind)
	for _, k := range []kind{xpubKind, pubKind} {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(append(small, zmq.WithXPubNoDrop(true))...)
			a, b := st.comes(s, "a"), st.comes(s, "b")
			n := st.fill(s, "")
			b.rest()
			st.refused(s, "", zmq.ErrAgain)
			late := st.beside(s, "", "late")
			late.waits()
			want := append(numbers(0, n), []string{"late"})
			if got := a.rest(); !slices.EqualFunc(got, want, slices.Equal) {
				st.Fatalf("%q came, want %q", got, want)
			}
			late.returns(nil)
			st.hears(b, []string{"late"})
		})
	}
}

// TestRFC29_XPUB_FairQueue: messages and subscriptions come in the order of
// their arrival, so that a subscription and its end, of two peers, keep theirs.
// Each peer has room of its own: one that floods the socket costs the others none.
func TestRFC29_XPUB_FairQueue(t *testing.T) {
	onLinks(t, xpubInKind, func(st *stage) {
		s := st.socket(zmq.WithRecvHWM(10))
		a, b := st.comes(s, "a"), st.comes(s, "b")
		for range 100 {
			a.say("flood")
		}
		a.arrived()
		says(b, oneTwoThree...)
		var fromB [][]string
		for len(fromB) < len(oneTwoThree) {
			if _, m := st.recv(s); m[0] != "flood" {
				fromB = append(fromB, m)
			}
		}
		if !slices.EqualFunc(fromB, oneTwoThree, slices.Equal) {
			st.Errorf("from b came %q", fromB)
		}
		for range 10 {
			says(a, []string{"a"})
			says(b, []string{"b"})
			st.recvs(s, []string{"a"}, []string{"b"})
		}
	})
}

// TestRFC29_XPUB_Delivers: what is no subscription, as it came.
func TestRFC29_XPUB_Delivers(t *testing.T) {
	testDelivers(t, xpubInKind)
	messages := [][]string{
		{"hello"}, {""}, {"\x02A"}, {"\x01A", ""}, {"\x00A", "B"}, {"", "\x01A"}, {strings.Repeat("large", 50_000)},
	}
	eachSubscriberOf(t, zmq.XPUB, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		for _, m := range messages {
			p.sendMsg(m...)
		}
		for _, m := range messages {
			expectHeard(t, s, m...)
		}
	})
	joined(t, zmq.XPUB, zmq.XSUB, "inproc://delivers", func(pub, sub *zmq.Socket) {
		for _, m := range messages {
			say(t, sub, m...)
			expectHeard(t, pub, m...)
		}
	})
}

// TestRFC29_XPUB_DeliversSubscriptions: each topic when the first peer wants it
// and when the last does no more, or every time if the option says so.
func TestRFC29_XPUB_DeliversSubscriptions(t *testing.T) {
	for name, c := range map[string]struct {
		opt  zmq.Option
		want []string
	}{
		"once":     {zmq.WithXPubVerbose(false), []string{"\x01A", "\x01", "\x01B", "\x00", "\x00A"}},
		"verbose":  {zmq.WithXPubVerbose(true), []string{"\x01A", "\x01A", "\x01A", "\x01", "\x01B", "\x00", "\x00A"}},
		"verboser": {zmq.WithXPubVerboser(true), []string{"\x01A", "\x01A", "\x01A", "\x01", "\x01B", "\x00", "\x00A", "\x00A"}},
	} {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.XPUB, c.opt)
				a, b := r.peer(s), r.peer(s)
				a.handshake("SUB")
				b.handshake30("XSUB")
				a.subscribe("A", "A")
				b.sendMsg("\x01A")
				b.sendMsg("\x01")
				b.sync()
				a.subscribe("B")
				b.sendMsg("\x00")
				b.sendMsg("\x00A")
				b.sendMsg("\x00A")
				b.sendMsg("\x00never")
				b.sync()
				a.sendCommand("CANCEL", "A")
				a.sync()
				for _, m := range c.want {
					expectHeard(t, s, m)
				}
				expectNone(t, s)
			})
		})
	}
	joined(t, zmq.XPUB, zmq.SUB, "inproc://delivers", func(pub, sub *zmq.Socket) {
		if err := errors.Join(sub.Subscribe("A", ""), sub.Unsubscribe("A")); err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"\x01A", "\x01", "\x00A"} {
			expectHeard(t, pub, m)
		}
	})
}

// TestRFC29_XPUB_UnsubscribesTheLost: for each topic that only the lost peer
// wanted. A connection that the socket made itself is expected back, with what
// was queued for it: its topics end when it has said what it wants now, or with
// Disconnect.
func TestRFC29_XPUB_UnsubscribesTheLost(t *testing.T) {
	for name, lose := range map[string]func(p *wirePeer){"cut": (*wirePeer).cut, "end": (*wirePeer).end} {
		t.Run(name, func(t *testing.T) {
			r := &wireRole{t: t}
			s := r.socket(zmq.XPUB)
			a, b := r.peer(s), r.peer(s)
			a.handshake("SUB")
			b.handshake30("SUB")
			a.subscribe("A", "B", "")
			b.subscribe("B")
			for _, m := range []string{"\x01A", "\x01B", "\x01"} {
				expectHeard(t, s, m)
			}
			lose(a)
			got := append(hear(t, s), hear(t, s)...)
			if slices.Sort(got); !slices.Equal(got, []string{"\x00", "\x00A"}) {
				t.Errorf("received %q", got)
			}
			lose(b)
			expectHeard(t, s, "\x00B")
		})
	}
	joined(t, zmq.XPUB, zmq.SUB, "inproc://lost", func(pub, sub *zmq.Socket) {
		if err := sub.Subscribe("A"); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, pub, "\x01A")
		sub.Close()
		expectHeard(t, pub, "\x00A")
	})
	connecting(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.XPUB)
		p := r.peer(s)
		p.handshake("SUB")
		p.subscribe("A", "B")
		expectHeard(t, s, "\x01A")
		expectHeard(t, s, "\x01B")
		p.cut()
		p = r.again(s)
		p.handshake("SUB")
		p.sync()
		expectNone(t, s)
		p.subscribe("B")
		for _, m := range []string{"\x00A", "\x00B", "\x01B"} {
			expectHeard(t, s, m)
		}
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, s, "\x00B")
	})
}
