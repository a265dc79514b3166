package zmq_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// The wire kit: a ZMTP peer that a test plays octet by octet, and sockets to
// play against. What a rule says of octets is written out as octets here; the
// rest goes through internal/wire.

// wirePeer is the far end of a connection of a socket. What the test sends
// goes out in a goroutine of its own, so that neither side can block the other;
// what the socket sends is read when the test asks for it and not before.
type wirePeer struct {
	t       testing.TB
	conn    net.Conn
	out     chan []byte
	written chan struct{} // closed when writeLoop has ended
}

func newWirePeer(t testing.TB, conn net.Conn) *wirePeer {
	p := &wirePeer{t: t, conn: conn, out: make(chan []byte, 4096), written: make(chan struct{})}
	go p.writeLoop(p.out)
	t.Cleanup(p.cut)
	return p
}

func (p *wirePeer) writeLoop(out <-chan []byte) {
	defer close(p.written)
	var err error
	for b := range out {
		if err == nil {
			_, err = p.conn.Write(b)
		}
	}
}

// cut ends the connection at once, whatever is not written.
func (p *wirePeer) cut() {
	p.conn.Close()
	p.finish()
}

// end ends the connection behind all that was sent.
func (p *wirePeer) end() {
	p.t.Helper()
	p.finish()
	p.conn.Close()
}

func (p *wirePeer) finish() {
	if p.out != nil {
		close(p.out)
		p.out = nil
	}
	<-p.written
}

// endSending tells the socket that no more will come, and still hears it.
func (p *wirePeer) endSending() {
	p.t.Helper()
	p.finish()
	if half, ok := p.conn.(interface{ CloseWrite() error }); ok {
		if err := half.CloseWrite(); err != nil {
			p.t.Fatal("close for writing:", err)
		}
	}
}

// send sends octets as they are.
func (p *wirePeer) send(octets []byte) { p.out <- octets }

// sendMsg sends one message.
func (p *wirePeer) sendMsg(frames ...string) {
	var b []byte
	for i, f := range frames {
		flags := byte(wire.FlagMore)
		if i == len(frames)-1 {
			flags = 0
		}
		b = wire.AppendFrame(b, flags, []byte(f))
	}
	p.send(b)
}

// sendCommand sends one command.
func (p *wirePeer) sendCommand(name, data string) {
	p.send(wire.AppendCommand(nil, name, []byte(data)))
}

// sendReady sends READY with properties, name and value by turns.
func (p *wirePeer) sendReady(properties ...string) {
	var b []byte
	for i := 0; i+1 < len(properties); i += 2 {
		b = wire.AppendProperty(b, properties[i], properties[i+1])
	}
	p.send(wire.AppendReady(nil, b))
}

// recv returns the next n octets.
func (p *wirePeer) recv(n int) []byte {
	p.t.Helper()
	b := make([]byte, n)
	p.readBy(time.Now().Add(patience))
	if got, err := io.ReadFull(p.conn, b); err != nil {
		p.t.Fatalf("want %d octets, got %d: %x: %v", n, got, cropped(b[:got]), err)
	}
	return b
}

func (p *wirePeer) readBy(deadline time.Time) {
	p.t.Helper()
	if err := p.conn.SetReadDeadline(deadline); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.t.Fatal("set a deadline:", err)
	}
}

// expect wants these octets next, written as hex; spaces mean nothing.
func (p *wirePeer) expect(octets string) {
	p.t.Helper()
	want, err := hex.DecodeString(strings.ReplaceAll(octets, " ", ""))
	if err != nil {
		p.t.Fatal(err)
	}
	if got := p.recv(len(want)); !bytes.Equal(got, want) {
		p.t.Fatalf("came %x\nwant %x", got, want)
	}
}

// recvFrame returns the next frame, of any kind. It holds it to the short size
// where that is enough.
func (p *wirePeer) recvFrame() (flags byte, body []byte) {
	p.t.Helper()
	b := p.recv(2)
	if b[0]&wire.FlagLong != 0 {
		b = append(b, p.recv(wire.MaxHeader-len(b))...)
	}
	h, ok, err := wire.ParseHeader(b)
	if !ok || err != nil {
		p.t.Fatalf("frame header %x: %v", b, err)
	}
	if h.Len != wire.HeaderLen(int(h.Size)) {
		p.t.Fatalf("frame header %x: a long size for %d octets", b, h.Size)
	}
	return h.Flags &^ wire.FlagLong, p.recv(int(h.Size))
}

// recvMsg returns the next message; a command is a failure.
func (p *wirePeer) recvMsg() []string {
	p.t.Helper()
	var frames []string
	for {
		flags, body := p.recvFrame()
		if flags&wire.FlagCommand != 0 {
			p.t.Fatalf("want a message, came the command %q", body)
		}
		frames = append(frames, string(body))
		if flags == 0 {
			return frames
		}
	}
}

// expectMsg wants this message next.
func (p *wirePeer) expectMsg(frames ...string) {
	p.t.Helper()
	if got := p.recvMsg(); !slices.Equal(got, frames) {
		p.t.Fatalf("came %.200q, want %.200q", got, frames)
	}
}

// expectCommand wants this command next, and returns its data.
func (p *wirePeer) expectCommand(name string) []byte {
	p.t.Helper()
	flags, body := p.recvFrame()
	if flags != wire.FlagCommand {
		p.t.Fatalf("want %s, came a frame with flags %d: %q", name, flags, body)
	}
	got, data, err := wire.ParseCommand(body)
	if err != nil || got != name {
		p.t.Fatalf("want %s, came %q: %v", name, body, err)
	}
	return data
}

// expectTopic wants SUBSCRIBE or CANCEL of a topic next.
func (p *wirePeer) expectTopic(name, topic string) {
	p.t.Helper()
	if got := p.expectCommand(name); string(got) != topic {
		p.t.Fatalf("came %s %q, want %q", name, got, topic)
	}
}

// expectReady wants READY next, and returns its properties by name.
func (p *wirePeer) expectReady() map[string]string {
	p.t.Helper()
	list, err := wire.ParseProperties(p.expectCommand(wire.NameReady), wire.Limits{})
	if err != nil {
		p.t.Fatal(err)
	}
	properties := map[string]string{}
	for _, property := range list {
		properties[property.Name] = string(property.Value)
	}
	return properties
}

// rest returns all that comes until the socket ends the connection.
func (p *wirePeer) rest() []byte {
	p.t.Helper()
	p.readBy(time.Now().Add(patience))
	b, err := io.ReadAll(p.conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		p.t.Fatalf("want the end of the connection, came %x: %v", cropped(b), err)
	}
	return b
}

// expectEnd wants the socket to end the connection, and no octet before that.
func (p *wirePeer) expectEnd() {
	p.t.Helper()
	if b := p.rest(); len(b) > 0 {
		p.t.Fatalf("want the end of the connection, came %x", cropped(b))
	}
}

// expectSilence wants nothing to come for some simulated time.
func (p *wirePeer) expectSilence(d time.Duration) {
	p.t.Helper()
	p.readBy(time.Now().Add(d))
	b := make([]byte, 256)
	if n, err := p.conn.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		p.t.Fatalf("want silence, came %x: %v", b[:n], err)
	}
}

// sync returns when the socket has worked off all that was sent: commands and
// messages are taken in order, so a PONG says that they were taken, and a second one that
// the user was told. Nothing else may come first.
func (p *wirePeer) sync() {
	p.t.Helper()
	for range 2 {
		p.send(wire.AppendPing(nil, 0, []byte("sync")))
		if got := p.expectCommand(wire.NamePong); string(got) != "sync" {
			p.t.Fatalf("PONG %q", got)
		}
	}
}

func cropped(b []byte) []byte { return b[:min(len(b), 512)] }

// greeting returns the 64 octets that open ZMTP 3: RFC 37 "Formal Grammar",
// by hand.
func greeting(major, minor byte, mechanism string) []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10], b[11] = 0xFF, 0x7F, major, minor
	copy(b[12:32], mechanism)
	return b
}

// ours is the greeting that the library sends.
var ours = greeting(3, 1, "NULL")

// greet exchanges greetings: g is the peer's.
func (p *wirePeer) greet(g []byte) {
	p.t.Helper()
	p.send(g)
	if got := p.recv(len(ours)); !bytes.Equal(got, ours) {
		p.t.Fatalf("the greeting is %x\nwant %x", got, ours)
	}
}

// handshake plays a peer of ZMTP 3.1 up to the end of the handshake, and
// returns the properties of the socket.
func (p *wirePeer) handshake(socketType string, properties ...string) map[string]string {
	p.t.Helper()
	return p.handshakeAs(greeting(3, 1, "NULL"), socketType, properties...)
}

// handshake30 plays a peer of ZMTP 3.0.
func (p *wirePeer) handshake30(socketType string, properties ...string) map[string]string {
	p.t.Helper()
	return p.handshakeAs(greeting(3, 0, "NULL"), socketType, properties...)
}

func (p *wirePeer) handshakeAs(g []byte, socketType string, properties ...string) map[string]string {
	p.t.Helper()
	p.greet(g)
	p.sendReady(append([]string{"Socket-Type", socketType}, properties...)...)
	return p.expectReady()
}

// wireDials hands the connections that sockets make to the test. A dial waits
// until the test accepts it.
type wireDials struct {
	t     testing.TB
	conns chan net.Conn
}

func newWireDials(t testing.TB) *wireDials { return &wireDials{t: t, conns: make(chan net.Conn)} }

// dialer is the option of the sockets that connect here. Their endpoint is
// wireEndpoint, or any other.
func (d *wireDials) dialer() zmq.Option {
	return zmq.WithDialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case d.conns <- far:
			return near, nil
		case <-ctx.Done():
			near.Close()
			far.Close()
			return nil, ctx.Err()
		}
	})
}

const wireEndpoint = "tcp://127.0.0.1:1"

// accept waits for a socket to dial.
func (d *wireDials) accept() *wirePeer {
	d.t.Helper()
	select {
	case conn := <-d.conns:
		return newWirePeer(d.t, conn)
	case <-time.After(patience):
		d.t.Fatal("nobody dials")
		return nil
	}
}

// wireRole makes sockets that are bound, or that connect, and raw peers of them.
type wireRole struct {
	t     *testing.T
	dials *wireDials // nil: sockets are bound, over tcp
}

// bothRoles runs a test with a socket that is bound, over tcp, and with one
// that connects, over a net.Pipe and in simulated time.
func bothRoles(t *testing.T, f func(t *testing.T, r *wireRole)) {
	t.Helper()
	t.Run("bound", func(t *testing.T) { f(t, &wireRole{t: t}) })
	t.Run("connecting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, &wireRole{t: t, dials: newWireDials(t)}) })
	})
}

// socket makes a socket. It ends with the test, without lingering.
func (r *wireRole) socket(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	r.t.Helper()
	if r.dials != nil {
		return open(r.t, typ, append(opts, r.dials.dialer())...)
	}
	s := open(r.t, typ, opts...)
	if _, err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		r.t.Fatal(err)
	}
	return s
}

// peer makes a raw peer of a socket.
func (r *wireRole) peer(s *zmq.Socket) *wirePeer {
	r.t.Helper()
	if r.dials == nil {
		return dialWire(r.t, s)
	}
	if err := s.Connect(wireEndpoint); err != nil {
		r.t.Fatal(err)
	}
	return r.dials.accept()
}

// again makes the next connection to the peer that p was.
func (r *wireRole) again(s *zmq.Socket) *wirePeer {
	r.t.Helper()
	if r.dials == nil {
		return dialWire(r.t, s)
	}
	return r.dials.accept()
}

// dialWire connects to where a socket is bound.
func dialWire(t testing.TB, s *zmq.Socket) *wirePeer {
	t.Helper()
	endpoint, err := s.Option("last_endpoint")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp4", strings.TrimPrefix(endpoint, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	return newWirePeer(t, conn)
}

// open makes a socket that ends with the test and does not linger.
func open(t testing.TB, typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	t.Helper()
	s, err := zmq.New(typ, append([]zmq.Option{zmq.WithLinger(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// soon is a context that ends when a test has waited long enough.
func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// say sends a message, which must be taken.
func say(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	m := zmq.MsgFromStrings(frames...)
	if err := s.Send(soon(t), m.Frames...); err != nil {
		t.Fatal(err)
	}
}

// hear returns the next message.
func hear(t testing.TB, s *zmq.Socket) []string {
	t.Helper()
	m, err := s.Recv(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return texts(m.Frames)
}

// expectHeard wants a socket to receive this message next.
func expectHeard(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	if got := hear(t, s); !slices.Equal(got, frames) {
		t.Fatalf("received %.200q, want %.200q", got, frames)
	}
}

// expectNone wants that a socket has nothing to receive now.
func expectNone(t testing.TB, s *zmq.Socket) {
	t.Helper()
	if m, err := s.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
		t.Fatalf("received %v, %v, want nothing", m, err)
	}
}

// awaitPeers waits until n peers are connected.
func awaitPeers(t testing.TB, s *zmq.Socket, n int) {
	t.Helper()
	if err := s.WaitReady(soon(t), n); err != nil {
		t.Fatal(err)
	}
}

// awaitSubscribers waits until n peers would get a message with this topic.
func awaitSubscribers(t testing.TB, s *zmq.Socket, topic string, n int) {
	t.Helper()
	if err := s.WaitSubscribers(soon(t), topic, n); err != nil {
		t.Fatal(err)
	}
}
