package mech

import "github.com/phimq/zmq/internal/wire"

// Null is the mechanism that neither authenticates nor hides anything.
// RFC 37 "The NULL Security Mechanism".
type Null struct {
	side
	said, heard bool
}

// NewNull begins a NULL handshake.
func NewNull(c Config) *Null { return &Null{side: side{c: c, next: ready}} }

// Name returns "NULL".
func (*Null) Name() string { return "NULL" }

// Server is false: the as-server field of a NULL greeting MUST be zero.
func (*Null) Server() bool { return false }

// Say returns READY: the side that connects says it at once, the side that was
// bound answers it. Who may not enter does not get one: the side that connects
// therefore asks before it knows what the peer says of itself.
func (n *Null) Say() ([]byte, error) {
	if n.said || n.next == broken || (n.c.Bound && !n.heard) {
		return nil, nil
	}
	if err := n.ask(Credentials{Mechanism: n.Name(), Properties: n.props}); err != nil {
		n.next = broken
		return nil, err
	}
	n.said = true
	n.settle()
	return wire.AppendReady(nil, n.c.Metadata), nil
}

// Hear takes READY or ERROR.
func (n *Null) Hear(name string, data []byte) error {
	err := n.hear(name, data)
	if err != nil {
		n.next = broken
		return err
	}
	n.settle()
	return nil
}

func (n *Null) hear(name string, data []byte) error {
	switch {
	case n.next == ready && name == wire.NameError:
		return hearError(data)
	case n.next != ready || name != wire.NameReady || n.heard:
		return unexpected(name)
	}
	if err := n.meet(data); err != nil {
		return err
	}
	n.heard = true
	return nil
}

// settle notes that READY was said and heard.
func (n *Null) settle() {
	if n.said && n.heard && n.next == ready {
		n.next = done
	}
}
