package zmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/session"
)

// Socket is a ZeroMQ socket. Its constructor names its type. All methods may
// be called from any goroutine at any time.
type Socket struct {
	typ    Type
	bad    error // the first option that was wrong
	domain *Domain
	logger *slog.Logger

	seed     uint32
	onEvent  func(Event)
	watchers watchers
	monitor  monitorSlot
	requests requests

	pattern pattern.Pattern
	fanner  pattern.Fanner  // the pattern, if it sends to many
	coupled pattern.Coupled // the pattern, if sending depends on receiving
	arriver pattern.Arriver // the pattern, if it works off at once what comes in
	rules   pattern.Config  // guarded by both mutexes
	prompt  bool            // a sender writes at once: it will wait for the answer

	group *session.Group
	host  *host

	_    [128]byte // senders, readers and receivers do not share cache lines
	send struct {
		mu      sync.Mutex
		closed  bool
		scratch []byte
		noPeer  uint64      // messages dropped for want of a peer
		behind  *pipe.Queue // the one that a sender was paced by last

		reserved bool // for Request
	}
	sendWait waiters

	_    [128]byte
	recv struct {
		mu     sync.Mutex
		closed bool
		back   []Msg // given back, first to be received

		reserved bool // for Request
	}
	recvWait waiters
	passer   atomic.Pointer[flow] // of a proxy; takes what comes before anybody is woken

	_        [128]byte
	spin     atomic.Int64 // µs that a Recv looks for more before it sleeps
	arrivals struct {
		n     atomic.Int32
		mu    sync.Mutex
		list  []*pipe.Pipe // got something, not yet given to the pattern
		spare []*pipe.Pipe
	}

	_         [128]byte
	sendLimit atomic.Int64 // WithSendTimeout
	recvLimit atomic.Int64 // WithRecvTimeout
	obs       observers

	mu        sync.Mutex
	conf      settings
	endpoints []*endpoint
	last      string              // endpoint of the last bind or connect
	pipes     map[*pipe.Pipe]bool // true: connected
	past      past
	watch     chan struct{} // closed when peers or subscriptions change
	closing   bool
	done      chan struct{} // closed when Close begins
	finished  chan struct{} // closed when Close ends
	closeErr  error
}

func newSocket(t Type, opts []Option) *Socket {
	s := &Socket{
		typ: t, conf: defaults(), pipes: map[*pipe.Pipe]bool{},
		done: make(chan struct{}), finished: make(chan struct{}),
	}
	if !t.valid() {
		s.bad = fmt.Errorf("%w: socket type %d", ErrInvalid, int(t))
		t, s.typ = PAIR, PAIR
	}
	for _, o := range opts {
		if err := o.put(t, &s.conf); err != nil && s.bad == nil {
			s.bad = s.opError("new", "", err)
		}
	}
	s.domain, s.logger, s.onEvent = s.conf.domain, s.conf.logger, s.conf.events
	s.seed = rand.Uint32()
	s.rules.Seed = s.seed
	s.rules.MaxTopics, s.rules.MaxTopicBytes = maxTopics, maxTopicBytes
	s.applyRules()
	s.pattern = pattern.New(t.String(), &s.rules)
	s.fanner, _ = s.pattern.(pattern.Fanner)
	s.coupled, _ = s.pattern.(pattern.Coupled)
	s.arriver, _ = s.pattern.(pattern.Arriver)
	s.prompt = t == REQ || t == REP
	s.host = (*host)(s)
	s.group = session.NewGroup(s.host, &s.domain.shared)
	for _, o := range opts {
		if o.info != nil && o.info.action != nil && s.bad == nil {
			s.bad = o.info.action(s, o.value)
		}
	}
	if s.bad == nil {
		s.bad = s.domain.join(s)
	}
	if s.bad != nil {
		s.send.closed, s.recv.closed = true, true
	}
	return s
}

// What one subscriber may ask of a publisher.
const (
	maxTopics     = 1_000_000
	maxTopicBytes = 64 << 20
)

// Type returns the socket's type.
func (s *Socket) Type() Type { return s.typ }

// String returns the socket's type and its endpoints, as in
// "PUSH [tcp://127.0.0.1:5555]". It may be called while others use the socket.
func (s *Socket) String() string {
	var at []string
	for _, e := range s.endpointList() {
		at = append(at, e.resolved)
	}
	return fmt.Sprint(s.typ, " ", at)
}

// dead says why nothing can be done with the socket.
func (s *Socket) dead() error {
	if s.bad != nil {
		return s.bad
	}
	return ErrClosed
}

func (s *Socket) isClosed() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *Socket) emptyMessage() error {
	if s.bad != nil {
		return s.bad
	}
	return fmt.Errorf("%w: a message has at least one frame, which may be empty", ErrInvalid)
}

func (s *Socket) sendTimeout() time.Duration { return time.Duration(s.sendLimit.Load()) }
func (s *Socket) recvTimeout() time.Duration { return time.Duration(s.recvLimit.Load()) }

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// Close wakes every call that waits, with ErrClosed, then waits for unsent
// messages at most the time of WithLinger, and then ends: no goroutine and no
// descriptor is left. It may be called again; later calls wait for the first.
func (s *Socket) Close() error {
	if !s.beginClose() {
		return s.awaitClose(context.Background())
	}
	return s.linger()
}

// linger ends what beginClose began within the linger time.
func (s *Socket) linger() error {
	s.mu.Lock()
	linger := s.conf.linger
	s.mu.Unlock()
	if linger < 0 {
		return s.finishClose(context.Background(), nil)
	}
	timer := time.NewTimer(linger)
	defer timer.Stop()
	return s.finishClose(context.Background(), timer.C)
}

// lingers reports whether Close waits at all.
func (s *Socket) lingers() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conf.linger != 0
}

// Shutdown is Close that waits for unsent messages until ctx ends, instead of
// the linger time. It returns the context's error if messages were dropped.
func (s *Socket) Shutdown(ctx context.Context) error {
	if !s.beginClose() {
		return s.awaitClose(ctx)
	}
	return s.finishClose(ctx, nil)
}

// CloseAsync begins to close and returns at once: what was bound is free, calls
// that wait have been woken. Close and [Domain.Shutdown] wait for the end.
func (s *Socket) CloseAsync() {
	if s.beginClose() {
		go s.closeLoop()
	}
}

func (s *Socket) closeLoop() { _ = s.linger() } // nobody asks

func (s *Socket) shutdownTo(ctx context.Context, result chan<- error) { result <- s.Shutdown(ctx) }

// awaitClose waits for who closes the socket.
func (s *Socket) awaitClose(ctx context.Context) error {
	select {
	case <-s.finished:
		return s.closeErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginClose takes no more from anybody. It reports false if that was done
// already: its first caller goes on with finishClose, others wait.
func (s *Socket) beginClose() bool {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return false
	}
	s.closing = true
	s.mu.Unlock()

	s.recv.mu.Lock()
	s.send.mu.Lock()
	s.send.closed, s.recv.closed = true, true
	s.send.mu.Unlock()
	s.recv.mu.Unlock()
	close(s.done)
	s.changed()
	s.unbindAll()
	s.cutAll(true)
	return true
}

// finishClose waits for what was sent, and ends all.
func (s *Socket) finishClose(ctx context.Context, linger <-chan time.Time) error {
	settled := s.settle(ctx, linger)
	s.cutAll(false)
	switch drained := settled && s.drain(ctx, linger); {
	case drained:
		s.group.Part(ctx, linger, false)
	case ctx.Err() != nil:
		s.closeErr = ctx.Err()
	case s.lingers():
		s.group.Part(ctx, nil, true) // that the time is over for what waits for one is no reason to lose what others were sent
	}
	s.group.Close()
	s.dropAll()
	s.host.emit(Event{Kind: EventMonitorStopped, Time: time.Now()})
	s.monitor.stop()
	s.domain.leave(s)
	close(s.finished)
	return s.closeErr
}

// drain waits until all that was sent is written. It reports false when the
// time was over before.
func (s *Socket) drain(ctx context.Context, linger <-chan time.Time) bool {
	return written(ctx, linger, s.allPipes())
}

// written waits until the out-queues of pipes are written. It reports false
// when the time was over before.
func written(ctx context.Context, over <-chan time.Time, pipes []*pipe.Pipe) bool {
	for _, p := range pipes {
		if p.Inproc {
			continue // what was sent is the receiver's already
		}
		p.Out.Mu.Lock()
		emptied := p.Out.Emptied()
		p.Out.Mu.Unlock()
		if emptied == nil {
			continue
		}
		select {
		case <-emptied:
		case <-over:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (s *Socket) allPipes() []*pipe.Pipe {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*pipe.Pipe, 0, len(s.pipes))
	for p := range s.pipes {
		list = append(list, p)
	}
	return list
}

// dropAll gives up what was received and not read.
func (s *Socket) dropAll() {
	for _, p := range s.allPipes() {
		s.host.Lost(p)
	}
	s.recv.mu.Lock()
	s.splice()
	s.recv.mu.Unlock()
}
