package majordomo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Broker gives the requests of clients to the workers of services. Its methods
// may be called from any goroutine.
type Broker struct {
	socket  *zmq.Socket
	machine *machine // of the goroutine that serves
	done    chan struct{}

	mu      sync.Mutex
	serving bool
	ending  bool               // Shutdown was called
	closed  bool               // Close was called
	wake    context.CancelFunc // ends the wait of Serve
}

// hwmReplies is how many messages wait for a peer that does not read before
// they are dropped.
const hwmReplies = 100_000

// NewBroker makes a broker. It does nothing before Serve.
func NewBroker(cfg BrokerConfig) (*Broker, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	// Mandatory, because a worker that is gone has to be noticed.
	opts := append([]zmq.Option{
		zmq.WithRouterMandatory(true),
		zmq.WithSendHWM(hwmReplies),
		zmq.WithMetadata(propertyExtension, extensionVersion),
		zmq.WithLinger(time.Second),
	}, cfg.Options...)
	socket, err := zmq.New(zmq.ROUTER, append(opts, zmq.WithRecvTimeout(-1))...)
	if err != nil {
		return nil, fmt.Errorf("majordomo: %w", err)
	}
	b := &Broker{socket: socket, done: make(chan struct{})}
	b.machine = newMachine(cfg, func(frames [][]byte) error { return socket.TrySend(frames...) }, time.Now())
	b.machine.unread = b.unread
	return b, nil
}

// unread are the identities of the peers for whom more octets wait.
func (b *Broker) unread(octets int) map[string]bool {
	ids := map[string]bool{}
	for _, p := range b.socket.Stats().Peers {
		if p.SendQueue.Bytes > octets {
			ids[string(p.RoutingID)] = true
		}
	}
	return ids
}

// Bind lets clients and workers reach the broker at an endpoint, as
// [zmq.Socket.Bind] has it. There may be several.
func (b *Broker) Bind(endpoint string) (*zmq.Binding, error) { return b.socket.Bind(endpoint) }

// Socket returns the ROUTER, to listen, look or set options on. It belongs to
// the broker: do not send, receive or close.
func (b *Broker) Socket() *zmq.Socket { return b.socket }

// Serve works until ctx ends, with its error, or until Shutdown or Close, with
// nil. It tells the workers before it returns, so that they look for another
// broker. It serves once.
func (b *Broker) Serve(ctx context.Context) error {
	b.mu.Lock()
	if b.serving || b.closed {
		b.mu.Unlock()
		return fmt.Errorf("%w: the broker has served", ErrClosed)
	}
	b.serving = true
	b.mu.Unlock()
	defer close(b.done)
	m := b.machine
	m.clock(time.Now())
	if err := m.load(); err != nil {
		return err
	}
	err := b.serve(ctx)
	m.goodbye()
	return err
}

func (b *Broker) serve(ctx context.Context) error {
	for {
		m := b.machine
		wait, cancel := context.WithTimeout(ctx, m.wait())
		ended := b.await(cancel)
		m.draining = m.draining || ended
		if m.draining && len(m.jobs) == 0 {
			cancel()
			return nil
		}
		err := b.receive(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case b.isClosed():
			return nil
		case err != nil:
			return fmt.Errorf("majordomo: %w", err)
		}
		m.clock(time.Now())
		m.tick()
	}
}

// await notes how the wait is ended, and says whether the broker is to end.
func (b *Broker) await(cancel context.CancelFunc) (ending bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wake = cancel
	if b.closed {
		cancel()
	}
	return b.ending
}

// receive works off what comes until the wait is over.
func (b *Broker) receive(wait context.Context) error {
	m := b.machine
	for {
		msg, err := b.socket.Recv(wait)
		if err != nil {
			if wait.Err() != nil || errors.Is(err, zmq.ErrTimeout) { // a user of Socket has set a WithRecvTimeout
				return nil
			}
			return err
		}
		m.clock(time.Now())
		m.receive(msg.Peer(), msg.Frames)
		if wait.Err() != nil || m.draining && len(m.jobs) == 0 {
			return nil
		}
	}
}

func (b *Broker) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Shutdown ends the broker in peace: it takes no new requests, answers those it
// has, tells the workers, ends Serve and closes the socket. ctx bounds the wait;
// what is not answered then is dropped, and the error is that of ctx.
func (b *Broker) Shutdown(ctx context.Context) error {
	b.mu.Lock()
	b.ending = true
	serving := b.serving
	if b.wake != nil {
		b.wake()
	}
	b.mu.Unlock()
	if serving {
		select {
		case <-b.done:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), b.Close())
		}
	}
	return errors.Join(b.socket.Shutdown(ctx), b.Close())
}

// Close ends the broker at once and waits for Serve.
func (b *Broker) Close() error {
	b.mu.Lock()
	b.closed = true
	serving := b.serving
	if b.wake != nil {
		b.wake()
	}
	b.mu.Unlock()
	if serving {
		<-b.done
	}
	if err := b.socket.Close(); !errors.Is(err, zmq.ErrClosed) {
		return err
	}
	return nil
}

// Stats returns what the broker has done.
func (b *Broker) Stats() Stats { return b.machine.n.stats() }
