package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/session"
	"github.com/phimq/zmq/internal/zap"
)

// errNoHandler says that nobody can be asked who may enter. The number is that
// of libzmq's monitor.
var errNoHandler = fmt.Errorf("no handler is bound to %s: %w", zap.Endpoint, syscall.EFAULT)

// zapRequestID is what a reply must repeat. A connection asks once, over a
// socket of its own.
const zapRequestID = "1"

// askZAP asks the ZAP handler of the socket's domain. Without one, a peer may
// enter if it must not be asked about. RFC 27 "Architecture".
func (s *Socket) askZAP(ctx context.Context, domain string, must bool, q session.Question) mech.Verdict {
	if !s.domain.names.Bound(zap.Endpoint) {
		if must {
			return mech.Verdict{Err: errNoHandler}
		}
		return mech.Verdict{Status: zap.OK}
	}
	r := zap.Request{
		ID: zapRequestID, Domain: domain, Address: zapAddress(q.Remote), Identity: s.zapIdentity(q),
		Mechanism: q.Mechanism, Credentials: zapCredentials(q),
	}
	reply, err := s.zapReply(ctx, &r)
	if err != nil {
		return mech.Verdict{Err: err}
	}
	return mech.Verdict{Status: reply.Status, Reason: reply.Text, UserID: reply.UserID, Metadata: reply.Metadata}
}

// zapReply makes one request to the handler. If that dies with it, the peer waits,
// as libzmq's does: there may be another handler when it tries again.
func (s *Socket) zapReply(ctx context.Context, r *zap.Request) (zap.Reply, error) {
	asker := NewDealer(WithDomain(s.domain), WithLinger(0))
	defer func() { _ = asker.Close() }() // nothing is left to be said
	if err := asker.Connect(zap.Endpoint); err != nil {
		return zap.Reply{}, err
	}
	if err := asker.Send(ctx, append([][]byte{{}}, r.Frames()...)...); err != nil {
		return zap.Reply{}, err
	}
	msg, err := asker.Recv(ctx)
	if err != nil {
		return zap.Reply{}, err
	}
	frames := msg.Frames
	if len(frames) == 0 || len(frames[0]) > 0 {
		return zap.Reply{}, fmt.Errorf("%w: %w: no delimiter", mech.ErrAnswer, zap.ErrMalformed)
	}
	reply, err := zap.ParseReply(frames[1:], r.ID)
	if err != nil {
		return zap.Reply{}, fmt.Errorf("%w: %w", mech.ErrAnswer, err)
	}
	return reply, nil
}

// zapAddress returns the IP address of an endpoint; of an ipc peer, which has
// none, what libzmq says.
func zapAddress(remote string) string {
	_, rest, _ := strings.Cut(remote, "://")
	if host, _, err := net.SplitHostPort(rest); err == nil {
		return host
	}
	return rest
}

// zapIdentity returns the identity of the connection: what the peer announced,
// where that is known by now, or the socket's own, which is all that libzmq
// says.
func (s *Socket) zapIdentity(q session.Question) string {
	for _, p := range q.Properties {
		if strings.EqualFold(p.Name, "Identity") && len(p.Value) > 0 {
			return string(p.Value)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conf.routingID
}

// zapCredentials returns the credentials in the frames of RFC 27.
func zapCredentials(q session.Question) [][]byte {
	switch q.Mechanism {
	case mechanismPlain:
		return [][]byte{[]byte(q.Username), []byte(q.Password)}
	case mechanismCurve:
		return [][]byte{q.PublicKey}
	case "NULL":
		return nil
	}
	return [][]byte{[]byte(q.Username)}
}

// zapCode finds the number of what is wrong with a reply.
func zapCode(err error) ProtocolCode {
	switch {
	case errors.Is(err, zap.ErrVersion):
		return ProtocolZAPBadVersion
	case errors.Is(err, zap.ErrRequestID):
		return ProtocolZAPBadRequestID
	case errors.Is(err, zap.ErrStatus):
		return ProtocolZAPInvalidStatus
	case errors.Is(err, zap.ErrMetadata):
		return ProtocolZAPInvalidMetadata
	}
	return ProtocolZAPMalformedReply
}

// questionPeer describes a peer that has not entered yet.
func questionPeer(q session.Question) Peer {
	p := engine.Describe(q.Properties)
	p.Mechanism, p.Local, p.Remote = q.Mechanism, q.Local, q.Remote
	p.Certificate = q.Certificate
	p.Username, p.Password, p.PublicKey = q.Username, q.Password, string(q.PublicKey)
	return Peer{p}
}
