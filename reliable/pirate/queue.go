package pirate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Queue gives each request of its clients to the worker that has been idle for
// longest, and the reply back to the client: the load-balancing broker of the
// book, its Simple and its Paranoid Pirate queue in one.
//
// A worker is in from its READY on, or any other sign of life. It is out when its
// connection is lost, and a paranoid one when it was silent for Liveness
// intervals. While no worker is idle, requests wait in the Clients socket and, when
// that is full, with the clients. What was given to a worker that dies is not
// repeated: that is for the client to do, who alone knows whether it may be.
//
// Set its fields before Run, and do not copy it.
type Queue struct {
	// Clients and Workers are ROUTER sockets at which clients and workers are, or
	// will be. They stay open when Run ends. Run sets router_mandatory on Workers.
	// If workers bring identities of their own, give it zmq.WithRouterHandover: it
	// lets a worker in again whose lost connection still seems to stand.
	Clients, Workers *zmq.Socket
	// Interval is how often paranoid workers are sent heartbeats, and want to be
	// heard; 1 s if it is not set.
	Interval time.Duration
	// Liveness is after how many silent intervals a paranoid worker is dead; 3 if
	// it is not set.
	Liveness int
	// MaxWork is after how long a worker that has sent no reply, but still sends
	// heartbeats, is given another request; 1 minute if it is not set. It gets
	// back workers that drop what they do not understand.
	MaxWork time.Duration
	// Logger is told of workers that come and go, at level Debug and Info, and
	// at Warn of messages that are dropped because they are malformed. Nil logs
	// nothing.
	Logger *slog.Logger

	mu     sync.Mutex
	crew   crew
	stats  QueueStats
	rested chan struct{} // holds one when somebody may have become idle
}

const defaultMaxWork = time.Minute

// QueueStats is what a queue has done since Run, and who works for it now.
type QueueStats struct {
	Idle, Busy int    // workers
	Requests   uint64 // given to workers
	Replies    uint64 // of workers
	Lost       uint64 // workers that were struck off
	Malformed  uint64 // messages that were dropped
}

// Stats returns the numbers of now.
func (q *Queue) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Idle = q.crew.idle.Len()
	s.Busy = len(q.crew.hands) - s.Idle
	return s
}

// Run does the work, until ctx ends, with its error, or one of the sockets fails
// or is closed. It knows no workers when it begins. Call it once at a time.
func (q *Queue) Run(ctx context.Context) error {
	for _, s := range []*zmq.Socket{q.Clients, q.Workers} {
		if s == nil || s.Type() != zmq.ROUTER {
			return fmt.Errorf("pirate: queue: %w: Clients and Workers are ROUTER sockets", zmq.ErrNotSupported)
		}
	}
	if err := q.Workers.Set(zmq.WithRouterMandatory(true)); err != nil {
		return fmt.Errorf("pirate: queue: %w", err)
	}
	q.mu.Lock()
	q.crew, q.stats, q.rested = crew{}, QueueStats{}, make(chan struct{}, 1)
	q.mu.Unlock()
	ctx, end := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Add(2)
	go q.workersLoop(ctx, end, &running)
	go q.beatLoop(ctx, &running)
	end(q.clientsLoop(ctx))
	running.Wait()
	return fmt.Errorf("pirate: queue: %w", context.Cause(ctx))
}

// clientsLoop takes a request whenever a worker is idle, and gives it to the worker.
func (q *Queue) clientsLoop(ctx context.Context) error {
	var m zmq.Msg
	for {
		if err := q.await(ctx); err != nil {
			return err
		}
		err := q.Clients.RecvInto(ctx, &m)
		switch {
		case errors.Is(err, zmq.ErrTimeout): // the socket has a WithRecvTimeout
			continue
		case err != nil:
			return err
		}
		if _, _, err := splitEnvelope(m.Frames); err != nil {
			q.malformed("client", m.Frames, err)
			continue
		}
		if err := q.dispatch(ctx, m.Frames); err != nil {
			return err
		}
	}
}

// await waits until a worker is idle.
func (q *Queue) await(ctx context.Context) error {
	for {
		q.mu.Lock()
		idle := q.crew.idle.Len()
		q.mu.Unlock()
		if idle > 0 && ctx.Err() == nil {
			return nil
		}
		select {
		case <-q.rested:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dispatch gives a request to the next worker that is there.
func (q *Queue) dispatch(ctx context.Context, request [][]byte) error {
	for {
		if err := q.await(ctx); err != nil {
			return err
		}
		q.mu.Lock()
		now := time.Now()
		h := q.crew.next(now)
		silent := h != nil && h.lost(now)
		q.mu.Unlock()
		if h == nil { // struck off meanwhile
			continue
		}
		if silent {
			q.lose(h, errSilent)
			continue
		}
		switch err := q.send(h, request); {
		case err == nil:
			q.mu.Lock()
			q.stats.Requests++
			q.mu.Unlock()
			return nil
		case errors.Is(err, zmq.ErrClosed):
			return err
		default:
			q.lose(h, err)
		}
	}
}

// send sends to one worker, now or not at all: one that does not read is not idle.
func (q *Queue) send(h *hand, frames [][]byte) error {
	q.mu.Lock()
	simple := h.simple // a worker may change its kind with any message
	q.mu.Unlock()
	message := make([][]byte, 0, len(frames)+2)
	message = append(message, []byte(h.id))
	if simple {
		message = append(message, nil)
	}
	return q.Workers.TrySend(append(message, frames...)...)
}

// workersLoop takes what workers say.
func (q *Queue) workersLoop(ctx context.Context, end context.CancelCauseFunc, running *sync.WaitGroup) {
	defer running.Done()
	var m zmq.Msg
	for {
		err := q.Workers.RecvInto(ctx, &m)
		switch {
		case errors.Is(err, zmq.ErrTimeout):
			continue
		case err != nil:
			end(err)
			return
		}
		said, err := parseFromWorker(m.Frames)
		if err != nil {
			q.malformed("worker", m.Frames, err)
			continue
		}
		if err := q.hear(said, time.Now()); err != nil {
			end(err)
			return
		}
	}
}

// hear acts on what a worker said. Any sign of life from a stranger makes it one of
// the crew, as in the book: it may be a worker that was taken for dead, or that of
// a queue that was here before.
func (q *Queue) hear(m fromWorker, now time.Time) error {
	if m.verb == sayReply {
		// Full or gone: the client asks again. It never waits, for all workers' sake.
		err := q.Clients.TrySend(m.reply...)
		if errors.Is(err, zmq.ErrClosed) {
			return err
		}
	}
	if q.isNew(m, now) {
		q.logger().Debug("new worker", slog.String("id", printable(m.id)), slog.Bool("simple", m.simple))
	}
	return nil
}

// isNew takes a sign of life, and tells whether it is a stranger's.
func (q *Queue) isNew(m fromWorker, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if m.verb == sayReply {
		q.stats.Replies++
	}
	h := q.crew.heard(m.id, now)
	if h != nil && m.verb == sayHeartbeat && (h.place != nil || now.Sub(h.since) < positive(q.MaxWork, defaultMaxWork)) {
		return false // it waits, or works
	}
	q.crew.rest(m.id, m.simple, Heartbeat{Interval: q.Interval, Liveness: q.Liveness}, now)
	select {
	case q.rested <- struct{}{}:
	default:
	}
	return h == nil
}

// beatLoop sends the heartbeats, and strikes off who is gone.
func (q *Queue) beatLoop(ctx context.Context, running *sync.WaitGroup) {
	defer running.Done()
	ticks := time.NewTicker(positive(q.Interval, defaultInterval))
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			q.beat()
		case <-ctx.Done():
			return
		}
	}
}

// errSilent and errGone are why a worker is struck off.
var (
	errSilent = errors.New("silent for too long")
	errGone   = errors.New("connection lost")
)

func (q *Queue) beat() {
	now := time.Now()
	q.mu.Lock()
	hands := make([]*hand, 0, len(q.crew.hands))
	for _, h := range q.crew.hands {
		hands = append(hands, h)
	}
	q.mu.Unlock()
	connected := map[string]bool{}
	for _, p := range q.Workers.Stats().Peers {
		if p.Connected {
			connected[string(p.RoutingID)] = true
		}
	}
	for _, h := range hands {
		q.mu.Lock()
		silent := h.lost(time.Now())
		gone := !connected[h.id] && h.beat.heard.Before(now) // else it came after the look
		simple := h.simple
		q.mu.Unlock()
		switch {
		case gone:
			q.lose(h, errGone)
		case silent:
			q.lose(h, errSilent)
		case !simple:
			_ = q.send(h, [][]byte{heartbeat}) // who can't take one is not heard either
		}
	}
}

// lose strikes off a worker.
func (q *Queue) lose(h *hand, why error) {
	q.mu.Lock()
	q.crew.forget(h)
	q.stats.Lost++
	q.mu.Unlock()
	q.logger().Info("worker lost", slog.String("id", printable(h.id)), slog.Any("error", why))
}

func (q *Queue) malformed(from string, frames [][]byte, why error) {
	q.mu.Lock()
	q.stats.Malformed++
	q.mu.Unlock()
	m := zmq.NewMsg(frames...)
	q.logger().Warn("message dropped", slog.String("from", from), slog.String("message", m.String()), slog.Any("error", why))
}

// printable shows an identity to people.
func printable(id string) string {
	m := zmq.MsgFromStrings(id)
	return m.String()
}

func (q *Queue) logger() *slog.Logger { return orDiscard(q.Logger) }
