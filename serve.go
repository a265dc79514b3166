package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Handler answers requests.
type Handler interface {
	// ServeZMQ answers r by r.Reply, now or not at all. An error, or a panic,
	// without a reply is logged, and answered by one empty frame, so that
	// nobody waits for ever.
	ServeZMQ(ctx context.Context, r *Request) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, r *Request) error

// ServeZMQ calls the function.
func (f HandlerFunc) ServeZMQ(ctx context.Context, r *Request) error { return f(ctx, r) }

// Middleware wraps a handler.
type Middleware func(Handler) Handler

// Chain wraps a handler in middleware, the first outermost.
func Chain(h Handler, wrap ...Middleware) Handler {
	for i := len(wrap) - 1; i >= 0; i-- {
		h = wrap[i](h)
	}
	return h
}

// Request is a request that [Serve] received: the message without its
// envelope. On a ROUTER the envelope is the identity of the peer and all frames
// up to the first empty one, if there is one.
type Request struct {
	Msg
	ctx      context.Context
	s        *Socket
	envelope [][]byte
	replied  atomic.Bool
}

// Reply answers the request, once. ErrState if it was answered.
func (r *Request) Reply(frames ...[]byte) error {
	if len(frames) == 0 {
		return r.s.opError("reply", "", r.s.emptyMessage())
	}
	if !r.replied.CompareAndSwap(false, true) {
		return r.s.opError("reply", "", ErrState)
	}
	return r.s.Send(r.ctx, append(r.envelope[:len(r.envelope):len(r.envelope)], frames...)...)
}

// maxServed is how many requests a ROUTER serves at once.
const maxServed = 1024

// Serve receives requests on a REP or ROUTER and gives them to h: on a REP one
// after the other, on a ROUTER each in a goroutine of its own, up to 1024 at
// once. It returns when ctx ends, with its error, or when the socket fails, and
// has then waited for all handlers. The socket stays open.
func Serve(ctx context.Context, s *Socket, h Handler) error {
	if s.typ != REP && s.typ != ROUTER {
		return s.opError("serve", "", fmt.Errorf("%w: Serve is for REP and ROUTER", ErrNotSupported))
	}
	sv := &server{s: s, h: h, places: make(chan struct{}, maxServed)}
	defer sv.running.Wait()
	for m, err := range s.Msgs(ctx) {
		if err != nil {
			if err := s.again(ctx, CanRecv, err); err != nil {
				return err
			}
			continue
		}
		if s.typ == REP {
			sv.serve(ctx, &Request{Msg: m, ctx: ctx, s: s})
			continue
		}
		select {
		case sv.places <- struct{}{}:
		case <-ctx.Done():
			s.giveBack(m)
			return ctx.Err()
		}
		sv.running.Add(1)
		go sv.serveLoop(ctx, unwrap(ctx, s, m))
	}
	return s.opError("serve", "", ErrClosed)
}

// unwrap parts the envelope from a ROUTER's message.
func unwrap(ctx context.Context, s *Socket, m Msg) *Request {
	n := 1
	for i := 1; i < len(m.Frames)-1; i++ {
		if len(m.Frames[i]) == 0 {
			n = i + 1
			break
		}
	}
	r := &Request{Msg: m, ctx: ctx, s: s, envelope: m.Frames[:n]}
	r.Frames = m.Frames[n:]
	return r
}

// server is one call of Serve.
type server struct {
	s       *Socket
	h       Handler
	places  chan struct{}
	running sync.WaitGroup
}

func (sv *server) serveLoop(ctx context.Context, r *Request) {
	defer func() {
		<-sv.places
		sv.running.Done()
	}()
	sv.serve(ctx, r)
}

// serve calls the handler and sees to it that there is an answer.
func (sv *server) serve(ctx context.Context, r *Request) {
	err := sv.call(ctx, r)
	if err != nil {
		sv.s.logger.LogAttrs(ctx, slog.LevelWarn, "request failed",
			slog.String("peer", r.Peer().Address()), slog.Any("error", err))
	}
	if r.replied.Load() || (err == nil && sv.s.typ == ROUTER) {
		return
	}
	if err := r.Reply(nil); err != nil && !errors.Is(err, ErrClosed) && ctx.Err() == nil {
		sv.s.logger.LogAttrs(ctx, slog.LevelWarn, "reply failed", slog.Any("error", err))
	}
}

// call turns a panic of the handler's into an error.
func (sv *server) call(ctx context.Context, r *Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("zmq: handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return sv.h.ServeZMQ(ctx, r)
}
