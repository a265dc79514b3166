package session

import (
	"time"

	"github.com/phimq/zmq/internal/pipe"
)

// EventKind is what happened; the values are libzmq's monitor events.
type EventKind uint16

const (
	Connected         EventKind = 0x0001
	ConnectDelayed    EventKind = 0x0002
	ConnectRetried    EventKind = 0x0004
	Listening         EventKind = 0x0008
	BindFailed        EventKind = 0x0010
	Accepted          EventKind = 0x0020
	AcceptFailed      EventKind = 0x0040
	ListenerClosed    EventKind = 0x0080
	CloseFailed       EventKind = 0x0100
	Disconnected      EventKind = 0x0200
	HandshakeFailed   EventKind = 0x0800
	HandshakeDone     EventKind = 0x1000
	HandshakeProtocol EventKind = 0x2000
	HandshakeRefused  EventKind = 0x4000
)

// Event tells what happened to an endpoint or connection.
type Event struct {
	Kind     EventKind
	Endpoint string        // the user's endpoint
	Local    string        // our address of the connection
	Remote   string        // the peer's
	Peer     *pipe.Peer    // after the handshake
	Interval time.Duration // ConnectRetried: until the next try
	// Descriptor is the operating system's name of the connection or
	// listener, 0 if it has none.
	Descriptor uintptr
	Err        error // why
}
