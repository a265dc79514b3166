package majordomo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

func TestAccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := errors.New("not for you")
		h := newHouse(t, BrokerConfig{Access: func(p zmq.Peer, op Op, service string) error {
			if p.Property("x-user") != "alice" && (service == "vault" || op == OpManage) {
				return secret
			}
			return nil
		}})
		bob := h.raw(zmq.WithMetadata("X-User", "bob"))
		bob.send(mdp1.ready("vault")...)
		bob.want(mdp1.worker(disconnect)...)
		alice := WorkerConfig{Options: []zmq.Option{zmq.WithMetadata("X-User", "alice")}}
		h.worker("vault", alice, echo)
		h.worker("lobby", WorkerConfig{}, echo)
		inside := h.client(ClientConfig{Options: alice.Options})
		outside := h.client(ClientConfig{})
		if _, err := inside.Call(within(t), "vault", nil); err != nil {
			t.Error(err)
		}
		if _, err := outside.Call(within(t), "lobby", nil); err != nil {
			t.Error(err)
		}
		for _, service := range []string{"vault", "mmi.services"} {
			if _, err := outside.Call(within(t), service, nil); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %v", service, err)
			}
		}
		if n := h.broker.Stats().Refused; n != 3 {
			t.Errorf("%d refused", n)
		}
		h.log.want(t, "not for you")
	})
}

// What is above the limits is refused at once, and the rest is served.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{
			MaxServices: 3, ClientRequests: 7,
			Limits: Limits{Requests: 5, Bytes: 1000},
			ServiceLimits: func(service string) Limits {
				if service == "narrow" {
					return Limits{Requests: 1}
				}
				return Limits{}
			},
		})
		once := ClientConfig{Attempts: 1}
		fill := func(c *Client, service string, n int) (pending []*Pending) {
			for range n {
				p, err := c.Start(t.Context(), Call{Service: service, Frames: [][]byte{make([]byte, 100)}})
				if err != nil {
					t.Fatal(err)
				}
				pending = append(pending, p)
			}
			pass(time.Millisecond)
			return pending
		}
		busy := func(c *Client, service string, size int) {
			t.Helper()
			if _, err := c.Call(t.Context(), service, make([]byte, size)); !errors.Is(err, ErrBusy) {
				t.Errorf("%s: %v", service, err)
			}
		}
		a, b := h.client(once), h.client(once)
		kept := fill(a, "wide", 5)
		busy(b, "wide", 100)
		kept = append(kept, fill(b, "narrow", 1)...)
		busy(b, "narrow", 1)
		busy(b, "third", 1001)
		kept = append(kept, fill(a, "third", 2)...)
		busy(a, "third", 1) // the eighth of a
		busy(b, "fourth", 1)
		for _, service := range []string{"wide", "narrow", "third"} {
			h.worker(service, WorkerConfig{}, echo)
		}
		for _, p := range kept {
			if _, err := p.Reply(); err != nil {
				t.Error(err)
			}
		}
		if n := h.broker.Stats().Overflows; n != 5 {
			t.Errorf("%d overflows", n)
		}
	})
}

// A client is patient with a broker that is busy for a moment.
func TestBusyPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{Limits: Limits{Requests: 1}})
		c := h.client(ClientConfig{})
		var asking sync.WaitGroup
		for range 2 {
			asking.Go(func() {
				if _, err := c.Call(t.Context(), "echo", nil); err != nil {
					t.Error(err)
				}
			})
		}
		pass(time.Second)
		h.worker("echo", WorkerConfig{}, echo)
		asking.Wait()
	})
}

// A request that kills its workers is given up; one of a stream whose worker
// dies is not begun again.
func TestWorkersDie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{Limits: Limits{Tries: 3}})
		c := h.client(ClientConfig{})
		p, err := c.Start(t.Context(), Call{Service: "poison", Frames: [][]byte{nil}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			w := h.raw()
			w.send(mdp2.ready("poison")...)
			w.recv()
			w.s.Close() // noticed at the next heartbeat
		}
		if _, err := p.Reply(); !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		w := h.raw()
		w.send(mdp2.ready("tv")...)
		go func() {
			address := w.recv()[2]
			w.send(mdp2.worker(partial, address, "", "part one")...)
			pass(time.Second)
			w.send(mdp2.worker(disconnect)...)
		}()
		var parts []string
		for part, err := range c.Stream(t.Context(), Call{Service: "tv", Frames: [][]byte{nil}}) {
			if err != nil {
				if !errors.Is(err, ErrInterrupted) {
					t.Error(err)
				}
				parts = append(parts, "interrupted")
			}
			parts = append(parts, strs(part)...)
		}
		if !equal(parts, []string{"part one", "interrupted"}) {
			t.Error(parts)
		}
		if st := h.broker.Stats(); st.Requeued != 2 || st.Expired != 2 {
			t.Errorf("%+v", st)
		}
	})
}

// A worker in peace: what it has is finished, what comes goes to others, nothing
// is lost or done twice.
func TestWorkerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		var mu sync.Mutex
		done := map[string]int{}
		work := func(ctx context.Context, r *Request) error {
			mu.Lock()
			done[string(r.Frames[0])]++
			mu.Unlock()
			pass(time.Second)
			return echo(ctx, r)
		}
		w := h.worker("echo", WorkerConfig{Concurrency: 5}, work)
		c := h.client(ClientConfig{})
		var asking sync.WaitGroup
		ask := func(n int) {
			asking.Go(func() {
				if _, err := c.Call(t.Context(), "echo", fmt.Append(nil, n)); err != nil {
					t.Error(err)
				}
			})
		}
		for n := range 8 {
			ask(n)
		}
		pass(500 * time.Millisecond)
		start := time.Now()
		if err := w.Shutdown(within(t)); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 500*time.Millisecond {
			t.Errorf("it took %v to finish what takes half a second", took)
		}
		h.worker("echo", WorkerConfig{}, work)
		asking.Wait()
		for n, times := range done {
			if times != 1 {
				t.Errorf("%s was done %d times", n, times)
			}
		}
		// A handler that does not end is cancelled with the context.
		stuck := h.worker("stuck", WorkerConfig{}, func(ctx context.Context, _ *Request) error { <-ctx.Done(); return ctx.Err() })
		p, err := c.Start(t.Context(), Call{Service: "stuck", Frames: [][]byte{nil}})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := stuck.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		select {
		case <-p.Done():
			t.Error("a request of a worker that was cancelled has ended")
		default:
		}
	})
}

// A broker in peace: what it has is answered, what comes is refused.
func TestBrokerShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("slow", WorkerConfig{}, func(ctx context.Context, r *Request) error {
			pass(10 * time.Second)
			return echo(ctx, r)
		})
		c := h.client(ClientConfig{Attempts: 2})
		p, err := c.Start(t.Context(), Call{Service: "slow", Frames: [][]byte{nil}})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		ended := make(chan error)
		go func() { ended <- h.broker.Shutdown(within(t)) }()
		pass(time.Second)
		if _, err := c.Call(t.Context(), "slow", nil); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		if _, err := p.Reply(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// The end of Serve is told to the workers.
func TestServeSaysGoodbye(t *testing.T) {
	mdp1.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		w := h.raw()
		w.send(mdp1.ready("tea")...)
		pass(time.Second)
		go h.broker.Close()
		w.want(mdp1.worker(disconnect)...)
	})
}

// A broker that is gone and back is found again over the same endpoint, and what
// it had in hand is asked again at once.
func TestBrokerRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		dial := []zmq.Option{zmq.WithDialer(link.Dialer())}
		start := func() *Broker {
			b, err := NewBroker(BrokerConfig{})
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Socket().ServeListener(link.Listener()); err != nil {
				t.Fatal(err)
			}
			go func() { _ = b.Serve(context.Background()) }()
			return b
		}
		b := start()
		w, err := NewWorker("slow", HandlerFunc(func(ctx context.Context, r *Request) error {
			pass(10 * time.Second)
			return echo(ctx, r)
		}), WorkerConfig{Options: dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- w.Serve(ctx, "tcp://broker:1") }()
		c, err := NewClient("tcp://broker:1", ClientConfig{Attempts: 10, Options: dial})
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Start(t.Context(), Call{Service: "slow", Frames: [][]byte{[]byte("x")}})
		if err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		b = start()
		began := time.Now()
		if reply, err := p.Reply(); err != nil || string(reply[0]) != "x" {
			t.Error(strs(reply), err)
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("a request of 10 s was answered after %v", took)
		}
		cancel()
		if err := <-served; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := errors.Join(c.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var seen []string
		h := newHouse(t, BrokerConfig{Observe: func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, e.Kind.String())
		}})
		w := h.worker("echo", WorkerConfig{}, echo)
		c := h.client(ClientConfig{})
		if _, err := c.Call(within(t), "echo", nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Shutdown(within(t)); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		h.raw().send("nonsense")
		pass(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"worker ready", "dispatched", "replied", "worker gone", "malformed"}; !equal(seen, want) {
			t.Errorf("%q", seen)
		}
	})
}

// A worker whose connection is lost is dead at the next heartbeat, although it
// might be silent for longer.
func TestLostConnectionIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		w, c := h.raw(), h.raw()
		w.send(mdp1.ready("tea")...)
		c.send(mdp1.client(request, "tea", "please")...)
		w.recv()
		w.s.Close()
		h.worker("tea", WorkerConfig{}, echo)
		start := time.Now()
		c.want(mdp1.client(final, "tea", "please")...)
		if after := time.Since(start); after > 2500*time.Millisecond {
			t.Errorf("noticed after %v", after)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, cfg := range []BrokerConfig{
		{Heartbeat: -1}, {Liveness: -1}, {MaxServices: -1}, {MaxWorkers: -1}, {ClientRequests: -1}, {ReplyCacheBytes: -1},
		{Limits: Limits{Requests: -1}}, {Limits: Limits{Bytes: -1}}, {Limits: Limits{Expiry: -1}}, {Limits: Limits{Tries: -1}},
	} {
		if _, err := NewBroker(cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	if _, err := NewBroker(BrokerConfig{Options: []zmq.Option{zmq.WithConflate(true)}}); !errors.Is(err, zmq.ErrNotSupported) {
		t.Error(err)
	}
	for _, service := range []string{"", "mmi.service", "a\x00b", string(make([]byte, 256))} {
		if _, err := NewWorker(service, HandlerFunc(echo), WorkerConfig{}); !errors.Is(err, ErrConfig) {
			t.Errorf("%q: %v", service, err)
		}
	}
	if _, err := NewWorker("a", HandlerFunc(echo), WorkerConfig{Version: 3}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	if _, err := NewClient("nonsense", ClientConfig{}); !errors.Is(err, zmq.ErrInvalid) {
		t.Error(err)
	}
	if _, err := NewClient(door, ClientConfig{Timeout: -1}); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

func TestBadCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		c := h.client(ClientConfig{})
		for _, call := range []Call{
			{Service: "", Frames: [][]byte{nil}},
			{Service: "echo"},
			{Service: "echo", Key: string(make([]byte, 256)), Frames: [][]byte{nil}},
		} {
			if _, err := c.Do(within(t), call); !errors.Is(err, ErrConfig) {
				t.Errorf("%+v: %v", call, err)
			}
		}
		p, err := c.Start(t.Context(), Call{Service: "echo", Frames: [][]byte{nil}})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := p.Reply(); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if _, err := c.Call(t.Context(), "echo", nil); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
}
