package freelance

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Client is the client of model three, RFC 10 (FLP). It reaches for every server
// it was told of, pings those that are silent, and keeps a table of who answered
// when. A request goes to the first server that lives, in the order of Connect; one
// that was lost, or kept us waiting, comes last from then on. When the server's
// connection is lost, or it takes longer than the Try of the configuration, the next
// one is asked as well, and the first reply wins. Each server is asked once for each
// connection to it.
//
// An agent, one goroutine, owns the socket and the table. All methods may be
// called from any goroutine.
type Client struct {
	timeout time.Duration
	box     *mailbox
	agent   *agent
	ended   chan struct{} // closed when the agent has ended
}

// Status is a row of a client's table.
type Status struct {
	Endpoint   string
	Connected  bool
	Live       bool      // it answered within the TTL: requests may go to it
	LastAnswer time.Time // zero: never
	Waiting    int       // requests that it was given and nobody has answered
}

// Stats is what a client has counted since it was made.
type Stats struct {
	Requests uint64
	Replies  uint64 // requests that were answered
	// Retries counts requests that were given to one server more, by a Client.
	Retries uint64
	// Late are replies that nobody waits for: the second and later ones to a
	// request, and those that came after its time.
	Late      uint64
	Malformed uint64 // messages that break the protocol; they are dropped
}

// NewClient makes a client that has no server yet.
func NewClient(conf ClientConfig) (*Client, error) {
	if err := conf.complete(); err != nil {
		return nil, err
	}
	c := &Client{timeout: conf.Timeout, box: newMailbox(), ended: make(chan struct{})}
	options := append([]zmq.Option{
		zmq.WithReconnectMax(conf.Ping),
		zmq.WithHeartbeat(conf.Ping), zmq.WithHeartbeatTimeout(conf.TTL - conf.Ping),
	}, conf.Options...)
	// RFC 10 "Request and Reply Routing": a ROUTER, and no identity. It queues for
	// servers that are connected only, so that none gets what is stale.
	socket, err := zmq.New(zmq.ROUTER, append(options, zmq.WithRouterMandatory(true), zmq.WithImmediate(true),
		zmq.WithLinger(0), zmq.WithEvents(c.box.event))...)
	if err != nil {
		return nil, fmt.Errorf("freelance: %w", err)
	}
	c.agent = newAgent(conf, c.box, socket)
	go c.agentLoop()
	return c, nil
}

func (c *Client) agentLoop() {
	defer close(c.ended)
	c.agent.run()
}

// Connect adds a server, by the endpoint that is its identity. It returns at
// once: an error means that the endpoint is malformed or the client is closed. A
// server that is there already stays as it is.
func (c *Client) Connect(endpoint string) error {
	return c.do("connect", func(a *agent) error { return a.connect(endpoint) })
}

// Disconnect takes a server away. What it was asked is asked elsewhere.
// zmq.ErrNotFound if there is no such server.
func (c *Client) Disconnect(endpoint string) error {
	return c.do("disconnect", func(a *agent) error { return a.disconnect(endpoint) })
}

// Request asks a server and returns its reply; Msg.Peer tells who that was. If
// none comes in its time the error is zmq.ErrTimeout, if ctx ends its
// own, after Close zmq.ErrClosed. Without a server that lives, it waits for one.
func (c *Client) Request(ctx context.Context, frames ...[]byte) (zmq.Msg, error) {
	if len(frames) == 0 {
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w: no frames", zmq.ErrInvalid)
	}
	q := &request{body: cloneFrames(frames), reply: make(chan zmq.Msg, 1)}
	if !c.box.post(func(a *agent) { a.begin(q) }) {
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w", zmq.ErrClosed)
	}
	timer := time.NewTimer(c.timeout)
	defer timer.Stop()
	select {
	case m := <-q.reply:
		return m, nil
	case <-c.ended:
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w", zmq.ErrClosed)
	case <-timer.C:
	case <-ctx.Done():
	}
	c.box.post(func(a *agent) { a.forget(q) })
	return zmq.Msg{}, late(ctx, c.timeout)
}

// WaitReady waits until at least n servers live.
func (c *Client) WaitReady(ctx context.Context, n int) error {
	for {
		var live int
		var change <-chan struct{}
		err := c.do("wait ready", func(a *agent) error {
			live, change = len(a.table.live), a.table.change
			return nil
		})
		if err != nil || live >= n {
			return err
		}
		select {
		case <-change:
		case <-c.ended:
		case <-ctx.Done():
			return fmt.Errorf("freelance: wait ready: %w", ctx.Err())
		}
	}
}

// Servers returns the table: first the servers that live, in the order in which
// they are asked, then the others by endpoint. It is nil after Close.
func (c *Client) Servers() (list []Status) {
	_ = c.do("servers", func(a *agent) error { // after Close there are none
		list = a.table.list()
		return nil
	})
	return list
}

// Stats returns what the client has counted.
func (c *Client) Stats() (s Stats) {
	if c.do("stats", func(a *agent) error { s = a.stats; return nil }) != nil {
		<-c.ended
		s = c.agent.stats
	}
	return s
}

// Close ends the requests that wait, with zmq.ErrClosed, and all connections.
func (c *Client) Close() error {
	c.box.post(func(a *agent) { a.closed = true })
	<-c.ended
	return nil
}

// do lets the agent do something and waits for it.
func (c *Client) do(what string, f func(a *agent) error) error {
	done := make(chan error, 1)
	if c.box.post(func(a *agent) { done <- f(a) }) {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("freelance: %s: %w", what, err)
			}
			return nil
		case <-c.ended:
		}
	}
	return fmt.Errorf("freelance: %s: %w", what, zmq.ErrClosed)
}

// mailbox is what others have for the agent.
type mailbox struct {
	wake chan struct{} // a token: look

	mu     sync.Mutex
	closed bool
	list   []func(*agent)
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post gives the agent something to do, unless it has ended.
func (b *mailbox) post(f func(*agent)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.list = append(b.list, f)
	b.nudge()
	return true
}

// nudge makes the agent look.
func (b *mailbox) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// event tells the agent of connections that came and went.
func (b *mailbox) event(e zmq.Event) {
	switch e.Kind {
	case zmq.EventHandshakeSucceeded:
		b.post(func(a *agent) { a.table.connected(e) })
	case zmq.EventDisconnected:
		b.post(func(a *agent) { a.disconnected(e) })
	}
}

func (b *mailbox) take() []func(*agent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.list
	b.list = nil
	return list
}

// close refuses what comes from now on.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed, b.list = true, nil
}
