package mech

import (
	"fmt"

	"github.com/phimq/zmq/internal/wire"
)

// plain is what both sides of PLAIN have in common.
type plain struct{ side }

// Name returns "PLAIN".
func (*plain) Name() string { return "PLAIN" }

// Format writes the name of the mechanism, and no password.
func (p *plain) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, p.Name()) }

// PlainClient is the side that shows a name and a password, in clear.
// RFC 24 "Implementation".
type PlainClient struct{ plain }

// NewPlainClient begins a PLAIN handshake as the client. Username and password
// have at most 255 octets each.
func NewPlainClient(c Config, username, password string) (*PlainClient, error) {
	if len(username) > maxCredential || len(password) > maxCredential {
		return nil, fmt.Errorf("mech: a PLAIN username or password of more than %d octets", maxCredential)
	}
	var data []byte
	data = append(append(data, byte(len(username))), username...)
	data = append(append(data, byte(len(password))), password...)
	out := wire.AppendCommand(nil, wire.NameHello, data)
	return &PlainClient{plain{side{c: c, next: hello, out: out}}}, nil
}

// maxCredential is the longest username and the longest password in octets.
const maxCredential = 255

// Server is false.
func (*PlainClient) Server() bool { return false }

// Hear takes WELCOME, READY and ERROR.
func (p *PlainClient) Hear(name string, data []byte) error {
	return p.hearServer(name, data, p.answer)
}

func (p *PlainClient) answer(at step, data []byte) ([]byte, error) {
	if at == ready {
		return nil, p.meetServer(data)
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("WELCOME: %w", wire.ErrCommand)
	}
	return wire.AppendCommand(nil, wire.NameInitiate, p.c.Metadata), nil
}

// PlainServer is the side that asks Auth about a name and a password.
// RFC 24 "Implementation".
type PlainServer struct{ plain }

// NewPlainServer begins a PLAIN handshake as the server.
func NewPlainServer(c Config) *PlainServer {
	if c.Auth == nil {
		c.Auth = func(Credentials) Verdict {
			return Verdict{Status: statusInternal, Reason: "nothing is there to judge passwords"}
		}
	}
	return &PlainServer{plain{side{c: c, next: hello}}}
}

// Server is true.
func (*PlainServer) Server() bool { return true }

// Hear takes HELLO and INITIATE.
func (p *PlainServer) Hear(name string, data []byte) error {
	return p.hear(name, data, p.answer)
}

func (p *PlainServer) answer(at step, data []byte) ([]byte, error) {
	if at == initiate {
		if err := p.meet(data); err != nil {
			return nil, err
		}
		return wire.AppendReady(nil, p.c.Metadata), nil
	}
	username, rest, ok := cutString(data)
	password, rest, ok2 := cutString(rest)
	if !ok || !ok2 || len(rest) != 0 {
		return nil, fmt.Errorf("HELLO: %w", wire.ErrCommand)
	}
	if err := p.ask(Credentials{Mechanism: p.Name(), Username: username, Password: password}); err != nil {
		return nil, err
	}
	return wire.AppendCommand(nil, wire.NameWelcome, nil), nil
}

// cutString takes a string with its length in front from the start of b.
func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
