package session

import (
	"context"
	"crypto/tls"
	"time"
)

const (
	// partTime is how long a peer has to close its side after we have closed ours.
	partTime = time.Second
	// alertTime is how long what TLS says at the end may take: it waits only for a
	// peer that reads nothing, and would do so for 5 s.
	alertTime = 50 * time.Millisecond
)

// halfCloser ends one way of a link.
type halfCloser interface{ CloseWrite() error }

// part tells the peer that no more comes, and reads on, without looking at it,
// until the peer has closed too: to close a connection that has octets unread
// makes the system take back what the peer has not read yet. It reports false
// when there is nothing to wait for and the connection is ended at once.
func (c *conn) part() bool {
	half, ok := c.link.Conn().(halfCloser)
	// Who has written has found the connection as open made it, and so do we.
	if !ok || c.writer.last.Load() == 0 || c.o.receivesOnly() || c.clogged() {
		c.hangup(nil)
		return false
	}
	c.beat.stop()
	c.reader.parting.Store(true)
	c.reader.Writable(c.pipe)
	err := c.hurried(half.CloseWrite)
	if inside, ok := half.(*tls.Conn); ok && err != nil {
		if half, ok = inside.NetConn().(halfCloser); ok {
			err = half.CloseWrite() // the end of the link says it as well
		}
	}
	c.mu.Lock()
	if !c.ended && err == nil {
		_ = c.link.Conn().SetReadDeadline(time.Now().Add(partTime)) // it has deadlines: it is the system's
		c.mu.Unlock()
		return true
	}
	c.mu.Unlock()
	c.hangup(nil)
	return false
}

// hurried runs what may have TLS write an alert.
func (c *conn) hurried(f func() error) error {
	if inside, ok := c.link.Conn().(*tls.Conn); ok {
		timer := time.AfterFunc(alertTime, func() { _ = inside.NetConn().SetWriteDeadline(past) })
		defer timer.Stop()
	}
	return f()
}

// clogged reports whether to say that no more comes would have to wait for a
// write that is under way: inside TLS, where it is a write as well.
func (c *conn) clogged() bool {
	if _, inside := c.link.Conn().(*tls.Conn); !inside {
		return false
	}
	return c.busy()
}

// busy reports whether there is still something to write.
func (c *conn) busy() bool {
	q := c.pipe.Out
	q.Mu.Lock()
	defer q.Mu.Unlock()
	return !q.Idle()
}

// receivesOnly reports whether the socket sends nothing that could be lost.
func (o *Options) receivesOnly() bool {
	return o.Engine.SocketType == "PULL" || o.Engine.SocketType == "SUB"
}

// Part ends all connections in such a way that peers can read what was written,
// and waits for them: until all have closed, or over or ctx end it, and never
// longer than a second. No connection is made from here on. Late says that who has
// something left to write has had its time, and is not waited for.
func (g *Group) Part(ctx context.Context, over <-chan time.Time, late bool) {
	g.cancel()
	g.mu.Lock()
	conns := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	timer := time.NewTimer(partTime)
	defer timer.Stop()
	parting, begun := conns[:0], time.Now()
	for _, c := range conns {
		switch {
		case time.Since(begun) >= partTime, // many wait to say it
			late && c.writer.last.Load() != 0 && c.busy():
			c.hangup(nil)
		case c.part():
			parting = append(parting, c)
		}
	}
	for _, c := range parting {
		select {
		case <-c.dead:
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		}
	}
}
