package freelance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// Shotgun is the client of model two: every request goes to every server, by a
// DEALER each, and the first reply wins. A server that is not connected gets the
// requests that still wait when it is. Its methods may be called from any
// goroutine.
type Shotgun struct {
	conf   ShotgunConfig
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	loops  sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	barrels []*barrel
	last    uint64           // number of the last request
	waiting map[uint64]*shot // requests without a reply
	stats   Stats
}

// shot is a request that waits.
type shot struct {
	ctx    context.Context // ends when nobody waits any more
	frames [][]byte        // what goes out, from the empty frame on
	reply  chan zmq.Msg    // has room for one
}

// barrel is the road to one server.
type barrel struct {
	s      *Shotgun
	socket *zmq.Socket
	wake   chan struct{} // a token: there is a new request
	fired  uint64        // the request that went out last; the Shotgun's mutex guards it
}

// NewShotgun makes a client that has no server yet.
func NewShotgun(conf ShotgunConfig) (*Shotgun, error) {
	if !setDefault(&conf.Timeout, 2500*time.Millisecond) {
		return nil, fmt.Errorf("freelance: %w: a negative time", zmq.ErrInvalid)
	}
	s := &Shotgun{conf: conf, last: firstNumber(), waiting: map[uint64]*shot{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Connect adds a server. It returns at once: an error means that the endpoint
// is malformed, a socket option is wrong, or the client is closed. The server
// takes part in the requests that are made from now on.
func (s *Shotgun) Connect(endpoint string) error {
	options := append([]zmq.Option{zmq.WithReconnectMax(s.conf.Timeout)}, s.conf.Options...)
	socket, err := zmq.New(zmq.DEALER, append(options, zmq.WithImmediate(true), zmq.WithLinger(0), zmq.WithRecvTimeout(-1))...)
	if err != nil {
		return fmt.Errorf("freelance: connect: %w", err)
	}
	if err := socket.Connect(endpoint); err != nil {
		socket.Close()
		return fmt.Errorf("freelance: connect: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		socket.CloseAsync()
		return fmt.Errorf("freelance: connect: %w", zmq.ErrClosed)
	}
	b := &barrel{s: s, socket: socket, wake: make(chan struct{}, 1), fired: s.last}
	s.barrels = append(s.barrels, b)
	s.loops.Go(b.sendLoop)
	s.loops.Go(b.recvLoop)
	return nil
}

// Request asks all servers and returns the first reply. If none comes in
// its time the error is zmq.ErrTimeout, if ctx ends its own, after
// Close zmq.ErrClosed.
func (s *Shotgun) Request(ctx context.Context, frames ...[]byte) (zmq.Msg, error) {
	if len(frames) == 0 {
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w: no frames", zmq.ErrInvalid)
	}
	over, cancel := context.WithTimeout(ctx, s.conf.Timeout)
	defer cancel()
	c := &shot{ctx: over, reply: make(chan zmq.Msg, 1)}
	number, err := s.fire(c, frames)
	if err != nil {
		return zmq.Msg{}, err
	}
	defer s.forget(number)
	select {
	case m := <-c.reply:
		return m, nil
	case <-over.Done():
		return zmq.Msg{}, late(ctx, s.conf.Timeout)
	case <-s.ctx.Done():
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w", zmq.ErrClosed)
	}
}

// fire hands a request to all barrels.
func (s *Shotgun) fire(c *shot, frames [][]byte) (number uint64, err error) {
	body := cloneFrames(frames)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, fmt.Errorf("freelance: request: %w", zmq.ErrClosed)
	}
	s.last++
	s.stats.Requests++
	c.frames = append([][]byte{{}, appendSequence(nil, s.last)}, body...)
	s.waiting[s.last] = c
	for _, b := range s.barrels {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
	return s.last, nil
}

func (s *Shotgun) forget(number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, number)
}

// sendLoop sends what waits, in order, until the client is closed. While the
// server is away it holds one request, as long as that one waits; it passes over
// those that do not wait any more.
func (b *barrel) sendLoop() {
	for {
		c := b.next()
		if c == nil {
			select {
			case <-b.wake:
				continue
			case <-b.s.ctx.Done():
				return
			}
		}
		if err := b.socket.Send(c.ctx, c.frames...); errors.Is(err, zmq.ErrClosed) {
			return
		}
	}
}

// next returns the next request that waits, nil if there is none.
func (b *barrel) next() *shot {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	for b.fired < b.s.last {
		b.fired++
		if c := b.s.waiting[b.fired]; c != nil {
			return c
		}
	}
	return nil
}

// recvLoop takes replies until the socket is closed.
func (b *barrel) recvLoop() {
	for {
		m, err := b.socket.Recv(b.s.ctx)
		if b.s.ctx.Err() != nil || errors.Is(err, zmq.ErrClosed) { // a domain that is shut closes its sockets
			return
		}
		if err == nil {
			b.reply(m)
		}
	}
}

// reply gives a reply to whom it is for, if it is the first one.
func (b *barrel) reply(m zmq.Msg) {
	s := b.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(m.Frames) == 0 || len(m.Frames[0]) > 0 {
		s.stats.Malformed++
		return
	}
	number, body, ok := parseReply(m.Frames[1:])
	c := s.waiting[number]
	switch {
	case !ok:
		s.stats.Malformed++
	case c == nil || number > b.fired:
		s.stats.Late++
	default:
		m.Frames = body
		c.reply <- m // there is room: the first reply takes the request out
		delete(s.waiting, number)
		s.stats.Replies++
	}
}

// late says why a request was given up: its context ended, or its time is over.
func late(ctx context.Context, limit time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("freelance: request: %w", err)
	}
	return fmt.Errorf("freelance: request: no reply in %v: %w", limit, zmq.ErrTimeout)
}

// Stats returns what the client has counted.
func (s *Shotgun) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close ends the requests that wait, with zmq.ErrClosed, and all connections.
func (s *Shotgun) Close() error {
	s.mu.Lock()
	s.closed = true
	barrels := s.barrels
	s.mu.Unlock()
	s.cancel()
	for _, b := range barrels {
		b.socket.Close()
	}
	s.loops.Wait()
	return nil
}
