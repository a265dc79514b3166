package pirate

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// A conversation of a worker with its queue, from READY until one of them is lost.
// What is not in Worker belongs to the goroutine that runs it.
type conversation struct {
	*Worker
	s     *zmq.Socket
	began time.Time
	beat  Heartbeat
	spoke bool // the queue has said something, so a lost connection is no failure

	busy     bool // a request is carried out
	envelope [][]byte
	done     chan zmq.Msg // its reply
	running  sync.WaitGroup
}

// goodbye is how long a worker that ends waits until its last reply is written.
const goodbye = time.Second

// lookout is how often, at least, a worker looks whether its queue is back.
const lookout = time.Second

// run holds the conversation. It ends with ctx's error, errQueueLost or
// errQueueSilent, or because the endpoint or an option is wrong.
func (c *conversation) run(ctx context.Context) error {
	opts := append([]zmq.Option{zmq.WithReconnectMax(lookout)}, c.Options...)
	c.s = zmq.NewDealer(append(opts, zmq.WithImmediate(true))...)
	c.done = make(chan zmq.Msg, 1)
	talk, end := context.WithCancelCause(ctx)
	defer c.close(ctx, end)
	events := c.s.Events(talk)
	if err := c.s.Connect(c.Endpoint); err != nil {
		return err
	}
	c.running.Add(1)
	go c.eventsLoop(events, end)
	if err := c.s.WaitReady(talk, 1); err != nil {
		return cause(talk, err)
	}
	c.beat = Heartbeat{Interval: c.Interval, Liveness: c.Liveness}
	c.beat.Start(time.Now())
	if err := c.send(talk, ready); err != nil {
		return cause(talk, err)
	}
	return cause(talk, c.exchange(talk))
}

// cause is why ctx ended, or err if it has not.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// eventsLoop ends the conversation when the connection is lost.
func (c *conversation) eventsLoop(events iter.Seq[zmq.Event], end context.CancelCauseFunc) {
	defer c.running.Done()
	for e := range events {
		if e.Kind == zmq.EventDisconnected {
			end(errQueueLost)
		}
	}
}

// exchange takes requests and heartbeats and sends replies and heartbeats. While a
// request is carried out nothing is received: what comes next waits in the socket.
func (c *conversation) exchange(ctx context.Context) error {
	messages := c.s.Chan(ctx)
	timer := time.NewTimer(time.Until(c.beat.Next()))
	defer timer.Stop()
	for {
		in := messages
		if c.busy {
			in = nil
		}
		var err error
		select {
		case m, ok := <-in:
			if !ok {
				return zmq.ErrClosed
			}
			err = c.hear(ctx, m)
		case reply := <-c.done:
			c.busy = false
			err = c.send(ctx, append(c.envelope, reply.Frames...)...)
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err == nil && !c.Simple {
			err = c.tick(time.Now())
			timer.Reset(time.Until(c.beat.Next()))
		}
		if err != nil {
			return err
		}
	}
}

// hear acts on what the queue said.
func (c *conversation) hear(ctx context.Context, m zmq.Msg) error {
	c.spoke = true
	c.beat.Heard(time.Now())
	said, err := parseFromQueue(m.Frames, c.Simple)
	if err != nil {
		c.logger().LogAttrs(ctx, slog.LevelWarn, "message dropped", slog.String("message", m.String()), slog.Any("error", err))
		return c.send(ctx, ready) // the queue may wait for a reply
	}
	if said.content == nil {
		return nil
	}
	m.Frames = said.content
	c.busy, c.envelope = true, slices.Clip(said.envelope)
	c.running.Add(1)
	go c.serveLoop(ctx, m)
	return nil
}

// serveLoop carries out one request.
func (c *conversation) serveLoop(ctx context.Context, request zmq.Msg) {
	defer c.running.Done()
	if reply, ok := c.serve(ctx, request); ok {
		c.done <- reply
	}
}

// tick sends a heartbeat if it is time, and tells whether the queue is silent.
func (c *conversation) tick(now time.Time) error {
	if c.busy {
		c.beat.Heard(now)
	}
	if !c.beat.Alive(now) {
		return errQueueSilent
	}
	if c.beat.Due(now) {
		c.beat.Sent(now)
		if !c.busy || !c.Quiet {
			_ = c.s.TrySend(heartbeat) // a queue that takes none will not send any either
		}
	}
	return nil
}

// send sends READY or a reply, and waits for room for as long as the queue may be
// silent.
func (c *conversation) send(ctx context.Context, frames ...[]byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.beat.silence(), errQueueSilent)
	defer cancel()
	if err := c.s.Send(ctx, c.wrap(frames)...); err != nil {
		return cause(ctx, err)
	}
	return nil
}

// wrap puts the empty frame in front that simple workers have there.
func (c *conversation) wrap(frames [][]byte) [][]byte {
	if c.Simple {
		return append([][]byte{nil}, frames...)
	}
	return frames
}

// close ends the conversation. If that is because the worker ends, a last reply is
// still sent.
func (c *conversation) close(ctx context.Context, end context.CancelCauseFunc) {
	end(nil)
	c.running.Wait()
	patience := time.Duration(0)
	if ctx.Err() != nil {
		patience = goodbye
		select {
		case reply := <-c.done:
			_ = c.s.TrySend(c.wrap(append(c.envelope, reply.Frames...))...)
		default:
		}
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = c.s.Shutdown(within)
}
