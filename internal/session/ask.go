package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/phimq/zmq/internal/mech"
)

// ask asks whether the peer may enter, until the time of the handshake is over,
// the peer leaves or the connection ends.
func (t *talker) ask(start time.Time, q Question) mech.Verdict {
	c := t.c
	ctx, cancel := context.WithCancel(c.g.ctx)
	defer cancel()
	if c.o.HandshakeTimeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, start.Add(c.o.HandshakeTimeout))
		defer stop()
	}
	c.mu.Lock()
	ended := c.ended
	c.asking = cancel
	c.mu.Unlock()
	if ended {
		return mech.Verdict{Err: ErrClosed}
	}
	w := t.watch(start, cancel)
	nc := c.link.Conn()
	q.Local, q.Remote = Address(nc.LocalAddr()), Address(nc.RemoteAddr())
	v := c.o.Auth(ctx, q)
	left := t.unwatch(start, w)
	c.mu.Lock()
	c.asking = nil
	c.mu.Unlock()
	if left != nil && v.Err != nil {
		v.Err = fmt.Errorf("the peer has left while it was asked about: %w: %w", syscall.EPIPE, left)
	}
	return v
}

// aheadSize is what is read at most while a peer is asked about: it has nothing
// to say then.
const aheadSize = 512

// watch reads on while the peer is asked about, so that its leaving is noticed
// and ends the question. It returns nil if the connection knows no deadlines:
// then there would be no way to stop.
func (t *talker) watch(start time.Time, left context.CancelFunc) (result chan error) {
	if t.deadline(t.c.until(start)) != nil {
		return nil
	}
	result = make(chan error, 1)
	if !t.c.g.Start(func() { t.watchLoop(left, result) }) {
		return nil
	}
	return result
}

func (t *talker) watchLoop(left context.CancelFunc, result chan<- error) {
	b := make([]byte, aheadSize)
	n, err := t.c.link.Conn().Read(b)
	t.ahead = b[:n] // who waits for the result reads it
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if err != nil {
		left()
	}
	result <- err
}

// unwatch stops the reading and returns why the peer has left, if it has.
func (t *talker) unwatch(start time.Time, result <-chan error) error {
	if result == nil {
		return nil
	}
	_ = t.deadline(past) // it could be set before
	err := <-result
	_ = t.deadline(t.c.until(start))
	return err
}

// deadline sets when reading ends, unless the connection has ended: then all of
// it stays in the past.
func (t *talker) deadline(at time.Time) error {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.c.ended {
		return ErrClosed
	}
	return t.c.link.Conn().SetReadDeadline(at)
}

// until is when a handshake that began at start must be done; zero: never.
func (c *conn) until(start time.Time) time.Time {
	if c.o.HandshakeTimeout <= 0 {
		return time.Time{}
	}
	return start.Add(c.o.HandshakeTimeout)
}
