package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// onePeer returns the statistics of a socket's only peer.
func onePeer(t testing.TB, s *zmq.Socket) zmq.PeerStats {
	t.Helper()
	st := s.Stats()
	if len(st.Peers) != 1 {
		t.Fatalf("there are %d peers, want 1: %+v", len(st.Peers), st)
	}
	return st.Peers[0]
}

// TestStatsOfASlowSubscriber: what a PUB drops shows at once, by peer and
// reason, and the numbers add up to what was sent.
func TestStatsOfASlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		pub := open(t, zmq.PUB, dials.dialer(), zmq.WithSendHWM(10))
		var subs []*wirePeer
		for range 2 {
			connect(t, pub, wireEndpoint)
			p := dials.accept()
			p.handshake("SUB", "Identity", "")
			p.sendCommand(wire.NameSubscribe, "kv")
			subs = append(subs, p)
		}
		awaitSubscribers(t, pub, "kv", 2)
		for range 100 {
			say(t, pub, "kv", "0123456789")
			say(t, pub, "other")
			synctest.Wait()
			subs[1].expectMsg("kv", "0123456789")
		}
		const size = 2 + 2 + 2 + 10
		st := pub.Stats()
		slow, fast := st.Peers[0], st.Peers[1]
		if slow.Dropped.QueueFull == 0 {
			slow, fast = fast, slow
		}
		if fast.Dropped.Total() != 0 || fast.Sent != (zmq.Traffic{Messages: 100, Bytes: 100 * size}) {
			t.Errorf("the one who reads: %+v", fast)
		}
		full := slow.Dropped.QueueFull
		if full == 0 || slow.Dropped.Total() != full || slow.Sent.Messages+full != 100 || slow.Sent.Bytes != size*slow.Sent.Messages {
			t.Errorf("the one who does not read: %+v", slow)
		}
		if slow.SendQueue.Messages != 10 || slow.SendQueue.Bytes != 10*size {
			t.Errorf("for the one who does not read wait %+v, want 10 messages", slow.SendQueue)
		}
		if st.Dropped != slow.Dropped || st.Sent.Messages != 200-full || st.Type != zmq.PUB {
			t.Errorf("the sums are %+v", st)
		}
	})
}

// TestStatsAddUp: over tcp and inproc both ends count the same.
func TestStatsAddUp(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://here"} {
		t.Run(endpoint[:3], func(t *testing.T) {
			d := zmq.WithDomain(zmq.NewDomain())
			pub, sub := open(t, zmq.PUB, d, zmq.WithSendHWM(5)), open(t, zmq.SUB, d, zmq.WithRecvHWM(5))
			if err := sub.Subscribe("a", "b"); err != nil {
				t.Fatal(err)
			}
			connect(t, sub, bind(t, pub, endpoint))
			awaitSubscribers(t, pub, "b", 1)
			const sent = 2000
			for range sent {
				say(t, pub, "a", "body")
			}
			if err := sub.Subscribe("end"); err != nil {
				t.Fatal(err)
			}
			awaitSubscribers(t, pub, "end", 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := cryOut(ctx, pub)
			received := uint64(0)
			for hear(t, sub)[0] == "a" {
				received++
			}
			cancel()
			cries := <-stop
			for {
				_, err := sub.TryRecv()
				st := sub.Stats()
				if errors.Is(err, zmq.ErrAgain) && st.Received == pub.Stats().Sent && st.Peers[0].RecvQueue.Messages == 0 {
					break
				}
			}
			from, to := onePeer(t, pub), onePeer(t, sub)
			if from.Sent.Messages+from.Dropped.QueueFull != sent+cries || from.Dropped.QueueFull == 0 ||
				from.Dropped.QueueFull != from.Dropped.Total() {
				t.Errorf("%d messages were sent: %+v", sent+cries, from)
			}
			if to.Received != from.Sent || received > from.Sent.Messages || to.Dropped.Total() != 0 {
				t.Errorf("%+v were sent, %+v received, %d of the first kind", from.Sent, to.Received, received)
			}
			if to.Sent != (zmq.Traffic{}) {
				t.Errorf("subscriptions count as messages: %+v", to.Sent)
			}
			if from.SendQueue != (zmq.Queued{}) && endpoint[:3] == "tcp" || to.RecvQueue != (zmq.Queued{}) {
				t.Errorf("%+v and %+v wait", from.SendQueue, to.RecvQueue)
			}
		})
	}
}

// cryOut sends "end" until ctx ends, so that a subscriber hears it although
// some are dropped, and then says how many.
func cryOut(ctx context.Context, pub *zmq.Socket) <-chan uint64 {
	cries := make(chan uint64, 1)
	go func() {
		n := uint64(0)
		for ; ctx.Err() == nil; n++ {
			if pub.TrySend([]byte("end")) != nil {
				break
			}
		}
		cries <- n
	}()
	return cries
}

// TestStatsRecvQueue: what waits to be received is exact after every message.
func TestStatsRecvQueue(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://here"} {
		t.Run(endpoint[:3], func(t *testing.T) {
			d := zmq.WithDomain(zmq.NewDomain())
			push, pull := open(t, zmq.PUSH, d), open(t, zmq.PULL, d)
			connect(t, push, bind(t, pull, endpoint))
			for range 100 {
				say(t, push, "0123", "")
			}
			for pull.Stats().Received.Messages < 100 {
				if _, err := zmq.Poll(soon(t), zmq.PollItem{Socket: pull, Want: zmq.CanRecv}); err != nil {
					t.Fatal(err)
				}
			}
			for left := 100; left > 0; left-- {
				if got := onePeer(t, pull).RecvQueue; got.Messages != left || got.Bytes != 8*left {
					t.Fatalf("%+v wait, want %d messages of 8 octets", got, left)
				}
				hear(t, pull)
			}
			if got := onePeer(t, pull); got.RecvQueue != (zmq.Queued{}) || got.Received != (zmq.Traffic{Messages: 100, Bytes: 800}) {
				t.Errorf("at the end: %+v", got)
			}
		})
	}
}

// TestStatsOfConnections: reconnects, the round trip of heartbeats, version,
// mechanism, and who is connected.
func TestStatsOfConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		push := open(t, zmq.PUSH, dials.dialer(), zmq.WithReconnect(time.Millisecond), zmq.WithHeartbeat(time.Second))
		connect(t, push, wireEndpoint)
		if got := onePeer(t, push); got.Connected || got.Connects != 0 || got.Endpoint != wireEndpoint || got.RoutingID != nil {
			t.Errorf("before it is connected: %+v", got)
		}
		p := dials.accept()
		p.handshake30("PULL")
		awaitPeers(t, push, 1)
		p.end()
		p = dials.accept()
		p.handshake("PULL")
		ping := p.expectCommand(wire.NamePing)
		<-time.After(7 * time.Millisecond)
		p.send(wire.AppendPong(nil, ping[2:]))
		synctest.Wait()
		got := onePeer(t, push)
		if !got.Connected || got.Connects != 2 || got.RoundTrip != 7*time.Millisecond {
			t.Errorf("after the second connection: %+v", got)
		}
		if got.Peer.Version() != "3.1" || got.Peer.Mechanism() != "NULL" || got.Peer.Type() != "PULL" {
			t.Errorf("the peer is %s, %s, %s", got.Peer.Type(), got.Peer.Version(), got.Peer.Mechanism())
		}
		p.end()
		synctest.Wait()
		if got := onePeer(t, push); got.Connected || got.Connects != 2 {
			t.Errorf("after it was lost: %+v", got)
		}
	})
}

// TestStatsOfLostPeers: what waited for a peer that goes away is dropped and
// counted, and what it did stays in the sums.
func TestStatsOfLostPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		router := open(t, zmq.ROUTER)
		near, p := attachWire(t, router, zmq.Accepted, "DEALER", "Identity", "d")
		p.sendMsg("hello")
		expectHeard(t, router, "d", "hello")
		for range 10 {
			say(t, router, "d", "answer")
		}
		synctest.Wait()
		if got := onePeer(t, router); string(got.RoutingID) != "d" || !got.Connected || got.Endpoint != "pipe://pipe" {
			t.Errorf("the peer is %+v", got)
		}
		p.cut()
		<-near
		synctest.Wait()
		say(t, router, "d", "too late")
		say(t, router, "nobody", "at all")
		st := router.Stats()
		if st.Peers != nil || st.Sent != (zmq.Traffic{Messages: 10, Bytes: 80}) || st.Received.Messages != 1 {
			t.Errorf("the sums are %+v", st)
		}
		// The message that was under way belongs to the connection.
		if st.Dropped.NoPeer != 2 || st.Dropped.PeerGone < 9 || st.Dropped.Total() != 2+st.Dropped.PeerGone {
			t.Errorf("dropped were %+v", st.Dropped)
		}
	})
}

// TestStatsOfRepWithoutRequester: a reply that finds its requester gone is counted.
func TestStatsOfRepWithoutRequester(t *testing.T) {
	rep := open(t, zmq.REP)
	req := open(t, zmq.REQ)
	connect(t, req, bind(t, rep, "tcp://127.0.0.1:*"))
	say(t, req, "question")
	expectHeard(t, rep, "question")
	req.Close()
	for rep.Stats().Peers != nil {
		waitChange(t, rep)
	}
	say(t, rep, "answer")
	if st := rep.Stats(); st.Dropped != (zmq.Drops{NoPeer: 1}) || st.Sent.Messages != 0 {
		t.Errorf("the sums are %+v", st)
	}
}

// waitChange waits a moment at most for a socket to change.
func waitChange(t testing.TB, s *zmq.Socket) {
	t.Helper()
	changed := make(chan struct{}, 1)
	s.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer s.OnChange(nil)
	select {
	case <-changed:
	case <-time.After(time.Millisecond): // it may have changed before
	}
}

// TestStatsOfConflate: a message that a later one replaced was sent, or came,
// and was dropped, at one of the ends.
func TestStatsOfConflate(t *testing.T) {
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "inproc://here"} {
		t.Run(endpoint[:3], func(t *testing.T) {
			d := zmq.WithDomain(zmq.NewDomain())
			push, pull := open(t, zmq.PUSH, d), open(t, zmq.PULL, d, zmq.WithConflate(true))
			connect(t, push, bind(t, pull, endpoint))
			awaitPeers(t, push, 1)
			const sent = 500
			for i := range sent {
				if err := push.Send(soon(t), binary.BigEndian.AppendUint64(nil, uint64(i+1))); err != nil {
					t.Fatal(err)
				}
			}
			received := uint64(0)
			for last := uint64(0); last < sent; received++ {
				last = binary.BigEndian.Uint64([]byte(hear(t, pull)[0]))
			}
			from, to := push.Stats(), pull.Stats()
			if from.Sent.Messages != sent || to.Received != from.Sent {
				t.Errorf("sent %+v, received %+v", from.Sent, to.Received)
			}
			if got := from.Dropped.Total() + to.Dropped.Total(); got != sent-received ||
				got != from.Dropped.Replaced+to.Dropped.Replaced {
				t.Errorf("of %d messages %d were received, dropped: %+v and %+v", sent, received, from.Dropped, to.Dropped)
			}
		})
	}
}

// TestStatsOfConflateAtTheReceiver: a message that was looked at, and not
// received before the next came, is replaced like others.
func TestStatsOfConflateAtTheReceiver(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL, zmq.WithConflate(true))
	push := r.meets(pull, zmq.PUSH)
	say(t, push, "old")
	if pull.Ready() != zmq.CanRecv {
		t.Error("it is not ready")
	}
	say(t, push, "new")
	expectHeard(t, pull, "new")
	expectNone(t, pull)
	if got := push.Stats(); got.Sent.Messages != 2 || got.Dropped != (zmq.Drops{Replaced: 1}) {
		t.Errorf("the sums are %+v", got)
	}
}

// TestStatsWhileItWorks: Stats may be called at any time, of both ends of an
// inproc link at once.
func TestStatsWhileItWorks(t *testing.T) {
	d := zmq.WithDomain(zmq.NewDomain())
	a, b := open(t, zmq.PAIR, d, zmq.WithSendHWM(7)), open(t, zmq.PAIR, d, zmq.WithSendHWM(7))
	connect(t, b, bind(t, a, "inproc://here"))
	var work sync.WaitGroup
	const n = 3000
	for _, s := range []*zmq.Socket{a, b} {
		work.Go(func() {
			for range n {
				if s.Send(soon(t), []byte("x")) != nil {
					t.Error("send failed")
				}
			}
		})
		work.Go(func() {
			for range n {
				if _, err := s.Recv(soon(t)); err != nil {
					t.Error(err)
				}
			}
		})
		work.Go(func() {
			for last := uint64(0); last < n; {
				st := s.Stats()
				if st.Received.Messages < last || st.Peers[0].RecvQueue.Messages < 0 || st.Dropped.Total() != 0 {
					t.Errorf("%+v after %d messages", st, last)
				}
				last = st.Received.Messages
			}
		})
	}
	work.Wait()
}

func TestStatsOfAClosedSocket(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, bind(t, pull, "tcp://127.0.0.1:*"))
	say(t, push, "a")
	expectHeard(t, pull, "a")
	push.Close()
	if st := push.Stats(); st.Peers != nil || st.Sent != (zmq.Traffic{Messages: 1, Bytes: 3}) {
		t.Errorf("the sums are %+v", st)
	}
	bad := zmq.NewPush(zmq.WithSendHWM(-1))
	defer bad.Close()
	if st := bad.Stats(); st.Peers != nil || st.Dropped.Total() != 0 {
		t.Errorf("a bad socket has %+v", st)
	}
}
