package zmq

import (
	"context"
	"errors"
	"sync"

	"github.com/phimq/zmq/internal/inproc"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/session"
)

// Domain is a name space for inproc endpoints, and the memory and limits that
// its sockets share. Sockets belong to one default domain unless WithDomain
// says otherwise.
type Domain struct {
	names  inproc.Registry
	pool   pipe.Pool
	shared session.Shared

	mu      sync.Mutex
	closed  bool
	sockets map[*Socket]struct{}
}

var defaultDomain = NewDomain()

// NewDomain makes a domain of its own.
func NewDomain() *Domain { return &Domain{sockets: map[*Socket]struct{}{}} }

// DefaultDomain returns the domain of sockets that were given no other.
func DefaultDomain() *Domain { return defaultDomain }

func (d *Domain) join(s *Socket) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	d.sockets[s] = struct{}{}
	return nil
}

func (d *Domain) leave(s *Socket) {
	d.mu.Lock()
	delete(d.sockets, s)
	d.mu.Unlock()
}

// Shutdown closes all sockets of the domain, as [Socket.Shutdown] does, and
// waits for them and for those that were handed over by [Socket.CloseAsync].
// No socket can be made in the domain afterwards.
func (d *Domain) Shutdown(ctx context.Context) error {
	d.mu.Lock()
	d.closed = true
	sockets := make([]*Socket, 0, len(d.sockets))
	for s := range d.sockets {
		sockets = append(sockets, s)
	}
	d.mu.Unlock()
	results := make(chan error, len(sockets))
	for _, s := range sockets {
		go s.shutdownTo(ctx, results)
	}
	var errs []error
	for range sockets {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}
