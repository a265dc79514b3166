package pirate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/phimq/zmq"
)

// Handler carries out one request, given without its envelope. An error, a panic,
// or a reply without frames is answered by one empty frame, so that nobody waits
// for ever. ctx ends with the worker, and when the queue is lost and the reply with
// it.
type Handler func(ctx context.Context, request zmq.Msg) (reply zmq.Msg, err error)

// Worker carries out the requests that a queue gives it, one at a time. Run as
// many as shall work at once.
//
// It is a Paranoid Pirate, by RFC 6 "Overall Conversation". When the connection is
// lost, or nothing came for Liveness intervals, it begins anew: with a new socket,
// so that nothing old is sent, and READY. Between two conversations in
// which the queue said nothing it waits for Backoff.
//
// Set its fields before Run.
type Worker struct {
	// Endpoint is where the queue's Workers socket is.
	Endpoint string
	// Handler carries out the requests.
	Handler Handler
	// Simple makes it a Simple Pirate, for queues without heartbeats: it puts an
	// empty frame in front of all, as a REQ does, and sends READY and replies only.
	// It still notices a lost connection.
	Simple bool
	// Quiet makes it send no heartbeats while it works. It is for the queue of the
	// book, which takes a heartbeat for READY.
	Quiet bool
	// Interval is how often heartbeats are sent and wanted; 1 s if it is not set.
	Interval time.Duration
	// Liveness is after how many silent intervals the queue is dead; 3 if it is not
	// set. While a request is carried out the queue may be silent, as that of the
	// book is.
	Liveness int
	// Backoff is how long to wait before trying a queue again that is dead; 1 s,
	// then up to 32 s, if it is not set.
	Backoff Backoff
	// Options go to every socket. Without an option for it, a queue that is not
	// there is dialed each second.
	Options []zmq.Option
	// Logger is told of lost queues at level Info, at Warn of handlers that fail and
	// of messages that are malformed. Nil logs nothing.
	Logger *slog.Logger
}

var workerBackoff = Backoff{First: time.Second, Most: 32 * time.Second}

// The ends of a conversation.
var (
	errQueueSilent = errors.New("the queue is silent")
	errQueueLost   = errors.New("the connection to the queue is lost")
)

// Run works until ctx ends, and returns its error. It waits for the handler, and a
// request that is being carried out then is still answered if the handler returns a
// reply. An endpoint or option that is wrong ends it at once.
func (w *Worker) Run(ctx context.Context) error {
	if w.Handler == nil {
		return fmt.Errorf("pirate: worker: %w: no handler", zmq.ErrInvalid)
	}
	backoff := w.Backoff.or(workerBackoff)
	for failed := 0; ; {
		c := &conversation{Worker: w, began: time.Now()}
		err := c.run(ctx)
		if !errors.Is(err, errQueueSilent) && !errors.Is(err, errQueueLost) {
			return fmt.Errorf("pirate: worker: %w", err)
		}
		if c.spoke || time.Since(c.began) > backoff.Most {
			failed = 0
		}
		delay := time.Duration(0)
		if !c.spoke || errors.Is(err, errQueueSilent) {
			failed++
			delay = backoff.Delay(failed)
		}
		w.logger().LogAttrs(ctx, slog.LevelInfo, "begins anew", slog.String("endpoint", w.Endpoint),
			slog.Any("error", err), slog.Duration("delay", delay))
		if err := pause(ctx, delay); err != nil {
			return fmt.Errorf("pirate: worker: %w", err)
		}
	}
}

// serve calls the handler and sees to it that there is a reply, unless the handler
// gave up because ctx has ended.
func (w *Worker) serve(ctx context.Context, request zmq.Msg) (reply zmq.Msg, ok bool) {
	reply, err := w.call(ctx, request)
	if err != nil && ctx.Err() != nil {
		return zmq.Msg{}, false
	}
	if err != nil {
		w.logger().LogAttrs(ctx, slog.LevelWarn, "request failed", slog.Any("error", err))
		reply = zmq.Msg{}
	}
	if len(reply.Frames) == 0 {
		reply.Append(nil)
	}
	return reply, true
}

// call turns a panic of the handler's into an error.
func (w *Worker) call(ctx context.Context, request zmq.Msg) (reply zmq.Msg, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pirate: handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return w.Handler(ctx, request)
}

func (w *Worker) logger() *slog.Logger { return orDiscard(w.Logger) }
