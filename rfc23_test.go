package zmq_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// What RFC 23 has and RFC 37 has not, or differently. The rest of it is held by
// the tests of RFC 37.

// TestRFC23_Version_30Accepted: a peer of 3.0 gets messages as ever, and
// subscriptions as messages.
func TestRFC23_Version_30Accepted(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		if got := accepted(t, r, greeting(3, 0, "NULL")).Version(); got != "3.0" {
			t.Errorf("the version is %q", got)
		}
	})
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.XSUB)
		if err := s.Subscribe("A"); err != nil {
			t.Fatal(err)
		}
		p := r.peer(s)
		p.handshake30("XPUB")
		p.expect("00 02 01 41")
		say(t, s, "B", "")
		p.expect("01 01 42 00 00")
		p.sendMsg("A", "")
		expectHeard(t, s, "A", "")
	})
}

// TestRFC23_NULL_BothSendReady: the handshake ends when both have.
func TestRFC23_NULL_BothSendReady(t *testing.T) {
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.PUSH, zmq.WithHandshakeTimeout(100*time.Millisecond))
		p := r.peer(s)
		p.greet(greeting(3, 0, "NULL"))
		if r.dials != nil {
			p.expectReady()
		}
		p.expectEnd() // ours alone is not enough
		p = r.again(s)
		p.handshake30("PULL")
		say(t, s, "then")
		p.expectMsg("then")
	})
}

// TestRFC23_NULL_ReadyWithoutWaiting: who connects does not wait for the
// peer's READY. Who is bound answers it, as RFC 37 has it, and takes it whenever
// it comes.
func TestRFC23_NULL_ReadyWithoutWaiting(t *testing.T) {
	connecting(t, func(t *testing.T, r *wireRole) {
		p := r.peer(r.socket(zmq.REQ))
		p.greet(greeting(3, 0, "NULL"))
		p.expectReady()
		p.expectSilence(time.Second)
		p.sendReady("Socket-Type", "REP")
		p.sync()
	})
	t.Run("bound", func(t *testing.T) {
		r := &wireRole{t: t}
		p := r.peer(r.socket(zmq.REP))
		p.send(greeting(3, 0, "NULL"))
		p.sendReady("Socket-Type", "REQ")
		p.recv(64)
		p.expectReady()
		p.sync()
	})
}

// TestRFC23_PubSub_SubscribeMessage: the octet 1 and the topic, towards a peer
// of 3.0, and from a peer of 3.0 or 3.1.
func TestRFC23_PubSub_SubscribeMessage(t *testing.T) {
	eachSubscriber(t, func(t *testing.T, r *wireRole, typ zmq.Type, peer string) {
		s := r.socket(typ)
		p := r.peer(s)
		p.handshake30(peer)
		awaitPeers(t, s, 1)
		if err := s.Subscribe("", "A", "\x00"); err != nil {
			t.Fatal(err)
		}
		p.expect("00 01 01" + "00 02 01 41" + "00 02 01 00")
		p.sync()
	})
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.sendMsg("\x01A")
		p.sync()
		say(t, s, "B")
		say(t, s, "A1")
		p.expectMsg("A1")
	})
}

// TestRFC23_PubSub_UnsubscribeMessage: the octet 0 and the topic.
func TestRFC23_PubSub_UnsubscribeMessage(t *testing.T) {
	eachSubscriber(t, func(t *testing.T, r *wireRole, typ zmq.Type, peer string) {
		s := r.socket(typ)
		if err := s.Subscribe("", "A", "B"); err != nil {
			t.Fatal(err)
		}
		p := r.peer(s)
		p.handshake30(peer)
		p.recv(len("\x00\x01\x01" + "\x00\x02\x01A" + "\x00\x02\x01B"))
		if err := s.Unsubscribe("A", ""); err != nil {
			t.Fatal(err)
		}
		p.expect("00 02 00 41" + "00 01 00")
		p.sync()
	})
	eachPublisher(t, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.sendMsg("\x01A")
		p.sendMsg("\x01B")
		p.sendMsg("\x00A")
		p.sync()
		say(t, s, "A1")
		say(t, s, "B1")
		p.expectMsg("B1")
	})
}

// eachSubscriber runs a test for both types and roles of a subscriber.
func eachSubscriber(t *testing.T, f func(t *testing.T, r *wireRole, typ zmq.Type, peer string)) {
	t.Helper()
	for typ, peer := range map[zmq.Type]string{zmq.SUB: "XPUB", zmq.XSUB: "PUB"} {
		t.Run(typ.String(), func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) { f(t, r, typ, peer) })
		})
	}
}

// eachPublisher runs a test for both types and roles of a publisher, against a
// subscriber of 3.0 and of 3.1.
func eachPublisher(t *testing.T, f func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer)) {
	t.Helper()
	for _, typ := range []zmq.Type{zmq.PUB, zmq.XPUB} {
		t.Run(typ.String(), func(t *testing.T) { eachSubscriberOf(t, typ, f) })
	}
}

// eachSubscriberOf runs a test with a publisher of a type, in both roles,
// against a subscriber of 3.0 and of 3.1.
func eachSubscriberOf(t *testing.T, typ zmq.Type, f func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer)) {
	t.Helper()
	for minor, peer := range []string{"XSUB", "SUB"} {
		t.Run(fmt.Sprintf("%s 3.%d", peer, minor), func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(typ)
				p := r.peer(s)
				p.handshakeAs(greeting(3, byte(minor), "NULL"), peer)
				f(t, r, s, p)
			})
		})
	}
}
