// Package session keeps connections alive and pumps them: dialing and
// accepting, handshakes, reading, writing, heartbeats, back-off.
//
// A [Group] holds all connections of one socket. It meets the socket at the
// pipes and at [Host].
package session

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/transport"
)

// Host is the socket, as its connections see it. None of its methods is
// called with a lock of the session's held.
type Host interface {
	pipe.Reader
	// NewPipe makes a pipe for an endpoint of the user's; conflate says that its queues
	// keep one message.
	NewPipe(endpoint string, connected, conflate bool) *pipe.Pipe
	// Attach lets p take part in the socket's pattern, or refuses its peer.
	Attach(p *pipe.Pipe) bool
	// Opened says that a connection to p's peer is up.
	Opened(p *pipe.Pipe, o pipe.Opening)
	// Closed says that r takes no more; the channel, if any, is closed when
	// a taking that is under way has ended.
	Closed(p *pipe.Pipe) (settled <-chan struct{})
	// Lost takes p out of the pattern and drops what was not sent.
	Lost(p *pipe.Pipe)
	// Passes reports whether readers themselves pass on what they bring, so that nobody has
	// to run for it.
	Passes() bool
	// Closing is closed when the socket receives no more.
	Closing() <-chan struct{}
	// Event tells what happens to connections.
	Event(e Event)
}

// Options say how an endpoint behaves. They do not change once it is made.
type Options struct {
	Engine           *engine.Config
	Transport        *transport.Options
	HandshakeTimeout time.Duration // 0: none
	Spin             time.Duration // how long readers look for more before they sleep; see transport.Link.Spin
	ConnectTimeout   time.Duration // 0: the operating system's
	Reconnect        time.Duration // first interval; negative: never
	ReconnectMax     time.Duration // longest interval; 0: always the first
	Heartbeat        time.Duration // interval of PINGs; 0: none
	HeartbeatTimeout time.Duration
	HeartbeatTTL     time.Duration
	// PipeAtConnect makes the pipe before the connection is up; KeepPipe
	// keeps it when the connection is lost.
	PipeAtConnect bool
	KeepPipe      bool
	// Conflate keeps one message in each queue.
	Conflate bool
	// ID is the routing identity that the user chose for the next connection.
	ID []byte
	// Accept says whether a connection is let in before its handshake; nil: all.
	Accept func(net.Conn) bool
	// Auth says whether a peer may enter; nil: nobody is asked. It may take
	// its time until ctx ends.
	Auth func(ctx context.Context, q Question) mech.Verdict
}

// Question asks who may enter.
type Question struct {
	mech.Credentials
	Local, Remote string            // endpoints of the connection
	Certificate   *x509.Certificate // of TLS, if it was verified
}

// ErrClosed says that the group was closed.
var ErrClosed = errors.New("socket is closed")

// Group is all connections of one socket.
type Group struct {
	host   Host
	ctx    context.Context // ends when the group closes
	cancel context.CancelFunc
	base   time.Time

	flusher flusher
	serials atomic.Uint64 // of connections

	shared *Shared

	mu      sync.Mutex
	closing bool
	wg      sync.WaitGroup // every goroutine of the group
	conns   map[*conn]struct{}
}

// NewGroup returns an empty group.
func NewGroup(host Host, shared *Shared) *Group {
	g := &Group{host: host, shared: shared, base: time.Now(), conns: map[*conn]struct{}{}}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.flusher.loop = g.flushLoop
	return g
}

// Context ends when the group closes.
func (g *Group) Context() context.Context { return g.ctx }

// Start runs a loop that Close waits for. It reports false when the group is
// closed.
func (g *Group) Start(loop func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.wg.Go(loop)
	return true
}

// enter makes Close wait until the caller has said wg.Done. It reports false
// when the group is closed.
func (g *Group) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closing {
		g.wg.Add(1)
	}
	return !g.closing
}

// Serial numbers a connection, or a pipe that is there before it.
func (g *Group) Serial() uint64 { return g.serials.Add(1) }

// now is the time since the group was made.
func (g *Group) now() time.Duration { return time.Since(g.base) }

// Help writes, in the caller's goroutine and without blocking, what waits for
// the flusher.
func (g *Group) Help() {
	g.flusher.write(g.flusher.take(false))
}

// Close ends all connections and waits for every goroutine.
func (g *Group) Close() {
	g.mu.Lock()
	g.closing = true
	conns := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	g.cancel()
	for _, c := range conns {
		c.hangup(ErrClosed)
	}
	g.wg.Wait()
}

// join adds a connection, unless the group is closed.
func (g *Group) join(c *conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		return false
	}
	g.shared.spinners.Join()
	g.conns[c] = struct{}{}
	return true
}

func (g *Group) leave(c *conn) {
	g.mu.Lock()
	if _, in := g.conns[c]; in {
		g.shared.spinners.Leave()
	}
	delete(g.conns, c)
	g.mu.Unlock()
}

// flusher writes for senders that do not write themselves: one goroutine for
// all connections of a socket, started when there is work.
type flusher struct {
	loop func() // flushLoop, made once: to start it does not allocate

	mu      sync.Mutex
	dirty   []*conn
	spare   []*conn
	running bool
}

func (g *Group) flush(c *conn) {
	f := &g.flusher
	f.mu.Lock()
	f.dirty = append(f.dirty, c)
	begin := !f.running
	f.running = true
	f.mu.Unlock()
	if begin && !g.startFlusher() {
		f.stop()
	}
}

// startFlusher is Start for the flusher, which is started for every burst of
// messages.
func (g *Group) startFlusher() bool {
	if !g.enter() {
		return false
	}
	go g.flusher.loop()
	return true
}

func (f *flusher) stop() {
	f.mu.Lock()
	f.dirty, f.running = nil, false
	f.mu.Unlock()
}

// take takes the connections that wait. With end and none of them, the flusher no
// longer runs.
func (f *flusher) take(end bool) []*conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := f.dirty
	if len(list) > 0 {
		f.dirty, f.spare = f.spare[:0], nil
	} else if end {
		f.running = false
	}
	return list
}

// write writes to the connections that were taken, and keeps the list for later.
func (f *flusher) write(list []*conn) {
	if len(list) == 0 {
		return
	}
	for _, c := range list {
		c.write()
	}
	clear(list)
	f.mu.Lock()
	f.spare = list[:0]
	f.mu.Unlock()
}

// lingers is how often the flusher yields and looks for more before it ends: to
// start it again costs its sender more, as a thread has to be woken for it.
const lingers = 5

func (g *Group) flushLoop() {
	defer g.wg.Done()
	for idle := 0; ; {
		list := g.flusher.take(idle == lingers)
		switch {
		case len(list) > 0:
			g.flusher.write(list)
			idle = 0
		case idle == lingers:
			return
		default:
			idle++
			transport.Yield()
		}
	}
}
