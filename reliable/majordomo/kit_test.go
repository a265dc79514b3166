package majordomo

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/zmqtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds what takes no time unless it is broken.
const patience = 20 * time.Second

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// pass lets simulated time pass.
func pass(d time.Duration) { <-time.After(d) }

// notes is a log that a test reads.
type notes struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (n *notes) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(b)
}

func (n *notes) logger() *slog.Logger { return slog.New(slog.NewTextHandler(n, nil)) }

func (n *notes) want(t testing.TB, text string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !strings.Contains(n.b.String(), text) {
		t.Errorf("the log says nothing of %q:\n%s", text, n.b.String())
	}
}

// house is a broker on inproc in a domain of its own, so that a test in
// simulated time sees no others.
type house struct {
	t      testing.TB
	domain *zmq.Domain
	broker *Broker
	log    *notes
}

const door = "inproc://broker"

func newHouse(t testing.TB, cfg BrokerConfig) *house {
	t.Helper()
	h := &house{t: t, domain: zmq.NewDomain(), log: &notes{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(h.log.b.String())
		}
	})
	h.start(cfg)
	return h
}

// newLinkedHouse is a house with a link to its broker, with faults. The link is looked
// at for leaks when the house has ended.
func newLinkedHouse(t testing.TB, cfg BrokerConfig) (*house, *zmqtest.Link) {
	t.Helper()
	link := zmqtest.NewLink(t)
	h := newHouse(t, cfg)
	if err := h.broker.Socket().ServeListener(link.Listener()); err != nil {
		t.Fatal(err)
	}
	return h, link
}

// start starts a broker at the door.
func (h *house) start(cfg BrokerConfig) {
	h.t.Helper()
	cfg.Logger = h.log.logger()
	cfg.Options = append(cfg.Options, zmq.WithDomain(h.domain))
	b, err := NewBroker(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.broker = b
	if _, err := b.Bind(door); err != nil {
		h.t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.Serve(context.Background()) }()
	h.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			h.t.Error(err)
		}
		if err := <-served; err != nil && !errors.Is(err, ErrClosed) { // closed before it has begun
			h.t.Error("Serve:", err)
		}
	})
}

// worker starts a worker that stops with the test.
func (h *house) worker(service string, cfg WorkerConfig, f HandlerFunc) *Worker {
	h.t.Helper()
	cfg.Logger = h.log.logger()
	cfg.Options = append(cfg.Options, zmq.WithDomain(h.domain))
	w, err := NewWorker(service, f, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Serve(ctx, door)
	}()
	h.t.Cleanup(func() { cancel(); <-done })
	return w
}

// client makes a client that is closed with the test.
func (h *house) client(cfg ClientConfig) *Client {
	h.t.Helper()
	return h.clientAt(door, cfg)
}

// clientOver makes a client whose connections go over a link.
func (h *house) clientOver(link *zmqtest.Link, cfg ClientConfig) *Client {
	h.t.Helper()
	cfg.Options = append(cfg.Options, zmq.WithDialer(link.Dialer()))
	return h.clientAt("tcp://broker:1", cfg)
}

func (h *house) clientAt(endpoint string, cfg ClientConfig) *Client {
	h.t.Helper()
	cfg.Logger = h.log.logger()
	cfg.Options = append(cfg.Options, zmq.WithDomain(h.domain))
	c, err := NewClient(endpoint, cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return c
}

// raw is a DEALER that speaks MDP by hand.
type raw struct {
	t testing.TB
	s *zmq.Socket
}

func (h *house) raw(opts ...zmq.Option) *raw {
	h.t.Helper()
	s := zmq.NewDealer(append(opts, zmq.WithDomain(h.domain), zmq.WithLinger(0))...)
	h.t.Cleanup(func() { s.Close() })
	if err := s.Connect(door); err != nil {
		h.t.Fatal(err)
	}
	return &raw{h.t, s}
}

func (r *raw) send(frames ...string) {
	r.t.Helper()
	m := zmq.MsgFromStrings(frames...)
	if err := r.s.Send(within(r.t), m.Frames...); err != nil {
		r.t.Fatal(err)
	}
}

// recv receives a message that is no heartbeat.
func (r *raw) recv() []string {
	r.t.Helper()
	for {
		m, err := r.s.Recv(within(r.t))
		if err != nil {
			r.t.Fatal(err)
		}
		if frames := strs(m.Frames); !isHeartbeat(frames) {
			return frames
		}
	}
}

// want receives that message.
func (r *raw) want(frames ...string) {
	r.t.Helper()
	if got := r.recv(); !equal(got, frames) {
		r.t.Fatalf("received %q, want %q", got, frames)
	}
}

// silent wants nothing but heartbeats for a time, which has to be simulated.
func (r *raw) silent(d time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	for {
		m, err := r.s.Recv(ctx)
		if err != nil {
			return
		}
		if frames := strs(m.Frames); !isHeartbeat(frames) {
			r.t.Fatalf("received %q, want nothing", frames)
		}
	}
}

func isHeartbeat(f []string) bool {
	return equal(f, []string{"", headerWorker1, "\x04"}) || equal(f, []string{headerWorker2, "\x05"})
}

func strs(frames [][]byte) []string {
	s := make([]string, len(frames))
	for i := range frames {
		s[i] = string(frames[i])
	}
	return s
}

func equal(a, b []string) bool {
	return strings.Join(a, "\x01|") == strings.Join(b, "\x01|") && len(a) == len(b)
}

// echo is a handler.
func echo(_ context.Context, r *Request) error { return r.Reply(r.Frames...) }
