// Package mech says what each side of a security handshake says, and how
// messages are sealed afterwards, without I/O.
package mech

import (
	"errors"
	"fmt"

	"github.com/phimq/zmq/internal/wire"
)

// Mechanism is one side of one handshake.
type Mechanism interface {
	// Name is what the greeting announces.
	Name() string
	// Server tells which side this is, where the mechanism knows sides.
	Server() bool
	// Say returns the next command frame of this side, or nil if it has
	// nothing to say now.
	Say() []byte
	// Hear takes a command of the peer's. An error ends the connection; if it
	// is a *Refusal the peer is told why.
	Hear(name string, data []byte) error
	// Done reports whether both sides have said all. Then Properties returns
	// the metadata of the peer.
	Done() bool
	Properties() []wire.Property
}

// Config is what every mechanism needs.
type Config struct {
	// Bound says that this side accepted the connection.
	Bound bool
	// Metadata is our properties, encoded.
	Metadata []byte
	// Check judges the properties of the peer.
	Check func([]wire.Property) error
}

// ErrUnexpected is a command that has no place where it stands.
var ErrUnexpected = errors.New("unexpected command in the handshake")

// Refusal is an error that the peer is told of by an ERROR command.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// PeerError is an ERROR command that the peer sent: it will not have us, and
// trying again with the same credentials is no use.
// RFC 37 "Error Handling".
type PeerError struct{ Reason string }

// Status returns the ZAP status code that the reason is, as libzmq has it; 0 if
// it is none. RFC 27 "Message Format".
func (e *PeerError) Status() int {
	switch e.Reason {
	case "300", "400", "500":
		return int(e.Reason[0]-'0') * 100
	}
	return 0
}

func (e *PeerError) Error() string { return fmt.Sprintf("refused by the peer: %q", e.Reason) }

// hearError reads an ERROR command.
func hearError(data []byte) error {
	reason, err := wire.ParseError(data)
	if err != nil {
		return err
	}
	return &PeerError{Reason: reason}
}
