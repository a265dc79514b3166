package zmq_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/wire"
	"github.com/phimq/zmq/z85"
)

// The secure kit: peers that a test plays octet by octet, behind a handshake of
// PLAIN or CURVE. It drives internal/mech by hand.

// speaks makes a side of a mechanism for a raw peer that says it is of a socket type.
type speaks func(t testing.TB, socketType string) mech.Mechanism

func rawConfig(socketType string) mech.Config {
	return mech.Config{
		Metadata: wire.AppendProperty(nil, "Socket-Type", socketType),
		Check:    func([]wire.Property) error { return nil },
		Auth:     func(mech.Credentials) mech.Verdict { return mech.Verdict{Status: 200} },
	}
}

func rawKeys(t testing.TB, k zmq.CurveKeys) (keys mech.CurveKeys) {
	t.Helper()
	secret, err := z85.Decode(k.Secret())
	if err != nil {
		t.Fatal(err)
	}
	copy(keys.Secret[:], secret)
	return keys
}

// curveSpeaker is a client of CURVE.
func curveSpeaker(server zmq.CurveKey, keys zmq.CurveKeys) speaks {
	return func(t testing.TB, socketType string) mech.Mechanism {
		t.Helper()
		m, err := mech.NewCurveClient(rawConfig(socketType), rawKeys(t, keys), server)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// curveHost is a server of CURVE.
func curveHost(keys zmq.CurveKeys) speaks {
	return func(t testing.TB, socketType string) mech.Mechanism {
		t.Helper()
		m, err := mech.NewCurveServer(rawConfig(socketType), rawKeys(t, keys))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// plainSpeaker is a client of PLAIN.
func plainSpeaker(username, password string) speaks {
	return func(t testing.TB, socketType string) mech.Mechanism {
		t.Helper()
		m, err := mech.NewPlainClient(rawConfig(socketType), username, password)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// plainHost is a server of PLAIN.
func plainHost(_ testing.TB, socketType string) mech.Mechanism {
	return mech.NewPlainServer(rawConfig(socketType))
}

// A securePeer is a raw peer that knows a mechanism.
type securePeer struct {
	*wirePeer
	m      mech.Mechanism
	sealer mech.Sealer // nil: in clear
	said   [][]byte    // all that it has sent: the greeting and the commands
}

// secure gives a raw peer a mechanism. It exchanges the greetings.
func secure(p *wirePeer, m mech.Mechanism) *securePeer {
	p.t.Helper()
	s := &securePeer{wirePeer: p, m: m}
	s.tell(greetingOf(m))
	p.recv(64)
	return s
}

// greetingOf is the greeting of a side.
func greetingOf(m mech.Mechanism) []byte {
	g := greeting(3, 1, m.Name())
	if m.Server() {
		g[32] = 1
	}
	return g
}

// tell sends octets, and keeps them.
func (s *securePeer) tell(b []byte) {
	s.said = append(s.said, bytes.Clone(b))
	s.send(b)
}

// next is the next command that the side has to say, nil if it has none.
func (s *securePeer) next() []byte {
	s.t.Helper()
	b, err := s.m.Say()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// step says what is to be said and hears one command.
func (s *securePeer) step() {
	s.t.Helper()
	s.speak()
	if s.m.Done() {
		return
	}
	flags, body := s.recvFrame()
	if flags != wire.FlagCommand {
		s.t.Fatalf("want a command, came a frame with flags %d: %q", flags, body)
	}
	name, data, err := mech.ParseCommand(body)
	if err == nil {
		err = s.m.Hear(name, data)
	}
	if err != nil {
		s.t.Fatalf("%q: %v", name, err)
	}
}

func (s *securePeer) speak() {
	s.t.Helper()
	for b := s.next(); b != nil; b = s.next() {
		s.tell(b)
	}
}

// meet makes the whole handshake.
func (s *securePeer) meet() *securePeer {
	s.t.Helper()
	for s.speak(); !s.m.Done(); s.speak() {
		s.step()
	}
	s.sealer = s.m.Seal()
	return s
}

// frame is one frame on the wire: in a box, if there are boxes.
func (s *securePeer) frame(flags byte, body []byte) []byte {
	s.t.Helper()
	if s.sealer == nil {
		return wire.AppendFrame(nil, flags, body)
	}
	over := s.sealer.Overhead()
	b := wire.AppendHeader(nil, 0, over+len(body))
	b = append(append(b, make([]byte, over)...), body...)
	b[len(b)-len(body)-1] = flags
	if !s.sealer.Seal(b) {
		s.t.Fatal("there are no more nonces")
	}
	return b
}

// message is a message of one frame on the wire.
func (s *securePeer) message(body string) []byte {
	s.t.Helper()
	return s.frame(0, []byte(body))
}

// opened is the frames in octets that were sealed for this side, each as it
// would be on the wire in clear. What is left is the start of a frame.
func (s *securePeer) opened(b []byte) (clear []byte) {
	s.t.Helper()
	if s.sealer == nil {
		return b
	}
	for len(b) > 0 {
		h, ok, err := wire.ParseHeader(b)
		if err != nil {
			s.t.Fatal(err)
		}
		if !ok || uint64(len(b)-h.Len) < h.Size {
			return clear
		}
		frame := bytes.Clone(b[h.Len : h.Len+int(h.Size)])
		if err := s.sealer.OpenFrame(frame); err != nil {
			s.t.Fatal(err)
		}
		over := s.sealer.Overhead()
		clear = wire.AppendFrame(clear, frame[over-1], frame[over:])
		b = b[h.Len+int(h.Size):]
	}
	return clear
}

// expectOpened wants a message of one frame next.
func (s *securePeer) expectOpened(body string) {
	s.t.Helper()
	flags, frame := s.recvFrame()
	if got := s.opened(wire.AppendFrame(nil, flags, frame)); !bytes.Equal(got, wire.AppendFrame(nil, 0, []byte(body))) {
		s.t.Fatalf("came %q, want %q", got, body)
	}
}

// A fort is a bound PULL with a mechanism, and how a raw peer speaks to it.
type fort struct {
	*victim
	speaks speaks
}

// newCurveFort is a fort of CURVE that anybody who knows its key may enter.
func newCurveFort(t testing.TB, opts ...zmq.Option) *fort {
	t.Helper()
	keys, client := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	v := newVictim(t, zmq.PULL, append(opts, zmq.WithCurveServer(keys))...)
	v.client = []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public(), Keys: client})}
	return &fort{victim: v, speaks: curveSpeaker(keys.Public(), client)}
}

// comes is a raw peer that has exchanged greetings.
func (f *fort) comes() *securePeer {
	f.t.Helper()
	return secure(f.raw(), f.speaks(f.t, f.peer))
}

// inside is a raw peer that has entered.
func (f *fort) inside() *securePeer {
	f.t.Helper()
	return f.comes().meet()
}

// recorded is all the octets that a peer has sent.
func (s *securePeer) recorded() []byte { return slices.Concat(s.said...) }
