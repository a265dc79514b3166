package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// RFC 29 "The XSUB Socket Type". What it has in common with SUB is in
// rfc29_sub_test.go.

var (
	// xsubKind is an XSUB that receives, xsubOutKind one that sends.
	xsubKind    = kind{typ: zmq.XSUB, peer: zmq.PUB, receives: true, subscribed: true}
	xsubOutKind = kind{typ: zmq.XSUB, peer: zmq.XPUB, sends: true, drops: true}
)

func TestRFC29_XSUB_QueuePerPeer(t *testing.T) {
	t.Run("in", func(t *testing.T) { testQueuePerPeer(t, xsubKind) })
	t.Run("out", func(t *testing.T) { testDropsForOne(t, xsubOutKind) })
}

func TestRFC29_XSUB_QueueBeforeConnection(t *testing.T) {
	t.Run("in", func(t *testing.T) { testQueueBeforeConnection(t, xsubKind) })
	t.Run("out", func(t *testing.T) {
		inBubbles(t, xsubOutKind, func(st *stage) {
			s := st.socket(small...)
			appear := st.reaches(s, "a")
			for _, m := range numbers(0, 10) {
				st.send(s, "", m...)
			}
			if got := appear().rest(); !slices.EqualFunc(got, numbers(0, 4), slices.Equal) {
				st.Fatalf("%q came", got)
			}
		})
	})
}

func TestRFC29_XSUB_QueueOutlivesConnection(t *testing.T) {
	t.Run("in", func(t *testing.T) { testQueueOutlivesConnection(t, xsubKind) })
	t.Run("out", func(t *testing.T) { testQueueOutlivesConnection(t, xsubOutKind) })
}

func TestRFC29_XSUB_QueueOnAccept(t *testing.T) {
	t.Run("in", func(t *testing.T) { testQueueOnAccept(t, xsubKind) })
	t.Run("out", func(t *testing.T) { testQueueOnAccept(t, xsubOutKind) })
}

func TestRFC29_XSUB_PeerGone(t *testing.T) {
	t.Run("in", func(t *testing.T) { testPeerGone(t, xsubKind) })
	t.Run("out", func(t *testing.T) { testPeerGone(t, xsubOutKind) })
}

func TestRFC29_XSUB_Unmodified(t *testing.T)        { testUnmodified(t, xsubKind) }
func TestRFC29_XSUB_FullQueueDrops(t *testing.T)    { testSurplusDropped(t, xsubKind) }
func TestRFC29_XSUB_FairQueue(t *testing.T)         { testFairQueue(t, xsubKind) }
func TestRFC29_XSUB_SendUnmodified(t *testing.T)    { testUnmodified(t, xsubOutKind) }
func TestRFC29_XSUB_FullOutgoingDrops(t *testing.T) { testDropsWhole(t, xsubOutKind) }
func TestRFC29_XSUB_SendNeverBlocks(t *testing.T)   { testSendNeverBlocks(t, xsubOutKind) }

// TestRFC29_XSUB_Delivers: whatever the publisher sends, asked for or not.
func TestRFC29_XSUB_Delivers(t *testing.T) {
	testDelivers(t, xsubKind)
	bothRoles(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.XSUB)
		p := r.peer(s)
		p.handshake("PUB")
		p.sendMsg("unasked")
		expectHeard(t, s, "unasked")
	})
}

// TestRFC29_XSUB_SendsToAll: to each publisher, each message.
func TestRFC29_XSUB_SendsToAll(t *testing.T) {
	onLinks(t, xsubOutKind, func(st *stage) {
		s := st.socket()
		var fars []far
		for i := range 3 {
			fars = append(fars, st.comes(s, fmt.Sprint(i)))
			for _, m := range oneTwoThree {
				st.send(s, "", m...)
			}
			for _, f := range fars {
				st.hears(f, oneTwoThree...)
			}
		}
	})
}

// topicForms are the ways to subscribe and to end it.
var topicForms = map[string]func(s *zmq.Socket, topic string, add bool) error{
	"messages": func(s *zmq.Socket, topic string, add bool) error {
		return s.TrySend([]byte(map[bool]string{true: "\x01", false: "\x00"}[add] + topic))
	},
	"calls": func(s *zmq.Socket, topic string, add bool) error {
		if add {
			return s.Subscribe(topic)
		}
		return s.Unsubscribe(topic)
	},
}

// TestRFC29_XSUB_AcceptsSubscriptions: as messages of one frame and by calls,
// which count together. A message of more frames is none.
func TestRFC29_XSUB_AcceptsSubscriptions(t *testing.T) {
	for began, begin := range topicForms {
		for ended, end := range topicForms {
			t.Run(began+" and "+ended, func(t *testing.T) {
				joined(t, zmq.XPUB, zmq.XSUB, "inproc://accepts", func(pub, sub *zmq.Socket) {
					if err := errors.Join(begin(sub, "A", true), end(sub, "A", true), end(sub, "", true), begin(sub, "A", false)); err != nil {
						t.Fatal(err)
					}
					expectHeard(t, pub, "\x01A")
					expectHeard(t, pub, "\x01")
					expectNone(t, pub)
					if err := end(sub, "A", false); err != nil {
						t.Fatal(err)
					}
					expectHeard(t, pub, "\x00A")
					say(t, sub, "\x01A", "")
					expectHeard(t, pub, "\x01A", "")
					say(t, sub, "")
					expectHeard(t, pub, "")
				})
			})
		}
	}
}

// TestRFC29_XSUB_SendsSubscriptions: as commands to peers of 3.1 and as messages
// to those of 3.0, in the order in which they were made; all that hold then to a
// publisher that comes later, and to one that comes back, before anything else.
func TestRFC29_XSUB_SendsSubscriptions(t *testing.T) {
	for name, form := range topicForms {
		t.Run(name, func(t *testing.T) {
			bothRoles(t, func(t *testing.T, r *wireRole) {
				s := r.socket(zmq.XSUB)
				p := r.peer(s)
				p.handshake("XPUB")
				awaitPeers(t, s, 1)
				change := func(topic string, add bool) {
					if err := form(s, topic, add); err != nil {
						t.Fatal(err)
					}
				}
				change("B", true)
				change("A", true)
				say(t, s, "between")
				change("B", false)
				p.expectTopic(wire.NameSubscribe, "B")
				p.expectTopic(wire.NameSubscribe, "A")
				p.expectMsg("between")
				p.expectTopic(wire.NameCancel, "B")

				later := r.peer(s)
				later.handshake30("PUB")
				later.expectMsg("\x01A")
				later.sync()
				later.cut()

				p.cut()
				p = r.again(s)
				p.handshake("XPUB")
				p.expectTopic(wire.NameSubscribe, "A")
				p.sync()
			})
		})
	}
	connecting(t, func(t *testing.T, r *wireRole) {
		s := r.socket(zmq.XSUB)
		p := r.peer(s)
		say(t, s, "queued")
		if err := errors.Join(s.Subscribe("A", "B"), s.Unsubscribe("A")); err != nil {
			t.Fatal(err)
		}
		p.handshake("XPUB")
		p.expectTopic(wire.NameSubscribe, "B")
		p.expectMsg("queued")
	})
}
