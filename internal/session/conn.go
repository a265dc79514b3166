package session

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/transport"
	"github.com/phimq/zmq/internal/wire"
)

// past is a deadline that wakes whoever waits on a connection.
var past = time.Unix(1, 0)

// conn is one live connection. It reads in a goroutine of its own; it is
// written by whoever takes from the pipe's out-queue.
type conn struct {
	g        *Group
	o        *Options
	endpoint string
	bound    bool
	link     *transport.Link
	pipe     *pipe.Pipe
	enc      *engine.Encoder
	sealer   mech.Sealer // nil: in clear
	told     bool        // that the handshake failed

	reader reader
	writer writer
	beat   heart

	serial uint64
	fd     uintptr                   // for events only
	dead   chan struct{}             // closed by hangup
	opened atomic.Pointer[pipe.Pipe] // what a listener has let in

	mu     sync.Mutex
	ended  bool
	reason error
	asking context.CancelFunc // while Auth is asked
}

func newConn(g *Group, o *Options, endpoint string, bound bool, nc net.Conn) *conn {
	c := &conn{
		g: g, o: o, endpoint: endpoint, bound: bound, link: transport.NewLink(nc), fd: transport.Descriptor(nc),
		serial: g.Serial(), dead: make(chan struct{}),
	}
	c.link.Spin(o.Spin, &g.shared.spinners)
	return c
}

// hangup ends the connection: it wakes the reader and the writer, and the
// reader cleans up. The first reason counts.
func (c *conn) hangup(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.endLocked(reason) {
		return
	}
	// Close would wait for the reader, which may wait for a lock of the
	// caller's. A deadline wakes it as well.
	if err := c.link.Conn().SetDeadline(past); err != nil {
		c.g.wg.Go(c.closeLoop) // also when the group is closing: else its reader would never end
	}
}

// endLocked notes that the connection ends. It reports false when it has ended already.
func (c *conn) endLocked(reason error) bool {
	if c.ended {
		return false
	}
	c.ended, c.reason = true, reason
	close(c.dead)
	if c.asking != nil {
		c.asking()
	}
	return true
}

// closeLoop closes a link that knows no deadlines.
func (c *conn) closeLoop() { _ = c.link.Close() }

// Hangup ends the connection now.
func (c *conn) Hangup(_ *pipe.Pipe, reason error) { c.hangup(reason) }

// handshake greets the peer within the time that began at start.
func (c *conn) handshake(start time.Time) (p *pipe.Peer, rest []byte, err error) {
	nc := c.link.Conn()
	if c.o.HandshakeTimeout > 0 {
		c.mu.Lock()
		if !c.ended {
			_ = nc.SetDeadline(start.Add(c.o.HandshakeTimeout)) // hangup knows what to do without deadlines
		}
		c.mu.Unlock()
	}
	if c.o.Engine.Raw {
		p = &pipe.Peer{Type: "STREAM"}
	} else {
		p, rest, err = c.greet(start)
	}
	if err != nil {
		return nil, nil, c.cause(err)
	}
	p.Local, p.Remote, p.Descriptor = Address(nc.LocalAddr()), Address(nc.RemoteAddr()), c.fd
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil, nil, errors.Join(ErrClosed, c.reason) // the reason may be nil
	}
	if c.o.HandshakeTimeout > 0 {
		_ = nc.SetDeadline(time.Time{})
	}
	return p, rest, nil
}

// cause is why the connection was hung up, or else err.
func (c *conn) cause(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended && c.reason != nil {
		return c.reason
	}
	return err
}

// open puts the connection to work for p, which is attached if it is new.
func (c *conn) open(p *pipe.Pipe, peer *pipe.Peer, rest []byte, attach bool) bool {
	c.pipe = p
	c.enc = engine.NewEncoder(c.o.Engine, peer, c.sealer)
	c.reader.init(c, rest)
	p.SetPeer(peer)
	if attach {
		p.Serial = c.serial
	}
	if attach && !c.g.host.Attach(p) {
		return false
	}
	p.In.Mu.Lock()
	p.In.SetWriter(&c.reader, p)
	p.In.Mu.Unlock()
	c.beat.start(c)
	c.g.host.Opened(p, pipe.Opening{Reader: c, ReaderPipe: p, Session: c, Link: c})
	if p.Replaced.Load() { // meanwhile, when there was no session to hang up
		c.hangup(pipe.ErrReplaced)
	}
	// What waited goes out before the reader can find that the peer has left again: a
	// message to one that refuses our name would else wait as long as the socket lingers.
	c.write()
	c.event(HandshakeDone, nil)
	return true
}

// close ends what open began. The pipe may live on.
func (c *conn) close() {
	c.beat.stop()
	if c.pipe != nil {
		if settled := c.g.host.Closed(c.pipe); settled != nil {
			<-settled
		}
	}
	c.mu.Lock()
	c.endLocked(nil) // who hangs up from here on finds nothing to do
	c.mu.Unlock()
	_ = c.hurried(c.link.Close) // nothing to do about it
	c.reader.close()
	c.g.leave(c)
}

// readLoop reads until the connection ends and returns why.
func (c *conn) readLoop() error {
	err := c.reader.loop()
	if c.reader.parting.Load() {
		err = nil
	}
	c.hangup(err)
	c.mu.Lock()
	err = c.reason
	c.mu.Unlock()
	return err
}

func (c *conn) event(kind EventKind, err error) {
	e := Event{Kind: kind, Endpoint: c.endpoint, Err: err, Descriptor: c.fd}
	nc := c.link.Conn()
	e.Local, e.Remote = Address(nc.LocalAddr()), Address(nc.RemoteAddr())
	if c.pipe != nil {
		e.Peer = c.pipe.Peer()
	}
	c.g.host.Event(e)
}

// failed tells of a handshake that failed, once.
func (c *conn) failed(err error) {
	if !c.told {
		c.event(Failure(err), err)
	}
}

// Failure returns the kind of event that tells of a handshake that failed so.
func Failure(err error) EventKind {
	var refused *mech.PeerError
	var denied *mech.Denied
	var malformed wire.Malformed
	switch {
	case errors.As(err, &denied), errors.As(err, &refused) && refused.Status() > 0:
		return HandshakeRefused
	case errors.As(err, &refused):
		return HandshakeProtocol
	case errors.As(err, &malformed), errors.Is(err, engine.ErrVersion), errors.Is(err, engine.ErrMechanism),
		errors.Is(err, engine.ErrCommand),
		errors.Is(err, engine.ErrSocketType), errors.Is(err, engine.ErrIdentity), errors.Is(err, mech.ErrUnexpected),
		errors.Is(err, mech.ErrBox), errors.Is(err, mech.ErrNonce), errors.Is(err, mech.ErrAnswer):
		return HandshakeProtocol
	}
	return HandshakeFailed
}

// Address writes a network address as an endpoint.
func Address(a net.Addr) string {
	switch {
	case a == nil:
		return ""
	case a.Network() == "unix":
		return "ipc://" + a.String()
	default:
		return a.Network() + "://" + a.String()
	}
}

// reader is the inward half of a connection: it puts what comes in into the
// pipe's in-queue, and stops while that is full.
type reader struct {
	c      *conn
	dec    decoder
	tell   bool          // the socket has to be told of what came in
	short  bool          // the last read took all that was there
	asks   bool          // who receives may answer
	room   chan struct{} // a token when a full queue has room again
	paused atomic.Bool
	deaf   bool        // the socket closes: messages are dropped
	timer  *time.Timer // of wait
	// parting: what comes is not looked at, only read.
	parting atomic.Bool
}

// decoder finds messages in what a link reads.
type decoder interface {
	transport.Idler
	// Begin works off what the handshake read too much.
	Begin() (more bool, err error)
	// Space is memory to read into, never empty; Space2 is more of it when Space
	// is full, or nil.
	Space() []byte
	Space2() []byte
	// Got works off n octets that were read. More is false when there is no room
	// for what comes next.
	Got(n int) (more bool, err error)
	Close()
}

func (r *reader) init(c *conn, rest []byte) {
	r.c, r.room = c, make(chan struct{}, 1)
	switch c.o.Engine.SocketType {
	case "REQ", "REP", "DEALER", "ROUTER", "PAIR":
		r.asks = true
	}
	if c.o.Engine.Raw {
		r.dec = engine.NewRawDecoder(c.o.Engine, r)
		return
	}
	r.dec = engine.NewDecoder(c.o.Engine, r, c.sealer, c.link.Fast(), rest)
}

func (r *reader) close() {
	if r.dec != nil {
		r.dec.Close()
	}
}

// loop reads until the connection ends. It stays as shallow as it can: a reader
// whose stack never grows beyond 2 KiB halves what an idle connection costs.
func (r *reader) loop() error {
	more, err := r.dec.Begin()
	for err == nil {
		if r.tell {
			r.tell = false
			r.c.pipe.In.Tell()
			if r.short && r.asks && !r.c.g.host.Passes() { // who was woken runs here and now: its answer need not wait for our next look
				r.dec.Idle() // a thousand others may run before us: they need not have memory each
				runtime.Gosched()
			}
		}
		if !more && !r.wait() {
			return nil
		}
		n, failed := r.read()
		if more, err = true, failed; n > 0 {
			if more, err = r.dec.Got(n); err == nil {
				err = failed
			}
		}
	}
	if r.tell {
		r.c.pipe.In.Tell()
	}
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return err
}

// read reads once; 0 octets and no error when it should be tried again.
//
//go:noinline
func (r *reader) read() (n int, err error) {
	a := r.dec.Space()
	if link := r.c.link; link.Fast() {
		b := r.dec.Space2()
		n, err = link.Read(a, b, r.dec)
		r.short = n < len(a)+len(b)
		return n, err
	}
	return r.c.link.Read(a, nil, nil)
}

// patience is how long a reader waits for a user who receives nothing, while the
// mark would let more in.
const patience = 2 * time.Millisecond

// wait waits for room in the in-queue. It reports false when the connection
// has ended.
func (r *reader) wait() bool {
	r.paused.Store(true)
	defer r.paused.Store(false)
	q := r.c.pipe.In
	for {
		q.Mu.Lock()
		full, paced := q.Full(), q.Paced(pipe.RecvPace)
		q.Mu.Unlock()
		if !full && !paced || r.parting.Load() {
			r.Traffic() // what the peer sent meanwhile is only read now
			return true
		}
		var stalled <-chan time.Time
		if !full {
			stalled = r.alarm()
		}
		select {
		case <-r.room:
		case <-r.c.g.host.Closing(): // a peer that is gone must be noticed, for what is still to be sent
			r.deaf = true
			r.Traffic()
			return true
		case <-stalled:
			q.Mu.Lock()
			q.Stall()
			q.Mu.Unlock()
		case <-r.c.dead:
			return false
		}
	}
}

// alarm goes off when patience is over.
func (r *reader) alarm() <-chan time.Time {
	if r.timer == nil {
		r.timer = time.NewTimer(patience)
	} else {
		r.timer.Reset(patience)
	}
	return r.timer.C
}

// Writable says that the in-queue has room again.
func (r *reader) Writable(*pipe.Pipe) {
	select {
	case r.room <- struct{}{}:
	default:
	}
}

// Run takes whole messages from the decoder.
func (r *reader) Run(buf *pipe.Buf, run []byte, n int) (more bool, err error) {
	if r.deaf || r.parting.Load() {
		return true, nil
	}
	q := r.c.pipe.In
	q.Mu.Lock()
	if q.PutRun(buf, run, n) {
		r.tell = true
	}
	more = !q.Full() && !q.Paced(pipe.RecvPace)
	q.Mu.Unlock()
	return more, nil
}

// Large takes a large message from the decoder.
func (r *reader) Large(parts [][]byte, buf *pipe.Buf) (more bool, err error) {
	if r.deaf || r.parting.Load() {
		buf.Release()
		return true, nil
	}
	q := r.c.pipe.In
	q.Mu.Lock()
	if q.PutParts(parts, buf) {
		r.tell = true
	}
	more = !q.Full() && !q.Paced(pipe.RecvPace)
	q.Mu.Unlock()
	return more, nil
}

// Traffic notes that the peer is alive.
func (r *reader) Traffic() { r.c.beat.traffic() }

// Command works off a command of the peer's. RFC 37 "Commands": those that
// are not known are ignored.
func (r *reader) Command(name string, data []byte) error {
	if r.parting.Load() {
		return nil
	}
	switch name {
	case wire.NamePing:
		return r.c.beat.ping(data)
	case wire.NamePong:
		return r.c.beat.pong(data)
	case wire.NameSubscribe:
		r.topic(pipe.Subscribe, data)
	case wire.NameCancel:
		r.topic(pipe.Cancel, data)
	case wire.NameError:
		reason, err := wire.ParseError(data)
		if err != nil {
			return err
		}
		return &mech.PeerError{Reason: reason}
	}
	return nil
}

// topic takes a subscription. Only a publisher has a use for it.
func (r *reader) topic(kind pipe.Kind, topic []byte) {
	if t := r.c.o.Engine.SocketType; t != "PUB" && t != "XPUB" {
		return
	}
	q := r.c.pipe.In
	q.Mu.Lock()
	if q.PutTopic(kind, append([]byte(nil), topic...)) {
		r.tell = true
	}
	q.Mu.Unlock()
}
