package zmqtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Link is a network of one wire, with faults on demand. Sockets dial over it
// with zmq.WithDialer, whatever the endpoint they connect to, and are reached over
// it by zmq.Socket.ServeListener:
//
//	link := zmqtest.NewLink(t)
//	server.ServeListener(link.Listener())
//	client := zmq.NewReq(zmq.WithDialer(link.Dialer()))
//	client.Connect("tcp://server:5555")
//
// Any number of connections may be open at once. Each direction of one holds
// 64 KiB that were not read yet, as a kernel would; then writing waits. All methods
// may be called from any goroutine at any time.
type Link struct {
	mu       sync.Mutex
	changed  sync.Cond // on mu: told of everything that happens
	closed   bool
	frozen   bool
	delay    time.Duration
	limits   []int // of the next connections
	dialed   int
	listener *listener                // nil: dialing is refused
	conns    map[*connection]struct{} // that live
}

// NewLink makes a link, over which everything passes at once until the test
// says otherwise. It is gone when the test ends; sockets that use it are the
// test's to close.
func NewLink(t testing.TB) *Link {
	t.Helper()
	checkLeaks(t)
	l := newLink()
	t.Cleanup(l.close)
	return l
}

func newLink() *Link {
	l := &Link{conns: map[*connection]struct{}{}}
	l.changed.L = &l.mu
	return l
}

// Dialer returns what zmq.WithDialer takes. While nobody listens it is refused
// with syscall.ECONNREFUSED; while the link is frozen it waits.
func (l *Link) Dialer() func(ctx context.Context, network, address string) (net.Conn, error) {
	return l.dial
}

func (l *Link) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, l.wake)
	defer stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.frozen && !l.closed && ctx.Err() == nil {
		l.changed.Wait()
	}
	if err := ctx.Err(); err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: listenerAddress, Err: err}
	}
	if l.listener == nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: listenerAddress, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	near, far := l.connectLocked()
	l.listener.queue = append(l.listener.queue, far)
	l.changed.Broadcast()
	return near, nil
}

// connect makes a connection that needs no listener.
func (l *Link) connect() (near, far *end) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.connectLocked()
}

func (l *Link) connectLocked() (near, far *end) {
	l.dialed++
	c := &connection{link: l, limit: -1}
	if len(l.limits) > 0 {
		c.limit, l.limits = l.limits[0], l.limits[1:]
	}
	l.conns[c] = struct{}{}
	out, in := &stream{}, &stream{}
	dialer := address(fmt.Sprintf("dialer-%d", l.dialed))
	near = &end{link: l, conn: c, out: out, in: in, local: dialer, remote: listenerAddress}
	far = &end{link: l, conn: c, out: in, in: out, local: listenerAddress, remote: dialer}
	c.ends = [2]*end{near, far}
	if c.limit == 0 {
		c.cutLocked()
	}
	return near, far
}

// Listener opens the accepting side of the link. There is one at a time: it
// closes the one before, as a server that is started anew. The listener's owner
// closes it, or the end of the test.
func (l *Link) Listener() net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		l.listener.closeLocked()
	}
	ln := &listener{link: l}
	if !l.closed {
		l.listener = ln
	}
	return ln
}

// Delay makes everything that is sent from now on take this long to arrive,
// one way. Dialing takes no time.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// CutAfter sets when the next connections are lost, one number each: as soon as
// so many octets have arrived in one direction. They are read, what is under way
// is not. Negative numbers let a connection live, as those that come after do.
//
//	link.CutAfter(0, 1, 2) // the first three tries fail, the fourth works
func (l *Link) CutAfter(octets ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = append([]int(nil), octets...)
}

// Cut loses all connections now: both sides see syscall.ECONNRESET, and what
// was not read is lost. New connections can be made.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.cutLocked()
	}
}

// Freeze makes the link go silent, as a network that is down: nothing arrives,
// not the end of a connection either, dialing waits, and nobody is told.
func (l *Link) Freeze() { l.freeze(true) }

// Thaw ends a Freeze. What was sent meanwhile arrives.
func (l *Link) Thaw() { l.freeze(false) }

func (l *Link) freeze(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.frozen = on
	l.changed.Broadcast()
}

// wake lets everybody who waits look again.
func (l *Link) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

func (l *Link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.listener != nil {
		l.listener.closeLocked()
	}
	for c := range l.conns {
		c.cutLocked()
	}
	l.changed.Broadcast()
}

// listener is the accepting side of a link.
type listener struct {
	link   *Link
	queue  []*end // dialed, not accepted
	closed bool
}

// Accept returns the next connection that was dialed.
func (ln *listener) Accept() (net.Conn, error) {
	l := ln.link
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(ln.queue) == 0 && !ln.closed && l.listener == ln {
		l.changed.Wait()
	}
	if ln.closed || l.listener != ln {
		return nil, &net.OpError{Op: "accept", Net: network, Addr: listenerAddress, Err: net.ErrClosed}
	}
	far := ln.queue[0]
	ln.queue = ln.queue[1:]
	return far, nil
}

// Close refuses further connections and loses those that were not accepted.
func (ln *listener) Close() error {
	ln.link.mu.Lock()
	defer ln.link.mu.Unlock()
	if ln.closed {
		return &net.OpError{Op: "close", Net: network, Addr: listenerAddress, Err: net.ErrClosed}
	}
	ln.closeLocked()
	return nil
}

func (ln *listener) closeLocked() {
	ln.closed = true
	if ln.link.listener == ln {
		ln.link.listener = nil
	}
	for _, far := range ln.queue {
		far.conn.cutLocked()
	}
	ln.queue = nil
	ln.link.changed.Broadcast()
}

// Addr returns the address of the listener, which is the same on every link.
func (ln *listener) Addr() net.Addr { return listenerAddress }

const (
	network         = "link"
	listenerAddress = address("listener")
)

// address names an end of a link.
type address string

func (address) Network() string  { return network }
func (a address) String() string { return string(a) }
