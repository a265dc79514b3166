package freelance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

// Simple is the client of model one: it asks by a REQ, and by a new one for each
// try, so that no try disturbs the next. It keeps no connection between requests
// and needs no Close. Its methods may be called from any goroutine.
//
// Set its fields before the first request.
type Simple struct {
	// Endpoints are the servers, in the order in which they are asked.
	Endpoints []string
	// Try is how long one of them has: 1 s if it is not set.
	Try time.Duration
	// Tries is how often a single server is asked: 3 times if it is not set.
	Tries int
	// Options go to every socket.
	Options []zmq.Option
}

// turns are the endpoints to ask, one try after the other.
func (s *Simple) turns() []string {
	if len(s.Endpoints) == 1 {
		return slices.Repeat(s.Endpoints, cmp.Or(max(s.Tries, 0), 3))
	}
	return s.Endpoints
}

// Request asks one server after the other, each of them once, and gives each the
// time of Try; a single server it asks as often as Tries says. It returns the first
// reply. If none comes the error is zmq.ErrTimeout, if ctx ends its own.
func (s *Simple) Request(ctx context.Context, frames ...[]byte) (zmq.Msg, error) {
	if len(s.Endpoints) == 0 {
		return zmq.Msg{}, fmt.Errorf("freelance: request: %w: no endpoints", zmq.ErrInvalid)
	}
	turns, try := s.turns(), cmp.Or(max(s.Try, 0), time.Second)
	for _, endpoint := range turns {
		m, err := s.ask(ctx, try, endpoint, frames)
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return zmq.Msg{}, fmt.Errorf("freelance: request: %w", ctx.Err())
		case !errors.Is(err, context.DeadlineExceeded):
			return zmq.Msg{}, fmt.Errorf("freelance: request: %w", err)
		}
	}
	return zmq.Msg{}, fmt.Errorf("freelance: request: no reply in %d tries of %v: %w", len(turns), try, zmq.ErrTimeout)
}

// ask makes one try.
func (s *Simple) ask(ctx context.Context, try time.Duration, endpoint string, frames [][]byte) (m zmq.Msg, err error) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	socket, err := zmq.New(zmq.REQ, append(slices.Clone(s.Options), zmq.WithLinger(0))...)
	if err != nil {
		return m, err
	}
	defer socket.Close()
	if err := socket.Connect(endpoint); err != nil {
		return m, err
	}
	if err := socket.Send(ctx, frames...); err != nil {
		return m, err
	}
	return socket.Recv(ctx)
}
