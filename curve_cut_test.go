package zmq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// A bond is a mechanism between a socket and a raw peer.
type bond struct {
	name   string
	socket []zmq.Option
	peer   speaks
}

// bonds are PLAIN and CURVE with the socket on either side.
func bonds() []bond {
	keys, client := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	all := zmq.WithAuth(func(context.Context, zmq.Peer) (zmq.Identity, error) { return zmq.Identity{}, nil })
	return []bond{
		{"PLAIN client", []zmq.Option{zmq.WithPlain("ann", "secret")}, plainHost},
		{"PLAIN server", []zmq.Option{zmq.WithPlainServer(), all}, plainSpeaker("ann", "secret")},
		{"CURVE client", []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}, curveHost(keys)},
		{"CURVE server", []zmq.Option{zmq.WithCurveServer(keys), all}, curveSpeaker(keys.Public(), client)},
	}
}

// TestSecureCutAtEveryOctet is TestCutAtEveryOctet behind PLAIN and CURVE: a
// message that the peer has not read whole is sealed anew on the next connection,
// and no other is.
func TestSecureCutAtEveryOctet(t *testing.T) {
	for _, b := range bonds() {
		t.Run(b.name, func(t *testing.T) { testSecureCuts(t, b, false, 1, 1500) })
		t.Run(b.name+", large", func(t *testing.T) { testSecureCuts(t, b, true, 1237, 400_000) })
	}
}

func testSecureCuts(t *testing.T, b bond, large bool, step, to int) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, append(b.socket, dials.dialer(), zmq.WithReconnect(time.Millisecond), zmq.WithSendHWM(20))...)
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go sendNumbers(ctx, t, s, large, ended)
		next := 0
		for n := 0; n < to; n += step {
			p := secure(dials.accept(), b.peer(t, "PULL")).meet()
			octets := p.recv(n)
			p.cut()
			var err error
			if next, err = takeMessages(p.opened(octets), next, large); err != nil {
				t.Fatalf("on the connection that ends after %d octets: %v", n, err)
			}
		}
		if next < 100 {
			t.Errorf("only %d messages came", next)
		}
		cancel()
		<-ended
	})
}

// TestSecureCutWhileReceiving is TestCutWhileReceiving behind PLAIN and CURVE:
// what has come whole is received, once and in order, and nothing else.
func TestSecureCutWhileReceiving(t *testing.T) {
	for _, b := range bonds() {
		t.Run(b.name, func(t *testing.T) {
			leak.Check(t)
			synctest.Test(t, func(t *testing.T) {
				dials := newWireDials(t)
				s := open(t, zmq.PULL, append(b.socket, dials.dialer(), zmq.WithReconnect(time.Millisecond))...)
				if err := s.Connect(wireEndpoint); err != nil {
					t.Fatal(err)
				}
				next := 0
				for n := range 1500 {
					p := secure(dials.accept(), b.peer(t, "PUSH")).meet()
					octets, ends := p.numbered(next, n)
					p.send(octets[:n])
					p.end()
					whole := 0
					for whole < len(ends) && ends[whole] <= n {
						whole++
					}
					next = receiveNumbers(t, s, next, next+whole)
					synctest.Wait()
					expectNone(t, s)
				}
			})
		})
	}
}

// numbered is at least n octets of numbered messages on the wire, and where each
// of them ends.
func (s *securePeer) numbered(next, n int) (octets []byte, ends []int) {
	s.t.Helper()
	for ; len(octets) <= n; next++ {
		frames := numbered(next, false)
		for at, f := range frames {
			flags := byte(wire.FlagMore)
			if at == len(frames)-1 {
				flags = 0
			}
			octets = append(octets, s.frame(flags, f)...)
		}
		ends = append(ends, len(octets))
	}
	return octets, ends
}

// receiveNumbers wants the messages from one number up to another.
func receiveNumbers(t *testing.T, s *zmq.Socket, from, to int) (next int) {
	t.Helper()
	for ; from < to; from++ {
		m, err := s.Recv(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(m.Frames, numbered(from, false), bytes.Equal) {
			t.Fatalf("received %v, want message %d", m, from)
		}
	}
	return to
}

// TestSecureCutInHandshake: a connection that ends after any octet of the
// handshake costs no message, and none comes twice.
func TestSecureCutInHandshake(t *testing.T) {
	for _, b := range bonds() {
		t.Run(b.name, func(t *testing.T) {
			leak.Check(t)
			synctest.Test(t, func(t *testing.T) {
				s := newSuitor(t, b.socket...)
				for n := range 700 {
					p := s.dials.accept()
					m := b.peer(t, "DEALER")
					p.send(greetingOf(m))
					p.cutAfter(m, n)
				}
				p := secure(s.dials.accept(), b.peer(t, "DEALER")).meet()
				p.expectOpened(dowry)
				p.send(p.message("one"))
				expectHeard(t, s.Socket, "one")
				p.readBy(time.Now().Add(time.Second))
				if n, err := p.conn.Read(make([]byte, 1)); n > 0 {
					t.Fatalf("more came, %v", err)
				}
			})
		})
	}
}

// cutAfter plays a handshake up to n octets of what comes, and cuts. It leaves
// before the last command has come whole.
func (p *wirePeer) cutAfter(m mechanism, n int) {
	p.t.Helper()
	defer p.cut()
	left := min(n, 64)
	p.recv(left)
	left = n - left
	for left > 0 {
		for b, _ := m.Say(); b != nil; b, _ = m.Say() {
			p.send(b)
		}
		if m.Done() {
			return
		}
		head := p.recv(min(left, 2))
		if left -= len(head); left == 0 {
			return
		}
		size := int(head[1])
		if head[0]&wire.FlagLong != 0 {
			rest := p.recv(min(left, 7))
			if left -= len(rest); left == 0 {
				return
			}
			size = int(binary.BigEndian.Uint64(append(head[1:2:2], rest...)))
		}
		body := p.recv(min(left, size))
		left -= len(body)
		if len(body) < size || !hears(m, body) {
			return
		}
	}
}

// mechanism is what a raw peer of a handshake needs.
type mechanism interface {
	Say() ([]byte, error)
	Hear(name string, data []byte) error
	Done() bool
}

func hears(m mechanism, body []byte) bool {
	name, data, err := wire.ParseCommand(body)
	return err == nil && m.Hear(name, data) == nil
}

// TestSecureCutThroughTCP is TestCutThroughTCP with a socket of CURVE at both
// ends, and with PLAIN.
func TestSecureCutThroughTCP(t *testing.T) {
	keys := zmq.NewCurveKeys()
	all := zmq.WithAuth(func(context.Context, zmq.Peer) (zmq.Identity, error) { return zmq.Identity{}, nil })
	for name, opts := range map[string][2][]zmq.Option{
		"CURVE": {{zmq.WithCurveServer(keys)}, {zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}},
		"PLAIN": {{zmq.WithPlainServer(), all}, {zmq.WithPlain("ann", "secret")}},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			pull := open(t, zmq.PULL, opts[0]...)
			b, err := pull.Bind("tcp://127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			proxy, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go cutProxy(proxy, b.Addr().String(), 150, done)
			push := open(t, zmq.PUSH, append(opts[1], zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(time.Millisecond))...)
			if err := push.Connect("tcp://" + proxy.Addr().String()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go sendNumbers(ctx, t, push, false, ended)
			wantRising(t, pull, done)
			cancel()
			<-ended
			push.Close()
			proxy.Close()
		})
	}
}

// wantRising receives numbered messages, whole, each once and in the order of
// its connection, until done and 100 more. What a lost connection has brought can
// still be received beside what the next one brings.
func wantRising(t *testing.T, pull *zmq.Socket, done <-chan struct{}) {
	t.Helper()
	messages, cutting := 0, true
	last, seen := map[string]int{}, map[int]bool{}
	for cutting || messages < 100 {
		select {
		case <-done:
			cutting, messages, done = false, 0, nil
		default:
		}
		m, err := pull.Recv(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		n, from := int(binary.BigEndian.Uint32(m.Frames[0])), m.Peer().Address()
		before, known := last[from]
		if seen[n] || known && n <= before || !slices.EqualFunc(m.Frames, numbered(n, false), bytes.Equal) {
			t.Fatalf("message %d came after %d, or again, or not whole", n, before)
		}
		last[from], seen[n] = n, true
		messages++
	}
}
