package majordomo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// lanes are connections to a broker that follows the RFCs and no more: nothing
// in its replies says to which request they belong, so each call has one to
// itself.
type lanes struct {
	room chan struct{} // one for each that is in use

	mu   sync.Mutex
	free []*zmq.Socket
}

func (l *lanes) take() *zmq.Socket {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.free) - 1
	if last < 0 {
		return nil
	}
	s := l.free[last]
	l.free = l.free[:last]
	return s
}

func (l *lanes) put(s *zmq.Socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, s)
}

func (l *lanes) close() (err error) {
	for s := l.take(); s != nil; s = l.take() {
		err = errors.Join(err, s.Close())
	}
	return err
}

// findLoop carries a call out when it is known what the broker knows.
func (p *Pending) findLoop() {
	c := p.c
	defer c.loops.Done()
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	for {
		switch c.broker.Load() {
		case extended:
			p.mu.Lock()
			p.attempt = 0
			p.mu.Unlock()
			c.share(p)
			return
		case plain:
			p.end(p.ask(ctx))
			return
		}
		if err := p.attempted(); err != nil {
			p.end(nil, err)
			return
		}
		if err := c.wait(ctx, time.Until(p.dueAt())); err != nil {
			p.end(nil, p.reason(err))
			return
		}
	}
}

func (p *Pending) dueAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due
}

// reason says why a wait ended: the client may be closed.
func (p *Pending) reason(err error) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if p.c.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// wait waits until the broker is known, or until the time is over.
func (c *Client) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	known := c.known
	c.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-known:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// ask carries the call out over a lane. When no reply comes it goes on with a
// new connection, as RFC 7 "MDP/Client" recommends: a late reply must not be
// taken for that to another request.
func (p *Pending) ask(ctx context.Context) (last [][]byte, err error) {
	c := p.c
	select {
	case c.lanes.room <- struct{}{}:
	case <-ctx.Done():
		return nil, p.reason(ctx.Err())
	}
	defer func() { <-c.lanes.room }()
	for n := 1; n <= c.cfg.Attempts; n++ {
		if last, err = p.tryLane(ctx, c.backOff(n)); err == nil {
			return last, nil
		}
		if ctx.Err() != nil || !errors.Is(err, zmq.ErrTimeout) {
			return nil, p.reason(err)
		}
		if p.stream && p.parted {
			return nil, fmt.Errorf("%w: no more parts came", ErrInterrupted)
		}
		p.mu.Lock()
		p.parts = nil
		p.mu.Unlock()
	}
	return nil, fmt.Errorf("%w from %s for %s after %d attempts", ErrNoReply, c.endpoint, p.call.Service, c.cfg.Attempts)
}

// tryLane sends the request and takes the reply.
func (p *Pending) tryLane(ctx context.Context, patience time.Duration) (last [][]byte, err error) {
	c := p.c
	s := c.lanes.take()
	if s == nil {
		if s, err = c.newSocket(); err != nil {
			return nil, err
		}
		if err = s.Connect(c.endpoint); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	defer func() {
		if err == nil {
			c.lanes.put(s)
		} else {
			err = errors.Join(err, s.Close())
		}
	}()
	msg := message{version: c.cfg.Version, command: request, service: p.call.Service, body: p.call.Frames}
	if err := sendWithin(ctx, patience, s, msg.appendClient(nil)); err != nil {
		return nil, err
	}
	for {
		m, err := recvWithin(ctx, patience, s)
		if err != nil {
			return nil, err
		}
		reply, err := parse(m.Frames)
		if err != nil || reply.worker || reply.version != c.cfg.Version || reply.extended || reply.service != p.call.Service {
			continue
		}
		switch {
		case reply.command == final, reply.version == Version01: // whose reply looks like a request
			return reply.body, nil
		case reply.command == partial:
			p.part(reply.body)
		}
	}
}

func sendWithin(ctx context.Context, d time.Duration, s *zmq.Socket, frames [][]byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d, zmq.ErrTimeout)
	defer cancel()
	return cause(ctx, s.Send(ctx, frames...))
}

func recvWithin(ctx context.Context, d time.Duration, s *zmq.Socket) (zmq.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d, zmq.ErrTimeout)
	defer cancel()
	m, err := s.Recv(ctx)
	return m, cause(ctx, err)
}

// cause is why a wait ended, if that is why err is.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
