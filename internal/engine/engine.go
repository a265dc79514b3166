// Package engine turns one byte link into whole messages and back: the ZMTP
// greeting and handshake, the decoder of what comes in, the encoder of what
// goes out. It is synchronous and starts no goroutine.
package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// Config says how a socket talks on its connections.
type Config struct {
	SocketType string
	Identity   string // announced by REQ, DEALER and ROUTER
	// Metadata is further properties to announce, encoded.
	Metadata []byte
	// Legal reports whether the socket talks to peers of this type.
	Legal func(peerType string) bool
	// Mechanism begins the handshake of a security mechanism; nil: NULL.
	Mechanism func(mech.Config) (mech.Mechanism, error)
	// Raw links carry octets as they are, without ZMTP.
	Raw bool
	// LeastVersion is the lowest ZMTP version, {3, 0} or {3, 1}.
	LeastVersion [2]byte
	// MaxMessage is the largest frame to accept, in octets; negative: any.
	MaxMessage int64
	// Pool lends the memory.
	Pool *pipe.Pool
}

// Errors of a handshake.
var (
	ErrVersion    = errors.New("the peer's ZMTP version is not accepted")
	ErrMechanism  = errors.New("the peer uses another security mechanism")
	ErrSocketType = errors.New("the peer's socket type does not fit")
	ErrIdentity   = errors.New("the peer's identity is not allowed")
	ErrTooLarge   = errors.New("a message exceeds the maximum size")
	ErrCommand    = errors.New("a command exceeds the maximum size")
	ErrUnexpected = mech.ErrUnexpected

	errOuterMore = fmt.Errorf("%w: a sealed frame with the MORE flag outside", ErrUnexpected)
)

// PeerError is an ERROR command that the peer sent.
type PeerError = mech.PeerError

// maxIdentity is the octets an identity can have. RFC 37 "The Identity
// Property".
const maxIdentity = 255

// announces reports whether a socket type tells its identity.
func announces(socketType string) bool {
	return socketType == "REQ" || socketType == "DEALER" || socketType == "ROUTER"
}

// metadata returns the properties that a handshake announces.
func (c *Config) metadata() []byte {
	b := wire.AppendProperty(nil, "Socket-Type", c.SocketType)
	if announces(c.SocketType) {
		b = wire.AppendProperty(b, "Identity", c.Identity)
	}
	return append(b, c.Metadata...)
}

// check judges what a peer announces. RFC 37 "The Socket-Type Property": who
// does not fit is told so by an ERROR command.
func (c *Config) check(props []wire.Property) error {
	announced := Describe(props)
	socketType, identity := announced.Type, announced.Identity
	if len(identity) > maxIdentity || (identity != "" && identity[0] == 0) {
		return fmt.Errorf("%w: %w", ErrIdentity, &mech.Refusal{Reason: "Invalid identity"})
	}
	if !c.Legal(socketType) {
		return fmt.Errorf("%w: %q to %s: %w", ErrSocketType, socketType, c.SocketType,
			&mech.Refusal{Reason: "Invalid socket type"})
	}
	return nil
}

// propertyName writes a name in lower case. The names that everybody sends are not
// made anew for each peer.
func propertyName(name string) string {
	for _, known := range [...]string{"socket-type", "identity"} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return strings.ToLower(name)
}

// Describe makes the description of a peer from what it announced. RFC 37 "The
// Identity Property": only some socket types have an identity.
func Describe(props []wire.Property) *pipe.Peer {
	p := &pipe.Peer{Properties: make(pipe.Properties, 0, len(props))}
	for _, prop := range props {
		p.Properties.Set(propertyName(prop.Name), string(prop.Value))
	}
	p.Type = p.Properties.Get("socket-type")
	if announces(p.Type) {
		p.Identity = p.Properties.Get("identity")
	}
	return p
}
