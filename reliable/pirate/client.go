package pirate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Client is a Lazy Pirate: it sends a request, and when no reply comes it sends it
// again, over a new connection, a few times. Servers may be REP or ROUTER sockets
// that return the envelope, or queues.
//
// Set its fields before the first Request, and do not copy it. Its methods may be
// called from any goroutine at any time.
type Client struct {
	// Endpoints are the servers. Each new connection goes to the next of them, so
	// what one server leaves without a reply another one gets.
	Endpoints []string
	// Timeout is how long a try waits for its reply; 2.5 s if it is not set.
	Timeout time.Duration
	// Tries is how often a request is sent in all; 3 if it is not set.
	Tries int
	// Backoff is how long to wait between two tries; 100 ms, then up to 10 s, if it
	// is not set.
	Backoff Backoff
	// Plain leaves out the number in the envelope by which replies are told apart.
	// Then each request under way has a connection of its own, and a server that
	// replies twice to one request is not found out. It is for workers that want
	// the three frames of the book's Paranoid Pirate and no more.
	Plain bool
	// Options go to every socket. They can't change that a socket that is closed
	// drops what it has not sent.
	Options []zmq.Option
	// Logger is told of tries without a reply, at level Info. Nil logs nothing.
	Logger *slog.Logger

	mu      sync.Mutex
	closed  bool
	opened  int            // lines so far
	free    []*line        // that can take a request; with numbers, one at most
	open    map[*line]bool // all that are not closing
	closing sync.WaitGroup // counts those that are
}

const (
	defaultTimeout = 2500 * time.Millisecond
	defaultTries   = 3
)

var clientBackoff = Backoff{First: 100 * time.Millisecond, Most: 10 * time.Second}

// errNoReply ends a try.
var errNoReply = errors.New("no reply in time")

// Request sends a request and returns the reply to it. A reply that comes after
// its try was given up is dropped, also if it comes during the next one.
//
// After the last try it fails with [zmq.ErrTimeout], when ctx ends with its error,
// and after Close with [zmq.ErrClosed]. In all these cases it is not known whether
// the request was carried out.
func (c *Client) Request(ctx context.Context, frames ...[]byte) (zmq.Msg, error) {
	backoff := c.Backoff.or(clientBackoff)
	tries := positive(c.Tries, defaultTries)
	for try := 1; ; try++ {
		reply, endpoint, err := c.try(ctx, frames)
		if err == nil {
			return reply, nil
		}
		if !errors.Is(err, errNoReply) {
			return zmq.Msg{}, fmt.Errorf("pirate: request: %w", err)
		}
		c.logger().LogAttrs(ctx, slog.LevelInfo, "no reply",
			slog.String("endpoint", endpoint), slog.Int("try", try), slog.Int("tries", tries))
		if try == tries {
			return zmq.Msg{}, fmt.Errorf("pirate: request to %s: no reply in %d tries: %w", endpoint, tries, zmq.ErrTimeout)
		}
		if err := pause(ctx, backoff.Delay(try)); err != nil {
			return zmq.Msg{}, fmt.Errorf("pirate: request: %w", err)
		}
	}
}

// try sends a request once.
func (c *Client) try(ctx context.Context, frames [][]byte) (reply zmq.Msg, endpoint string, err error) {
	l, err := c.take()
	if err != nil {
		return zmq.Msg{}, "", err
	}
	within, cancel := context.WithTimeout(ctx, positive(c.Timeout, defaultTimeout))
	defer cancel()
	reply, err = l.ask(within, frames)
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zmq.ErrTimeout)
	c.giveBack(l, err == nil, timeout)
	switch {
	case ctx.Err() != nil && err != nil:
		err = ctx.Err()
	case timeout:
		err = errNoReply
	}
	return reply, l.endpoint, err
}

// Close ends all requests, with [zmq.ErrClosed], and waits until all connections
// are closed.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	for l := range c.open {
		c.closeLocked(l)
	}
	c.mu.Unlock()
	c.closing.Wait()
	return nil
}

func (c *Client) logger() *slog.Logger { return orDiscard(c.Logger) }

// orDiscard makes a logger of none.
func orDiscard(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
