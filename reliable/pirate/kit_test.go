package pirate

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// All tests run in simulated time, over links in memory.

// inBubble runs a test in simulated time.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// patience bounds what happens within no time, or that of a test, unless it is
// broken. It is simulated.
const patience = time.Hour

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// A harbour is a link at which a socket listens.
type harbour struct {
	t    *testing.T
	link *zmqtest.Link
}

func newHarbour(t *testing.T) *harbour { return &harbour{t, zmqtest.NewLink(t)} }

// listen makes a socket of a type to which the others connect.
func (h *harbour) listen(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	h.t.Helper()
	s := newSocket(h.t, typ, opts...)
	if err := s.ServeListener(h.link.Listener()); err != nil {
		h.t.Fatal(err)
	}
	return s
}

// dial makes a socket that connects, and waits until it is.
func (h *harbour) dial(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	h.t.Helper()
	s := newSocket(h.t, typ, append(opts, h.dialer())...)
	if err := s.Connect("tcp://harbour:1"); err != nil {
		h.t.Fatal(err)
	}
	if err := s.WaitReady(within(h.t), 1); err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *harbour) dialer() zmq.Option { return zmq.WithDialer(h.link.Dialer()) }

// to dials harbours by the names of their endpoints.
func to(harbours map[string]*harbour) zmq.Option {
	return zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		name, _, _ := strings.Cut(address, ":")
		return harbours[name].link.Dialer()(ctx, network, address)
	})
}

func newSocket(t *testing.T, typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	t.Helper()
	s, err := zmq.New(typ, append(opts, zmq.WithLinger(0))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func send(t *testing.T, s *zmq.Socket, frames ...string) {
	t.Helper()
	m := zmq.MsgFromStrings(frames...)
	if err := s.SendMsg(within(t), &m); err != nil {
		t.Fatalf("send %q: %v", frames, err)
	}
}

func recv(t *testing.T, s *zmq.Socket) []string {
	t.Helper()
	m, err := s.Recv(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return texts(m.Frames)
}

func texts(frames [][]byte) []string {
	var list []string
	for _, f := range frames {
		list = append(list, string(f))
	}
	return list
}

// expect wants this message next.
func expect(t *testing.T, s *zmq.Socket, frames ...string) {
	t.Helper()
	if got := recv(t, s); !slices.Equal(got, frames) {
		t.Fatalf("%v received %q, want %q", s.Type(), got, frames)
	}
}

// expectNothing wants no message within a time.
func expectNothing(t *testing.T, s *zmq.Socket, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if m, err := s.Recv(ctx); err == nil {
		t.Fatalf("%v received %v, want nothing", s.Type(), m)
	}
}

// elapse lets time pass, and all that is due in it happen.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A runner runs something until the test, or what it is about, ends.
type runner struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func runs(t *testing.T, run func(context.Context) error) *runner {
	ctx, cancel := context.WithCancel(t.Context())
	r := &runner{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = run(ctx)
	}()
	t.Cleanup(func() { r.end() })
	return r
}

// end ends it and returns its error.
func (r *runner) end() error {
	r.cancel()
	<-r.done
	return r.err
}

func wantCanceled(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, want context.Canceled", err)
	}
}

// A port is a queue with a harbour for clients and one for workers.
type port struct {
	*Queue
	t              *testing.T
	clients, hands *harbour
	run            *runner
	log            *logbook
}

// Stats waits until nothing moves: a client may be faster than the queue's books.
func (p *port) Stats() QueueStats {
	synctest.Wait()
	return p.Queue.Stats()
}

// openPort starts a queue, with its fields changed by set.
func openPort(t *testing.T, set func(*Queue)) *port {
	t.Helper()
	p := &port{t: t, clients: newHarbour(t), hands: newHarbour(t), log: &logbook{}}
	p.open(set)
	return p
}

// open starts a queue, also in place of one that has ended.
func (p *port) open(set func(*Queue)) {
	p.Queue = &Queue{
		Clients: p.clients.listen(zmq.ROUTER),
		Workers: p.hands.listen(zmq.ROUTER),
		Logger:  p.log.logger(),
	}
	if set != nil {
		set(p.Queue)
	}
	p.run = runs(p.t, p.Run)
	synctest.Wait()
}

// client makes a client of the queue.
func (p *port) client(set func(*Client)) *Client {
	c := &Client{Endpoints: []string{"tcp://queue:1"}, Options: []zmq.Option{p.clients.dialer()}}
	if set != nil {
		set(c)
	}
	p.t.Cleanup(func() { c.Close() })
	return c
}

// worker runs a worker of the queue.
func (p *port) worker(h Handler, set func(*Worker)) *runner {
	w := &Worker{Endpoint: "tcp://queue:2", Handler: h, Options: []zmq.Option{p.hands.dialer()}, Logger: p.log.logger()}
	if set != nil {
		set(w)
	}
	r := runs(p.t, w.Run)
	synctest.Wait()
	return r
}

// echo is a handler that answers with the request.
func echo(_ context.Context, m zmq.Msg) (zmq.Msg, error) { return m, nil }

// named is a handler that answers with a name.
func named(name string) Handler {
	return func(context.Context, zmq.Msg) (zmq.Msg, error) { return zmq.MsgFromStrings(name), nil }
}

// ask wants this reply to a request.
func ask(t *testing.T, c *Client, request, reply string) {
	t.Helper()
	m, err := c.Request(within(t), []byte(request))
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(m.Frames); !slices.Equal(got, []string{reply}) {
		t.Fatalf("the reply to %q is %q, want %q", request, got, reply)
	}
}

// A logbook keeps what was logged.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logbook) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.buf.String(), text)
}
