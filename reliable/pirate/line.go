package pirate

import (
	"context"
	"fmt"
	"slices"

	"github.com/phimq/zmq"
)

// A line is a socket of a client's that is connected to one server. With numbers
// in the envelope it carries any number of requests at once, plainly one. A line
// on which a request got no reply is given up: no other request begins there, and
// it is closed when the last one has ended. So a retry uses a new connection, as
// the book has it, and who waits for a slow reply meanwhile still gets it.
type line struct {
	s        *zmq.Socket
	endpoint string
	users    int // requests that are under way; guarded by Client.mu
	plain    bool
}

// ask sends one request and waits for its reply.
func (l *line) ask(ctx context.Context, frames [][]byte) (zmq.Msg, error) {
	if !l.plain {
		return l.s.Request(ctx, frames...)
	}
	if err := l.s.Send(ctx, frames...); err != nil {
		return zmq.Msg{}, err
	}
	return l.s.Recv(ctx)
}

// maxFree is how many plain lines are kept for later.
const maxFree = 64

// take returns a line for one request, a new one if none is free.
func (c *Client) take() (*line, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, zmq.ErrClosed
	}
	if len(c.free) == 0 {
		l, err := c.openLocked()
		if err != nil {
			return nil, err
		}
		c.free = append(c.free, l)
	}
	l := c.free[len(c.free)-1]
	if l.plain {
		c.free = c.free[:len(c.free)-1]
	}
	l.users++
	return l, nil
}

func (c *Client) openLocked() (*line, error) {
	if len(c.Endpoints) == 0 {
		return nil, fmt.Errorf("%w: no endpoint", zmq.ErrInvalid)
	}
	l := &line{endpoint: c.Endpoints[c.opened%len(c.Endpoints)], plain: c.Plain}
	c.opened++
	opts := append(slices.Clone(c.Options), zmq.WithLinger(0))
	if l.plain {
		l.s = zmq.NewReq(opts...)
	} else {
		l.s = zmq.NewDealer(opts...)
	}
	if err := l.s.Connect(l.endpoint); err != nil {
		_ = l.s.Close()
		return nil, err
	}
	if c.open == nil {
		c.open = map[*line]bool{}
	}
	c.open[l] = true
	return l, nil
}

// giveBack takes a line back from a request that was answered, or not.
func (c *Client) giveBack(l *line, answered, timeout bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.users--
	i := slices.Index(c.free, l)
	switch {
	case !c.open[l]: // by Close
	case l.plain && answered && len(c.free) < maxFree:
		c.free = append(c.free, l)
	case l.plain:
		c.closeLocked(l) // a reply may still come
	default:
		if timeout && i >= 0 {
			c.free, i = slices.Delete(c.free, i, i+1), -1
		}
		if i < 0 && l.users == 0 {
			c.closeLocked(l)
		}
	}
}

func (c *Client) closeLocked(l *line) {
	delete(c.open, l)
	c.closing.Add(1)
	go c.closeLoop(l)
}

// closeLoop closes a line. That may take a moment, for which no retry waits.
func (c *Client) closeLoop(l *line) {
	defer c.closing.Done()
	_ = l.s.Close()
}
