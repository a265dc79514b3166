package session

import (
	"errors"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phimq/zmq/internal/pipe"
)

const (
	// maxBatch is what a writer takes from a queue at once.
	maxBatch = 256 << 10
	// maxBatches is how many batches somebody writes before the next in line
	// does: a sender must not write for all others without end.
	maxBatches = 8
	// quiet is how long nothing must have been written for a sender to write
	// itself. Shorter pauses belong to a stream, which is better gathered.
	quiet = 15 * time.Microsecond
	// piece is what is written at once of a large message to a peer that is
	// slower than we are: each that follows another shows that the peer reads.
	piece = 256 << 10
)

// errSpent ends a connection that must not seal more with its keys; the next one
// has new ones.
var errSpent = errors.New("all numbers of this connection's boxes are used")

// writer is the outward half of a connection. Batch and vecs belong to
// whoever takes from the out-queue.
type writer struct {
	batch  []pipe.Seg
	vecs   [][]byte
	done   int          // octets of batch that are written
	last   atomic.Int64 // when a write ended, in time of the group's
	moved  atomic.Int64 // when a part of a batch of several was written, likewise
	finish atomic.Bool  // hang up when all is written
}

// Readable says that the out-queue has something: the flusher will write it.
// It may be called with the socket's send mutex held.
func (c *conn) Readable(*pipe.Pipe) { c.g.flush(c) }

// Quiet reports whether nothing was written of late: neither here nor by the caller to
// another connection. A sender that has just written to one peer is likely to go on with
// others; a system call for each message would cost forty times what the message does.
func (c *conn) Quiet() bool {
	now := time.Now()
	return int64(now.Sub(c.g.base))-c.writer.last.Load() > int64(quiet) && c.g.shared.quiet(now)
}

// Flush writes at once, without blocking, what waits.
func (c *conn) Flush() { c.write() }

// Finish ends the connection when all that waits is written, and read.
func (c *conn) Finish(*pipe.Pipe) {
	c.writer.finish.Store(true)
	c.g.flush(c)
}

// write takes batches from the out-queue and writes them, until there is
// nothing left or the kernel takes no more.
func (c *conn) write() {
	q := c.pipe.Out
	q.Mu.Lock()
	if !q.Begin(c) {
		done := c.writer.finish.Load() && q.Idle()
		q.Mu.Unlock()
		if done {
			c.part()
		}
		return
	}
	q.Mu.Unlock()
	for n := 0; c.take(n < maxBatches); n++ {
		again, err := c.try()
		switch {
		case err != nil:
			c.unwritten(err)
			return
		case again:
			if !c.g.Start(c.writeLoop) {
				c.unwritten(ErrClosed)
			}
			return
		}
	}
}

// writeLoop is write for a kernel that takes no more: it may block.
func (c *conn) writeLoop() {
	for {
		if err := c.writeRest(); err != nil {
			c.unwritten(err)
			return
		}
		c.written()
		if !c.take(true) {
			return
		}
	}
}

// writeRest writes what of the batch is not written: small parts together, large
// ones in pieces.
func (c *conn) writeRest() error {
	for rest := c.rest(); len(rest) > 0; {
		n := 0
		for n < len(rest) && len(rest[n]) <= piece {
			n++
		}
		next := rest[:n]
		if n == 0 {
			next = [][]byte{rest[0][:piece]}
			rest[0] = rest[0][piece:]
		}
		rest = rest[n:]
		wrote, err := c.link.Write(next)
		c.writer.done += wrote
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			c.writer.moved.Store(int64(c.g.now()))
		}
	}
	return nil
}

// take takes the next batch. It reports false when there is none, or when the
// caller has had its share and the flusher goes on: then the caller no longer
// writes.
func (c *conn) take(share bool) bool {
	w, q := &c.writer, c.pipe.Out
	q.Mu.Lock()
	if !share && q.Yield(c) {
		q.Mu.Unlock()
		c.g.flush(c)
		return false
	}
	batch := q.Take(c, w.batch[:0], maxBatch)
	w.batch = batch
	q.Mu.Unlock()
	if len(batch) == 0 {
		if w.finish.Load() {
			c.part()
		}
		return false
	}
	w.vecs, w.done = c.enc.Encode(batch), 0
	if c.enc.Spent() {
		c.unwritten(errSpent)
		return false
	}
	return true
}

// try writes what the kernel takes now.
func (c *conn) try() (again bool, err error) {
	n, again, err := c.link.TryWrite(c.writer.vecs)
	c.writer.done += n
	if err == nil && !again {
		c.written()
	}
	return again, err
}

// written gives the memory of a written batch back.
func (c *conn) written() {
	for i := range c.writer.batch {
		c.writer.batch[i].Release()
	}
	c.writer.vecs = nil
	c.enc.Written()
	now := time.Now()
	c.writer.last.Store(int64(now.Sub(c.g.base)))
	c.g.shared.wrote(now)
}

// rest returns what of the batch is not written.
func (c *conn) rest() [][]byte {
	vecs, done := c.writer.vecs, c.writer.done
	for len(vecs) > 0 && done >= len(vecs[0]) {
		done -= len(vecs[0])
		vecs = vecs[1:]
	}
	if done > 0 {
		vecs[0] = vecs[0][done:]
	}
	return vecs
}

// unwritten puts back what did not go out whole and ends the connection. A
// message is sent again from its first octet, on the next connection.
func (c *conn) unwritten(reason error) {
	// A peer that has left may have sent something before: the reader finds
	// the end behind it.
	if !c.link.Fast() || !errors.Is(reason, syscall.EPIPE) && !errors.Is(reason, syscall.ECONNRESET) {
		c.hangup(reason)
	}
	q := c.pipe.Out
	back := c.enc.Unsent(c.writer.batch, c.writer.done)
	c.writer.vecs = nil
	c.enc.Written()
	q.Mu.Lock()
	q.Untake(back)
	q.Rest()
	q.Mu.Unlock()
}
