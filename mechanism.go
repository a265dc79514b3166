package zmq

import (
	"fmt"
	"strings"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/wire"
)

// Mechanism is one side of one security handshake, for mechanisms that this
// module does not have: GSSAPI (RFC 38 "Goals") or one of your own. It says and
// hears commands and never touches the connection. One goroutine uses it.
type Mechanism interface {
	// Name is what the greeting announces, at most 20 capital letters, digits,
	// and -_.+ signs. Peers of another name are not talked to.
	Name() string
	// Server tells which side this is, where the mechanism knows sides.
	Server() bool
	// Say returns the next command of this side. Ok is false when it has
	// nothing to say before it hears more.
	Say() (name string, data []byte, ok bool, err error)
	// Hear takes a command of the peer's. An error ends the connection, and
	// the peer is not told why.
	Hear(name string, data []byte) error
	// Done reports whether both sides have said all. Metadata then returns
	// the properties of the peer, as its MechanismConfig.Metadata had them.
	Done() bool
	Metadata() []byte
	// Sealer seals the frames of the connection once Done; nil leaves them
	// in clear.
	Sealer() Sealer
}

// Sealer seals and opens the frames of one connection, in place. Seal and Open
// are called by different goroutines and share nothing.
type Sealer interface {
	// Overhead is how many octets a sealed frame has before the body, the same
	// for all. They begin with 7 and MESSAGE, the name of the command, and the
	// last of them, inside, are the flags of the frame: 1, more frames follow, and
	// 4, a command.
	Overhead() int
	// Seal seals a frame whose flags and body are there already. An error ends
	// the connection.
	Seal(frame []byte) error
	// Open undoes Seal. An error ends the connection.
	Open(frame []byte) error
}

// MechanismConfig is what a handshake needs to know.
type MechanismConfig struct {
	// Bound says that this side accepted the connection.
	Bound bool
	// Metadata are the properties to tell the peer, as RFC 37 "Commands" has
	// them in READY. A mechanism carries them and need not read them.
	Metadata []byte
	// Enter asks WithAuth, or a ZAP handler, whether the peer of this name
	// may enter. Hear and Say return its error.
	Enter func(user string) error
}

// WithMechanism makes the socket speak a mechanism of your own. Begin is called
// for each connection, by many goroutines.
func WithMechanism(begin func(MechanismConfig) (Mechanism, error)) Option {
	return Option{apply: func(s *settings) {
		s.security.mechanism, s.security.server, s.security.foreign = mechanismForeign, true, begin
	}}
}

// foreign lets the engine use a Mechanism.
type foreign struct {
	Mechanism
	c       mech.Config
	verdict mech.Verdict
	props   []wire.Property
	met     bool
	sealer  Sealer
}

func newForeign(c mech.Config, begin func(MechanismConfig) (Mechanism, error)) (mech.Mechanism, error) {
	f := &foreign{c: c}
	var err error
	if f.Mechanism, err = begin(MechanismConfig{Bound: c.Bound, Metadata: c.Metadata, Enter: f.enter}); err != nil {
		return nil, err
	}
	name := f.Name()
	if name == "" || len(name) > 20 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+") != "" {
		return nil, fmt.Errorf("%w: mechanism name %q", ErrInvalid, name)
	}
	return f, nil
}

// enter asks whether a peer may enter.
func (f *foreign) enter(user string) error {
	if f.c.Auth == nil {
		return nil
	}
	v := f.c.Auth(mech.Credentials{Mechanism: f.Name(), Username: user})
	switch {
	case v.Err != nil:
		return v.Err
	case v.Status != 200:
		return &mech.Denied{Verdict: v}
	}
	f.verdict = v
	return nil
}

func (f *foreign) Say() ([]byte, error) {
	name, data, ok, err := f.Mechanism.Say()
	if err != nil || !ok {
		return nil, err
	}
	return wire.AppendCommand(nil, name, data), f.settle()
}

func (f *foreign) Hear(name string, data []byte) error {
	if name == wire.NameError {
		reason, err := wire.ParseError(data)
		if err != nil {
			return err
		}
		return &mech.PeerError{Reason: reason}
	}
	if err := f.Mechanism.Hear(name, data); err != nil {
		return err
	}
	return f.settle()
}

// settle judges the metadata of the peer as soon as it is known.
func (f *foreign) settle() (err error) {
	if f.met || !f.Done() {
		return nil
	}
	f.met = true
	if f.sealer = f.Sealer(); f.sealer != nil && f.sealer.Overhead() < 1 {
		return fmt.Errorf("%w: a sealer without overhead, where are the flags?", ErrInvalid)
	}
	if f.props, err = wire.ParseProperties(f.Metadata(), wire.Limits{}); err != nil {
		return err
	}
	return f.c.Check(f.props)
}

func (f *foreign) Properties() []wire.Property { return f.props }

func (f *foreign) User() (string, []wire.Property) { return f.verdict.UserID, f.verdict.Metadata }

func (f *foreign) Seal() mech.Sealer {
	if f.sealer != nil {
		return runSealer{f.sealer}
	}
	return nil
}

// runSealer seals frame by frame.
type runSealer struct{ s Sealer }

func (r runSealer) Overhead() int { return r.s.Overhead() }

func (r runSealer) Seal(run []byte) bool {
	_, err := r.each(run, r.s.Seal)
	return err == nil
}

func (r runSealer) Open(run []byte) (n int, err error) { return r.each(run, r.OpenFrame) }

func (r runSealer) each(run []byte, do func([]byte) error) (n int, err error) {
	for n < len(run) {
		h, _, err := wire.ParseHeader(run[n:])
		if err != nil {
			return n, err
		}
		end := n + h.Len + int(h.Size)
		if err := do(run[n+h.Len : end]); err != nil {
			return n, err
		}
		n = end
	}
	return n, nil
}

func (r runSealer) OpenFrame(frame []byte) error {
	if len(frame) < r.Overhead() {
		return fmt.Errorf("%w: a frame of %d octets", mech.ErrBox, len(frame))
	}
	return r.s.Open(frame)
}
