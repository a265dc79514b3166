package zmq_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// RFC 29 "The PUB Socket Type", and what it has in common with RFC 29 "The XPUB
// Socket Type".

var pubKind = kind{typ: zmq.PUB, peer: zmq.SUB, sends: true, drops: true, subscribed: true}

func TestRFC29_PUB_QueuePerPeer(t *testing.T)            { testDropsForOne(t, pubKind) }
func TestRFC29_PUB_QueueBeforeConnection(t *testing.T)   { testEarlyPublisher(t, pubKind) }
func TestRFC29_PUB_QueueOutlivesConnection(t *testing.T) { testQueueOutlivesConnection(t, pubKind) }
func TestRFC29_PUB_QueueOnAccept(t *testing.T)           { testQueueOnAccept(t, pubKind) }
func TestRFC29_PUB_PeerGone(t *testing.T)                { testPeerGone(t, pubKind) }
func TestRFC29_PUB_Unmodified(t *testing.T)              { testUnmodified(t, pubKind) }
func TestRFC29_PUB_BinaryPrefix(t *testing.T)            { testBinaryPrefix(t, zmq.PUB) }
func TestRFC29_PUB_FullQueueDrops(t *testing.T)          { testDropsWhole(t, pubKind) }
func TestRFC29_PUB_SendNeverBlocks(t *testing.T)         { testSendNeverBlocks(t, pubKind) }
func TestRFC29_PUB_TakesSubscriptions(t *testing.T)      { testTakesSubscriptions(t, zmq.PUB) }

// TestRFC29_PUB_OnlySends: there is no way to receive.
func TestRFC29_PUB_OnlySends(t *testing.T) {
	receivesNothing(t, open(t, zmq.PUB))
}

func receivesNothing(t *testing.T, s *zmq.Socket) {
	t.Helper()
	var m zmq.Msg
	_, recv := s.Recv(t.Context())
	_, try := s.TryRecv()
	for _, err := range []error{recv, try, s.RecvInto(t.Context(), &m)} {
		if !errors.Is(err, zmq.ErrNotSupported) {
			t.Errorf("receiving: %v", err)
		}
	}
	for m, err := range s.Msgs(t.Context()) {
		if !errors.Is(err, zmq.ErrNotSupported) {
			t.Errorf("receiving: %v, %v", m, err)
		}
	}
	if s.Ready()&zmq.CanRecv != 0 {
		t.Error("Ready says that there is something to receive")
	}
}

// TestRFC29_PUB_DiscardsIncoming: what is no subscription has no effect.
func TestRFC29_PUB_DiscardsIncoming(t *testing.T) {
	eachSubscriberOf(t, zmq.PUB, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.subscribe("mark")
		p.sendMsg("hello")
		p.sendMsg("")
		p.sendMsg("\x02A")
		p.sendMsg("\x01A", "")
		p.sendMsg("\x00mark", "")
		p.sendMsg(strings.Repeat("large", 50_000))
		p.sync()
		published(t, s, p, []string{"A", "hello", "mark"}, []string{"mark"})
		receivesNothing(t, s)
	})
	joined(t, zmq.PUB, zmq.XSUB, "inproc://discards", func(pub, sub *zmq.Socket) {
		if err := sub.Subscribe("mark"); err != nil {
			t.Fatal(err)
		}
		for range 2000 { // more than queues hold
			say(t, sub, "hello")
		}
		say(t, sub, "\x01A", "")
		say(t, pub, "A")
		say(t, pub, "mark")
		expectHeard(t, sub, "mark")
		receivesNothing(t, pub)
	})
}

// TestRFC29_PUB_HidesSubscriptions: they count, and nobody is told.
func TestRFC29_PUB_HidesSubscriptions(t *testing.T) {
	eachSubscriberOf(t, zmq.PUB, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
		p.sendMsg("\x01A")
		p.subscribe("B")
		receivesNothing(t, s)
		published(t, s, p, []string{"A", "B"}, []string{"A", "B"})
	})
	joined(t, zmq.PUB, zmq.SUB, "inproc://hides", func(pub, sub *zmq.Socket) {
		if err := sub.Subscribe("A"); err != nil {
			t.Fatal(err)
		}
		awaitSubscribers(t, pub, "A", 1)
		receivesNothing(t, pub)
	})
}

// joined runs a test with two sockets, of which the first is bound.
func joined(t *testing.T, a, b zmq.Type, endpoint string, f func(a, b *zmq.Socket)) {
	t.Helper()
	domain := zmq.WithDomain(zmq.NewDomain())
	first, second := open(t, a, domain), open(t, b, domain)
	bound, err := first.Bind(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Connect(bound.Endpoint()); err != nil {
		t.Fatal(err)
	}
	awaitPeers(t, first, 1)
	awaitPeers(t, second, 1)
	f(first, second)
}

// someOf wants that a full queue of four gave some of the messages, in order.
func (st *stage) someOf(got, all [][]string) {
	st.Helper()
	if len(got) < 4 || len(got) >= len(all) {
		st.Fatalf("%d of %d messages came", len(got), len(all))
	}
	for _, m := range got {
		i := slices.IndexFunc(all, func(other []string) bool { return slices.Equal(m, other) })
		if i < 0 {
			st.Fatalf("%.200q (%d frames) came, out of turn or changed", m, len(m))
		}
		all = all[i+1:]
	}
}

// testDropsForOne: a peer that does not read loses messages, and costs another
// one none.
func testDropsForOne(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		const n = 100
		s := st.socket(small...)
		a, b := st.comes(s, "a"), st.comes(s, "b")
		for _, m := range numbers(0, n) {
			st.send(s, "", m...)
			st.hears(b, m)
		}
		st.someOf(a.rest(), numbers(0, n))
		st.send(s, "", "again")
		st.hears(a, []string{"again"})
		st.hears(b, []string{"again"})
	})
}

// testDropsWhole: what does not fit into a queue is dropped with all its
// frames, the small and the large.
func testDropsWhole(t *testing.T, k kind) {
	large := strings.Repeat("large", 20_000)
	for _, bodies := range [][]string{{"small"}, {large}, {"small", large}} {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(small...)
			a := st.comes(s, "a")
			var all [][]string
			for i := range 50 {
				m := []string{fmt.Sprint(i), "", bodies[i%len(bodies)]}
				st.send(s, "", m...)
				all = append(all, m)
			}
			st.someOf(a.rest(), all)
			st.send(s, "", "again", large)
			st.hears(a, []string{"again", large})
		})
	}
}

// testSendNeverBlocks: whoever is there, or is not, Send returns at once and
// without an error.
func testSendNeverBlocks(t *testing.T, k kind) {
	send := func(st *stage, s *zmq.Socket) {
		st.Helper()
		start := time.Now()
		for range 100 {
			st.send(s, "", "message")
			if err := s.TrySend([]byte("message")); err != nil {
				st.Fatal(err)
			}
			m := zmq.MsgFromStrings("message", strings.Repeat("large", 20_000))
			if err := s.SendMsg(soon(st), &m); err != nil {
				st.Fatal(err)
			}
		}
		if took := time.Since(start); took > 0 {
			st.Fatalf("sending took %v", took)
		}
		if !st.canSend(s) {
			st.Fatal("Ready says that no message would be taken")
		}
	}
	inBubbles(t, k, func(st *stage) {
		s := st.socket(small...)
		send(st, s)
		appear := st.reaches(s, "a")
		send(st, s)
		appear()
		st.ready(s, 1)
		send(st, s)
		synctest.Wait()
		send(st, s)
	})
}

// testEarlyPublisher: the queue of a connection is there before the peer is. It
// shows with inverted matching, when a peer gets all that it did not ask for;
// else nothing is kept for a peer that has not asked yet.
func testEarlyPublisher(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		s := st.socket(small...)
		appear := st.reaches(s, "a")
		st.send(s, "", "unwanted")
		a := appear()
		st.ready(s, 1)
		st.send(s, "", "wanted")
		st.hears(a, []string{"wanted"})
	})
	k.subscribed = false
	inBubble(t, k, "pipe", func(st *stage) {
		s := st.socket(append(small, zmq.WithInvertMatching(true))...)
		appear := st.reaches(s, "a")
		for _, m := range numbers(0, 10) {
			st.send(s, "", m...)
		}
		a := appear()
		if got := a.rest(); !slices.EqualFunc(got, numbers(0, 4), slices.Equal) {
			st.Fatalf("%q came", got)
		}
	})
}

// testBinaryPrefix: topics and messages are octets, and only the first frame
// counts.
func testBinaryPrefix(t *testing.T, typ zmq.Type) {
	topics := []string{"", "A", "a", "AB", "\x00", "\x00\x00", "\xFF", "\xC3", "\u00E9", "e\u0301", " ", "A\x00", strings.Repeat("L", 300)}
	var messages []string
	for _, topic := range topics {
		messages = append(messages, topic, topic+"A", "A"+topic)
	}
	for _, topic := range topics {
		eachSubscriberOf(t, typ, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
			p.subscribe(topic, "mark")
			for _, m := range append(messages, "mark") {
				say(t, s, m, topic, topic)
				if strings.HasPrefix(m, topic) || m == "mark" {
					p.expectMsg(m, topic, topic)
				}
			}
		})
		joined(t, typ, zmq.XSUB, "inproc://prefix", func(pub, sub *zmq.Socket) {
			if err := sub.Subscribe(topic, "mark"); err != nil {
				t.Fatal(err)
			}
			awaitSubscribers(t, pub, "mark", 1)
			for _, m := range append(messages, "mark") {
				say(t, pub, m, topic)
				if strings.HasPrefix(m, topic) || m == "mark" {
					expectHeard(t, sub, m, topic)
				}
			}
		})
	}
}

// testTakesSubscriptions: as commands and as messages, of any peer and in any
// order, and from sockets of the same domain.
func testTakesSubscriptions(t *testing.T, typ zmq.Type) {
	forms := map[string]func(p *wirePeer, topic string, add bool){
		"commands": func(p *wirePeer, topic string, add bool) {
			p.sendCommand(map[bool]string{true: wire.NameSubscribe, false: wire.NameCancel}[add], topic)
		},
		"messages": func(p *wirePeer, topic string, add bool) {
			p.sendMsg(map[bool]string{true: "\x01", false: "\x00"}[add] + topic)
		},
	}
	for began, begin := range forms {
		for ended, end := range forms {
			t.Run(began+" and "+ended, func(t *testing.T) {
				eachSubscriberOf(t, typ, func(t *testing.T, r *wireRole, s *zmq.Socket, p *wirePeer) {
					begin(p, "A", true)
					begin(p, "B", true)
					p.sync()
					published(t, s, p, []string{"C", "A", "B"}, []string{"A", "B"})
					end(p, "A", false)
					end(p, "never", false)
					p.sync()
					published(t, s, p, []string{"A", "B"}, []string{"B"})
				})
			})
		}
	}
	for _, peer := range []zmq.Type{zmq.SUB, zmq.XSUB} {
		joined(t, typ, peer, "inproc://takes", func(pub, sub *zmq.Socket) {
			if err := sub.Subscribe("A", "B"); err != nil {
				t.Fatal(err)
			}
			awaitSubscribers(t, pub, "A", 1)
			if err := sub.Unsubscribe("A"); err != nil {
				t.Fatal(err)
			}
			// The end of A may be on its way: it is there when a later topic is.
			if err := sub.Subscribe("C"); err != nil {
				t.Fatal(err)
			}
			awaitSubscribers(t, pub, "C", 1)
			for _, m := range []string{"A", "B", "C"} {
				say(t, pub, m)
			}
			expectHeard(t, sub, "B")
			expectHeard(t, sub, "C")
		})
	}
}
