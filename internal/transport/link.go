package transport

import (
	"net"
	"os"
	"syscall"
)

// Link is one byte link with a non-blocking side. It wraps a net.Conn.
//
// One goroutine at a time may write and one may read, both at once. Close and
// the deadlines of Conn may be used by any goroutine at any time and wake a
// blocked call with net.ErrClosed or os.ErrDeadlineExceeded.
//
// On a fast link the system calls are made by the calling goroutine while the
// runtime holds the descriptor: the descriptor is non-blocking, so they need
// not be announced to the scheduler, and it can't be closed and given to
// another file in the middle.
type Link struct {
	conn net.Conn
	fast fastRoad

	scratch [][]byte    // Write on the plain road: the caller's slices, to be eaten by bufs
	bufs    net.Buffers // a field, so that it is not allocated anew
}

// ReadHandler takes what Link.ReadLoop reads. Its methods are called by the
// goroutine of ReadLoop, one at a time. They must not close the link and not
// wait for somebody who does: Close waits until the call has returned.
type ReadHandler interface {
	// Space is memory to read into, never empty. It is called only when a
	// read is about to happen.
	Space() []byte

	// Space2 is more memory to read into when Space is full, or nil. It is
	// called right after Space, on a fast link only.
	Space2() []byte

	// Got says that n octets, at least 1, have arrived, in Space first, then
	// in Space2. With more false, or an error, ReadLoop returns at once,
	// with that error or nil; it may be called again later, and nothing is lost.
	Got(n int) (more bool, err error)

	// Idle says that nothing can be read now and the loop is about to park,
	// so that memory can be given back: what Space gave is not used any
	// more. Only fast links call it. Others ask for Space and block with it,
	// so they hold the memory while they are idle.
	Idle()
}

// maxReadWrite bounds one system call, so that a peer with a full pipe does not
// keep the reader or writer from looking up.
const maxReadWrite = 256 << 10

// NewLink wraps c, which the Link owns from now on.
func NewLink(c net.Conn) *Link {
	l := &Link{conn: c}
	l.fast.init(c)
	return l
}

// Conn is the wrapped connection, for addresses and deadlines.
func (l *Link) Conn() net.Conn { return l.conn }

// Fast reports whether TryWrite can write: on Linux, on the TCP and Unix
// connections of package net. It never changes.
func (l *Link) Fast() bool { return l.fast.ok() }

// TryWrite writes what the kernel takes now and never blocks. n is what it
// took, also on an error. again says that octets are left over because the kernel is
// full or the link is not Fast; the caller goes on with Write, which waits. bufs
// is not changed and not kept.
func (l *Link) TryWrite(bufs [][]byte) (n int, again bool, err error) {
	if !l.fast.ok() {
		return 0, true, nil
	}
	return l.fast.write(bufs, false)
}

// Write blocks until all is written or the link fails, is closed or reaches a
// write deadline. n is what the kernel took, also on an error. bufs is not
// changed and not kept.
func (l *Link) Write(bufs [][]byte) (n int, err error) {
	if l.fast.ok() {
		n, _, err = l.fast.write(bufs, true)
		return n, err
	}
	l.scratch = append(l.scratch[:0], bufs...)
	l.bufs = l.scratch
	written, err := l.bufs.WriteTo(l.conn)
	clear(l.scratch)
	l.bufs = nil
	return int(written), err
}

// ReadLoop reads until the peer ends the link (io.EOF), the link fails, is
// closed or reaches a read deadline, or h wants to leave (h's error or nil).
// Idle is not called when it returns: what Space gave last is the handler's
// again.
func (l *Link) ReadLoop(h ReadHandler) error {
	if l.fast.ok() {
		return l.fast.readLoop(h)
	}
	for {
		space := capRead(h.Space())
		if len(space) == 0 {
			return os.NewSyscallError("read", syscall.EINVAL) // else it would read nothing for ever
		}
		n, err := l.conn.Read(space)
		if n > 0 {
			more, herr := h.Got(n)
			if herr != nil || !more {
				return herr // an error of the read comes back with the next one
			}
		}
		if err != nil {
			return err
		}
	}
}

func capRead(b []byte) []byte { return b[:min(len(b), maxReadWrite)] }

// Close closes the connection and wakes who is blocked in Write or ReadLoop.
func (l *Link) Close() error { return l.conn.Close() }
