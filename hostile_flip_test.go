package zmq_test

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/wire"
)

// eachBit calls f for each bit of some octets.
func eachBit(octets int, f func(bit int)) {
	for bit := range 8 * octets {
		f(bit)
	}
}

// flip turns one bit round.
func flip(b []byte, bit int) []byte {
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

// harmless reports whether the bit is the command flag of a MESSAGE: RFC 26 has
// it set, libzmq has it clear, and both are taken.
func harmless(bit int) bool { return bit == 2 }

// unusedBit is the highest of the client's transient key in HELLO, which
// X25519 does not look at. The server only notices when the vouch has another.
const unusedBit = 8*(2+6+2+72+32) - 1

// TestCurveFlippedBits: one bit of HELLO, INITIATE or MESSAGE is turned round
// on its way to the server. The peer gets no further, and nothing is delivered.
func TestCurveFlippedBits(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	refused := func(p *securePeer) {
		t.Helper()
		p.finish()
		_ = p.conn.(*net.TCPConn).CloseWrite() // the server may have left by now
		if got := p.rest(); len(got) > 0 {
			t.Fatalf("the server said %q", got)
		}
		p.cut()
	}
	eachBit(len(f.comes().next()), func(bit int) {
		p := f.comes()
		p.send(flip(p.next(), bit))
		if bit == unusedBit {
			p.step()
			p.send(p.next())
		}
		refused(p)
	})
	f.good()
	p := f.comes()
	p.step()
	size := len(p.next())
	p.cut()
	eachBit(size, func(bit int) {
		p := f.comes()
		p.step()
		p.send(flip(p.next(), bit))
		refused(p)
	})
	f.good()
	eachBit(len(f.inside().message("one")), func(bit int) {
		p := f.inside()
		p.send(flip(p.message("one"), bit))
		refused(p)
		if harmless(bit) {
			expectHeard(t, f.Socket, "one")
		}
	})
	f.good()
	expectNone(t, f.Socket)
}

// A suitor is a DEALER that connects to whomever the test plays, with one
// message that waits to be sent.
type suitor struct {
	*zmq.Socket
	dials *wireDials
}

const dowry = "for the right one only"

func newSuitor(t *testing.T, opts ...zmq.Option) *suitor {
	t.Helper()
	d := newWireDials(t)
	s := open(t, zmq.DEALER, append(opts, d.dialer(), zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(time.Millisecond))...)
	if err := s.Connect(wireEndpoint); err != nil {
		t.Fatal(err)
	}
	if err := s.TrySend([]byte(dowry)); err != nil {
		t.Fatal(err)
	}
	return &suitor{Socket: s, dials: d}
}

// told is all that a suitor says until nothing moves any more or it leaves.
func told(p *wirePeer) []byte {
	p.t.Helper()
	p.readBy(time.Now().Add(time.Second))
	b, err := io.ReadAll(p.conn)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		p.t.Fatal(err)
	}
	return b
}

// TestCurveFlippedAnswers is TestCurveFlippedBits of what the server says:
// WELCOME, READY and MESSAGE. The client says nothing more than it had to, receives
// nothing, and comes again.
func TestCurveFlippedAnswers(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		keys := zmq.NewCurveKeys()
		s := newSuitor(t, zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}))
		host := func() *securePeer { return secure(s.dials.accept(), curveHost(keys)(t, "DEALER")) }
		ends := func(p *securePeer, b []byte, bit int) {
			t.Helper()
			p.send(flip(b, bit))
			if got := told(p.wirePeer); len(got) > 0 {
				t.Fatalf("bit %d: the client said %x", bit, got)
			}
			p.cut()
			synctest.Wait()
			expectNone(t, s.Socket)
		}
		for bit := range 8 * welcomeFrame {
			p := host()
			p.step()
			ends(p, p.next(), bit)
		}
		size := 1
		for bit := 0; bit < 8*size; bit++ {
			p := host()
			p.step()
			p.step()
			ready := p.next()
			size = len(ready)
			ends(p, ready, bit)
		}
		p := host().meet()
		p.expectOpened(dowry)
		p.cut()
		for bit := range 8 * len("..\x07MESSAGE........................one") {
			if harmless(bit) {
				continue
			}
			p := host().meet()
			ends(p, p.message("one"), bit)
		}
		p = host().meet()
		p.send(p.message("one"))
		expectHeard(t, s.Socket, "one")
		p.cut()
	})
}

// TestCurveServerReplays: what a server said once opens nothing on another
// connection.
func TestCurveServerReplays(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		keys := zmq.NewCurveKeys()
		s := newSuitor(t, zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}))
		p := secure(s.dials.accept(), curveHost(keys)(t, "DEALER")).meet()
		p.expectOpened(dowry)
		p.tell(p.message("one"))
		expectHeard(t, s.Socket, "one")
		p.cut()
		thief := s.dials.accept()
		thief.send(p.recorded())
		if name, _ := commandIn(t, told(thief)[64:]); name != wire.NameHello {
			t.Errorf("a recorded server is told %s", name)
		}
		thief.cut()
		for _, again := range []func(p *securePeer) []byte{
			func(p *securePeer) []byte { b := p.message("two"); return append(b, b...) },
			func(p *securePeer) []byte {
				one, two := p.message("two"), p.message("three")
				return append(append(one, two...), one...)
			},
			func(p *securePeer) []byte {
				return append(p.message("two"), wire.AppendFrame(nil, 0, []byte("clear"))...)
			},
			func(p *securePeer) []byte { return append(p.message("two"), wire.AppendPing(nil, 0, nil)...) },
		} {
			p := secure(s.dials.accept(), curveHost(keys)(t, "DEALER")).meet()
			p.send(again(p))
			p.expectEnd()
			expectHeard(t, s.Socket, "two")
			if m, err := s.TryRecv(); err == nil && string(m.Frames[0]) != "three" {
				t.Fatalf("received %s", m)
			}
			expectNone(t, s.Socket)
			p.cut()
		}
	})
}

// commandIn is the one command in b.
func commandIn(t *testing.T, b []byte) (name string, data []byte) {
	t.Helper()
	h, ok, err := wire.ParseHeader(b)
	if !ok || err != nil || h.Flags&wire.FlagCommand == 0 || int(h.Size) != len(b)-h.Len {
		t.Fatalf("want one command, came %q", b)
	}
	name, data, err = mech.ParseCommand(b[h.Len:])
	if err != nil {
		t.Fatal(err)
	}
	return name, data
}
