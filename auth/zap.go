package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
	"github.com/phimq/zmq/internal/zap"
)

// maxRequests is how many ZAP requests are worked on at once.
const maxRequests = 64

// ServeZAP judges for all sockets of a domain that ask a ZAP handler, until ctx
// ends, when it returns nil; a nil domain is the default one. It fails when the
// domain is shut, and at once when it has a handler already. RFC 27 "Architecture".
func (a *Authenticator) ServeZAP(ctx context.Context, domain *zmq.Domain) error {
	if domain == nil {
		domain = zmq.DefaultDomain()
	}
	s := zmq.NewRouter(zmq.WithDomain(domain), zmq.WithLinger(0))
	defer s.Close()
	if _, err := s.Bind(zap.Endpoint); err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, maxRequests)
	for {
		m, err := s.Recv(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("auth: %w", err)
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		z := zapRequest{ctx: ctx, a: a, s: s, frames: m.Frames, places: places}
		wg.Go(z.answerLoop)
	}
}

// zapRequest is a request with its envelope.
type zapRequest struct {
	ctx    context.Context
	a      *Authenticator
	s      *zmq.Socket
	frames [][]byte
	places <-chan struct{}
}

// answerLoop answers the request, unless nobody could be answered.
func (z *zapRequest) answerLoop() {
	defer func() { <-z.places }()
	envelope, request, ok := cutEnvelope(z.frames)
	if !ok {
		z.a.logger.Error("auth: a ZAP request without an envelope")
		return
	}
	reply, ok := z.a.answer(z.ctx, request)
	if !ok || z.ctx.Err() != nil {
		return
	}
	frames := append(envelope[:len(envelope):len(envelope)], reply.Frames()...)
	if err := z.s.Send(z.ctx, frames...); err != nil {
		z.a.logger.Warn("auth: a ZAP reply was not sent", "err", err)
	}
}

// cutEnvelope divides a message behind its empty frame. RFC 27 "Proxy
// Handlers": there may be any number of routing identities.
func cutEnvelope(frames [][]byte) (envelope, rest [][]byte, ok bool) {
	for i, f := range frames {
		if len(f) == 0 {
			return frames[:i+1], frames[i+1:], true
		}
	}
	return nil, nil, false
}

// answer judges who a request is about. It reports false if the request has no
// id to answer to.
func (a *Authenticator) answer(ctx context.Context, frames [][]byte) (reply zap.Reply, ok bool) {
	r, err := zap.ParseRequest(frames)
	if err != nil {
		a.logger.Error("auth: a malformed ZAP request", "err", err)
		if len(frames) < 2 {
			return reply, false
		}
		return zap.Reply{ID: string(frames[1]), Status: zap.Internal, Text: "malformed request"}, true
	}
	reply.ID = r.ID
	who, err := zapAsker(&r)
	if err != nil {
		a.logger.Error("auth: a malformed ZAP request", "err", err)
		reply.Status, reply.Text = zap.Internal, "malformed credentials"
		return reply, true
	}
	identity, err := a.judge(ctx, &who)
	switch {
	case err == nil:
		reply.Status, reply.Text, reply.UserID = zap.OK, "OK", identity.UserID
		for name, value := range identity.Properties {
			reply.Metadata = append(reply.Metadata, wire.Property{Name: name, Value: []byte(value)})
		}
	case errors.Is(err, zmq.ErrAgain), ctx.Err() != nil:
		reply.Status, reply.Text = zap.Temporary, "try again later"
	default:
		reply.Status, reply.Text = zap.Denied, "no access"
	}
	return reply, true
}

var errCredentials = errors.New("auth: the credentials are not those of the mechanism")

// zapAsker reads who a request is about.
func zapAsker(r *zap.Request) (asker, error) {
	who := asker{mechanism: r.Mechanism, address: parseAddress(r.Address), domain: r.Domain, from: r.Address}
	switch {
	case r.Mechanism == plain && len(r.Credentials) == 2:
		who.username, who.password = string(r.Credentials[0]), string(r.Credentials[1])
	case r.Mechanism == curve && len(r.Credentials) == 1 && len(r.Credentials[0]) == len(who.key):
		who.key = zmq.CurveKey(r.Credentials[0])
	case r.Mechanism == plain, r.Mechanism == curve, r.Mechanism == null && len(r.Credentials) > 0:
		return who, fmt.Errorf("%w: %s with %d", errCredentials, r.Mechanism, len(r.Credentials))
	}
	return who, nil
}
