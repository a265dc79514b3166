package session

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/transport"
)

// refusedPause is how long a peer that refused us is left alone, where no
// longest interval says so.
const refusedPause = 10 * time.Second

// Dialer keeps a connection to one endpoint: it tries for ever, and again
// when the connection is lost.
type Dialer struct {
	g        *Group
	o        *Options
	endpoint transport.Endpoint
	ctx      context.Context // ends when the dialer stops
	cancel   context.CancelFunc

	mu      sync.Mutex
	pipe    *pipe.Pipe // nil until it is made
	conn    *conn      // while there is one
	stopped bool
	tries   int // since the last handshake that succeeded
}

// Dial begins to connect. It never fails for want of a peer.
func (g *Group) Dial(e transport.Endpoint, o *Options) (*Dialer, error) {
	d := &Dialer{g: g, o: o, endpoint: e}
	d.ctx, d.cancel = context.WithCancel(g.ctx)
	if o.PipeAtConnect {
		d.pipe = d.newPipe()
		switch attached := g.host.Attach(d.pipe); {
		case attached:
		case len(o.ID) > 0:
			d.pipe = nil // the name is taken: it will be free again
		default:
			d.cancel()
			return d, nil // a second peer of a PAIR: libzmq ignores it as well
		}
	}
	if !g.Start(d.dialLoop) {
		d.cancel()
		return nil, ErrClosed
	}
	return d, nil
}

func (d *Dialer) newPipe() *pipe.Pipe {
	p := d.g.host.NewPipe(d.endpoint.String(), true, d.o.Conflate)
	p.Serial = d.g.Serial()
	if len(d.o.ID) > 0 {
		p.ID, p.Preset = d.o.ID, true
	}
	return p
}

// Endpoint returns what is connected to.
func (d *Dialer) Endpoint() string { return d.endpoint.String() }

// Over reports whether the dialer has ended, by Stop or because it must not try again.
func (d *Dialer) Over() bool { return d.ctx.Err() != nil }

// Retire returns the pipe, for what waits in it to be sent before Stop; while there is
// none, it is Stop and returns nil.
func (d *Dialer) Retire() *pipe.Pipe {
	d.mu.Lock()
	p := d.pipe
	d.stopped = d.stopped || p == nil
	d.mu.Unlock()
	if p == nil {
		d.Stop()
	}
	return p
}

// Stop ends the connection and the tries, and drops what was not sent.
func (d *Dialer) Stop() {
	d.mu.Lock()
	d.stopped = true
	c, p := d.conn, d.pipe
	d.mu.Unlock()
	d.cancel()
	if c != nil {
		c.part()
	} else if p != nil {
		d.g.host.Lost(p)
	}
}

// dialLoop tries until a connection is up, and hands it to serveLoop.
func (d *Dialer) dialLoop() {
	for d.ctx.Err() == nil {
		c, peer, rest, err := d.dial()
		if err == nil && d.serve(c, peer, rest) {
			return
		}
		if !d.pause(err) {
			return
		}
	}
}

// dial makes one connection and its handshake.
func (d *Dialer) dial() (*conn, *pipe.Peer, []byte, error) {
	ctx := d.ctx
	if d.o.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.o.ConnectTimeout)
		defer cancel()
	}
	d.g.host.Event(Event{Kind: ConnectDelayed, Endpoint: d.endpoint.String()})
	nc, err := transport.Dial(ctx, d.endpoint, d.o.Transport)
	if err != nil {
		d.g.host.Event(Event{Kind: ListenerClosed, Endpoint: d.endpoint.String(), Err: err})
		return nil, nil, nil, err
	}
	start := time.Now()
	c := newConn(d.g, d.o, d.endpoint.String(), false, nc)
	if !d.hold(c) {
		_ = c.link.Close()
		return nil, nil, nil, ErrClosed
	}
	c.event(Connected, nil)
	peer, rest, err := c.handshake(start)
	if err != nil {
		d.release()
		c.close()
		c.failed(err)
		return nil, nil, nil, err
	}
	return c, peer, rest, nil
}

// hold makes c the dialer's connection, unless it was stopped.
func (d *Dialer) hold(c *conn) bool {
	if !d.g.join(c) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		d.g.leave(c)
		return false
	}
	d.conn = c
	return true
}

// release lets go of a connection whose handshake failed. If the dialer was
// stopped meanwhile, its pipe is lost: Stop left that to who had the connection.
func (d *Dialer) release() {
	d.mu.Lock()
	d.conn = nil
	stopped, p := d.stopped, d.pipe
	if stopped {
		d.pipe = nil
	}
	d.mu.Unlock()
	if stopped && p != nil {
		d.g.host.Lost(p)
	}
}

// serve opens a connection and starts its reader.
func (d *Dialer) serve(c *conn, peer *pipe.Peer, rest []byte) bool {
	p, attach := d.pipeFor()
	if p == nil {
		d.end(c, ErrClosed)
		return false
	}
	if !c.open(p, peer, rest, attach) {
		if attach {
			d.drop(p)
		}
		d.end(c, errRefused)
		return false
	}
	d.mu.Lock()
	d.tries = 0
	d.mu.Unlock()
	if !d.g.Start(func() { d.serveLoop(c) }) {
		d.end(c, ErrClosed)
	}
	return true
}

// pipeFor returns the dialer's pipe. It is the dialer's before it is attached: who stops the
// dialer from then on finds it, and waits for what was sent. It is nil when that was done.
func (d *Dialer) pipeFor() (p *pipe.Pipe, attach bool) {
	d.mu.Lock()
	p = d.pipe
	d.mu.Unlock()
	if p != nil && p.Replaced.Load() {
		d.drop(p)
		d.g.host.Lost(p)
		p = nil
	}
	if p != nil {
		return p, false
	}
	p = d.newPipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil, false
	}
	d.pipe = p
	return p, true
}

// drop forgets a pipe that is of no use.
func (d *Dialer) drop(p *pipe.Pipe) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pipe == p {
		d.pipe = nil
	}
}

// serveLoop reads until the connection is lost, then dials again.
func (d *Dialer) serveLoop(c *conn) {
	err := c.readLoop()
	d.end(c, err)
	if d.pause(err) {
		d.g.Start(d.dialLoop)
	}
}

// end cleans up behind a connection.
func (d *Dialer) end(c *conn, err error) {
	c.close()
	c.event(Disconnected, err)
	d.mu.Lock()
	d.conn = nil
	p := d.pipe
	lost := d.stopped || !d.o.KeepPipe || p != nil && p.Replaced.Load()
	if lost {
		d.pipe = nil
	}
	d.mu.Unlock()
	if lost && p != nil {
		d.g.host.Lost(p)
	}
}

// pause waits before the next try: the first interval, doubling up to the
// longest, and up to half of it more at random, so that a thousand peers do
// not come back at once. It reports false when there is no next try.
// RFC 37 "Error Handling".
func (d *Dialer) pause(err error) bool {
	if d.ctx.Err() != nil {
		return false
	}
	if d.o.Reconnect < 0 {
		d.giveUp()
		return false
	}
	d.mu.Lock()
	wait := backoff(d.o.Reconnect, d.o.ReconnectMax, d.tries)
	d.tries++
	d.mu.Unlock()
	// RFC 37 "Error Handling": not with the same credentials. NULL has none, and passwords
	// change, so try, but as rarely as we may. A name that is taken back at once would be
	// taken back at once.
	var refused *mech.PeerError
	if errors.Is(err, pipe.ErrReplaced) || errors.As(err, &refused) {
		wait = max(wait, cmp.Or(d.o.ReconnectMax, refusedPause))
	}
	d.g.host.Event(Event{Kind: ConnectRetried, Endpoint: d.endpoint.String(), Interval: wait, Err: err})
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-d.ctx.Done():
		return false
	}
}

// giveUp ends a dialer that must not try again.
func (d *Dialer) giveUp() {
	d.mu.Lock()
	p := d.pipe
	d.pipe = nil
	d.mu.Unlock()
	d.cancel()
	if p != nil {
		d.g.host.Lost(p)
	}
}

// backoff returns how long to wait after a number of tries in vain.
func backoff(first, longest time.Duration, tries int) time.Duration {
	wait := first
	if wait < time.Millisecond && tries > 0 { // after a try in vain: who dials without pause is a nuisance
		wait, tries = time.Millisecond, tries-1
	}
	for ; tries > 0 && wait < longest; tries-- {
		wait *= 2
	}
	if longest > first {
		wait = min(wait, longest)
	}
	if wait < 2 {
		return wait
	}
	return wait + min(rand.N(wait/2), math.MaxInt64-wait)
}
