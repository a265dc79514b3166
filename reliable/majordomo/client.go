package majordomo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq"
)

// ClientConfig is how a client works. The zero value of a field is its default.
type ClientConfig struct {
	// Timeout is how long the broker may be silent before a request is sent
	// again: 2.5 s the first time, twice that for each further time, at most
	// 8 times that.
	Timeout time.Duration
	// Attempts is how often a request is sent before it fails with ErrNoReply:
	// 3. A broker that knows the extension says that it has the request, which
	// counts as life: then a call waits as long as its context allows. A call
	// whose reply breaks off so often fails with ErrInterrupted, as does one that
	// was under way each time a reply larger than Options allow broke the connection.
	Attempts int
	// Window is how many calls may be under way at once, more wait: 1000. Of a
	// broker that does not know the extension each takes a connection of its
	// own, since nothing else tells the replies apart, and Connections is how
	// many of those there may be: 64.
	Window, Connections int
	// Version is what to speak with a broker that does not know the extension:
	// Version01, as RFC 7 has it.
	Version Version
	// Heartbeat is the interval of ZMTP's own heartbeats, which find a
	// connection that is dead: 2.5 s.
	Heartbeat time.Duration
	// Logger gets what an operator should see; nil for nothing.
	Logger *slog.Logger
	// Options are for the client's DEALERs, and win over its own, but for a receive timeout:
	// they have none.
	Options []zmq.Option
}

func (c ClientConfig) filled() (ClientConfig, error) {
	if c.Timeout < 0 || c.Attempts < 0 || c.Window < 0 || c.Connections < 0 || c.Heartbeat < 0 {
		return c, fmt.Errorf("%w: a negative number", ErrConfig)
	}
	or(&c.Timeout, 2500*time.Millisecond)
	or(&c.Attempts, 3)
	or(&c.Window, 1000)
	or(&c.Connections, 64)
	or(&c.Version, Version01)
	or(&c.Heartbeat, defaultHeartbeat)
	if c.Version != Version01 && c.Version != Version02 {
		return c, fmt.Errorf("%w: %v", ErrConfig, c.Version)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Call is a request to a service.
type Call struct {
	Service string
	// Key names the request for as long as anybody may ask it again: a second
	// request with this key, of this client or of another one, waits for the
	// reply to the first, or gets it from the broker's cache. At most 255
	// octets; "" for none. It is lost on a broker that does not know the
	// extension.
	Key string
	// Frames are the body: one or more. They are not copied and have to stay
	// as they are until the call is over.
	Frames [][]byte
}

func (c *Call) check() error {
	switch {
	case !validService(c.Service):
		return fmt.Errorf("%w: service name %.64q", ErrConfig, c.Service)
	case len(c.Key) > maxKey:
		return fmt.Errorf("%w: a key of %d octets", ErrConfig, len(c.Key))
	case len(c.Frames) == 0:
		return fmt.Errorf("%w: a request without frames", ErrConfig)
	}
	return nil
}

// Client calls services by way of a broker. Its methods may be called from any
// goroutine, many at once.
type Client struct {
	cfg      ClientConfig
	endpoint string
	socket   *zmq.Socket // the connection that calls share
	window   chan struct{}
	ctx      context.Context // ends with Close
	close    context.CancelFunc
	loops    sync.WaitGroup
	broker   atomic.Int32 // a knowledge: what the broker at the other end knows
	lanes    lanes

	mu    sync.Mutex
	last  uint64              // the number of the last call
	calls map[uint64]*Pending // of the shared connection
	known chan struct{}       // closed when the broker is known
	kick  chan struct{}       // tells retryLoop that something is due
}

// What is known of the broker.
const (
	unknown int32 = iota
	plain         // it follows the RFCs
	extended
)

// NewClient makes a client of the broker at an endpoint, which it finds when it
// is there, and again when it was away. On inproc it does not find one that is
// bound anew. Only a bad endpoint or configuration is an error.
func NewClient(endpoint string, cfg ClientConfig) (*Client, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, endpoint: endpoint, window: make(chan struct{}, cfg.Window),
		calls: map[uint64]*Pending{}, known: make(chan struct{}), kick: make(chan struct{}, 1),
		// Not 0: with an identity of its own a client that is started again gets
		// the late replies to the calls that it made before.
		last: rand.Uint64N(1 << 63),
	}
	c.ctx, c.close = context.WithCancel(context.Background())
	c.lanes.room = make(chan struct{}, cfg.Connections)
	// Immediate: what waits for a lost connection is lost with it, since it is asked anew.
	if c.socket, err = c.newSocket(zmq.WithEvents(c.event), zmq.WithImmediate(true)); err != nil {
		return nil, fmt.Errorf("majordomo: %w", err)
	}
	if strings.HasPrefix(endpoint, "inproc:") { // which has no events
		c.socket.OnChange(c.look)
	}
	if err := c.socket.Connect(endpoint); err != nil {
		c.Close()
		return nil, fmt.Errorf("majordomo: %w", err)
	}
	c.loops.Add(2)
	go c.replyLoop()
	go c.retryLoop()
	return c, nil
}

func (c *Client) newSocket(more ...zmq.Option) (*zmq.Socket, error) {
	opts := append([]zmq.Option{
		zmq.WithMetadata(propertyExtension, extensionVersion),
		zmq.WithHeartbeat(c.cfg.Heartbeat),
		zmq.WithReconnectMax(time.Second),
		zmq.WithLinger(0),
	}, more...)
	opts = append(opts, c.cfg.Options...)
	return zmq.New(zmq.DEALER, append(opts, zmq.WithRecvTimeout(-1))...)
}

// Close ends the client. Calls under way fail with ErrClosed.
func (c *Client) Close() error {
	c.close()
	err := c.socket.Close()
	for _, p := range c.underWay() {
		p.end(nil, ErrClosed)
	}
	c.loops.Wait()
	return errors.Join(err, c.lanes.close())
}

// Call asks a service and waits for the reply, or for ctx. It sends again what
// is not answered, so a service may get a request more than once; see
// [Call.Key]. Parts of a reply are joined: the frames are those of all of them.
//
// Errors are those of ctx, [*CallError], and the Err values of this package.
func (c *Client) Call(ctx context.Context, service string, frames ...[]byte) ([][]byte, error) {
	return c.Do(ctx, Call{Service: service, Frames: frames})
}

// Do is [Client.Call] for a request with a key.
func (c *Client) Do(ctx context.Context, call Call) ([][]byte, error) {
	p, err := c.Start(ctx, call)
	if err != nil {
		return nil, err
	}
	return p.Reply()
}

// Stream is [Client.Do] that yields the parts of a reply as they come; the last one
// is the final one. Parts that came do not come again: where the worker dies
// in between, it ends with ErrInterrupted. Leaving the loop gives the call up.
func (c *Client) Stream(ctx context.Context, call Call) iter.Seq2[[][]byte, error] {
	return func(yield func([][]byte, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		p, err := c.start(ctx, call, true)
		if err != nil {
			yield(nil, err)
			return
		}
		defer p.end(nil, context.Canceled)
		for {
			part, more, err := p.next()
			if !yield(part, err) || err != nil || !more {
				return
			}
		}
	}
}

// Start asks a service and returns at once, or when there is room in the window.
// ctx bounds the whole call.
func (c *Client) Start(ctx context.Context, call Call) (*Pending, error) {
	return c.start(ctx, call, false)
}

func (c *Client) start(ctx context.Context, call Call, stream bool) (*Pending, error) {
	if err := call.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c.window <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, ErrClosed
	}
	p := &Pending{c: c, ctx: ctx, call: call, stream: stream, done: make(chan struct{})}
	if stream {
		p.more = make(chan struct{}, 1)
	}
	if c.broker.Load() == extended {
		c.share(p)
		return p, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		<-c.window
		return nil, ErrClosed
	}
	c.loops.Add(1)
	go p.findLoop()
	return p, nil
}

// event notes what happens to the shared connection. What a lost broker had in
// hand is lost: it is asked again as soon as one is there.
func (c *Client) event(e zmq.Event) {
	switch e.Kind {
	case zmq.EventHandshakeSucceeded:
		calls := c.underWay() // those that begin when the broker is known go to it alone
		c.learn(e.Peer)
		c.askAnew(calls)
	case zmq.EventDisconnected:
		c.unlearn()
		if errors.Is(e.Err, zmq.ErrTooLarge) {
			c.blame(e.Err)
		}
	}
}

// look learns what the broker knows where there are no events: on inproc.
func (c *Client) look() {
	if c.broker.Load() != unknown {
		return
	}
	for _, p := range c.socket.Stats().Peers {
		if p.Connected && p.Peer.Type() != "" {
			c.learn(p.Peer)
		}
	}
}

func (c *Client) learn(peer zmq.Peer) {
	what := plain
	if peer.Property(propertyExtension) == extensionVersion {
		what = extended
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broker.Swap(what) == unknown {
		close(c.known)
	}
}

func (c *Client) unlearn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broker.Swap(unknown) != unknown {
		c.known = make(chan struct{})
	}
}

// replyLoop gives each reply to its call.
func (c *Client) replyLoop() {
	defer c.loops.Done()
	for m, err := range c.socket.Msgs(c.ctx) {
		if err != nil {
			return
		}
		msg, err := parse(m.Frames)
		if err != nil || msg.worker || !msg.extended {
			continue // not a broker's answer to anything that we sent here
		}
		c.mu.Lock()
		p := c.calls[msg.ticket.number]
		c.mu.Unlock()
		if p != nil {
			p.take(&msg)
		}
	}
}
