// Package mech says what each side of a security handshake says, and how
// messages are sealed afterwards, without I/O.
package mech

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/phimq/zmq/internal/wire"
)

// Mechanism is one side of one handshake.
type Mechanism interface {
	// Name is what the greeting announces.
	Name() string
	// Server tells which side this is, where the mechanism knows sides.
	Server() bool
	// Say returns the next command frame of this side, or nil if it has
	// nothing to say now. An error ends the connection as one of Hear does.
	Say() ([]byte, error)
	// Hear takes a command of the peer's. An error ends the connection; if it
	// is a *Refusal the peer is told why.
	Hear(name string, data []byte) error
	// Done reports whether both sides have said all. Then Properties returns
	// the metadata of the peer, and User what Auth said of it: nothing where
	// nobody was asked.
	Done() bool
	Properties() []wire.Property
	User() (id string, metadata []wire.Property)
	// Seal returns what seals the frames of the connection once Done; nil
	// when they go in clear. It is asked for once.
	Seal() Sealer
}

// Sealer seals and opens the frames of one connection, in place and many at a
// time. What seals and what opens share nothing, so that one goroutine can do
// the one and another the other.
type Sealer interface {
	// Overhead is how many octets longer than the body inside a sealed frame
	// is. They stand before the body, and the last of them are the flags of the
	// frame inside: wire.FlagMore or wire.FlagCommand.
	Overhead() int
	// Seal seals a run of frames, which have their headers already. It reports
	// false when the connection has sealed all that it may: then the run must
	// not be sent, and the connection ends.
	Seal(run []byte) bool
	// Open opens a run of frames whose headers are well formed, and returns how
	// many octets of it are open: all, or an error ends the connection.
	Open(run []byte) (n int, err error)
	// OpenFrame opens one frame without its header.
	OpenFrame(frame []byte) error
}

// Config is what every mechanism needs.
type Config struct {
	// Bound says that this side accepted the connection.
	Bound bool
	// Metadata is our properties, encoded.
	Metadata []byte
	// Check judges the properties of the peer.
	Check func([]wire.Property) error
	// Auth says whether the peer may enter; nil: everybody may, but PLAIN
	// servers let nobody in. Clients of PLAIN and CURVE do not ask.
	Auth func(Credentials) Verdict

	random func([]byte) // for tests with known octets; nil: crypto/rand
}

// Credentials is what a peer shows of itself.
type Credentials struct {
	Mechanism          string
	Username, Password string // PLAIN
	PublicKey          []byte // CURVE: the 32 octets of its long-term key
	// Properties is what the peer said of itself, where it is known before
	// the question: not with PLAIN, nor with NULL where this side connected.
	Properties []wire.Property
}

// Format writes whose credentials these are, and no password.
func (c Credentials) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s %q %x", c.Mechanism, c.Username, c.PublicKey)
}

// Verdict is the answer to Credentials, in the terms of RFC 27 "Message Format".
type Verdict struct {
	// Status is 200, 300, 400 or 500. Any other is as 500.
	Status int
	// Reason is for our own log; the peer does not see it.
	Reason   string
	UserID   string
	Metadata []wire.Property
	// Err says that there is no answer: the connection ends without a word.
	Err error
}

// The statuses of RFC 27 "Message Format".
const (
	statusIn       = 200 // may enter
	statusLater    = 300 // a passing failure
	statusOut      = 400 // may not enter
	statusInternal = 500 // nobody could say
)

// What can be wrong with a peer that has a mechanism in common with us.
var (
	// ErrUnexpected is a command that has no place where it stands.
	ErrUnexpected = errors.New("unexpected command in the handshake")
	// ErrBox is a box that does not open or does not hold what it must: the
	// peer has not the keys that it should have, or somebody changed octets.
	ErrBox = errors.New("a box of the peer's does not open")
	// ErrAnswer is an answer to the question who may enter that is not one.
	ErrAnswer = errors.New("the authenticator's answer is malformed")
	// ErrNonce is a short nonce that is not above all before it: something
	// was sent again, or the connection has used up its nonces.
	ErrNonce = errors.New("a nonce of the peer's does not rise")
)

// Refusal is an error that the peer is told of by an ERROR command.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return r.Reason }

// Denied is the error of a side whose Auth does not let the peer in. With 400
// and 500 it is a *Refusal as well, and the status is the reason that the peer
// is told. With 300 the peer is told nothing: libzmq then keeps the connection,
// silent, until the handshake timer of one side ends it.
type Denied struct{ Verdict Verdict }

func (d *Denied) Error() string {
	if d.Verdict.Reason == "" {
		return fmt.Sprintf("the peer may not enter: %d", d.Verdict.Status)
	}
	return fmt.Sprintf("the peer may not enter: %d %q", d.Verdict.Status, d.Verdict.Reason)
}

// Unwrap returns the *Refusal, if the peer is to be told.
func (d *Denied) Unwrap() error {
	if d.Verdict.Status == statusLater {
		return nil
	}
	return &Refusal{Reason: strconv.Itoa(d.Verdict.Status)}
}

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

// ParseCommand divides the body of a command of a handshake, as
// wire.ParseCommand does. It knows the ERROR of the PLAIN server of libzmq 4.3.4
// as well, in which a slip makes the octet 5E of the length and the first letter.
func ParseCommand(body []byte) (name string, data []byte, err error) {
	name, data, err = wire.ParseCommand(body)
	if reason, ok := bytes.CutPrefix(body, []byte("\x5ERROR")); ok && err != nil {
		return wire.NameError, reason, nil
	}
	return name, data, err
}

// hearError reads an ERROR command.
func hearError(data []byte) error {
	reason, err := wire.ParseError(data)
	if err != nil {
		return err
	}
	return &PeerError{Reason: reason}
}

func unexpected(name string) error { return fmt.Errorf("%w: %q", ErrUnexpected, name) }
