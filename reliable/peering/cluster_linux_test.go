package peering_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// A site is a cluster at an address of its own.
type site struct {
	name    string
	address string
	workers int
	broker  *peering.Broker
	ports   map[peering.Door]string
}

// TestThreeClusters runs three clusters on three addresses of loopback over tcp.
// Only Linux has all of 127.0.0.0/8 there. One cluster has all clients, another
// most of the workers.
func TestThreeClusters(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	east := &site{name: "east", address: "127.0.0.1", workers: 1}
	sites := []*site{east, {name: "west", address: "127.0.0.2", workers: 5}, {name: "south", address: "127.0.0.3", workers: 2}}
	told := make(chan peering.Event, 100)
	for _, s := range sites {
		s.open(t, told)
	}
	var workers sync.WaitGroup
	for _, s := range sites {
		for _, peer := range sites {
			if peer == s {
				continue
			}
			if err := s.broker.Connect(peering.Peer{Name: peer.name, CloudFE: peer.ports[peering.CloudFE], StateBE: peer.ports[peering.StateBE]}); err != nil {
				t.Fatal(err)
			}
		}
		for range s.workers {
			workers.Go(func() { plainWorker(ctx, t, s.ports[peering.LocalBE], s.name) })
		}
	}
	for ready := map[string]bool{}; len(ready) < 2; { // until both peers have told the east of all their workers
		select {
		case e := <-told:
			if e.Peer == "west" && e.N == 5 || e.Peer == "south" && e.N == 2 {
				ready[e.Peer] = true
			}
		case <-ctx.Done():
			t.Fatal("the peers have not told of their workers")
		}
	}

	const clients, requests = 16, 50
	var calls sync.WaitGroup
	var by counter
	for i := range clients {
		calls.Go(func() { plainClient(ctx, t, east.ports[peering.LocalFE], i, requests, &by) })
	}
	calls.Wait()
	if by.of("east") == 0 || by.of("west")+by.of("south") == 0 || by.of("east")+by.of("west")+by.of("south") != clients*requests {
		t.Errorf("the requests were done by %v", by.n)
	}
	for _, site := range sites {
		if err := site.broker.Drain(ctx); err != nil {
			t.Error(err)
		}
		s := site.broker.Stats()
		if s.Lost+s.Late+s.Malformed != 0 || s.InHand != 0 || s.Workers != site.workers || site != east && s.Forwarded != 0 {
			t.Errorf("%s: %+v", site.name, s)
		}
	}
	cancel()
	workers.Wait()
}

// open binds a broker at the site's address. The east passes on what peers tell.
func (s *site) open(t *testing.T, told chan<- peering.Event) {
	t.Helper()
	conf := peering.Config{Name: s.name}
	if s.name == "east" {
		conf.Observe = func(e peering.Event) {
			if e.Kind == peering.PeerCapacity {
				select {
				case told <- e:
				default: // nobody looks any more
				}
			}
		}
	}
	b, err := peering.NewBroker(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	s.broker, s.ports = b, map[peering.Door]string{}
	for _, door := range doors {
		binding, err := b.Bind(door, "tcp://"+s.address+":0")
		if err != nil {
			t.Fatal(err)
		}
		s.ports[door] = binding.Endpoint()
	}
}

// plainClient is the book's: it asks one thing after the other, and counts by whom
// it was answered.
func plainClient(ctx context.Context, t *testing.T, endpoint string, i, requests int, by *counter) {
	req := zmq.NewReq()
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		t.Error(err)
	}
	for number := range requests {
		id := fmt.Sprintf("%d-%d", i, number)
		if err := req.Send(ctx, []byte(id)); err != nil {
			t.Error(err)
			return
		}
		m, err := req.Recv(ctx)
		if err != nil || len(m.Frames) != 2 || string(m.Frames[1]) != id {
			t.Errorf("%s: %v, %v", id, m, err)
			return
		}
		by.add(string(m.Frames[0]))
	}
}

// plainWorker is the book's: it says READY, and answers by the name of its cluster
// and the body.
func plainWorker(ctx context.Context, t *testing.T, endpoint, name string) {
	req := zmq.NewReq()
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		t.Error(err)
	}
	if err := req.Send(ctx, []byte{1}); err != nil {
		t.Error(err)
		return
	}
	for m, err := range req.Msgs(ctx) {
		if err != nil {
			return
		}
		i := slices.IndexFunc(m.Frames, func(f []byte) bool { return len(f) == 0 })
		if err := req.Send(ctx, slices.Insert(m.Frames, i+1, []byte(name))...); err != nil {
			return
		}
	}
}
