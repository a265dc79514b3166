package session

import (
	"context"
	"net"
	"time"
)

// Attach makes a connection that somebody else made the group's: it makes the
// handshake, until ctx ends at most, and then reads and writes it until it is
// lost. It is not made again.
func (g *Group) Attach(ctx context.Context, nc net.Conn, bound bool, o *Options) error {
	c := newConn(g, o, Address(nc.RemoteAddr()), bound, nc)
	if !g.enter() {
		_ = nc.Close()
		return ErrClosed
	}
	defer g.wg.Done()
	if !g.join(c) {
		_ = nc.Close()
		return ErrClosed
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.hangup(context.Cause(ctx))
		close(over)
	})
	peer, rest, err := c.handshake(time.Now())
	if !stop() {
		<-over // Close waits for it as for all that the group does
		if err == nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		c.close()
		c.failed(err)
		return err
	}
	if !c.open(g.host.NewPipe(c.endpoint, false, c.o.Conflate), peer, rest, true) {
		c.close()
		c.event(Disconnected, errRefused)
		return errRefused
	}
	if !g.Start(c.attachedLoop) {
		c.lost(ErrClosed)
		return ErrClosed
	}
	return nil
}

// attachedLoop reads until the connection ends.
func (c *conn) attachedLoop() { c.lost(c.readLoop()) }

// lost cleans up behind a connection whose pipe goes with it.
func (c *conn) lost(err error) {
	c.close()
	c.g.host.Lost(c.pipe)
	c.event(Disconnected, err)
}
