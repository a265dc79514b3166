package majordomo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// dialect is a version of the protocol as frames, so that a rule that both
// versions have is held by one test.
type dialect Version

// both runs a test for a version in simulated time, with a broker that has the
// defaults.
func (d dialect) test(t *testing.T, cfg BrokerConfig, f func(t *testing.T, h *house)) {
	synctest.Test(t, func(t *testing.T) { f(t, newHouse(t, cfg)) })
}

func (d dialect) head(v1, v2 string) []string {
	if Version(d) == Version01 {
		return []string{"", v1}
	}
	return []string{v2}
}

func (d dialect) worker(c command, rest ...string) []string {
	octet := worker1Octets[c]
	if Version(d) == Version02 {
		octet = worker2Octets[c]
	}
	return append(append(d.head(headerWorker1, headerWorker2), string(octet)), rest...)
}

func (d dialect) ready(service string) []string { return d.worker(ready, service) }

// client is a message from or to a client; c counts in 0.2 alone.
func (d dialect) client(c command, service string, body ...string) []string {
	frames := d.head(headerClient1, headerClient2)
	if Version(d) == Version02 {
		frames = append(frames, map[command]string{request: "\x01", partial: "\x02", final: "\x03"}[c])
	}
	return append(append(frames, service), body...)
}

func (d dialect) config() WorkerConfig { return WorkerConfig{Version: Version(d)} }

// A request is carried to a worker and its reply back, frame by frame as the
// text has them.
func (d dialect) carries(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
		w.send(d.ready("tea")...)
		for _, body := range []string{"one", "two"} {
			c.send(d.client(request, "tea", body, "", "milk")...)
			w.want(d.worker(request, "client", "", body, "", "milk")...)
			w.send(d.worker(final, "client", "", "reply to", body)...)
			c.want(d.client(final, "tea", "reply to", body)...)
		}
	})
}

// The same, with our client and worker at the ends.
func (d dialect) carriesOurs(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		h.worker("tea", d.config(), echo)
		c := h.raw()
		c.send(d.client(request, "tea", "please")...)
		c.want(d.client(final, "tea", "please")...)
	})
}

func (d dialect) queuesForAbsent(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		c := h.raw()
		c.send(d.client(request, "tea", "please")...)
		pass(29 * time.Second)
		h.worker("tea", d.config(), echo)
		c.want(d.client(final, "tea", "please")...)
	})
}

func (d dialect) expiresForAbsent(t *testing.T) {
	cfg := BrokerConfig{Limits: Limits{Expiry: 5 * time.Second}}
	d.test(t, cfg, func(t *testing.T, h *house) {
		c := h.raw()
		c.send(d.client(request, "tea", "please")...)
		pass(7 * time.Second)
		w := h.raw()
		w.send(d.ready("tea")...)
		w.silent(2 * time.Second)
		if st := h.broker.Stats(); st.Expired != 1 || st.Queued != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func (d dialect) readyHasNoAnswer(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		w := h.raw()
		w.send(d.ready("tea")...)
		w.silent(7 * time.Second)
	})
}

// Whatever is valid and not expected is answered by DISCONNECT, and then by
// nothing at all.
func (d dialect) unexpected(t *testing.T, first [][]string, then []string) {
	t.Helper()
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		bystander := h.worker("tea", d.config(), echo)
		w, c := h.raw(), h.raw()
		for _, frames := range first {
			w.send(frames...)
		}
		w.send(then...)
		w.want(d.worker(disconnect)...)
		w.send(d.worker(heartbeat)...)
		w.send(d.ready("coffee")...)
		c.send(d.client(request, "coffee", "please")...)
		w.silent(10 * time.Second)
		c.send(d.client(request, "tea", "please")...)
		c.want(d.client(final, "tea", "please")...)
		h.log.want(t, "worker disconnected")
		_ = bystander
	})
}

func (d dialect) disconnectBeforeReady(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		w := h.raw()
		w.send(d.worker(disconnect)...)
		w.silent(10 * time.Second)
		w.send(d.ready("tea")...) // it was never disconnected by the broker
		c := h.raw(zmq.WithRoutingID("client"))
		c.send(d.client(request, "tea", "please")...)
		w.want(d.worker(request, "client", "", "please")...)
	})
}

// After a worker's DISCONNECT the broker says nothing more to it, and gives what
// it had in hand to another.
func (d dialect) disconnectByWorker(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
		w.send(d.ready("tea")...)
		c.send(d.client(request, "tea", "please")...)
		w.want(d.worker(request, "client", "", "please")...)
		w.send(d.worker(disconnect)...)
		pass(time.Millisecond)
		h.worker("tea", d.config(), echo)
		c.want(d.client(final, "tea", "please")...)
		c.send(d.client(request, "tea", "again")...)
		c.want(d.client(final, "tea", "again")...)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if m, err := w.s.Recv(ctx); err == nil {
			t.Error("after DISCONNECT the broker said", m)
		}
	})
}

// dropped are invalid messages of a worker or a client.
func (d dialect) dropped() [][]string {
	bad := [][]string{
		{"nonsense"},
		{"", ""},
		append(d.head("MDPW09", "MDPW09"), "\x01", "tea"),
		d.head(headerWorker1, headerWorker2),
		append(d.head(headerWorker1, headerWorker2), "\x63"),
		append(d.head(headerWorker1, headerWorker2), "\x01\x01", "tea"),
		d.worker(ready),
		d.worker(ready, ""),
		d.worker(ready, "tea", "coffee"),
		d.worker(ready, "bell\x07"),
		d.worker(final),
		d.worker(final, "client"),
		d.worker(final, "client", "body"),
		d.worker(final, "client", ""),
		d.worker(final, "", "", "body"),
		d.worker(final, "client", "stacked", "", "body"),
		d.worker(heartbeat, "loud"),
		d.worker(disconnect, "now"),
		d.head(headerClient1, headerClient2),
		d.client(request, "tea"),
		d.client(request, "", "body"),
		d.client(request, "bell\x07", "body"),
	}
	if Version(d) == Version02 {
		bad = append(bad, d.client(partial, "tea", "body"), d.client(final, "tea", "body"),
			[]string{headerClient2, "\x63", "tea", "body"})
	}
	return bad
}

// Each invalid message is dropped without an answer, and disturbs nobody.
func (d dialect) invalidFromStranger(t *testing.T) {
	for _, bad := range d.dropped() {
		d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			h.worker("tea", d.config(), echo)
			x, c := h.raw(), h.raw()
			x.send(bad...)
			x.silent(10 * time.Second)
			if st := h.broker.Stats(); st.Malformed != 1 {
				t.Errorf("%q: %+v", bad, st)
			}
			h.log.want(t, "message dropped")
			c.send(d.client(request, "tea", "please")...)
			c.want(d.client(final, "tea", "please")...)
		})
	}
}

// A worker that sends what is invalid is invalid itself: it gets nothing more,
// and its request goes to another.
func (d dialect) invalidFromWorker(t *testing.T) {
	for _, bad := range d.dropped() {
		d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
			w.send(d.ready("tea")...)
			c.send(d.client(request, "tea", "please")...)
			w.want(d.worker(request, "client", "", "please")...)
			w.send(bad...)
			w.want(d.worker(disconnect)...)
			h.worker("tea", d.config(), echo)
			c.want(d.client(final, "tea", "please")...)
			w.silent(10 * time.Second)
		})
	}
}

// beats counts the heartbeats that come in a time.
func (r *raw) beats(d time.Duration) (n int) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for {
		m, err := r.s.Recv(ctx)
		if err != nil {
			return n
		}
		if !isHeartbeat(strs(m.Frames)) {
			r.t.Fatalf("received %v", m)
		}
		n++
	}
}

// The broker sends a heartbeat each interval, unless it says something else.
func (d dialect) brokerBeats(t *testing.T) {
	d.test(t, BrokerConfig{Heartbeat: time.Second, Liveness: 1000}, func(t *testing.T, h *house) {
		w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
		w.send(d.ready("tea")...)
		if n := w.beats(10*time.Second + time.Millisecond); n != 10 {
			t.Errorf("%d heartbeats in 10 intervals", n)
		}
		pass(500 * time.Millisecond)
		c.send(d.client(request, "tea", "please")...)
		w.want(d.worker(request, "client", "", "please")...)
		if n := w.beats(900 * time.Millisecond); n != 0 {
			t.Errorf("%d heartbeats although it sent a request", n)
		}
	})
}

// A worker that is silent for Liveness intervals is dead: it gets nothing more,
// its request goes to another, and when it speaks again it is disconnected.
func (d dialect) silentWorker(t *testing.T) {
	d.test(t, BrokerConfig{Heartbeat: time.Second}, func(t *testing.T, h *house) {
		w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
		w.send(d.ready("tea")...)
		c.send(d.client(request, "tea", "please")...)
		w.want(d.worker(request, "client", "", "please")...)
		h.worker("tea", WorkerConfig{Version: Version(d), Heartbeat: time.Second}, echo)
		start := time.Now()
		c.want(d.client(final, "tea", "please")...)
		if after := time.Since(start); after != 3*time.Second {
			t.Errorf("noticed after %v", after)
		}
		w.beats(time.Second) // what was sent before
		w.silent(5 * time.Second)
		w.send(d.worker(final, "client", "", "too late")...)
		w.want(d.worker(disconnect)...)
		c.silent(5 * time.Second)
	})
}

// Any command but DISCONNECT is a sign of life.
func (d dialect) anythingIsLife(t *testing.T) {
	d.test(t, BrokerConfig{Heartbeat: time.Second}, func(t *testing.T, h *house) {
		w, c := h.raw(), h.raw(zmq.WithRoutingID("client"))
		w.send(d.ready("tea")...)
		for range 10 {
			pass(2500 * time.Millisecond)
			c.send(d.client(request, "tea", "please")...)
			w.want(d.worker(request, "client", "", "please")...)
			w.send(d.worker(final, "client", "", "reply")...) // no heartbeat, ever
			c.want(d.client(final, "tea", "reply")...)
		}
		if n := h.broker.Stats().Workers; n != 1 {
			t.Errorf("%d workers", n)
		}
	})
}

// fairness: one client's many requests do not keep another's waiting.
func (d dialect) fair(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		greedy, modest, w := h.raw(zmq.WithRoutingID("greedy")), h.raw(zmq.WithRoutingID("modest")), h.raw()
		for range 100 {
			greedy.send(d.client(request, "tea", "more")...)
		}
		pass(time.Millisecond)
		modest.send(d.client(request, "tea", "one")...)
		pass(time.Millisecond)
		w.send(d.ready("tea")...)
		w.want(d.worker(request, "greedy", "", "more")...)
		w.send(d.worker(final, "greedy", "", "x")...)
		w.want(d.worker(request, "modest", "", "one")...)
	})
}

// The worker that has waited longest gets the request.
func (d dialect) leastRecentlyUsed(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		c := h.raw(zmq.WithRoutingID("client"))
		var workers [3]*raw
		for i := range workers {
			workers[i] = h.raw()
			workers[i].send(d.ready("tea")...)
			pass(time.Millisecond)
		}
		for i := range 9 {
			c.send(d.client(request, "tea", "please")...)
			workers[i%3].want(d.worker(request, "client", "", "please")...)
			workers[i%3].send(d.worker(final, "client", "", "done")...)
			c.want(d.client(final, "tea", "done")...)
		}
	})
}

// A worker has one request at a time.
func (d dialect) oneAtATime(t *testing.T) {
	d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
		c, w := h.raw(zmq.WithRoutingID("client")), h.raw()
		w.send(d.ready("tea")...)
		c.send(d.client(request, "tea", "one")...)
		c.send(d.client(request, "tea", "two")...)
		w.want(d.worker(request, "client", "", "one")...)
		w.silent(5 * time.Second)
		w.send(d.worker(final, "client", "", "done")...)
		w.want(d.worker(request, "client", "", "two")...)
	})
}

// desk is a ROUTER that plays a broker which follows the RFCs and no more.
type desk struct {
	t      testing.TB
	s      *zmq.Socket
	domain *zmq.Domain
}

func newDesk(t testing.TB, opts ...zmq.Option) *desk {
	t.Helper()
	d := &desk{t: t, domain: zmq.NewDomain()}
	d.s = zmq.NewRouter(append(opts, zmq.WithDomain(d.domain), zmq.WithLinger(0))...)
	t.Cleanup(func() { d.s.Close() })
	if _, err := d.s.Bind(door); err != nil {
		t.Fatal(err)
	}
	return d
}

// recv receives a message, also a heartbeat.
func (d *desk) recv() (id string, frames []string) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	m, err := d.s.Recv(ctx)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(m.Frames[0]), strs(m.Frames[1:])
}

func (d *desk) want(frames ...string) (id string) {
	d.t.Helper()
	id, got := d.recv()
	if !equal(got, frames) {
		d.t.Fatalf("received %q, want %q", got, frames)
	}
	return id
}

func (d *desk) send(id string, frames ...string) {
	d.t.Helper()
	m := zmq.MsgFromStrings(append([]string{id}, frames...)...)
	if err := d.s.Send(context.Background(), m.Frames...); err != nil {
		d.t.Fatal(err)
	}
}

// atDesk runs one of our workers before a desk.
func (d dialect) atDesk(t *testing.T, f func(t *testing.T, desk *desk, w *Worker)) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t)
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		f(t, desk, h.worker("tea", d.config(), echo))
	})
}

// Our worker's frames, first to last.
func (d dialect) workerSpeaks(t *testing.T) {
	d.atDesk(t, func(t *testing.T, desk *desk, w *Worker) {
		id := desk.want(d.ready("tea")...)
		desk.send(id, d.worker(request, "client", "", "one", "", "two")...)
		desk.want(d.worker(final, "client", "", "one", "", "two")...)
		desk.send(id, d.worker(heartbeat)...)
		desk.want(d.worker(heartbeat)...)
		if err := w.Shutdown(within(t)); err != nil {
			t.Error(err)
		}
		desk.want(d.worker(disconnect)...)
	})
}

// Our worker comes back on a new socket when it is told to go.
func (d dialect) workerIsDisconnected(t *testing.T) {
	d.atDesk(t, func(t *testing.T, desk *desk, _ *Worker) {
		first := desk.want(d.ready("tea")...)
		desk.send(first, d.worker(disconnect)...)
		second := desk.want(d.ready("tea")...)
		if first == second {
			t.Error("it came back on the same socket")
		}
		for range 3 { // heartbeats of the new one alone
			desk.send(second, d.worker(heartbeat)...)
			if id := desk.want(d.worker(heartbeat)...); id != second {
				t.Error("the old socket still speaks")
			}
		}
	})
}

// Our worker takes a silent broker for dead after three intervals.
func (d dialect) workerNoticesSilence(t *testing.T) {
	d.atDesk(t, func(t *testing.T, desk *desk, _ *Worker) {
		first := desk.want(d.ready("tea")...)
		start := time.Now()
		for {
			id, frames := desk.recv()
			if equal(frames, d.worker(heartbeat)) && id == first {
				continue
			}
			if !equal(frames, d.ready("tea")) || id == first {
				t.Fatalf("%q", frames)
			}
			if after := time.Since(start); after < 7500*time.Millisecond || after > 8*time.Second {
				t.Errorf("it came back after %v", after)
			}
			return
		}
	})
}

// Our worker sends a heartbeat each interval, unless it says something else.
func (d dialect) workerBeats(t *testing.T) {
	d.atDesk(t, func(t *testing.T, desk *desk, _ *Worker) {
		id := desk.want(d.ready("tea")...)
		start := time.Now()
		for i := 1; i <= 5; i++ {
			desk.send(id, d.worker(heartbeat)...)
			desk.want(d.worker(heartbeat)...)
			if at := time.Since(start); at != time.Duration(i)*2500*time.Millisecond {
				t.Errorf("heartbeat %d came at %v", i, at)
			}
		}
		pass(2 * time.Second)
		desk.send(id, d.worker(request, "client", "", "x")...)
		desk.want(d.worker(final, "client", "", "x")...)
		start = time.Now()
		desk.want(d.worker(heartbeat)...)
		if at := time.Since(start); at != 2500*time.Millisecond {
			t.Errorf("the heartbeat after a reply came at %v", at)
		}
	})
}

// clientAtDesk runs one of our clients before a desk.
func (d dialect) clientAtDesk(t *testing.T, f func(t *testing.T, desk *desk, c *Client)) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t)
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		f(t, desk, h.client(ClientConfig{Version: Version(d)}))
	})
}

// Our client asks again, on a new socket each time, and then gives up.
func (d dialect) clientRetries(t *testing.T) {
	d.clientAtDesk(t, func(t *testing.T, desk *desk, c *Client) {
		failed := make(chan error, 1)
		go func() {
			_, err := c.Call(t.Context(), "tea", []byte("please"))
			failed <- err
		}()
		seen := map[string]bool{}
		for range 3 {
			seen[desk.want(d.client(request, "tea", "please")...)] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d sockets for 3 attempts", len(seen))
		}
		if err := <-failed; err == nil {
			t.Error("no error without a reply")
		}
	})
}

// A late reply to the first attempt is not taken for that to anything else.
func (d dialect) clientIgnoresLateReplies(t *testing.T) {
	d.clientAtDesk(t, func(t *testing.T, desk *desk, c *Client) {
		go func() {
			first := desk.want(d.client(request, "tea", "one")...)
			second := desk.want(d.client(request, "tea", "one")...)
			desk.send(second, d.client(final, "tea", "reply to one")...)
			next := desk.want(d.client(request, "tea", "two")...)
			desk.send(first, d.client(final, "tea", "late reply to one")...)
			desk.send(next, d.client(final, "coffee", "of another service")...)
			desk.send(next, d.client(final, "tea", "reply to two")...)
		}()
		for _, text := range []string{"one", "two"} {
			reply, err := c.Call(t.Context(), "tea", []byte(text))
			if err != nil || string(reply[0]) != "reply to "+text {
				t.Error(strs(reply), err)
			}
		}
	})
}
