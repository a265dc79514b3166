package session

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
)

// greet exchanges greetings and runs the mechanism.
func (c *conn) greet(start time.Time) (p *pipe.Peer, rest []byte, err error) {
	var auth func(mech.Credentials) mech.Verdict
	var key []byte
	certificate, err := c.secure()
	if err != nil {
		return nil, nil, err
	}
	t := &talker{c: c}
	if c.o.Auth != nil {
		auth = func(who mech.Credentials) mech.Verdict {
			key = who.PublicKey
			return t.ask(start, Question{Credentials: who, Certificate: certificate})
		}
	}
	m, err := c.o.Engine.NewMechanism(c.bound, auth)
	if err != nil {
		return nil, nil, err
	}
	p, rest, err = engine.Handshake(t, c.o.Engine, m)
	if unsaid := t.wait(); err == nil {
		err = unsaid
	}
	if err != nil {
		c.hold(err)
		return nil, nil, err
	}
	rest = append(rest, t.ahead...)
	c.sealer = m.Seal()
	p.PublicKey, p.Certificate = string(key), certificate
	if certificate != nil && p.UserID == "" {
		p.UserID = holder(certificate)
	}
	return p, rest, nil
}

// hold keeps a connection whose peer may try again later, silent, until the
// handshake times out or the peer leaves: to end it at once would bring the peer
// back at once. libzmq does so too.
func (c *conn) hold(err error) {
	var denied *mech.Denied
	if !errors.As(err, &denied) || denied.Verdict.Status != 300 || c.o.HandshakeTimeout <= 0 {
		return
	}
	c.failed(err)
	c.told = true
	_, _ = io.Copy(io.Discard, c.link.Conn()) // its deadline is that of the handshake
}

// secure makes the handshake of TLS, if the connection is inside it, and
// returns what the peer has shown, if that was verified.
func (c *conn) secure() (*x509.Certificate, error) {
	inside, ok := c.link.Conn().(*tls.Conn)
	if !ok {
		return nil, nil
	}
	if err := inside.HandshakeContext(c.g.ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	if chains := inside.ConnectionState().VerifiedChains; len(chains) > 0 {
		return chains[0][0], nil
	}
	return nil, nil
}

// holder is the name that a certificate gives to who has it.
func holder(c *x509.Certificate) string {
	names := slices.Concat([]string{c.Subject.CommonName}, c.DNSNames, c.EmailAddresses)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, name := range names {
		if name != "" {
			return name
		}
	}
	return c.Subject.String()
}

// talker is a connection during the handshake. On a link that buffers nothing,
// such as a net.Pipe, two sides that speak at once would wait for each other;
// so it writes in a goroutine of its own, unless the system has a buffer.
type talker struct {
	c    *conn
	said chan error // the result of the write that is under way, if any is

	ahead []byte // was read while the peer was asked about
}

// Read reads what has come while the peer was asked about, then from the link.
func (t *talker) Read(b []byte) (int, error) {
	if len(t.ahead) > 0 {
		n := copy(b, t.ahead)
		t.ahead = t.ahead[n:]
		return n, nil
	}
	return t.c.link.Conn().Read(b)
}

func (t *talker) Write(b []byte) (int, error) {
	if t.c.fd != 0 {
		return t.c.link.Conn().Write(b)
	}
	if err := t.wait(); err != nil {
		return 0, err
	}
	said := make(chan error, 1)
	text := slices.Clone(b)
	if !t.c.g.Start(func() { t.writeLoop(text, said) }) {
		return 0, ErrClosed
	}
	t.said = said
	return len(b), nil
}

func (t *talker) writeLoop(b []byte, said chan<- error) {
	_, err := t.c.link.Conn().Write(b)
	said <- err
}

// wait waits until all is written.
func (t *talker) wait() error {
	if t.said == nil {
		return nil
	}
	err := <-t.said
	t.said = nil
	return err
}
