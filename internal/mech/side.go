package mech

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/phimq/zmq/internal/wire"
)

// step is the command of a handshake that comes next. Of PLAIN and CURVE,
// clients say HELLO and INITIATE and servers the other two; NULL has READY only.
type step int

const (
	broken step = iota // after an error nothing comes
	hello
	welcome
	initiate
	ready
	done
)

// command is the name of the command of a step.
func (s step) command() string {
	return [...]string{"", wire.NameHello, wire.NameWelcome, wire.NameInitiate, wire.NameReady, ""}[s]
}

// side is what the sides of all mechanisms have in common.
type side struct {
	c       Config
	next    step
	out     []byte // what this side says next
	props   []wire.Property
	verdict Verdict
}

// Say returns the command that is ready to be said.
func (s *side) Say() ([]byte, error) {
	b := s.out
	if s.out = nil; b != nil {
		s.next++
	}
	return b, nil
}

// hear takes a command if it is the one that is due: answer judges its data
// and returns what to say to it.
func (s *side) hear(name string, data []byte, answer func(at step, data []byte) ([]byte, error)) error {
	at, ours := s.next, s.out != nil
	s.next, s.out = broken, nil
	if ours || name == "" || name != at.command() {
		return unexpected(name)
	}
	out, err := answer(at, data)
	if err != nil {
		return err
	}
	s.next, s.out = at+1, out
	return nil
}

// hearServer is hear for clients: only servers say ERROR. RFC 24
// "Implementation", RFC 26 "General Design".
func (s *side) hearServer(name string, data []byte, answer func(at step, data []byte) ([]byte, error)) error {
	if name == wire.NameError && (s.next == welcome || s.next == ready) {
		s.next = broken
		return hearError(data)
	}
	return s.hear(name, data, answer)
}

// Done reports whether both sides have said all.
func (s *side) Done() bool { return s.next == done }

// Properties returns what the peer said of itself.
func (s *side) Properties() []wire.Property { return s.props }

// User returns what Auth said of the peer.
func (s *side) User() (id string, metadata []wire.Property) {
	return s.verdict.UserID, s.verdict.Metadata
}

// Seal returns nil: frames go in clear.
func (*side) Seal() Sealer { return nil }

// meet judges the metadata of the peer.
func (s *side) meet(metadata []byte) error {
	props, err := wire.ParseProperties(metadata, wire.Limits{})
	if err != nil {
		return err
	}
	if err := s.c.Check(props); err != nil {
		return err
	}
	s.props = props
	return nil
}

// meetServer is meet for clients, who do not say ERROR: RFC 26 "General Design".
func (s *side) meetServer(metadata []byte) error {
	if err := s.meet(metadata); err != nil {
		return &unsaid{err: err}
	}
	return nil
}

// unsaid is an error that the peer is not told of, even if it is a *Refusal.
type unsaid struct{ err error }

func (u *unsaid) Error() string { return u.err.Error() }

// Is finds the sentinels in the error.
func (u *unsaid) Is(target error) bool { return errors.Is(u.err, target) }

// As finds all in the error but a *Refusal. There is no Unwrap, which would
// find that too.
func (u *unsaid) As(target any) bool {
	_, told := target.(**Refusal)
	return !told && errors.As(u.err, target)
}

// ask asks whether the peer may enter. Anything but a clean 200 keeps it out.
func (s *side) ask(who Credentials) error {
	v := Verdict{Status: statusIn}
	if s.c.Auth != nil {
		v = s.c.Auth(who)
	}
	if v.Err != nil {
		return &unsaid{err: v.Err}
	}
	switch v.Status {
	case statusIn:
		s.verdict = v
		return nil
	case statusLater, statusOut, statusInternal:
	default:
		v = Verdict{Status: statusInternal, Reason: fmt.Sprintf("status %d: %s", v.Status, v.Reason)}
	}
	return &Denied{Verdict: v}
}

// fill puts random octets into b.
func (s *side) fill(b []byte) {
	if s.c.random != nil {
		s.c.random(b)
		return
	}
	_, _ = rand.Read(b) // it ends the process rather than fail
}
