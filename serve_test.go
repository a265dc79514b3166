package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// serves starts to serve. The channel gets what Serve returns.
func (r *relay) serves(ctx context.Context, s *zmq.Socket, h zmq.HandlerFunc) {
	go func() { r.done <- zmq.Serve(ctx, s, h) }()
}

func echo(_ context.Context, r *zmq.Request) error { return r.Reply(r.Frames...) }

// TestServe: the handler sees the message without its envelope, and the reply
// finds its way, whoever asks.
func TestServe(t *testing.T) {
	for _, c := range []struct {
		server, client zmq.Type
		sent, seen     []string
		back           []string
	}{
		{zmq.REP, zmq.REQ, []string{"a", ""}, []string{"a", ""}, []string{"a", ""}},
		{zmq.REP, zmq.DEALER, []string{"x", "y", "", "a"}, []string{"a"}, []string{"x", "y", "", "a"}},
		{zmq.ROUTER, zmq.REQ, []string{"a", "b"}, []string{"a", "b"}, []string{"a", "b"}},
		{zmq.ROUTER, zmq.REQ, []string{""}, []string{""}, []string{""}},
		{zmq.ROUTER, zmq.DEALER, []string{"a"}, []string{"a"}, []string{"a"}},
		{zmq.ROUTER, zmq.DEALER, []string{""}, []string{""}, []string{""}},
		{zmq.ROUTER, zmq.DEALER, []string{"x", "", "a", "", "b"}, []string{"a", "", "b"}, []string{"x", "", "a", "", "b"}},
		{zmq.ROUTER, zmq.DEALER, []string{"a", "b"}, []string{"a", "b"}, []string{"a", "b"}},
	} {
		t.Run(fmt.Sprintf("%s %s %q", c.server, c.client, c.sent), func(t *testing.T) {
			r := newRelay(t)
			s := r.open(c.server)
			client := r.meets(s, c.client, zmq.WithRoutingID("who"))
			ctx, cancel := context.WithCancel(t.Context())
			r.serves(ctx, s, func(_ context.Context, q *zmq.Request) error {
				if got := texts(q.Frames); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.seen) || q.Property("Identity") != "who" {
					t.Errorf("the handler sees %q of %q", got, q.Property("Identity"))
				}
				return q.Reply(q.Frames...)
			})
			say(t, client, c.sent...)
			expectHeard(t, client, c.back...)
			cancel()
			if err := <-r.done; err != context.Canceled {
				t.Errorf("Serve returned %v", err)
			}
			say(t, client, c.sent...)
			hear(t, s) // the socket is open
		})
	}
}

// TestServeRequest: Request and Serve go together.
func TestServeRequest(t *testing.T) {
	for _, typ := range []zmq.Type{zmq.REP, zmq.ROUTER} {
		r := newRelay(t)
		s := r.open(typ)
		client := r.meets(s, zmq.DEALER)
		r.serves(t.Context(), s, echo)
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if err := <-asks(soon(t), client, fmt.Sprint(i)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		s.Close()
		r.ends(zmq.ErrClosed)
	}
}

// TestServeBadHandlers: whatever a handler does, a REQ gets an answer, and
// what went wrong is logged; only a ROUTER's handler may stay silent.
func TestServeBadHandlers(t *testing.T) {
	for name, c := range map[string]struct {
		handler func(q *zmq.Request) error
		answer  string
		logged  string
		silent  bool
	}{
		"error":              {func(*zmq.Request) error { return errors.New("sorry") }, "", "sorry", false},
		"panic":              {func(*zmq.Request) error { panic("ouch") }, "", "ouch", false},
		"panic after reply":  {func(q *zmq.Request) error { _ = q.Reply([]byte("a")); panic("ouch") }, "a", "ouch", false},
		"error after reply":  {func(q *zmq.Request) error { _ = q.Reply([]byte("a")); return errors.New("sorry") }, "a", "sorry", false},
		"silence":            {func(*zmq.Request) error { return nil }, "", "", true},
		"reply of no frames": {func(q *zmq.Request) error { return q.Reply() }, "", "at least one frame", false},
		"reply of nil":       {func(q *zmq.Request) error { return q.Reply(nil) }, "", "", false},
		"two replies": {func(q *zmq.Request) error { _ = q.Reply([]byte("a")); return q.Reply([]byte("b")) },
			"a", "out of turn", false},
	} {
		for _, typ := range []zmq.Type{zmq.REP, zmq.ROUTER} {
			t.Run(name+" "+typ.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					r := newRelay(t)
					s := r.open(typ, zmq.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
					client := r.meets(s, zmq.REQ)
					ctx, cancel := context.WithCancel(t.Context())
					r.serves(ctx, s, func(_ context.Context, q *zmq.Request) error { return c.handler(q) })
					for range 2 {
						say(t, client, "question")
						synctest.Wait()
						if c.silent && typ == zmq.ROUTER {
							expectNone(t, client)
							break
						}
						expectHeard(t, client, c.answer)
					}
					cancel()
					r.ends(context.Canceled)
					if !strings.Contains(log.String(), c.logged) || (c.logged == "") != (log.Len() == 0) {
						t.Errorf("the log is %q, want %q", log.String(), c.logged)
					}
				})
			})
		}
	}
}

// TestServeAtOnce: a ROUTER serves many requests at once, up to 1024, and
// waits for all of them at the end; a REP one after the other.
func TestServeAtOnce(t *testing.T) {
	for typ, most := range map[zmq.Type]int{zmq.ROUTER: 1024, zmq.REP: 1} {
		t.Run(typ.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t)
				s := r.open(typ, zmq.WithRecvHWM(0))
				client := r.meets(s, zmq.DEALER)
				const n = 1030
				for range n {
					say(t, client, "", "question")
				}
				ctx, cancel := context.WithCancel(t.Context())
				begun, end := make(chan struct{}, n), make(chan struct{})
				r.serves(ctx, s, func(_ context.Context, q *zmq.Request) error {
					begun <- struct{}{}
					<-end
					return q.Reply([]byte("answer"))
				})
				synctest.Wait()
				if len(begun) != most {
					t.Errorf("%d requests are served at once, want %d", len(begun), most)
				}
				cancel()
				synctest.Wait()
				select {
				case err := <-r.done:
					t.Errorf("Serve returned %v while handlers ran", err)
				default:
				}
				close(end)
				r.ends(context.Canceled)
				waiting := 0
				for ; s.Ready()&zmq.CanRecv != 0; waiting++ {
					if _, err := s.TryRecv(); err != nil {
						t.Fatal(err)
					}
					if typ == zmq.REP {
						say(t, s, "answer")
					}
				}
				if got := len(begun) + waiting; got != n {
					t.Errorf("%d were served and %d wait, of %d", len(begun), waiting, n)
				}
			})
		})
	}
}

// TestServeReplyLater: a ROUTER's handler may hand its request on.
func TestServeReplyLater(t *testing.T) {
	r := newRelay(t)
	s := r.open(zmq.ROUTER)
	client := r.meets(s, zmq.DEALER)
	later := make(chan *zmq.Request, 2)
	r.serves(t.Context(), s, func(_ context.Context, q *zmq.Request) error { later <- q; return nil })
	say(t, client, "1", "", "a")
	say(t, client, "2", "", "b")
	requests := []*zmq.Request{<-later, <-later}
	for _, q := range requests {
		if err := q.Reply([]byte("re "), q.Frames[0]); err != nil {
			t.Error(err)
		}
		if err := q.Reply([]byte("again")); !errors.Is(err, zmq.ErrState) {
			t.Errorf("the second reply: %v", err)
		}
		if got := hear(t, client); (got[0] == "1") != (got[3] == "a") || got[2] != "re " {
			t.Errorf("the answer is %q", got)
		}
	}
}

// TestChain: the first middleware is outermost.
func TestChain(t *testing.T) {
	var order []string
	step := func(name string) zmq.Middleware {
		return func(h zmq.Handler) zmq.Handler {
			return zmq.HandlerFunc(func(ctx context.Context, q *zmq.Request) error {
				order = append(order, name)
				defer func() { order = append(order, "end of "+name) }()
				return h.ServeZMQ(ctx, q)
			})
		}
	}
	h := zmq.Chain(zmq.HandlerFunc(func(context.Context, *zmq.Request) error {
		order = append(order, "handler")
		return nil
	}), step("a"), step("b"))
	if err := h.ServeZMQ(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if got, want := fmt.Sprint(order), "[a b handler end of b end of a]"; got != want {
		t.Errorf("the order is %s, want %s", got, want)
	}
}

// TestServeEnds: what it can't serve, and what ends it.
func TestServeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		if err := zmq.Serve(t.Context(), r.open(zmq.DEALER), zmq.HandlerFunc(echo)); !errors.Is(err, zmq.ErrNotSupported) {
			t.Errorf("a DEALER: %v", err)
		}
		bad := zmq.NewRep(zmq.WithRecvHWM(-1))
		defer bad.Close()
		if err := zmq.Serve(t.Context(), bad, zmq.HandlerFunc(echo)); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("a bad socket: %v", err)
		}
		rep := r.open(zmq.REP, zmq.WithRecvTimeout(0)) // which is no reason to end
		if err := zmq.Serve(ended(), rep, zmq.HandlerFunc(echo)); err != context.Canceled {
			t.Errorf("a context that has ended: %v", err)
		}
		r.serves(t.Context(), rep, echo)
		synctest.Wait()
		client := r.meets(rep, zmq.REQ)
		say(t, client, "a")
		expectHeard(t, client, "a")
		rep.Close()
		r.ends(zmq.ErrClosed)
	})
}
