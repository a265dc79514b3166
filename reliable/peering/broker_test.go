package peering_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// TestLocal: a broker without peers balances the load of its clients.
func TestLocal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east")
		b := n.broker(peering.Config{Name: "east"})
		var got counter
		n.worker("east", "w1", time.Second, &got)
		n.worker("east", "w2", time.Second, &got)
		client := n.socket(zmq.DEALER, "east-localfe")
		begin := time.Now()
		var calls sync.WaitGroup
		for i := range 20 {
			calls.Go(func() {
				id := fmt.Sprint(i)
				m, err := client.Request(t.Context(), []byte(id), nil)
				if err != nil || len(m.Frames) != 3 || string(m.Frames[1]) != id {
					t.Errorf("%s: %v, %v", id, m, err)
				}
			})
		}
		calls.Wait()
		if d := time.Since(begin); got.of("w1") != 10 || got.of("w2") != 10 || d > 11*time.Second {
			t.Errorf("w1 %d, w2 %d in %v", got.of("w1"), got.of("w2"), d)
		}
		if s := b.Stats(); s.Taken != 20 || s.Answered != 20 || s.Workers != 2 || s.Capacity != 2 || s.InHand != 0 || s.Lost+s.Late+s.Malformed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestREQ: plain REQ clients, with the book's envelope.
func TestREQ(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		n.join(n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"}))
		n.worker("west", "w", 0, nil)
		for _, home := range []string{"east", "west"} {
			req := n.socket(zmq.REQ, home+"-localfe")
			for range 3 {
				send(t, req, "hello", "")
				expect(t, req, "w", "hello", "")
			}
		}
	})
}

// TestOverflow: what is too much for a cluster goes to the peers that told of free
// workers, and to no others.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west", "south")
		east, west, south := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"}), n.broker(peering.Config{Name: "south"})
		n.join(east, west, south)
		var got counter
		n.worker("east", "e", 10*time.Second, &got)
		n.worker("west", "w", 10*time.Second, &got)
		pass(2 * time.Second)
		client := n.socket(zmq.DEALER, "east-localfe")
		var calls sync.WaitGroup
		for i := range 2 {
			calls.Go(func() {
				if _, err := client.Request(t.Context(), fmt.Append(nil, i)); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if got.of("e") != 1 || got.of("w") != 1 {
			t.Errorf("east did %d, west %d", got.of("e"), got.of("w"))
		}
		if e, w, s := east.Stats(), west.Stats(), south.Stats(); e.Taken != 1 || e.Forwarded != 1 || w.Taken != 1 || w.Forwarded != 0 || s.Taken+s.Forwarded != 0 {
			t.Errorf("east %+v\nwest %+v\nsouth %+v", e, w, s)
		}
	})
}

// TestOwnWorkersFirst: a peer is asked only when no worker at home is free.
func TestOwnWorkersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		n.worker("east", "e", 0, nil)
		for range 5 {
			n.worker("west", "w", 0, nil)
		}
		pass(time.Second)
		client := n.socket(zmq.DEALER, "east-localfe")
		for range 50 {
			ask(t, client, "e", "x")
		}
		if s := west.Stats(); s.Taken != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestNoCapacity: a request waits where nobody is free, and goes to the first who
// is.
func TestNoCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		time.AfterFunc(30*time.Second, func() { n.worker("west", "w", 0, nil) })
		begin := time.Now()
		ask(t, n.socket(zmq.DEALER, "east-localfe"), "w", "x")
		if d := time.Since(begin); d < 30*time.Second || d > 35*time.Second {
			t.Errorf("answered after %v", d)
		}
		if s := east.Stats(); s.Forwarded != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestOneHop: a request from a peer waits for a worker of the cluster, and is not
// passed on to a third broker, however many free workers that has.
func TestOneHop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("middle", "far")
		middle, far := n.broker(peering.Config{Name: "middle"}), n.broker(peering.Config{Name: "far"})
		n.join(middle, far)
		n.worker("far", "f", 0, nil)
		if err := middle.Connect(peering.Peer{Name: "near"}); err != nil {
			t.Fatal(err)
		}
		near := n.socket(zmq.ROUTER, "middle-cloudfe", zmq.WithRoutingID("near"), zmq.WithConnectRoutingID("middle"))
		if err := near.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		send(t, near, "middle", "client", "", "x")
		pass(time.Minute)
		if s := far.Stats(); s.Taken != 0 {
			t.Errorf("a second hop: %+v", s)
		}
		ask(t, n.socket(zmq.DEALER, "middle-localfe"), "f", "mine") // what waits is in nobody's way
		n.worker("middle", "m", 0, nil)
		expect(t, near, "middle", "client", "", "m", "x")
	})
}

// TestWorkerGoneUnnoticed: a request that was taken for a worker that is gone
// waits for the next one; that of a peer is not passed on meanwhile. Over inproc
// nobody tells of workers that go.
func TestWorkerGoneUnnoticed(t *testing.T) {
	for what, source := range map[string]struct {
		at    string
		frame []string // in front of the body
	}{
		"client": {"middle-localfe", []string{"middle", ""}},
		"peer":   {"middle-cloudfe", []string{"middle", "client", ""}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.cluster("middle", "far")
				domain := zmq.WithDomain(zmq.NewDomain())
				middle := n.broker(peering.Config{Name: "middle", Options: []zmq.Option{domain}})
				far := n.broker(peering.Config{Name: "far", Options: []zmq.Option{domain}})
				if what == "peer" {
					n.join(middle, far)
				}
				if err := middle.Connect(peering.Peer{Name: "near"}); err != nil {
					t.Fatal(err)
				}
				if _, err := middle.Bind(peering.LocalBE, "inproc://workers"); err != nil {
					t.Fatal(err)
				}
				n.worker("far", "f", 0, nil)
				asker := n.socket(zmq.ROUTER, source.at, zmq.WithRoutingID("near"), zmq.WithConnectRoutingID("middle"))
				if err := asker.WaitReady(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				pass(3 * time.Second)
				worker := zmq.NewReq(domain)
				if err := worker.Connect("inproc://workers"); err != nil {
					t.Fatal(err)
				}
				send(t, worker, "\x01")
				synctest.Wait()
				if s := middle.Stats(); s.Capacity != 1 {
					t.Fatalf("%+v", s)
				}
				synctest.Wait()
				worker.Close()
				send(t, asker, append(source.frame, "x")...)
				synctest.Wait()
				if s := middle.Stats(); s.Workers != 0 || s.Taken+s.Forwarded != 0 {
					t.Errorf("%+v", s)
				}
				n.worker("middle", "m", 0, nil)
				expect(t, asker, append(source.frame, "m", "x")...)
				if s := far.Stats(); s.Taken != 0 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// TestFrozenPeer: a broker whose network is down gets no more requests, its
// capacity counts again when it is back.
func TestFrozenPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		n.worker("west", "w", 0, nil)
		client := n.socket(zmq.DEALER, "east-localfe")
		ask(t, client, "w", "x")
		pass(3 * time.Second) // it is seen to repeat itself
		for _, suffix := range []string{"-cloudfe", "-statebe"} {
			n.link("west" + suffix).Freeze()
		}
		pass(5 * time.Second)
		if s := east.Stats(); s.Peers[0].Capacity != 0 {
			t.Errorf("%+v", s)
		}
		time.AfterFunc(10*time.Second, func() {
			for _, suffix := range []string{"-cloudfe", "-statebe"} {
				n.link("west" + suffix).Thaw()
			}
		})
		ask(t, client, "w", "y")
		if s := east.Stats(); s.Lost != 0 || s.Forwarded != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestWorkerGone: a worker that is gone is free for nobody, and what it was at is
// lost; the client may ask again.
func TestWorkerGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east")
		var seen counter
		b := n.broker(peering.Config{Name: "east", Observe: func(e peering.Event) { seen.add(e.Kind.String()) }})
		w1, w2 := n.worker("east", "w1", time.Minute, nil), n.worker("east", "w2", 0, nil)
		pass(time.Second)
		client := n.socket(zmq.DEALER, "east-localfe")
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		time.AfterFunc(5*time.Second, func() { w1.cancel() })
		var calls sync.WaitGroup
		var answered counter
		for range 2 {
			calls.Go(func() {
				if _, err := client.Request(ctx, []byte("x")); err == nil {
					answered.add("all")
				}
			})
		}
		calls.Wait()
		if s := b.Stats(); answered.of("all") != 1 || s.Lost != 1 || s.Workers != 1 || s.Capacity != 1 || s.InHand != 0 {
			t.Errorf("%d answered, %+v", answered.of("all"), s)
		}
		ask(t, client, "w2", "again")
		w2.kill()
		pass(2 * time.Second)
		if s := b.Stats(); s.Workers != 0 || s.Capacity != 0 {
			t.Errorf("%+v", s)
		}
		if seen.of("worker ready") != 2 || seen.of("worker gone") != 2 || seen.of("lost") != 1 || seen.of("taken") != 3 || seen.of("answered") != 2 {
			t.Errorf("events: %v", seen.n)
		}
	})
}

// TestFrozenWorker: ZMTP's heartbeats find out, and the worker is free again when
// it is back.
func TestFrozenWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east")
		b := n.broker(peering.Config{Name: "east"})
		n.worker("east", "w", 0, nil)
		pass(time.Second)
		n.link("east-localbe").Freeze()
		pass(10 * time.Second)
		if s := b.Stats(); s.Workers != 0 {
			t.Errorf("%+v", s)
		}
		n.link("east-localbe").Thaw()
		ask(t, n.socket(zmq.DEALER, "east-localfe"), "w", "x")
	})
}

// TestPatience: a reply that a peer owes for too long is given up, and dropped if
// it comes.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		east, cloud, state := n.eastAndWest(peering.Config{Patience: 10 * time.Second})
		if err := state.WaitSubscribers(t.Context(), "west", 1); err != nil {
			t.Fatal(err)
		}
		if err := cloud.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		send(t, state, "west", "1")
		client := n.socket(zmq.DEALER, "east-localfe")
		send(t, client, "", "x")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		m, err := cloud.Recv(ctx)
		if err != nil {
			t.Fatal(err)
		}
		pass(10*time.Second + time.Millisecond)
		if s := east.Stats(); s.Lost != 1 || s.InHand != 0 {
			t.Errorf("%+v", s)
		}
		send(t, cloud, append([]string{"east"}, texts(m.Frames[1:])...)...)
		pass(time.Second)
		if s := east.Stats(); s.Late != 1 {
			t.Errorf("%+v", s)
		}
		if m, err := client.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			t.Errorf("a late reply came through: %v, %v", m, err)
		}
	})
}

// TestLateReply: what a peer replies after Patience is not the reply to what the
// client has asked since.
func TestLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east", Patience: 10 * time.Second}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		for range 2 {
			n.worker("west", "w", 12*time.Second, nil)
		}
		client := n.socket(zmq.DEALER, "east-localfe")
		pass(3 * time.Second)
		send(t, client, "", "one")
		pass(11 * time.Second)
		if s := east.Stats(); s.Lost != 1 || s.InHand != 0 {
			t.Errorf("%+v", s)
		}
		send(t, client, "", "two")
		pass(2 * time.Second)
		if s := east.Stats(); s.Late != 1 || s.InHand != 1 {
			t.Errorf("%+v", s)
		}
		if m, err := client.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			t.Errorf("a late reply came through: %v, %v", m, err)
		}
	})
}

// TestDrain: what is in hand is answered, and nothing new is taken.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		n.worker("east", "e", 5*time.Second, nil)
		pass(time.Second)
		local, remote := n.socket(zmq.DEALER, "east-localfe"), n.socket(zmq.DEALER, "west-localfe")
		var calls sync.WaitGroup
		calls.Go(func() { ask(t, remote, "e", "x") })
		pass(time.Second)
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := east.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if s := west.Stats(); s.Peers[0].Capacity != 0 {
			t.Errorf("%+v", s)
		}
		late, cancelLate := context.WithTimeout(t.Context(), time.Minute)
		defer cancelLate()
		calls.Go(func() {
			if m, err := local.Request(late, []byte("new")); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("taken while draining: %v, %v", m, err)
			}
		})
		begin := time.Now()
		if err := east.Drain(t.Context()); err != nil || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if err := east.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		calls.Wait()
	})
}

func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east, west := n.broker(peering.Config{Name: "east"}), n.broker(peering.Config{Name: "west"})
		n.join(east, west)
		n.worker("west", "w", 30*time.Second, nil)
		client := n.socket(zmq.DEALER, "east-localfe")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		time.AfterFunc(10*time.Second, func() {
			if err := east.Disconnect("west"); err != nil {
				t.Error(err)
			}
		})
		if m, err := client.Request(ctx, []byte("x")); err == nil {
			t.Errorf("answered by a peer that was taken away: %v", m)
		}
		if s := east.Stats(); s.Lost != 1 || s.InHand != 0 || len(s.Peers) != 0 {
			t.Errorf("%+v", s)
		}
		if err := east.Disconnect("west"); !errors.Is(err, zmq.ErrNotFound) {
			t.Error(err)
		}
		pass(time.Minute)
		n.connect(east, "west")
		ask(t, client, "w", "y")
	})
}

func TestBadCalls(t *testing.T) {
	for _, conf := range []peering.Config{
		{}, {Name: "\x00"}, {Name: strings.Repeat("x", 256)}, {Name: "a", Interval: -1}, {Name: "a", Patience: -1},
		{Name: "a", Options: []zmq.Option{zmq.WithXPubVerbose(true)}},
	} {
		if b, err := peering.NewBroker(conf); err == nil {
			b.Close()
			t.Errorf("%+v is good", conf)
		}
	}
	b, err := peering.NewBroker(peering.Config{Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []peering.Peer{
		{}, {Name: "a"}, {Name: "\x00"}, {Name: "b", CloudFE: "tcp://nowhere"}, {Name: "b", CloudFE: "inproc://b", StateBE: "tcp://nowhere"},
	} {
		if err := b.Connect(p); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if _, err := b.Bind(4, "inproc://x"); !errors.Is(err, zmq.ErrInvalid) {
		t.Error(err)
	}
	if err := b.Connect(peering.Peer{Name: "b"}); err != nil {
		t.Error(err)
	}
	if err := b.Connect(peering.Peer{Name: "b"}); !errors.Is(err, zmq.ErrInvalid) {
		t.Error(err)
	}
	b.Close()
	b.Close()
	b.Stats()
	for _, err := range []error{b.Connect(peering.Peer{Name: "c"}), b.Disconnect("b"), b.Drain(t.Context())} {
		if !errors.Is(err, zmq.ErrClosed) {
			t.Error(err)
		}
	}
	if k := peering.EventKind(99); k.String() != "EventKind(99)" || peering.Malformed.String() != "malformed" {
		t.Error(k)
	}
}
