package mech

import (
	"fmt"

	"github.com/phimq/zmq/internal/wire"
)

// Null is the mechanism that neither authenticates nor hides anything.
// RFC 37 "The NULL Security Mechanism".
type Null struct {
	c     Config
	said  bool
	heard bool
	props []wire.Property
}

// NewNull begins a NULL handshake.
func NewNull(c Config) *Null { return &Null{c: c} }

// Name returns "NULL".
func (*Null) Name() string { return "NULL" }

// Server is false: the as-server field of a NULL greeting MUST be zero.
func (*Null) Server() bool { return false }

// Say returns READY: the side that connects says it at once, the side that was
// bound answers it.
func (n *Null) Say() []byte {
	if n.said || (n.c.Bound && !n.heard) {
		return nil
	}
	n.said = true
	return wire.AppendReady(nil, n.c.Metadata)
}

// Hear takes READY or ERROR.
func (n *Null) Hear(name string, data []byte) error {
	switch {
	case name == wire.NameError:
		return hearError(data)
	case name != wire.NameReady || n.heard:
		return fmt.Errorf("%w: %q", ErrUnexpected, name)
	}
	props, err := wire.ParseProperties(data, wire.Limits{})
	if err != nil {
		return err
	}
	if err := n.c.Check(props); err != nil {
		return err
	}
	n.heard, n.props = true, props
	return nil
}

// Done reports whether READY was said and heard.
func (n *Null) Done() bool { return n.said && n.heard }

// Properties returns what the peer said of itself.
func (n *Null) Properties() []wire.Property { return n.props }
