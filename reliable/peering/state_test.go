package peering_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// TestBusyPeer: a broker sends a peer no more than that told of.
func TestBusyPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		_, cloud, state := n.eastAndWest(peering.Config{})
		if err := cloud.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if err := state.WaitSubscribers(t.Context(), "west", 1); err != nil {
			t.Fatal(err)
		}
		send(t, state, "west", "3")
		client := n.socket(zmq.DEALER, "east-localfe")
		for i := range 10 {
			send(t, client, "", fmt.Sprint(i))
		}
		var owed []string
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i := range 3 {
			m, err := cloud.Recv(ctx)
			if err != nil || len(m.Frames) != 4 || string(m.Frames[0]) != "east" || string(m.Frames[3]) != fmt.Sprint(i) {
				t.Fatal(m, err)
			}
			owed = append(owed, string(m.Frames[1]))
		}
		pass(10 * time.Second)
		if m, err := cloud.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			t.Fatalf("a fourth request: %v, %v", m, err)
		}
		for _, id := range owed {
			send(t, cloud, "east", id, "", "done")
			expect(t, client, "", "done")
		}
		send(t, state, "west", "1")
		if m, err := cloud.Recv(ctx); err != nil || string(m.Frames[3]) != "3" {
			t.Fatal(m, err)
		}
	})
}

// TestLatePeer: what a peer told counts also if it can be reached only later.
func TestLatePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east", "west")
		east := n.broker(peering.Config{Name: "east"})
		n.connect(east, "west")
		state := zmq.NewPub(zmq.WithLinger(0))
		defer state.Close()
		cloud := zmq.NewRouter(zmq.WithRoutingID("west"), zmq.WithLinger(0))
		defer cloud.Close()
		if err := state.ServeListener(n.link("west-statebe").Listener()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := state.WaitSubscribers(ctx, "west", 1); err != nil {
			t.Fatal(err)
		}
		send(t, state, "west", "1")
		client := n.socket(zmq.DEALER, "east-localfe")
		send(t, client, "", "x")
		pass(5 * time.Second)
		if err := cloud.ServeListener(n.link("west-cloudfe").Listener()); err != nil {
			t.Fatal(err)
		}
		if m, err := cloud.Recv(ctx); err != nil || len(m.Frames) != 4 || string(m.Frames[3]) != "x" {
			t.Fatal(m, err)
		}
	})
}

// peer is a broker that the test plays: its cloudfe and its statebe.
func (n *network) peer(name string) (cloud, state *zmq.Socket) {
	n.t.Helper()
	n.cluster(name)
	cloud = zmq.NewRouter(zmq.WithRoutingID(name), zmq.WithLinger(0))
	state = zmq.NewPub(zmq.WithLinger(0))
	for suffix, s := range map[string]*zmq.Socket{"-cloudfe": cloud, "-statebe": state} {
		n.t.Cleanup(func() { s.Close() })
		if err := s.ServeListener(n.link(name + suffix).Listener()); err != nil {
			n.t.Fatal(err)
		}
	}
	return cloud, state
}

// eastAndWest are a broker and a peer of its that the test plays.
func (n *network) eastAndWest(conf peering.Config) (east *peering.Broker, cloud, state *zmq.Socket) {
	n.t.Helper()
	conf.Name = "east"
	n.cluster(conf.Name)
	east = n.broker(conf)
	cloud, state = n.peer("west")
	n.connect(east, "west")
	return east, cloud, state
}

// TestStateFlow: each change is told at once, and the capacity again each second.
func TestStateFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east")
		n.broker(peering.Config{Name: "east"})
		sub := n.socket(zmq.SUB, "east-statebe")
		if err := sub.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		expect(t, sub, "east", "0")
		begin := time.Now()
		expect(t, sub, "east", "0")
		if d := time.Since(begin); d != time.Second {
			t.Errorf("repeated after %v", d)
		}
		w := n.worker("east", "e", 100*time.Millisecond, nil)
		expect(t, sub, "east", "1")
		client := n.socket(zmq.DEALER, "east-localfe")
		var calls sync.WaitGroup
		calls.Go(func() { ask(t, client, "e", "x") })
		expect(t, sub, "east", "0")
		expect(t, sub, "east", "1")
		calls.Wait()
		w.kill()
		expect(t, sub, "east", "0")
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("all of it took %v", d)
		}
	})
}

// TestSilentPeer: a peer that used to repeat itself has no capacity once it is
// silent; one that tells changes only keeps what it told.
func TestSilentPeer(t *testing.T) {
	for repeats, want := range map[int]int{1: 4, 3: 0} {
		synctest.Test(t, func(t *testing.T) {
			n := newNetwork(t)
			east, _, state := n.eastAndWest(peering.Config{})
			if err := state.WaitSubscribers(t.Context(), "west", 1); err != nil {
				t.Fatal(err)
			}
			for range repeats {
				send(t, state, "west", "4")
				pass(time.Second)
			}
			pass(time.Minute)
			if s := east.Stats(); len(s.Peers) != 1 || s.Peers[0].Capacity != want {
				t.Errorf("told %d times: %+v", repeats, s.Peers)
			}
		})
	}
}
