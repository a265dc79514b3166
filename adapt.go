package zmq

import (
	"context"
	"net"
	"time"

	"github.com/phimq/zmq/internal/session"
)

// Role is the side that a connection has in a handshake.
type Role int

const (
	// Accepted: the peer made the connection.
	Accepted Role = iota
	// Connected: this side made it.
	Connected
)

// Attach makes a connection of the caller's the socket's: a pipe of a test, a
// tunnel, one end of a WebSocket. It returns when the handshake is done, which
// ctx and WithHandshakeTimeout bound, and closes the connection when that
// fails. The connection is not made again when it is lost.
func (s *Socket) Attach(ctx context.Context, c net.Conn, role Role) error {
	if s.bad != nil || s.isClosed() {
		_ = c.Close()
		return s.opError("attach", "", s.dead())
	}
	options, err := s.sessionOptions(false)
	if err != nil {
		_ = c.Close()
		return s.opError("attach", "", err)
	}
	err = s.group.Attach(ctx, c, role == Accepted, options)
	switch {
	case err == nil || isClosed(err):
	case s.isClosed():
		err = ErrClosed
	case ctx.Err() != nil:
		err = ctx.Err()
	default:
		err = handshakeError(session.Event{Kind: session.Failure(err), Remote: session.Address(c.RemoteAddr()), Err: err})
	}
	return s.opError("attach", "", err)
}

// ServeListener accepts connections from a listener of the caller's, as Bind
// does from its own, and returns at once. The socket closes the listener when
// it is itself closed, or can't serve it. The endpoint is the listener's
// network and address, "tcp://127.0.0.1:5555" or "ipc:///tmp/feed", and Unbind
// takes it.
func (s *Socket) ServeListener(ln net.Listener) error {
	name := session.Address(ln.Addr())
	if s.bad != nil || s.isClosed() {
		_ = ln.Close()
		return s.opError("serve", name, s.dead())
	}
	options, err := s.sessionOptions(false)
	if err != nil {
		_ = ln.Close()
		return s.opError("serve", name, err)
	}
	listener, err := s.group.Serve(ln, name, options)
	if err != nil {
		return s.opError("serve", name, err)
	}
	e := &endpoint{asked: name, resolved: name, listener: listener}
	if !s.remember(e) {
		s.unbind(e)
		return s.opError("serve", name, ErrClosed)
	}
	return nil
}

// MonitorPipes emits an event of kind EventPipesStats for each peer, with the
// messages that wait to be sent in Value's upper half and those that wait to be
// received in the lower.
func (s *Socket) MonitorPipes() {
	for _, p := range s.Stats().Peers {
		s.host.emit(Event{
			Kind: EventPipesStats, Time: time.Now(), Endpoint: p.Endpoint, Local: p.Peer.Endpoint(), Remote: p.Peer.Address(),
			Peer: p.Peer, Value: uint64(p.SendQueue.Messages)<<32 | uint64(p.RecvQueue.Messages),
		})
	}
}
