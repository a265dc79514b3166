package zmq_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
	"github.com/phimq/zmq/zmqtest"
)

// A vault is a bound PULL inside TLS.
type vault struct {
	*zmq.Socket
	t      testing.TB
	a      *authority
	b      *zmq.Binding
	events <-chan zmq.Event
}

func newVault(t *testing.T, opts ...zmq.Option) *vault {
	t.Helper()
	a := newAuthority(t)
	s, events := watched(t, zmq.PULL, append(opts, zmq.WithTLS(a.config("server"))))
	b, err := s.Bind(anyTLS)
	if err != nil {
		t.Fatal(err)
	}
	return &vault{Socket: s, t: t, a: a, b: b, events: events}
}

// raw is a raw connection, before any octet.
func (v *vault) raw() *wirePeer {
	v.t.Helper()
	return dialTCP(v.t, v.b)
}

// inside is a raw peer inside TLS, before any greeting.
func (v *vault) inside(change ...func(*tls.Config)) (p *wirePeer, beneath net.Conn) {
	v.t.Helper()
	beneath = v.raw().conn
	config := v.a.client("ann")
	for _, f := range change {
		f(config)
	}
	return newWirePeer(v.t, tls.Client(beneath, config)), beneath
}

// greeted is a raw peer whose handshakes are done.
func (v *vault) greeted() (p *wirePeer, beneath net.Conn) {
	v.t.Helper()
	p, beneath = v.inside()
	p.handshake("PUSH")
	return p, beneath
}

// good wants a good peer to be served, and nothing of hostile ones delivered.
func (v *vault) good() {
	v.t.Helper()
	push := open(v.t, zmq.PUSH, zmq.WithTLS(v.a.config("ann")))
	defer push.Close()
	if err := push.Connect(v.b.Endpoint()); err != nil {
		v.t.Fatal(err)
	}
	say(v.t, push, "good")
	expectHeard(v.t, v.Socket, "good")
}

// TestHostileTLS: strangers at a tls+tcp endpoint, and peers that leave in the
// middle of it, cost nobody else anything.
func TestHostileTLS(t *testing.T) {
	leak.Check(t)
	v := newVault(t, zmq.WithHandshakeTimeout(patience/4))
	var silent []*wirePeer
	for range 100 {
		silent = append(silent, v.raw())
	}
	for name, b := range map[string][]byte{
		"garbage":                   noise(1000),
		"zeros":                     make([]byte, 1000),
		"a record that is too long": slices.Concat([]byte{0x16, 3, 1, 0xFF, 0xFF}, noise(1000)),
		"a handshake too long":      slices.Concat([]byte{0x16, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF}, noise(20_000)),
		"an empty handshake":        {0x16, 3, 1, 0, 4, 1, 0, 0, 0},
		"an alert":                  {0x15, 3, 3, 0, 2, 2, 40},
		"a ServerHello":             {0x16, 3, 3, 0, 4, 2, 0, 0, 0},
		"HTTP":                      []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
	} {
		p := v.raw()
		p.send(b)
		endsSoon(p)
		p.cut()
		t.Log(name)
	}
	v.good()
	for _, opening := range [][]byte{nil, ours[:10], ours, slices.Concat(ours, ready("PUSH")), slices.Concat(ours, ready("PUSH"), []byte("\x00\x09half"))} {
		for _, end := range []func(p *wirePeer, beneath net.Conn){
			func(p *wirePeer, _ net.Conn) { p.end() }, // with close_notify
			func(p *wirePeer, beneath net.Conn) { p.finish(); beneath.Close() },
			func(p *wirePeer, beneath net.Conn) {
				p.finish()
				_ = beneath.(*net.TCPConn).SetLinger(0)
				beneath.Close()
			},
		} {
			p, beneath := v.inside()
			p.send(opening)
			end(p, beneath)
		}
	}
	v.good()
	for _, p := range silent {
		endsSoon(p)
	}
	v.good()
	expectNone(t, v.Socket)
}

// TestTLSVersions: who knows no version that the configuration has is kept out.
func TestTLSVersions(t *testing.T) {
	leak.Check(t)
	v := newVault(t)
	for _, most := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		p, _ := v.inside(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, most })
		p.send(slices.Concat(ours, ready("PUSH"), []byte("\x00\x03old")))
		if got, err := io.ReadAll(p.conn); err == nil || len(got) > 0 {
			t.Errorf("version %#x: came %q, %v", most, got, err)
		}
	}
	for _, most := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		p, _ := v.inside(func(c *tls.Config) { c.MaxVersion = most })
		p.handshake("PUSH")
		p.sendMsg("new")
		expectHeard(t, v.Socket, "new")
	}
	v.good()
}

// TestTLSRecordsInClear: a record that is not sealed, behind the handshake, ends the
// connection; nothing behind it is received.
func TestTLSRecordsInClear(t *testing.T) {
	leak.Check(t)
	v := newVault(t)
	for _, record := range [][]byte{
		{0x16, 3, 3, 0, 4, 1, 0, 0, 0},                      // a ClientHello in clear
		{0x16, 3, 3, 0, 4, 0, 0, 0, 0},                      // a HelloRequest in clear
		{0x17, 3, 3, 0, 5, 0, 3, 'i', 'n', '!'},             // a message in clear
		{0x15, 3, 3, 0, 2, 1, 0},                            // close_notify in clear
		slices.Concat([]byte{0x17, 3, 3, 0, 64}, noise(64)), // a box that does not open
	} {
		p, beneath := v.greeted()
		p.sendMsg("before")
		expectHeard(t, v.Socket, "before")
		if _, err := beneath.Write(record); err != nil {
			t.Fatal(err)
		}
		p.sendMsg("behind")
		endsSoonTLS(p)
		v.good()
	}
	expectNone(t, v.Socket)
}

// endsSoonTLS wants the connection to be ended, by whatever TLS says of that.
func endsSoonTLS(p *wirePeer) {
	p.t.Helper()
	p.readBy(time.Now().Add(patience))
	var late net.Error
	if _, err := io.ReadAll(p.conn); errors.As(err, &late) && late.Timeout() {
		p.t.Fatal("the connection does not end")
	}
}

// TestTLSHalfClosed: a peer that sends close_notify has ended the connection:
// what came before it is received, and the socket says goodbye.
func TestTLSHalfClosed(t *testing.T) {
	leak.Check(t)
	v := newVault(t)
	p, _ := v.greeted()
	p.sendMsg("one")
	p.sendMsg("two")
	p.endSending()
	p.expectEnd()
	expectHeard(t, v.Socket, "one")
	expectHeard(t, v.Socket, "two")
	e := await(t, v.events, zmq.EventDisconnected)
	if !errors.Is(e.Err, io.EOF) {
		t.Errorf("the event says %v", e.Err)
	}
	v.good()
}

// TestTLSTruncation: an end without close_notify, between two records or in
// one, delivers what came whole and nothing that is cut short.
func TestTLSTruncation(t *testing.T) {
	leak.Check(t)
	v := newVault(t)
	for _, last := range [][]byte{nil, {0x17, 3, 3, 1, 0, 1, 2, 3}} {
		p, beneath := v.greeted()
		p.sendMsg("one")
		p.send([]byte("\x01\x03two\x00\x09half"))
		p.finish()
		if _, err := beneath.Write(last); err != nil {
			t.Fatal(err)
		}
		if err := beneath.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, v.Socket, "one")
		e := await(t, v.events, zmq.EventDisconnected)
		if !errors.Is(e.Err, io.EOF) && !errors.Is(e.Err, io.ErrUnexpectedEOF) {
			t.Errorf("the event says %v", e.Err)
		}
		v.good()
	}
	expectNone(t, v.Socket)
}

// TestTLSHeartbeat: a peer inside TLS that vanishes without a word is noticed,
// and one that answers is not.
func TestTLSHeartbeat(t *testing.T) {
	leak.Check(t)
	v := newVault(t, zmq.WithHeartbeat(10*time.Millisecond), zmq.WithHeartbeatTimeout(100*time.Millisecond))
	_, _ = v.greeted()
	if e := await(t, v.events, zmq.EventDisconnected); e.Err == nil || errors.Is(e.Err, io.EOF) {
		t.Errorf("the event says %v", e.Err)
	}
	p, _ := v.greeted()
	for range 30 {
		data := p.expectCommand(wire.NamePing)
		p.send(wire.AppendPong(nil, data[2:]))
	}
	p.sendMsg("still here")
	expectHeard(t, v.Socket, "still here")
	v.good()
}

// clogged is a PUSH whose peer inside TLS does not read, and has more to send than
// the system keeps.
func clogged(t *testing.T, linger time.Duration) (push *zmq.Socket, events <-chan zmq.Event) {
	t.Helper()
	a := newAuthority(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	push, events = watched(t, zmq.PUSH, []zmq.Option{zmq.WithTLS(a.config("ann")), zmq.WithLinger(linger), zmq.WithSendHWM(0)})
	if err := push.Connect("tls+tcp://" + l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	p := newWirePeer(t, tls.Server(dialedBy(t, l).conn, a.config("server")))
	p.handshake("PULL")
	for range 200 {
		if err := push.Send(soon(t), noise(1<<18)); err != nil {
			t.Fatal(err)
		}
	}
	return push, events
}

// TestTLSLinger: Close waits for a peer inside TLS that does not read as long as
// it lingers, and no longer.
func TestTLSLinger(t *testing.T) {
	for _, linger := range []time.Duration{0, 200 * time.Millisecond} {
		t.Run(linger.String(), func(t *testing.T) {
			leak.Check(t)
			s, _ := clogged(t, linger)
			begun := time.Now()
			returns(t, s.Close)
			if took := time.Since(begun); took < linger {
				t.Errorf("it returned after %v", took)
			}
		})
	}
}

// TestTLSClogged: the connection to a peer inside TLS that does not read can be
// ended, and the socket closed.
func TestTLSClogged(t *testing.T) {
	for name, end := range map[string]func(s *zmq.Socket) error{
		"Disconnect": func(s *zmq.Socket) error { return s.Disconnect(s.Stats().Peers[0].Endpoint) },
		"DisconnectPeers": func(s *zmq.Socket) error {
			_, err := s.DisconnectPeers(func(zmq.Peer) bool { return true })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			s, events := clogged(t, 0)
			returns(t, func() error { return end(s) })
			await(t, events, zmq.EventDisconnected)
			returns(t, s.Close)
		})
	}
}

// TestTLSFull: to peers inside TLS whose link is full to the last octet, while nothing
// waits behind it, Close says its farewell for a moment only.
func TestTLSFull(t *testing.T) {
	for _, linger := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) { testTLSFull(t, linger) })
	}
}

// fullConn tells whether a write waits for room.
type fullConn struct {
	net.Conn
	writes atomic.Int32
}

func (c *fullConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	defer c.writes.Add(-1)
	return c.Conn.Write(b)
}

func testTLSFull(t *testing.T, linger time.Duration) {
	link, a := zmqtest.NewLink(t), newAuthority(t)
	l, client := link.Listener(), a.config("client")
	client.ServerName = "127.0.0.1"
	s := open(t, zmq.ROUTER, zmq.WithLinger(linger))
	<-time.After(time.Millisecond) // what is written was not written at the first moment
	for n := 1; n <= 25; n++ {
		near, err := link.Dialer()(t.Context(), "tcp", "peer:1")
		if err != nil {
			t.Fatal(err)
		}
		far, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		full := &fullConn{Conn: near}
		go func() { _ = s.Attach(t.Context(), tls.Server(full, a.config("server")), zmq.Connected) }()
		newWirePeer(t, tls.Client(far, client)).handshake("DEALER", "Identity", strconv.Itoa(n))
		awaitPeers(t, s, n)
		say(t, s, strconv.Itoa(n), string(noise(70_000)))
		synctest.Wait()
		for full.writes.Load() > 0 {
			if _, err := far.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
	}
	start := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 1100*time.Millisecond {
		t.Errorf("with a linger time of %v Close took %v", linger, took)
	}
}

// returns wants f to return, without an error.
func returns(t *testing.T, f func() error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Fatal("it does not return")
	}
}

// TestTLSBothWays sends much both ways at once, which TLS must not mix up, and
// closes while the peer still reads: nothing is lost.
func TestTLSBothWays(t *testing.T) {
	leak.Check(t)
	a := newAuthority(t)
	server := open(t, zmq.PAIR, zmq.WithTLS(a.config("server")), zmq.WithLinger(patience), zmq.WithHeartbeat(time.Millisecond), zmq.WithHeartbeatTimeout(patience))
	client := open(t, zmq.PAIR, zmq.WithTLS(a.config("client")), zmq.WithLinger(patience), zmq.WithHeartbeat(time.Millisecond), zmq.WithHeartbeatTimeout(patience))
	b, err := server.Bind(anyTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	const count = 2000
	ctx := soon(t)
	sent := make(chan error, 2)
	send := func(s *zmq.Socket) {
		for i := range count {
			if err := s.Send(ctx, []byte(strconv.Itoa(i)), noise(i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}
	go send(server)
	go send(client)
	for i := range count {
		for _, s := range []*zmq.Socket{server, client} {
			if m, err := s.Recv(ctx); err != nil || string(m.Frames[0]) != strconv.Itoa(i) || len(m.Frames[1]) != i {
				t.Fatalf("message %d is %.60s, %v", i, m, err)
			}
		}
	}
	for range 2 {
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
	}
}
