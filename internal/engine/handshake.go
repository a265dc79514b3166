package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// maxHandshakeCommand bounds a command of a peer who is not anyone yet.
const maxHandshakeCommand = 1<<16 + 1024

// Handshake greets the peer, settles the version and runs the mechanism. The
// caller sets the deadline of rw. It returns who the peer is, and the octets
// that came behind the handshake already.
func Handshake(rw io.ReadWriter, c *Config, m mech.Mechanism) (p *pipe.Peer, rest []byte, err error) {
	h := &handshaker{rw: rw, c: c, m: m}
	version, err := h.greet()
	if err != nil {
		return nil, nil, err
	}
	if err := h.converse(); err != nil {
		return nil, nil, err
	}
	p = Describe(m.Properties())
	p.Version, p.Mechanism = version, m.Name()
	id, metadata := m.User()
	p.UserID = id
	for _, prop := range metadata {
		p.Properties.Set(propertyName(prop.Name), string(prop.Value))
	}
	return p, h.in[h.at:], nil
}

// NewMechanism begins the handshake of the configured mechanism. Auth is asked
// about the peer; nil: nobody is.
func (c *Config) NewMechanism(bound bool, auth func(mech.Credentials) mech.Verdict) (mech.Mechanism, error) {
	mc := mech.Config{Bound: bound, Metadata: c.metadata(), Check: c.check, Auth: auth}
	if c.Mechanism == nil {
		return mech.NewNull(mc), nil
	}
	return c.Mechanism(mc)
}

type handshaker struct {
	rw io.ReadWriter
	c  *Config
	m  mech.Mechanism
	in []byte // what has come
	at int    // in[:at] is used
}

// greet exchanges greetings. RFC 37 "Version Negotiation": the whole greeting
// goes out at once; who is newer is spoken to as 3.1.
func (h *handshaker) greet() (version [2]byte, err error) {
	ours := wire.Greeting{Major: 3, Minor: 1, Mechanism: h.m.Name(), AsServer: h.m.Server()}
	if _, err := h.rw.Write(wire.AppendGreeting(nil, ours)); err != nil {
		return version, err
	}
	// What is no greeting, or one of an old version, is known by its first
	// octets: waiting for the rest could take for ever.
	if err := h.fill(1); err != nil {
		return version, err
	}
	if h.in[0] != 0xFF {
		return version, fmt.Errorf("%w: older than 3.0, or not ZMTP", ErrVersion)
	}
	if err := h.fill(wire.SignatureSize + 1); err != nil {
		return version, err
	}
	if major, ok := wire.Detect(h.in); !ok || major < 3 {
		return version, fmt.Errorf("%w: older than 3.0, or not ZMTP", ErrVersion)
	}
	if err := h.fill(wire.GreetingSize); err != nil {
		return version, err
	}
	theirs, err := wire.ParseGreeting(h.in[:wire.GreetingSize])
	if err != nil {
		return version, err
	}
	h.at = wire.GreetingSize
	version = [2]byte{3, 1}
	if theirs.Major == 3 && theirs.Minor == 0 {
		version[1] = 0
	}
	if version[1] < h.c.LeastVersion[1] {
		return version, fmt.Errorf("%w: 3.0", ErrVersion)
	}
	if theirs.Mechanism != ours.Mechanism {
		return version, fmt.Errorf("%w: %q, ours is %q", ErrMechanism, theirs.Mechanism, ours.Mechanism)
	}
	return version, nil
}

// converse runs the mechanism until both sides have said all.
func (h *handshaker) converse() error {
	for {
		if err := h.say(); err != nil {
			return err
		}
		if h.m.Done() {
			return nil
		}
		name, data, err := h.command()
		if err != nil {
			return err
		}
		if err := h.m.Hear(name, data); err != nil {
			return h.refuse(err)
		}
	}
}

// say says all that the mechanism has to say now.
func (h *handshaker) say() error {
	for {
		b, err := h.m.Say()
		if err != nil {
			return h.refuse(err)
		}
		if b == nil {
			return nil
		}
		if _, err := h.rw.Write(b); err != nil {
			return err
		}
	}
}

// refuse tells the peer what is wrong, if it is to know.
func (h *handshaker) refuse(err error) error {
	var refusal *mech.Refusal
	if errors.As(err, &refusal) {
		_, _ = h.rw.Write(wire.AppendError(nil, refusal.Reason)) // best effort, the connection ends
	}
	return err
}

// command reads one command frame.
func (h *handshaker) command() (name string, data []byte, err error) {
	if err := h.fill(2); err != nil {
		return "", nil, err
	}
	head, ok, err := wire.ParseHeader(h.in[h.at:])
	if !ok && err == nil {
		if err := h.fill(wire.MaxHeader); err != nil {
			return "", nil, err
		}
		head, _, err = wire.ParseHeader(h.in[h.at:])
	}
	switch {
	case err != nil:
		return "", nil, err
	case head.Flags&wire.FlagCommand == 0:
		return "", nil, fmt.Errorf("%w: a message", mech.ErrUnexpected)
	case head.Size > maxHandshakeCommand:
		return "", nil, ErrCommand
	}
	size := head.Len + int(head.Size)
	if err := h.fill(size); err != nil {
		return "", nil, err
	}
	body := h.in[h.at+head.Len : h.at+size]
	h.at += size
	return mech.ParseCommand(body)
}

// fill reads until n octets behind at are there. Memory follows what has come.
func (h *handshaker) fill(n int) error {
	for len(h.in)-h.at < n {
		if len(h.in) == cap(h.in) {
			h.in = append(make([]byte, 0, max(512, 2*cap(h.in))), h.in...)
		}
		got, err := h.rw.Read(h.in[len(h.in):cap(h.in)])
		h.in = h.in[:len(h.in)+got]
		if got == 0 && err != nil {
			if errors.Is(err, io.EOF) && len(h.in) > 0 {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}
