package zmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/inproc"
	"github.com/phimq/zmq/internal/session"
	"github.com/phimq/zmq/internal/transport"
)

// What a caller may want to act on. Test with errors.Is; the errors that
// methods return say more.
var (
	// ErrClosed: the socket is closed. It is net.ErrClosed.
	ErrClosed = fmt.Errorf("zmq: socket is closed: %w", net.ErrClosed)
	// ErrTimeout: the time of WithSendTimeout or WithRecvTimeout is over. It
	// is os.ErrDeadlineExceeded. A context that ends gives its own error.
	ErrTimeout = fmt.Errorf("zmq: timeout: %w", os.ErrDeadlineExceeded)
	// ErrAgain: TrySend or TryRecv would have to wait.
	ErrAgain = errors.New("zmq: not now, try again")
	// ErrNoPeer: a ROUTER with WithRouterMandatory, or a STREAM, knows no peer
	// of this identity.
	ErrNoPeer = errors.New("zmq: no such peer")
	// ErrState: a REQ or REP speaks out of turn.
	ErrState = errors.New("zmq: out of turn: REQ sends then receives, REP receives then sends")
	// ErrTooLarge: a message, topic or identity is larger than allowed.
	ErrTooLarge = errors.New("zmq: too large")
	// ErrNotSupported: the socket type can't do that.
	ErrNotSupported = errors.New("zmq: not supported by this socket type")
	// ErrInvalid: an endpoint, option or message is malformed.
	ErrInvalid = errors.New("zmq: invalid")
	// ErrNotFound: the socket has no such endpoint, option or subscription.
	ErrNotFound = errors.New("zmq: not found")
	// ErrAuth: a peer was refused, or refuses us.
	ErrAuth = errors.New("zmq: not authorised")
	// ErrProtocol: a peer broke the protocol.
	ErrProtocol = errors.New("zmq: protocol error")
)

// OpError says which operation failed, on which socket and endpoint. Unwrap
// gives the cause.
type OpError struct {
	Op       string // "send", "recv", "bind", "connect", "set" ...
	Type     Type
	Endpoint string // if the operation has one
	Err      error
}

// Error describes the failure: "zmq: bind REP tcp://127.0.0.1:80: permission
// denied".
func (e *OpError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "zmq: %s %s", e.Op, e.Type)
	if e.Endpoint != "" {
		fmt.Fprintf(&b, " %s", e.Endpoint)
	}
	fmt.Fprintf(&b, ": %s", strings.TrimPrefix(e.Err.Error(), "zmq: "))
	return b.String()
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a timeout, as net.Error has it.
func (e *OpError) Timeout() bool { return errors.Is(e.Err, os.ErrDeadlineExceeded) }

// HandshakeError says why a peer and this socket did not come together. It is
// ErrProtocol, or ErrAuth if the peer refused.
type HandshakeError struct {
	Reason string
	Peer   string // address of the peer
	Err    error
}

// Error describes the failure.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("zmq: handshake with %s: %s", e.Peer, e.Reason)
}

// Unwrap returns the cause.
func (e *HandshakeError) Unwrap() error { return e.Err }

// handshakeError says why a handshake failed, in words that callers can test.
func handshakeError(e session.Event) *HandshakeError {
	h := &HandshakeError{Peer: e.Remote, Reason: e.Err.Error(), Err: public(e.Err)}
	switch e.Kind {
	case session.HandshakeProtocol:
		h.Err = fmt.Errorf("%w: %w", ErrProtocol, e.Err)
	case session.HandshakeRefused:
		h.Err = fmt.Errorf("%w: %w", ErrAuth, e.Err)
	}
	return h
}

// opError wraps err unless it is one already.
func (s *Socket) opError(op, endpoint string, err error) error {
	if err == nil {
		return nil
	}
	var done *OpError
	if errors.As(err, &done) {
		return err
	}
	return &OpError{Op: op, Type: s.typ, Endpoint: endpoint, Err: public(err)}
}

// public turns an error of the inner packages into one that callers can test.
func public(err error) error {
	switch {
	case errors.Is(err, session.ErrClosed):
		return ErrClosed
	case errors.Is(err, transport.ErrInvalid):
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	case errors.Is(err, transport.ErrScheme):
		return fmt.Errorf("%w: %w: the transports are tcp, tls+tcp, ipc and inproc", ErrInvalid, err)
	case errors.Is(err, inproc.ErrInUse):
		return fmt.Errorf("%w: another socket has bound this name", syscall.EADDRINUSE)
	case errors.Is(err, engine.ErrTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return err
}

func isClosed(err error) bool { return errors.Is(err, session.ErrClosed) }

// contextError reports whether err is what ctx ended with.
func contextError(ctx context.Context, err error) bool {
	return err != nil && errors.Is(err, ctx.Err())
}
