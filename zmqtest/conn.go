package zmqtest

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// connection is what two ends share. The link's mutex guards it and them.
type connection struct {
	link  *Link
	ends  [2]*end
	limit int  // octets in one direction after which it is lost; negative: none
	cut   bool // lost
}

// cutLocked loses the connection.
func (c *connection) cutLocked() {
	c.cut = true
	delete(c.link.conns, c)
	c.link.changed.Broadcast()
}

// stream is one direction of a connection.
type stream struct {
	chunks  []chunk
	size    int // octets of chunks
	arrived int // octets that were read
	ended   bool
	endsAt  time.Time // when the end arrives
}

// chunk is what one Write sent.
type chunk struct {
	octets []byte
	at     time.Time // when it arrives
}

// streamSize is how many octets of a stream may wait to be read.
const streamSize = 64 << 10

// put takes what there is room for.
func (s *stream) put(b []byte, at time.Time) int {
	n := min(len(b), streamSize-s.size)
	if n == 0 {
		return 0
	}
	if last := len(s.chunks) - 1; last >= 0 && at.Before(s.chunks[last].at) {
		at = s.chunks[last].at // nothing overtakes, if the delay became shorter
	}
	s.chunks = append(s.chunks, chunk{append([]byte(nil), b[:n]...), at})
	s.size += n
	return n
}

// take reads what has arrived.
func (s *stream) take(b []byte) int {
	n, now := 0, time.Now()
	for n < len(b) && len(s.chunks) > 0 && !now.Before(s.chunks[0].at) {
		first := &s.chunks[0]
		got := copy(b[n:], first.octets)
		n += got
		if first.octets = first.octets[got:]; len(first.octets) == 0 {
			s.chunks = s.chunks[1:]
		}
	}
	s.size -= n
	s.arrived += n
	return n
}

// end says that no more will be put.
func (s *stream) end(at time.Time) {
	s.ended, s.endsAt = true, at
	if last := len(s.chunks) - 1; last >= 0 && at.Before(s.chunks[last].at) {
		s.endsAt = s.chunks[last].at
	}
}

// over reports whether the end has arrived.
func (s *stream) over() bool { return s.ended && !time.Now().Before(s.endsAt) }

// end is one end of a connection, a net.Conn.
type end struct {
	link          *Link
	conn          *connection
	in, out       *stream
	local, remote address

	closed          bool
	writing         bool // a Write is under way
	readBy, writeBy deadline
}

// Read reads what has arrived, and waits for it.
func (e *end) Read(b []byte) (int, error) {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := e.broken("read", &e.readBy); err != nil || len(b) == 0 {
			return 0, err
		}
		if !l.frozen {
			if n := e.takeLocked(b); n > 0 {
				return n, nil
			}
			if e.in.over() {
				return 0, io.EOF
			}
		}
		l.changed.Wait()
	}
}

// takeLocked reads, and loses the connection where it is to be lost.
func (e *end) takeLocked(b []byte) int {
	limit := e.conn.limit
	if limit >= 0 {
		b = b[:min(len(b), limit-e.in.arrived)]
	}
	n := e.in.take(b)
	if n > 0 {
		e.link.changed.Broadcast() // there is room
	}
	if e.in.arrived == limit {
		e.conn.cutLocked()
	}
	return n
}

// Write sends all of b, and waits for room.
func (e *end) Write(b []byte) (n int, err error) {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for e.writing {
		if err := e.broken("write", &e.writeBy); err != nil {
			return 0, err
		}
		l.changed.Wait()
	}
	e.writing = true
	defer e.written()
	for {
		err := e.broken("write", &e.writeBy)
		if err == nil && !l.frozen && e.in.over() {
			err = e.opError("write", os.NewSyscallError("write", syscall.EPIPE))
		}
		if err != nil || n == len(b) {
			return n, err
		}
		at := time.Now().Add(l.delay)
		if put := e.out.put(b[n:], at); put > 0 {
			n += put
			e.tellLocked(at)
		} else {
			l.changed.Wait()
		}
	}
}

func (e *end) written() {
	e.writing = false
	e.link.changed.Broadcast()
}

// tellLocked wakes those who wait for what arrives then.
func (e *end) tellLocked(at time.Time) {
	e.link.changed.Broadcast()
	if wait := time.Until(at); wait > 0 {
		time.AfterFunc(wait, e.link.wake)
	}
}

// broken says why the end can't be read or written.
func (e *end) broken(op string, by *deadline) error {
	switch {
	case e.closed:
		return e.opError(op, net.ErrClosed)
	case by.over:
		return e.opError(op, os.ErrDeadlineExceeded)
	case e.conn.cut:
		return e.opError(op, os.NewSyscallError(op, syscall.ECONNRESET))
	}
	return nil
}

func (e *end) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: network, Source: e.local, Addr: e.remote, Err: err}
}

// Close ends the connection behind what was written.
func (e *end) Close() error {
	l := e.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.closed {
		return e.opError("close", net.ErrClosed)
	}
	e.closed = true
	e.readBy.stop()
	e.writeBy.stop()
	at := time.Now().Add(l.delay)
	e.out.end(at)
	e.tellLocked(at)
	if e.conn.ends[0].closed && e.conn.ends[1].closed {
		delete(l.conns, e.conn)
	}
	return nil
}

// LocalAddr returns the address of this end.
func (e *end) LocalAddr() net.Addr { return e.local }

// RemoteAddr returns the address of the other end.
func (e *end) RemoteAddr() net.Addr { return e.remote }

// SetDeadline sets both deadlines.
func (e *end) SetDeadline(t time.Time) error {
	return errors.Join(e.SetReadDeadline(t), e.SetWriteDeadline(t))
}

// SetReadDeadline ends Read at t, also one that waits.
func (e *end) SetReadDeadline(t time.Time) error { return e.setDeadline(&e.readBy, t) }

// SetWriteDeadline ends Write at t, also one that waits.
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadline(&e.writeBy, t) }

func (e *end) setDeadline(d *deadline, t time.Time) error {
	e.link.mu.Lock()
	defer e.link.mu.Unlock()
	if e.closed {
		return e.opError("set", net.ErrClosed)
	}
	d.set(e.link, t)
	e.link.changed.Broadcast()
	return nil
}

// deadline is when waiting has an end.
type deadline struct {
	over  bool
	timer *time.Timer // nil: none runs
}

func (d *deadline) set(l *Link, t time.Time) {
	d.stop()
	d.over = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.over = true
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if d.timer == timer { // else it was stopped too late
			d.over = true
			l.changed.Broadcast()
		}
	})
	d.timer = timer
}

func (d *deadline) stop() {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
