package pirate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// A history is what the clients saw and the workers did.
type history struct {
	mu      sync.Mutex
	asked   int
	replies map[string][]string // by request
	done    map[string]int      // how often each request was carried out
}

func (h *history) ask() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	return fmt.Sprintf("request %d", h.asked)
}

func (h *history) answered(request string, reply zmq.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replies[request] = append(h.replies[request], string(reply.Frames[0]))
}

func (h *history) carriedOut(request string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done[request]++
}

// check wants one reply for each request, its own, of somebody who has carried it
// out.
func (h *history) check(t *testing.T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	repeated := 0
	for i := range h.asked {
		request := fmt.Sprintf("request %d", i+1)
		if got := h.replies[request]; len(got) != 1 || got[0] != "re "+request {
			t.Errorf("%s got %q", request, got)
		}
		switch n := h.done[request]; {
		case n == 0:
			t.Errorf("%s was not carried out", request)
		case n > 1:
			repeated++
		}
	}
	t.Logf("%d requests, %d of them carried out more than once", h.asked, repeated)
}

// A storm is a port in which things go wrong. Each worker has a link of its own, and
// the clients have one.
type storm struct {
	*port
	history history
	docks   []*dock
}

// briskly is how often the queue and its workers send heartbeats.
const briskly = 300 * time.Millisecond

func brisk(q *Queue) { q.Interval = briskly }

// A dock is where one worker is.
type dock struct {
	*harbour
	simple bool
	worker *runner
}

// TestChaos: workers are killed, cut off, frozen and thawed, clients too, and the
// queue begins anew, all under load. Every request of a client that tries again
// gets its own reply.
func TestChaos(t *testing.T) {
	for _, plain := range []bool{false, true} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("plain=%v seed=%d", plain, seed), func(t *testing.T) {
				inBubble(t, func(t *testing.T) { chaos(t, plain, rand.New(rand.NewPCG(seed, 1)), 250) })
			})
		}
	}
}

func chaos(t *testing.T, plain bool, r *rand.Rand, rounds int) {
	st := &storm{port: openPort(t, brisk)}
	st.history.replies, st.history.done = map[string][]string{}, map[string]int{}
	for i := range 6 {
		d := &dock{harbour: newHarbour(t), simple: i == 0}
		st.docks = append(st.docks, d)
		st.join(d)
		st.hire(d)
	}
	c := st.client(func(c *Client) {
		c.Plain, c.Tries, c.Timeout = plain, 1000, 1500*time.Millisecond
		c.Backoff = Backoff{First: 50 * time.Millisecond, Most: time.Second}
	})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() { st.load(t, ctx, c) })
	}
	for range rounds {
		st.strike(r)
		elapse(time.Duration(r.IntN(1000)) * time.Millisecond)
	}
	for _, d := range st.docks {
		d.link.Thaw()
	}
	st.clients.link.Thaw()
	stop()
	asking.Wait()
	st.history.check(t)
}

// load sends requests until ctx ends, and waits for the last reply.
func (st *storm) load(t *testing.T, ctx context.Context, c *Client) {
	for ctx.Err() == nil {
		request := st.history.ask()
		reply, err := c.Request(t.Context(), []byte(request))
		if err != nil {
			t.Errorf("%s: %v", request, err)
			continue
		}
		st.history.answered(request, reply)
	}
}

// join lets the worker of a dock reach the queue.
func (st *storm) join(d *dock) {
	if err := st.Workers.ServeListener(d.link.Listener()); err != nil {
		st.t.Error(err)
	}
}

// hire starts the worker of a dock.
func (st *storm) hire(d *dock) {
	w := &Worker{Endpoint: "tcp://queue:2", Options: []zmq.Option{d.dialer()}, Simple: d.simple,
		Interval: briskly, Backoff: Backoff{First: 100 * time.Millisecond, Most: time.Second}}
	w.Handler = func(_ context.Context, m zmq.Msg) (zmq.Msg, error) {
		request := string(m.Frames[0])
		st.history.carriedOut(request)
		<-time.After(rand.N(400 * time.Millisecond))
		return zmq.MsgFromStrings("re " + request), nil
	}
	d.worker = runs(st.t, w.Run)
}

// strike does one thing to somebody.
func (st *storm) strike(r *rand.Rand) {
	d := st.docks[r.IntN(len(st.docks))]
	switch n := r.IntN(100); {
	case n < 25: // killed, and started again: what it would still say is lost
		d.link.Cut()
		d.worker.cancel()
		d.link.Cut()
		<-d.worker.done
		st.hire(d)
	case n < 40:
		d.link.Cut()
	case n < 60:
		d.link.Freeze()
	case n < 85:
		d.link.Thaw()
	case n < 90:
		st.clients.link.Cut()
	case n < 94:
		st.clients.link.Freeze()
	case n < 98:
		st.clients.link.Thaw()
	default:
		st.restart()
	}
}

// restart ends the queue, with what waits in it, and begins a new one.
func (st *storm) restart() {
	st.run.end()
	st.Clients.Close()
	st.Workers.Close()
	st.open(brisk)
	for _, d := range st.docks {
		st.join(d)
	}
}
