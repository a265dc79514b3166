package transport

import (
	"net"
	"os"
	"syscall"
	"time"
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

// Idler gives back the memory of a read.
type Idler interface {
	// Idle says that nothing can be read now and the reader is about to park:
	// the memory that it was given is not used any more.
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

// Spin makes Read look for more for so long before it waits, where there is a fast
// road: until then it returns 0. With a negative limit it does so for a moment, as long
// as that has paid of late, and as spinners has a place for it.
func (l *Link) Spin(limit time.Duration, spinners *Spinners) { l.fast.spinning(limit, spinners) }

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

// Read reads once, into a and then into b, which may be empty, and waits until
// there is something. On a fast link it does not wait with the memory: it tells
// idle and returns 0 when there is something to read. Another link fills a alone,
// and waits with it. It fails when the peer ends the link (io.EOF), and when the
// link fails, is closed or reaches a read deadline; octets may come with an error.
func (l *Link) Read(a, b []byte, idle Idler) (n int, err error) {
	a = capRead(a)
	switch {
	case len(a) == 0:
		return 0, os.NewSyscallError("read", syscall.EINVAL) // a read of nothing would look like the end of the link
	case l.fast.ok():
		return l.fast.read(a, b[:min(len(b), maxReadWrite-len(a))], idle)
	}
	return l.conn.Read(a)
}

func capRead(b []byte) []byte { return b[:min(len(b), maxReadWrite)] }

// Close closes the connection and wakes who is blocked in Write or Read.
func (l *Link) Close() error { return l.conn.Close() }
