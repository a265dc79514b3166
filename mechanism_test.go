package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// mirror is a mechanism of one command a side: a name and the metadata. Its
// sealer turns all bits round.
type mirror struct {
	c           zmq.MechanismConfig
	user        string
	said, heard bool
	theirs      []byte
}

func (m *mirror) Name() string { return "MIRROR" }
func (m *mirror) Server() bool { return m.c.Bound }

func (m *mirror) Say() (name string, data []byte, ok bool, err error) {
	if m.said || m.c.Bound && !m.heard {
		return "", nil, false, nil
	}
	m.said = true
	return "HELLO", append([]byte{byte(len(m.user))}, m.user+string(m.c.Metadata)...), true, nil
}

func (m *mirror) Hear(name string, data []byte) error {
	if name != "HELLO" || m.heard || len(data) == 0 || int(data[0]) >= len(data) {
		return errors.New("no HELLO")
	}
	m.heard, m.theirs = true, data[1+int(data[0]):]
	if !m.c.Bound {
		return nil
	}
	return m.c.Enter(string(data[1 : 1+int(data[0])]))
}

func (m *mirror) Done() bool         { return m.said && m.heard }
func (m *mirror) Metadata() []byte   { return m.theirs }
func (m *mirror) Sealer() zmq.Sealer { return turner{} }

type turner struct{}

const turnerName = "\x07MESSAGE"

func (turner) Overhead() int { return len(turnerName) + 1 }

func (s turner) Seal(frame []byte) error {
	copy(frame, turnerName)
	return s.turn(frame)
}

func (s turner) Open(frame []byte) error {
	if !bytes.HasPrefix(frame, []byte(turnerName)) {
		return errors.New("not sealed")
	}
	return s.turn(frame)
}

func (s turner) turn(frame []byte) error {
	for i := s.Overhead() - 1; i < len(frame); i++ {
		frame[i] = ^frame[i]
	}
	return nil
}

func withMirror(user string) zmq.Option {
	return zmq.WithMechanism(func(c zmq.MechanismConfig) (zmq.Mechanism, error) { return &mirror{c: c, user: user}, nil })
}

// TestMechanismOfOnesOwn talks by a mechanism that the module does not know.
func TestMechanismOfOnesOwn(t *testing.T) {
	leak.Check(t)
	auth := zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		name, _ := p.Credentials()
		if p.Mechanism() != "MIRROR" || name != "ann" {
			return zmq.Identity{}, errStranger
		}
		return zmq.Identity{UserID: name}, nil
	})
	server, sees := watched(t, zmq.ROUTER, []zmq.Option{withMirror("server"), auth})
	client := open(t, zmq.DEALER, withMirror("ann"))
	b, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	bothWays(t, client, server, "ann")
	stranger := open(t, zmq.DEALER, withMirror("bob"), zmq.WithReconnect(patience), zmq.WithLinger(0))
	if err := stranger.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	if e := await(t, sees, zmq.EventHandshakeFailedAuth); e.Value != 400 {
		t.Errorf("the event of the stranger: %s", e)
	}
	pull := open(t, zmq.PULL, withMirror("ann"), zmq.WithReconnect(patience))
	if err := pull.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	if e := await(t, sees, zmq.EventHandshakeFailedProtocol); e.Value != uint64(zmq.ProtocolInvalidMetadata) {
		t.Errorf("the event of a socket type that does not fit: %s", e)
	}
}
