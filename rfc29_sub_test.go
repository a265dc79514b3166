package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// RFC 29 "The SUB Socket Type", and what it has in common with RFC 29 "The XSUB
// Socket Type".

var subKind = kind{typ: zmq.SUB, peer: zmq.PUB, receives: true, subscribed: true}

func TestRFC29_SUB_QueuePerPeer(t *testing.T)            { testQueuePerPeer(t, subKind) }
func TestRFC29_SUB_QueueBeforeConnection(t *testing.T)   { testQueueBeforeConnection(t, subKind) }
func TestRFC29_SUB_QueueOutlivesConnection(t *testing.T) { testQueueOutlivesConnection(t, subKind) }
func TestRFC29_SUB_QueueOnAccept(t *testing.T)           { testQueueOnAccept(t, subKind) }
func TestRFC29_SUB_PeerGone(t *testing.T)                { testPeerGone(t, subKind) }
func TestRFC29_SUB_FullQueueDrops(t *testing.T)          { testSurplusDropped(t, subKind) }
func TestRFC29_SUB_FairQueue(t *testing.T)               { testFairQueue(t, subKind) }
func TestRFC29_SUB_Unmodified(t *testing.T)              { testUnmodified(t, subKind) }

// TestRFC29_SUB_OnlyReceives: there is no way to send, not even a subscription.
func TestRFC29_SUB_OnlyReceives(t *testing.T) {
	eachJoinOf(t, zmq.SUB, func(t *testing.T, s, peer *zmq.Socket, endpoint string) {
		b, err := peer.Bind(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Connect(b.Endpoint()); err != nil {
			t.Fatal(err)
		}
		awaitPeers(t, s, 1)
		m := zmq.MsgFromStrings("\x01A")
		for _, err := range []error{s.Send(t.Context(), m.Frames...), s.TrySend(m.Frames...), s.SendMsg(t.Context(), &m)} {
			if !errors.Is(err, zmq.ErrNotSupported) {
				t.Errorf("sending: %v", err)
			}
		}
		if len(m.Frames) != 1 {
			t.Error("SendMsg took the message")
		}
		if s.Ready()&zmq.CanSend != 0 {
			t.Error("Ready says that a message would be taken")
		}
	})
}

// TestRFC29_SUB_Delivers: what was subscribed to, and nothing else, though the
// publisher sends it.
func TestRFC29_SUB_Delivers(t *testing.T) {
	testDelivers(t, subKind)
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.SUB)
		p := r.peer(s)
		p.handshake("PUB")
		awaitPeers(t, s, 1)
		p.sendMsg("A0")
		if err := s.Subscribe("A"); err != nil {
			t.Fatal(err)
		}
		p.expectTopic("SUBSCRIBE", "A")
		p.sendMsg("B", "A")
		p.sendMsg("")
		p.sendMsg("A1", "B")
		expectHeard(t, s, "A0")
		expectHeard(t, s, "A1", "B")
		expectNone(t, s)
	})
}

// testSurplusDropped: a subscriber that is not read stops to read at its mark,
// and a publisher goes on and drops the rest.
func testSurplusDropped(t *testing.T, k kind) {
	inBubble(t, k, "pipe", func(st *stage) {
		s := st.socket(small...)
		p := st.comes(s, "a").(*rawFar)
		all := numbers(0, 100)
		for _, m := range all {
			p.say(m...)
		}
		synctest.Wait()
		if waiting := len(p.out); waiting < len(all)/2 {
			st.Fatalf("of %d messages %d wait to be read", len(all), waiting)
		}
		st.recvs(s, all...)
	})
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://surplus"} {
		t.Run(endpoint, func(t *testing.T) {
			st := newStage(t, k, "")
			large := strings.Repeat("L", 100_000)
			s := st.subscribing(st.open(k.typ, zmq.WithRecvHWM(4), zmq.WithRecvBuffer(4096)))
			pub := st.open(zmq.PUB, zmq.WithSendHWM(4), zmq.WithSendBuffer(4096))
			st.connect(s, st.bindAt(pub, endpoint))
			awaitSubscribers(t, pub, "", 1)
			var all [][]string
			for i := range 300 {
				m := []string{fmt.Sprint(i), large}
				st.send(pub, "", m...)
				all = append(all, m)
			}
			if err := pub.Set(zmq.WithXPubNoDrop(true)); err != nil {
				t.Fatal(err)
			}
			last := st.beside(pub, "", "last")
			var got [][]string
			for m := hear(t, s); !slices.Equal(m, []string{"last"}); m = hear(t, s) {
				got = append(got, m)
			}
			last.returns(nil)
			st.someOf(got, all)
		})
	}
}
