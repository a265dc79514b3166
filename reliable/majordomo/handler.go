package majordomo

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/phimq/zmq"
)

// Handler answers the requests of a service.
type Handler interface {
	// ServeMDP answers r by r.Reply, perhaps after some r.Partial. ctx ends at
	// the client's deadline, and when the broker is lost, since nobody waits for
	// the reply then. An error, or a panic, without a reply is logged and told to
	// the client, or answered by one empty frame where broker or client know
	// no better; so is no reply at all. It may be called for the same request
	// again, here or in another worker.
	ServeMDP(ctx context.Context, r *Request) error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, r *Request) error

// ServeMDP calls the function.
func (f HandlerFunc) ServeMDP(ctx context.Context, r *Request) error { return f(ctx, r) }

// Request is a request that a worker got.
type Request struct {
	Service string
	// Key is the client's idempotency key, "" if it gave none or the broker
	// does not know such.
	Key string
	// Frames are the body: one or more.
	Frames [][]byte

	s       *session
	ctx     context.Context
	address []byte

	mu      sync.Mutex
	replied bool
}

// Partial sends a part of the reply, before Reply. Clients of MDP 0.1 are not
// given it. zmq.ErrNotSupported if this worker speaks MDP 0.1.
func (r *Request) Partial(frames ...[]byte) error {
	if r.s.w.cfg.Version == Version01 {
		return fmt.Errorf("majordomo: partial reply in MDP 0.1: %w", zmq.ErrNotSupported)
	}
	return r.send(partial, frames)
}

// Reply answers the request, once. zmq.ErrState if it was answered.
func (r *Request) Reply(frames ...[]byte) error { return r.send(final, frames) }

func (r *Request) send(c command, frames [][]byte) error {
	if len(frames) == 0 {
		return fmt.Errorf("%w: a reply without frames", ErrConfig)
	}
	r.mu.Lock()
	defer r.mu.Unlock() // parts go out in the order of the calls
	if r.replied {
		return fmt.Errorf("majordomo: reply: %w", zmq.ErrState)
	}
	r.replied = c != partial
	msg := message{worker: true, version: r.s.w.cfg.Version, command: c, address: r.address, body: frames}
	return r.s.send(&msg)
}

// serve calls the handler and sees to it that there is an answer.
func (r *Request) serve(h Handler) {
	err := r.call(h)
	if err != nil && r.ctx.Err() == nil {
		r.s.w.log.warn("request failed", errorAttr(err))
	}
	r.conclude(err)
}

// conclude answers a request that is over and was not answered.
func (r *Request) conclude(err error) {
	r.mu.Lock()
	replied := r.replied
	r.mu.Unlock()
	switch {
	case replied || r.s.ctx.Err() != nil:
		return
	case r.ctx.Err() != nil && r.s.extended:
		err = r.send(failure, failureBody(statusExpired, "its time was over"))
	case err != nil && r.s.extended:
		err = r.send(failure, failureBody(statusFailed, err.Error()))
	default:
		err = r.send(final, [][]byte{nil})
	}
	if err != nil && r.s.ctx.Err() == nil {
		r.s.w.log.warn("reply failed", errorAttr(err))
	}
}

// call turns a panic of the handler's into an error. The client is not shown
// the stack.
func (r *Request) call(h Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.s.w.log.warn("handler panicked", errorAttr(fmt.Errorf("%v\n%s", p, debug.Stack())))
			err = fmt.Errorf("%w: the handler panicked", ErrFailed)
		}
	}()
	return h.ServeMDP(r.ctx, r)
}
