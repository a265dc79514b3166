package peering

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/phimq/zmq"
)

// Broker is the broker of one cluster. One goroutine does its work. All methods
// may be called from any goroutine.
type Broker struct {
	name  string
	doors [4]*zmq.Socket
	box   *mailbox
	loop  *loop
	ended chan struct{} // closed when the loop has ended
}

// NewBroker makes a broker that is bound nowhere and has no peers.
func NewBroker(conf Config) (*Broker, error) {
	if err := conf.complete(); err != nil {
		return nil, err
	}
	b := &Broker{name: conf.Name, box: newMailbox(), ended: make(chan struct{})}
	l, err := newLoop(conf, b.box)
	if err != nil {
		return nil, fmt.Errorf("peering: %w", err)
	}
	b.loop, b.doors = l, [4]*zmq.Socket{l.localfe, l.localbe, l.cloudfe, l.statebe}
	go b.routeLoop()
	return b, nil
}

func (b *Broker) routeLoop() {
	defer close(b.ended)
	b.loop.run()
}

// Name returns the broker's name.
func (b *Broker) Name() string { return b.name }

// Bind opens a door at an endpoint.
func (b *Broker) Bind(d Door, endpoint string) (*zmq.Binding, error) {
	s, err := b.door(d)
	if err != nil {
		return nil, err
	}
	return s.Bind(endpoint)
}

// ServeListener opens a door to the connections of a listener, as
// zmq.Socket.ServeListener does.
func (b *Broker) ServeListener(d Door, ln net.Listener) error {
	s, err := b.door(d)
	if err != nil {
		return err
	}
	return s.ServeListener(ln)
}

func (b *Broker) door(d Door) (*zmq.Socket, error) {
	if d < 0 || int(d) >= len(b.doors) {
		return nil, fmt.Errorf("peering: %w: no door %d", zmq.ErrInvalid, int(d))
	}
	return b.doors[d], nil
}

// Connect adds a peer. It returns at once: an error means that the name is bad or
// in use, an endpoint is malformed, or the broker is closed. A peer without
// endpoints may send requests here and gets none. Requests of brokers that are not
// peers are dropped.
func (b *Broker) Connect(p Peer) error {
	return b.do("connect", func(l *loop) error { return l.connect(p) })
}

// Disconnect takes a peer away; what it has in hand is lost. zmq.ErrNotFound if
// there is no peer of this name.
func (b *Broker) Disconnect(name string) error {
	return b.do("disconnect", func(l *loop) error { return l.disconnect(name) })
}

// Drain tells the peers that there is no capacity, takes no more requests, and
// waits until all that are in hand are answered or lost. What clients and peers
// have sent and was not taken is for another broker, or for nobody. Close is to
// follow.
func (b *Broker) Drain(ctx context.Context) error {
	var idle <-chan struct{}
	err := b.do("drain", func(l *loop) error {
		idle = l.drain()
		return nil
	})
	if err != nil {
		return err
	}
	select {
	case <-idle:
		return nil
	case <-b.ended:
		return fmt.Errorf("peering: drain: %w", zmq.ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("peering: drain: %w", ctx.Err())
	}
}

// Stats returns what the broker has counted and holds.
func (b *Broker) Stats() (s Stats) {
	err := b.do("stats", func(l *loop) error {
		s = l.snapshot()
		return nil
	})
	if errors.Is(err, zmq.ErrClosed) {
		<-b.ended
		s = b.loop.snapshot()
	}
	return s
}

// Close ends the broker at once. Replies that were handed over are still written,
// for at most the linger time.
func (b *Broker) Close() error {
	b.box.post(func(l *loop) { l.closed = true })
	<-b.ended
	return nil
}

// do lets the loop do something and waits for it.
func (b *Broker) do(what string, f func(l *loop) error) error {
	done := make(chan error, 1)
	if b.box.post(func(l *loop) { done <- f(l) }) {
		select {
		case err := <-done:
			if err != nil {
				return fmt.Errorf("peering: %s: %w", what, err)
			}
			return nil
		case <-b.ended:
		}
	}
	return fmt.Errorf("peering: %s: %w", what, zmq.ErrClosed)
}

// mailbox is what others have for the loop.
type mailbox struct {
	wake chan struct{} // a token: look

	mu     sync.Mutex
	closed bool
	list   []func(*loop)
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post gives the loop something to do, unless it has ended.
func (b *mailbox) post(f func(*loop)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.list = append(b.list, f)
	b.nudge()
	return true
}

// nudge makes the loop look.
func (b *mailbox) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *mailbox) take() []func(*loop) {
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
