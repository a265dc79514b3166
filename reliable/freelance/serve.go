package freelance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"

	"github.com/phimq/zmq"
)

// Handler answers a request, whose frames are its body. It is called by many
// goroutines at once. An error, a panic and a reply of no frames mean that
// nothing is answered: the client turns to another server.
type Handler func(ctx context.Context, request zmq.Msg) (reply [][]byte, err error)

// NewRouter makes the socket of a model three server. Its identity is the
// endpoint by which clients reach it, as RFC 10 "Request and Reply Routing" has
// it: not "tcp://*:5055" but "tcp://192.168.55.162:5055".
func NewRouter(public string, opts ...zmq.Option) *zmq.Socket {
	return zmq.NewRouter(append(opts[:len(opts):len(opts)], zmq.WithRoutingID(public))...)
}

// Server answers requests on a ROUTER, each in a goroutine of its own. There is
// a method for each model; all of them drop what is malformed. They return when
// ctx ends, with its error, or when the socket is closed, and have then waited for
// all handlers. The socket stays open.
//
// Set its fields before it serves.
type Server struct {
	// Handler carries out the requests.
	Handler Handler
	// Concurrency is how many requests are handled at once: 1024 if it is not
	// set. While so many are under way nothing is read, pings neither, and clients
	// turn to other servers.
	Concurrency int
	// Logger is told of handlers that fail, at level Warn. Nil logs nothing.
	Logger *slog.Logger
}

// Serve is the server of model three, which answers pings too. RFC 10 (FLP) wants
// a ROUTER that has an identity, as [NewRouter] makes it; another socket is
// zmq.ErrInvalid.
func (v *Server) Serve(ctx context.Context, s *zmq.Socket) error {
	if id, err := s.Option("routing_id"); err != nil || id == "" {
		return fmt.Errorf("freelance: serve: %w: an FLP server is a ROUTER with an identity", zmq.ErrInvalid)
	}
	return v.serve(ctx, s, flpEnvelope, true)
}

// ServeShotgun is Serve for model two: the first frame behind the empty one is
// the sequence number, which comes back in front of the reply.
func (v *Server) ServeShotgun(ctx context.Context, s *zmq.Socket) error {
	return v.serve(ctx, s, shotgunEnvelope, false)
}

// ServeSimple is Serve for model one, plain request-reply on a ROUTER. Any REP
// does as well; but a REP that can't answer has to say something all the same.
func (v *Server) ServeSimple(ctx context.Context, s *zmq.Socket) error {
	return v.serve(ctx, s, simpleEnvelope, false)
}

// worker is one call of a Serve.
type worker struct {
	*Server
	socket   *zmq.Socket
	envelope envelope
	free     chan struct{}
	running  sync.WaitGroup
}

func (v *Server) serve(ctx context.Context, s *zmq.Socket, e envelope, pings bool) error {
	if s.Type() != zmq.ROUTER {
		return fmt.Errorf("freelance: serve: %w: the socket of a server is a ROUTER", zmq.ErrInvalid)
	}
	if v.Handler == nil {
		return fmt.Errorf("freelance: serve: %w: no handler", zmq.ErrInvalid)
	}
	w := &worker{Server: v, socket: s, envelope: e, free: make(chan struct{}, cmp.Or(max(v.Concurrency, 0), 1024))}
	defer w.running.Wait()
	for {
		select {
		case w.free <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		m, n, err := w.next(ctx, pings)
		if err != nil {
			return err
		}
		address := m.Frames[:n:n]
		m.Frames = m.Frames[n:]
		w.running.Add(1)
		go w.handleLoop(ctx, address, m)
	}
}

// next receives a request, and answers the pings before it.
func (w *worker) next(ctx context.Context, pings bool) (m zmq.Msg, n int, err error) {
	for {
		if m, err = w.socket.Recv(ctx); err != nil {
			if ctx.Err() != nil {
				return m, 0, ctx.Err()
			}
			if errors.Is(err, zmq.ErrTimeout) { // the socket has a WithRecvTimeout
				continue
			}
			return m, 0, fmt.Errorf("freelance: serve: %w", err)
		}
		if n = w.envelope(m.Frames); n > 0 {
			return m, n, nil
		}
		if pings && isCommand(m.Frames[1:], ping) {
			_ = w.socket.TrySend(m.Frames[0], []byte(pong)) // who does not read has no use for it
		}
	}
}

// handleLoop answers one request.
func (w *worker) handleLoop(ctx context.Context, address [][]byte, m zmq.Msg) {
	defer w.running.Done()
	defer func() { <-w.free }()
	reply, err := w.call(ctx, m)
	if err != nil {
		if w.Logger != nil {
			w.Logger.LogAttrs(ctx, slog.LevelWarn, "request failed",
				slog.String("peer", m.Peer().Address()), slog.Any("error", err))
		}
		return
	}
	if len(reply) > 0 {
		_ = w.socket.Send(ctx, append(address, reply...)...) // a client that is gone needs no reply
	}
}

// call turns a panic of the handler's into an error.
func (w *worker) call(ctx context.Context, m zmq.Msg) (reply [][]byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("freelance: handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return w.Handler(ctx, m)
}
