package peering_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// TestHostile: whatever clients, workers and peers send that breaks the protocol
// is counted and dropped, and the others go on.
func TestHostile(t *testing.T) {
	deep := append(slices.Repeat([]string{"a"}, 40), "", "x")
	for what, bad := range map[string]struct {
		as   zmq.Type
		at   string
		name string
		send [][]string
	}{
		"client": {as: zmq.DEALER, at: "east-localfe", send: [][]string{{"x"}, {""}, {"a", "b"}, {"a", ""}, deep}},
		"worker": {as: zmq.DEALER, at: "east-localbe", send: [][]string{
			{"\x01"}, {""}, {"", ""}, {"", "\x02"}, {"", "READY"}, {"x", "\x01"}, {"", "", ""}, {"", "a", "", "b"}, {"", "\x01", "", "x"},
		}},
		"peer": {as: zmq.ROUTER, at: "east-cloudfe", name: "west", send: [][]string{
			{"x"}, {""}, {"", "x"}, {"a", "b"}, {"a", ""}, deep,
		}},
		"stranger": {as: zmq.ROUTER, at: "east-cloudfe", name: "nobody", send: [][]string{{"client", "", "x"}, {"x"}}},
		"nameless": {as: zmq.ROUTER, at: "east-cloudfe", send: [][]string{{"client", "", "x"}, {"x"}}},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t)
				n.cluster("east")
				b := n.broker(peering.Config{Name: "east"})
				if err := b.Connect(peering.Peer{Name: "west"}); err != nil {
					t.Fatal(err)
				}
				n.worker("east", "w", 0, nil)
				client := n.socket(zmq.DEALER, "east-localfe")
				var opts []zmq.Option
				if bad.name != "" {
					opts = append(opts, zmq.WithRoutingID(bad.name))
				}
				if bad.as == zmq.ROUTER {
					opts = append(opts, zmq.WithConnectRoutingID("east"))
				}
				villain := n.socket(bad.as, bad.at, opts...)
				if err := villain.WaitReady(t.Context(), 1); err != nil {
					t.Fatal(err)
				}
				for _, frames := range bad.send {
					if bad.as == zmq.ROUTER {
						frames = append([]string{"east"}, frames...)
					}
					send(t, villain, frames...)
					ask(t, client, "w", "x")
				}
				pass(time.Second)
				s := b.Stats()
				if int(s.Malformed+s.Late) != len(bad.send) || int(s.Answered) != len(bad.send) || s.Lost != 0 || s.Workers != 1 {
					t.Errorf("%+v", s)
				}
				if m, err := villain.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
					t.Errorf("it got %v, %v", m, err)
				}
			})
		})
	}
}

// TestHostileState: a peer that tells nonsense tells nothing.
func TestHostileState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		b, cloud, state := n.eastAndWest(peering.Config{})
		if err := state.WaitSubscribers(t.Context(), "", 1); err != nil {
			t.Fatal(err)
		}
		bad := [][]string{
			{"west"}, {""}, {"west", ""}, {"west", "-1"}, {"west", "+1"}, {"west", "1x"}, {"west", " 1"}, {"west", "1000000000"},
			{"west", "1", "2"}, {"east", "1"}, {"nobody", "1"}, {"", "1"}, {"west", "\x01"},
		}
		for _, frames := range bad {
			send(t, state, frames...)
		}
		pass(time.Second)
		if s := b.Stats(); int(s.Malformed) != len(bad) || s.Peers[0].Capacity != 0 || !s.Peers[0].Heard.IsZero() {
			t.Errorf("%+v", s)
		}
		client := n.socket(zmq.DEALER, "east-localfe")
		send(t, client, "", "x")
		for _, frames := range [][]string{{"x"}, {"a", "", "x"}, {"", "x"}, {"a", ""}} { // replies to nothing
			send(t, cloud, append([]string{"east"}, frames...)...)
		}
		pass(time.Second)
		if s := b.Stats(); int(s.Malformed+s.Late) != len(bad)+4 || s.Answered != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestTwisted: a worker that answers under another envelope than it was given, or
// under none, answers nobody, and is free again.
func TestTwisted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		n.cluster("east")
		b := n.broker(peering.Config{Name: "east"})
		w := n.socket(zmq.DEALER, "east-localbe")
		victim := n.socket(zmq.DEALER, "east-localfe", zmq.WithRoutingID("victim"))
		client := n.socket(zmq.DEALER, "east-localfe", zmq.WithRoutingID("client"))
		if err := victim.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		twisted := [][]string{
			{"", "victim", "", "x"}, {"", "client", "x", ""}, {"", "client", ""}, {"", "x", "client", "", "x"}, {"", "client", "more", "", "x"},
			{"", "x"}, {"", ""}, {"", "x", "y"},
		}
		for i, reply := range twisted {
			if i == 0 {
				send(t, w, "", "\x01")
			}
			send(t, client, "", "x")
			expect(t, w, "", "client", "", "x")
			send(t, w, reply...)
		}
		pass(time.Second)
		for _, s := range []*zmq.Socket{victim, client} {
			if m, err := s.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("received %v, %v", m, err)
			}
		}
		if s := b.Stats(); s.Answered != 0 || int(s.Lost) != len(twisted) || s.Capacity != 1 {
			t.Errorf("%+v", s)
		}
		send(t, victim, "", "mine")
		expect(t, w, "", "victim", "", "mine")
		send(t, w, "", "victim", "", "yours")
		expect(t, victim, "", "yours")
	})
}

// TestTwistedPeer: a peer that answers under another envelope than it was given, or
// what another peer was asked, answers nobody.
func TestTwistedPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		villain, _ := n.peer("south")
		b, west, state := n.eastAndWest(peering.Config{})
		n.connect(b, "south")
		for _, s := range []*zmq.Socket{west, villain} {
			if err := s.WaitReady(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
		}
		if err := state.WaitSubscribers(t.Context(), "west", 1); err != nil {
			t.Fatal(err)
		}
		send(t, state, "west", "1")
		client := n.socket(zmq.DEALER, "east-localfe", zmq.WithRoutingID("client"))
		send(t, client, "", "x")
		m, err := west.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id := string(m.Frames[1])
		send(t, villain, "east", id, "", "y")
		for _, frames := range [][]string{{"client", "", "y"}, {id, "more", "", "y"}, {"more", id, "", "y"}} {
			send(t, west, append([]string{"east"}, frames...)...)
		}
		pass(time.Second)
		if s := b.Stats(); s.Late != 4 || s.InHand != 1 {
			t.Errorf("%+v", s)
		}
		send(t, west, "east", id, "", "z")
		expect(t, client, "", "z")
	})
}

// rounds is how many faults TestHistory makes.
const rounds = 1000

// TestHistory lets the clients of three clusters ask, and ask again when no reply
// comes, while workers are killed and frozen and the links between the clusters
// fail. Every request is answered in the end, and never by the reply to another.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"east", "west", "south"}
		n := newNetwork(t)
		n.cluster(names...)
		var brokers []*peering.Broker
		var workers []*worker
		for _, name := range names {
			brokers = append(brokers, n.broker(peering.Config{Name: name, Patience: 10 * time.Second}))
			for i := range 2 {
				w := n.worker(name, fmt.Sprint(name, i), 0, nil)
				w.delay = func() time.Duration { return rand.N(200 * time.Millisecond) }
				workers = append(workers, w)
			}
		}
		n.join(brokers...)
		ctx, cancel := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		var tries counter
		for i, name := range slices.Repeat(names, 4) {
			clients.Go(func() {
				for number := 0; ctx.Err() == nil; number++ {
					id := fmt.Sprintf("%s-%d-%d", name, i, number)
					if !n.pirate(t, name, id, &tries) {
						t.Errorf("%s was never answered", id)
					}
					pass(rand.N(4 * time.Second))
				}
			})
		}
		for range rounds {
			n.fault(names, workers)
		}
		cancel()
		clients.Wait()
		pass(time.Minute)
		var sum peering.Stats
		for _, b := range brokers {
			s := b.Stats()
			sum.Taken, sum.Forwarded, sum.Lost, sum.Late = sum.Taken+s.Taken, sum.Forwarded+s.Forwarded, sum.Lost+s.Lost, sum.Late+s.Late
			if s.Malformed != 0 || s.InHand != 0 || s.Workers != 2 || s.Capacity != 2 {
				t.Errorf("%s: %+v", b.Name(), s)
			}
		}
		if sum.Forwarded == 0 || sum.Lost == 0 {
			t.Error("no request was forwarded, or none lost: the faults are too few")
		}
		t.Logf("%d requests, %d tries; %d taken, %d forwarded, %d lost, %d late replies",
			tries.of("requests"), tries.of("tries"), sum.Taken, sum.Forwarded, sum.Lost, sum.Late)
	})
}

// pirate asks until there is a reply, by a new REQ each time. It reports false if
// there is none for ten minutes.
func (n *network) pirate(t *testing.T, broker, id string, tries *counter) bool {
	tries.add("requests")
	for range 120 {
		tries.add("tries")
		if done := n.try(t, broker, id); done {
			return true
		}
	}
	return false
}

func (n *network) try(t *testing.T, broker, id string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s := zmq.NewReq(n.dialer(), zmq.WithLinger(0))
	defer s.Close()
	if s.Connect(at(broker+"-localfe")) != nil || s.Send(ctx, []byte(id)) != nil {
		return false
	}
	m, err := s.Recv(ctx)
	if err != nil {
		return false
	}
	if len(m.Frames) != 2 || string(m.Frames[1]) != id {
		t.Errorf("%s was answered by %v", id, m)
	}
	return true
}

// fault breaks something for a while.
func (n *network) fault(names []string, workers []*worker) {
	name := names[rand.N(len(names))]
	host := name + []string{"-localbe", "-cloudfe", "-statebe"}[rand.N(3)]
	switch rand.N(3) {
	case 0:
		w := workers[rand.N(len(workers))]
		w.kill()
		pass(rand.N(3 * time.Second))
		w.start()
	case 1:
		n.link(host).Freeze()
		pass(rand.N(6 * time.Second))
		n.link(host).Thaw()
	default:
		n.link(host).Cut()
	}
	pass(rand.N(time.Second))
}
