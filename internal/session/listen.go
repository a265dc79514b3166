package session

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/transport"
)

const (
	// maxHandshakes is how many connections of a listener may be in the
	// handshake at once. When there are more, one that takes longer than
	// slowHandshake gives way.
	maxHandshakes = 1024
	slowHandshake = time.Second
	// acceptPause is how long a listener rests when the system has no
	// descriptor for it.
	acceptPause = 100 * time.Millisecond
)

// Listener accepts connections at one endpoint.
type Listener struct {
	g        *Group
	o        *Options
	l        net.Listener
	endpoint string  // as resolved
	fd       uintptr // for events only
	ctx      context.Context
	cancel   context.CancelFunc

	mu       sync.Mutex
	stopped  bool
	closeErr error
	conns    map[*conn]struct{} // all that were accepted here and live
	greets   []*conn            // in the handshake, oldest first
	began    []time.Time
	freed    chan struct{} // a token when a handshake ended
}

// Listen binds an endpoint and accepts connections.
func (g *Group) Listen(e transport.Endpoint, o *Options) (*Listener, error) {
	l, err := transport.Listen(g.ctx, e, o.Transport)
	if err != nil && g.ctx.Err() != nil {
		return nil, ErrClosed
	}
	if err != nil {
		g.host.Event(Event{Kind: BindFailed, Endpoint: e.String(), Err: err})
		return nil, err
	}
	return g.Serve(l, l.Endpoint().String(), o)
}

// Serve accepts the connections of l, which the listener closes.
func (g *Group) Serve(l net.Listener, endpoint string, o *Options) (*Listener, error) {
	s := &Listener{g: g, o: o, l: l, endpoint: endpoint, conns: map[*conn]struct{}{}, freed: make(chan struct{}, 1)}
	s.fd = transport.Descriptor(l)
	s.ctx, s.cancel = context.WithCancel(g.ctx)
	if !g.Start(s.acceptLoop) || !g.Start(s.closeLoop) {
		s.cancel()
		_ = l.Close()
		return nil, ErrClosed
	}
	g.host.Event(Event{Kind: Listening, Endpoint: endpoint, Local: endpoint, Descriptor: s.fd})
	return s, nil
}

// Endpoint returns what is bound, with the real port or path.
func (s *Listener) Endpoint() string { return s.endpoint }

// Addr returns the address that is listened at.
func (s *Listener) Addr() net.Addr { return s.l.Addr() }

// Pipes returns the pipes of the connections that were accepted here.
func (s *Listener) Pipes() []*pipe.Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	pipes := make([]*pipe.Pipe, 0, len(s.conns))
	for c := range s.conns {
		if p := c.opened.Load(); p != nil {
			pipes = append(pipes, p)
		}
	}
	return pipes
}

// Close stops accepting at once.
func (s *Listener) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return s.closeErr
	}
	s.stopped = true
	s.closeErr = s.l.Close()
	s.cancel()
	return s.closeErr
}

// closeLoop closes the listener when the group closes.
func (s *Listener) closeLoop() {
	<-s.ctx.Done()
	e := Event{Kind: ListenerClosed, Endpoint: s.endpoint, Local: s.endpoint, Descriptor: s.fd}
	if err := s.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		e.Kind, e.Err = CloseFailed, err
	}
	s.g.host.Event(e)
}

// acceptLoop accepts. It never waits for a peer: each handshake has a
// goroutine of its own.
func (s *Listener) acceptLoop() {
	for s.ctx.Err() == nil {
		nc, err := s.l.Accept()
		if err != nil {
			if s.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return
			}
			s.g.host.Event(Event{Kind: AcceptFailed, Endpoint: s.endpoint, Local: s.endpoint, Err: err})
			s.rest(acceptPause)
			continue
		}
		if s.o.Accept != nil && !s.o.Accept(nc) {
			s.turnAway(nc)
			continue
		}
		c := newConn(s.g, s.o, s.endpoint, true, nc)
		start := time.Now()
		if !s.admit(c, start) {
			_ = nc.Close()
			return
		}
		c.event(Accepted, nil)
		if !s.g.Start(func() { s.serveLoop(c, start) }) {
			s.greeted(c)
			s.end(c)
			return
		}
	}
}

// turnAway closes a connection that the user does not want.
func (s *Listener) turnAway(nc net.Conn) {
	remote := Address(nc.RemoteAddr())
	_ = nc.Close() // it was never used
	s.g.host.Event(Event{Kind: AcceptFailed, Endpoint: s.endpoint, Local: s.endpoint, Remote: remote, Err: errUnwanted})
}

func (s *Listener) rest(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.freed:
	case <-s.ctx.Done():
	}
}

// admit counts c among the handshakes. It waits while there are too many and
// none of them is slow.
func (s *Listener) admit(c *conn, start time.Time) bool {
	for s.ctx.Err() == nil {
		s.mu.Lock()
		if s.stopped {
			s.mu.Unlock()
			return false
		}
		if len(s.greets) < maxHandshakes {
			joined := s.g.join(c)
			if joined {
				s.conns[c] = struct{}{}
				s.greets, s.began = append(s.greets, c), append(s.began, start)
			}
			s.mu.Unlock()
			return joined
		}
		oldest, age := s.greets[0], time.Since(s.began[0])
		s.mu.Unlock()
		if age >= slowHandshake {
			oldest.hangup(errCrowded)
			s.greeted(oldest)
			continue
		}
		s.rest(slowHandshake - age)
	}
	return false
}

var errUnwanted = errors.New("the application lets no such connection in")

var errCrowded = errors.New("too many handshakes in progress")

// greeted takes c off the handshakes.
func (s *Listener) greeted(c *conn) {
	s.mu.Lock()
	for i, other := range s.greets {
		if other == c {
			s.greets = append(s.greets[:i], s.greets[i+1:]...)
			s.began = append(s.began[:i], s.began[i+1:]...)
			break
		}
	}
	s.mu.Unlock()
	select {
	case s.freed <- struct{}{}:
	default:
	}
}

// serveLoop makes the handshake and then reads until the connection ends.
func (s *Listener) serveLoop(c *conn, start time.Time) {
	peer, rest, err := c.handshake(start)
	s.greeted(c)
	if err != nil {
		s.end(c)
		c.failed(err)
		return
	}
	p := s.g.host.NewPipe(s.endpoint, false, c.o.Conflate)
	if !s.letIn(c, p) || !c.open(p, peer, rest, true) {
		s.end(c)
		c.event(Disconnected, errRefused)
		return
	}
	// The handshake used more stack than reading does: a fresh goroutine
	// keeps an idle connection small.
	if !s.g.Start(func() { s.readLoop(c) }) {
		s.forget(c)
		c.lost(ErrClosed)
	}
}

// letIn makes p known to who unbinds, before anything can be sent to it. It reports false
// when that has been done.
func (s *Listener) letIn(c *conn, p *pipe.Pipe) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	c.opened.Store(p)
	return true
}

var errRefused = errors.New("the socket takes no further peer, or none of this identity")

// readLoop reads until the connection ends. Its pipe goes with it; what was
// received stays.
func (s *Listener) readLoop(c *conn) {
	err := c.readLoop()
	s.forget(c)
	c.lost(err)
}

// end cleans up behind a connection that did not get so far.
func (s *Listener) end(c *conn) {
	c.close()
	s.forget(c)
}

func (s *Listener) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// Hangup ends all connections that were accepted here.
func (s *Listener) Hangup() {
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.part()
	}
}
