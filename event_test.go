package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// diary keeps the events of a socket.
type diary chan zmq.Event

func newDiary() diary { return make(diary, 4096) }

func (d diary) option() zmq.Option { return zmq.WithEvents(func(e zmq.Event) { d <- e }) }

// next waits for the next event of a kind.
func (d diary) next(t testing.TB, kind zmq.EventKind) zmq.Event {
	t.Helper()
	for over := time.After(patience); ; {
		select {
		case e := <-d:
			if e.Kind == kind {
				return e
			}
		case <-over:
			t.Fatalf("waited in vain for %q", kind)
		}
	}
}

// TestEventKinds: the numbers are libzmq's, 16 of them, and each has a name.
func TestEventKinds(t *testing.T) {
	kinds := map[zmq.EventKind]uint32{
		zmq.EventConnected: 1, zmq.EventConnectDelayed: 2, zmq.EventConnectRetried: 4, zmq.EventListening: 8,
		zmq.EventBindFailed: 0x10, zmq.EventAccepted: 0x20, zmq.EventAcceptFailed: 0x40, zmq.EventClosed: 0x80,
		zmq.EventCloseFailed: 0x100, zmq.EventDisconnected: 0x200, zmq.EventMonitorStopped: 0x400,
		zmq.EventHandshakeFailedNoDetail: 0x800, zmq.EventHandshakeSucceeded: 0x1000,
		zmq.EventHandshakeFailedProtocol: 0x2000, zmq.EventHandshakeFailedAuth: 0x4000, zmq.EventPipesStats: 0x10000,
	}
	if len(kinds) != 16 {
		t.Errorf("there are %d kinds, want 16", len(kinds))
	}
	names := map[string]bool{}
	for kind, number := range kinds {
		if uint32(kind) != number {
			t.Errorf("%s is %#x, want %#x", kind, uint32(kind), number)
		}
		if names[kind.String()] || strings.Contains(kind.String(), "(") {
			t.Errorf("%#x has no name of its own: %q", number, kind)
		}
		names[kind.String()] = true
	}
	if got := (zmq.EventConnected | zmq.EventClosed).String(); got != "EventKind(0x81)" {
		t.Errorf("a mask is %q", got)
	}
}

func TestEventString(t *testing.T) {
	for _, c := range []struct {
		e    zmq.Event
		want string
	}{
		{zmq.Event{Kind: zmq.EventListening, Endpoint: "tcp://a:1"}, "listening tcp://a:1"},
		{zmq.Event{Kind: zmq.EventDisconnected, Endpoint: "tcp://a:1", Remote: "tcp://b:2", Err: io.EOF},
			"disconnected tcp://a:1 peer tcp://b:2: EOF"},
		{zmq.Event{Kind: zmq.EventConnectRetried, Endpoint: "tcp://a:1", Value: 100}, "connect retried tcp://a:1 in 100 ms"},
		{zmq.Event{Kind: zmq.EventsLost, Value: 3}, "3 events lost"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// TestEventsOfAConnection: who binds and who connects see what happens, with
// both endpoints, the peer and the cause.
func TestEventsOfAConnection(t *testing.T) {
	at, from := newDiary(), newDiary()
	pull := open(t, zmq.PULL, at.option())
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	if e := at.next(t, zmq.EventListening); e.Endpoint != endpoint || e.Local != endpoint || e.Value == 0 || e.Time.IsZero() {
		t.Errorf("listening: %+v", e)
	}
	push := open(t, zmq.PUSH, from.option())
	connect(t, push, endpoint)
	if e := from.next(t, zmq.EventConnectDelayed); e.Endpoint != endpoint {
		t.Errorf("connect delayed: %+v", e)
	}
	connected := from.next(t, zmq.EventConnected)
	if connected.Endpoint != endpoint || connected.Remote != endpoint || connected.Value == 0 {
		t.Errorf("connected: %+v", connected)
	}
	if e := at.next(t, zmq.EventAccepted); e.Endpoint != endpoint || e.Local != endpoint || e.Remote != connected.Local || e.Value == 0 {
		t.Errorf("accepted: %+v, the other end is %s", e, connected.Local)
	}
	if e := at.next(t, zmq.EventHandshakeSucceeded); e.Peer.Type() != "PUSH" || e.Remote != connected.Local {
		t.Errorf("handshake: %+v, peer %q", e, e.Peer.Type())
	}
	if e := from.next(t, zmq.EventHandshakeSucceeded); e.Peer.Type() != "PULL" || e.Remote != endpoint {
		t.Errorf("handshake: %+v, peer %q", e, e.Peer.Type())
	}
	push.Close()
	if e := at.next(t, zmq.EventDisconnected); !errors.Is(e.Err, io.EOF) || e.Peer.Type() != "PUSH" || e.Remote != connected.Local {
		t.Errorf("disconnected: %+v", e)
	}
	if e := from.next(t, zmq.EventDisconnected); e.Endpoint != endpoint {
		t.Errorf("disconnected: %+v", e)
	}
	pull.Close()
	if e := at.next(t, zmq.EventClosed); e.Endpoint != endpoint || e.Value == 0 {
		t.Errorf("closed: %+v", e)
	}
	at.next(t, zmq.EventMonitorStopped)
	if len(at) != 0 {
		t.Errorf("after the last event came %v", <-at)
	}
}

// TestEventOfTooLarge: who loses a connection by a message that is too large is told so.
func TestEventOfTooLarge(t *testing.T) {
	d := newDiary()
	pull := open(t, zmq.PULL, d.option(), zmq.WithMaxMessageSize(1))
	push := open(t, zmq.PUSH)
	connect(t, push, bind(t, pull, "tcp://127.0.0.1:*"))
	if err := push.Send(soon(t), []byte("xx")); err != nil {
		t.Fatal(err)
	}
	if e := d.next(t, zmq.EventDisconnected); !errors.Is(e.Err, zmq.ErrTooLarge) {
		t.Errorf("disconnected: %+v", e)
	}
}

// TestEventsOfARetry: a try in vain tells why, and when the next one is due.
func TestEventsOfARetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		push := open(t, zmq.PUSH, d.option(), zmq.WithReconnect(200*time.Millisecond),
			zmq.WithDialer(func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }))
		connect(t, push, wireEndpoint)
		if e := d.next(t, zmq.EventClosed); !errors.Is(e.Err, syscall.ECONNREFUSED) || e.Endpoint != wireEndpoint {
			t.Errorf("closed: %+v", e)
		}
		e := d.next(t, zmq.EventConnectRetried)
		if e.Value < 200 || e.Value > 300 || !errors.Is(e.Err, syscall.ECONNREFUSED) {
			t.Errorf("connect retried: %+v", e)
		}
		again := d.next(t, zmq.EventConnectDelayed)
		if waited := again.Time.Sub(e.Time).Milliseconds(); uint64(waited) != e.Value {
			t.Errorf("the next try came after %d ms, %d were told", waited, e.Value)
		}
	})
}

func TestEventBindFailed(t *testing.T) {
	d := newDiary()
	endpoint := bind(t, open(t, zmq.PULL), "tcp://127.0.0.1:*")
	pull := open(t, zmq.PULL, d.option())
	if _, err := pull.Bind(endpoint); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("bind: %v", err)
	}
	if e := d.next(t, zmq.EventBindFailed); e.Value != uint64(syscall.EADDRINUSE) || e.Endpoint != endpoint || e.Err == nil {
		t.Errorf("bind failed: %+v", e)
	}
}

// brokenListener fails as it is told.
type brokenListener struct {
	net.Listener
	accept chan error
}

func (l *brokenListener) Accept() (net.Conn, error) {
	if err, broken := <-l.accept; broken {
		return nil, err
	}
	return nil, net.ErrClosed
}

func (l *brokenListener) Close() error {
	close(l.accept)
	return syscall.EIO
}

func (l *brokenListener) Addr() net.Addr { return &net.UnixAddr{Name: "/broken", Net: "unix"} }

func TestEventsOfABrokenListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary()
		pull := open(t, zmq.PULL, d.option())
		l := &brokenListener{accept: make(chan error)}
		if err := pull.ServeListener(l); err != nil {
			t.Fatal(err)
		}
		l.accept <- syscall.EMFILE
		if e := d.next(t, zmq.EventAcceptFailed); e.Value != uint64(syscall.EMFILE) || e.Endpoint != "ipc:///broken" {
			t.Errorf("accept failed: %+v", e)
		}
		pull.Close()
		if e := d.next(t, zmq.EventCloseFailed); e.Value != uint64(syscall.EIO) || e.Endpoint != "ipc:///broken" {
			t.Errorf("close failed: %+v", e)
		}
	})
}

// TestEventsOfFailedHandshakes: each way to fail has its kind, its value and its cause.
func TestEventsOfFailedHandshakes(t *testing.T) {
	hello := func(p *wirePeer) { p.greet(greeting(3, 1, "NULL")) }
	refuses := func(reason string) func(p *wirePeer) {
		return func(p *wirePeer) { hello(p); p.send(wire.AppendError(nil, reason)) }
	}
	protocol, auth := zmq.EventHandshakeFailedProtocol, zmq.EventHandshakeFailedAuth
	for _, c := range []struct {
		name  string
		play  func(p *wirePeer)
		kind  zmq.EventKind
		value uint64
		cause error
	}{
		{"gone", func(p *wirePeer) { p.send(greeting(3, 1, "NULL")[:20]); p.endSending() },
			zmq.EventHandshakeFailedNoDetail, 0, io.ErrUnexpectedEOF},
		{"mechanism", func(p *wirePeer) { p.send(greeting(3, 1, "PLAIN")) },
			protocol, uint64(zmq.ProtocolMechanismMismatch), zmq.ErrProtocol},
		{"socket type", func(p *wirePeer) { hello(p); p.sendReady("Socket-Type", "SUB") },
			protocol, uint64(zmq.ProtocolInvalidMetadata), zmq.ErrProtocol},
		{"no socket type", func(p *wirePeer) { hello(p); p.sendReady() },
			protocol, uint64(zmq.ProtocolInvalidMetadata), zmq.ErrProtocol},
		{"metadata", func(p *wirePeer) { hello(p); p.sendCommand(wire.NameReady, "\x0bSocket-Type\x00\x00\x00\x09PUSH") },
			protocol, uint64(zmq.ProtocolInvalidMetadata), zmq.ErrProtocol},
		{"message", func(p *wirePeer) { hello(p); p.sendMsg("too early") },
			protocol, uint64(zmq.ProtocolUnexpectedCommand), zmq.ErrProtocol},
		{"command", func(p *wirePeer) { hello(p); p.sendCommand("HELLO", "") },
			protocol, uint64(zmq.ProtocolUnexpectedCommand), zmq.ErrProtocol},
		{"malformed command", func(p *wirePeer) { hello(p); p.send([]byte{wire.FlagCommand, 1, 200}) },
			protocol, uint64(zmq.ProtocolMalformedCommand), zmq.ErrProtocol},
		{"too large a command", func(p *wirePeer) { hello(p); p.send([]byte{wire.FlagCommand | wire.FlagLong, 0, 0, 0, 0, 0, 9, 0, 0}) },
			protocol, uint64(zmq.ProtocolMalformedCommand), zmq.ErrProtocol},
		{"reserved bits", func(p *wirePeer) { hello(p); p.send([]byte{0x84, 0}) },
			protocol, uint64(zmq.ProtocolUnspecified), zmq.ErrProtocol},
		{"300", refuses("300"), auth, 300, zmq.ErrAuth},
		{"400", refuses("400"), auth, 400, zmq.ErrAuth},
		{"500", refuses("500"), auth, 500, zmq.ErrAuth},
		{"reason", refuses("not you"), protocol, uint64(zmq.ProtocolUnspecified), zmq.ErrProtocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDiary()
			pull := open(t, zmq.PULL, d.option())
			endpoint := bind(t, pull, "tcp://127.0.0.1:*")
			p := dialWire(t, pull)
			c.play(p)
			e := d.next(t, c.kind)
			if e.Value != c.value || e.Endpoint != endpoint || e.Remote != "tcp://"+p.conn.LocalAddr().String() {
				t.Errorf("the event is %+v, want value %#x", e, c.value)
			}
			var failed *zmq.HandshakeError
			if !errors.As(e.Err, &failed) || !errors.Is(e.Err, c.cause) || failed.Peer != e.Remote {
				t.Errorf("the cause is %v, want %v", e.Err, c.cause)
			}
		})
	}
}

// TestEventsLoop: it begins with the call, and Close ends it after the last event.
func TestEventsLoop(t *testing.T) {
	pull := open(t, zmq.PULL)
	bind(t, pull, "tcp://127.0.0.1:*")
	loop := pull.Events(context.Background())
	second := bind(t, pull, "tcp://127.0.0.1:*")
	pull.Close()
	var got []zmq.Event
	for e := range loop {
		got = append(got, e)
	}
	if len(got) != 4 || got[0].Kind != zmq.EventListening || got[0].Endpoint != second || got[3].Kind != zmq.EventMonitorStopped {
		t.Errorf("the events are %v", got)
	}
	for e := range pull.Events(context.Background()) {
		t.Errorf("a closed socket has the event %v", e)
	}
}

func TestEventsLoopEndsWithContext(t *testing.T) {
	pull := open(t, zmq.PULL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	loop := pull.Events(ctx)
	bind(t, pull, "tcp://127.0.0.1:*")
	n := 0
	for range loop {
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("the loop saw %d events, want 1", n)
	}
	for range pull.Events(ctx) {
		t.Error("a loop whose context has ended saw an event that was before it")
	}
}

// TestEventsLoopLeft: who leaves a loop gets no more, and others still do.
func TestEventsLoopLeft(t *testing.T) {
	pull := open(t, zmq.PULL)
	left, other := pull.Events(t.Context()), pull.Events(t.Context())
	first := bind(t, pull, "tcp://127.0.0.1:*")
	for e := range left {
		if e.Endpoint != first {
			t.Errorf("the event is %v", e)
		}
		break
	}
	second := bind(t, pull, "tcp://127.0.0.1:*")
	pull.Close()
	var seen []string
	for e := range other {
		if e.Kind == zmq.EventListening {
			seen = append(seen, e.Endpoint)
		}
	}
	if fmt.Sprint(seen) != fmt.Sprint([]string{first, second}) {
		t.Errorf("the other loop saw %v", seen)
	}
	for e := range left {
		t.Errorf("the loop that was left still gets %v", e)
	}
}

// TestEventsLoopSeesTheEnd: what happens while the loop is busy comes before
// its end.
func TestEventsLoopSeesTheEnd(t *testing.T) {
	for range 20 {
		pull := open(t, zmq.PULL)
		loop := pull.Events(context.Background())
		bind(t, pull, "tcp://127.0.0.1:*")
		last := zmq.Event{}
		for e := range loop {
			pull.Close()
			last = e
		}
		if last.Kind != zmq.EventMonitorStopped {
			t.Fatalf("the last event is %v", last)
		}
	}
}

// TestEventsLost: what a slow loop has no time for is counted.
func TestEventsLost(t *testing.T) {
	endpoint := bind(t, open(t, zmq.PULL), "tcp://127.0.0.1:*")
	pull := open(t, zmq.PULL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	loop := pull.Events(ctx)
	for range 1100 {
		if _, err := pull.Bind(endpoint); err == nil {
			t.Fatal("bound twice")
		}
	}
	counts := map[zmq.EventKind]int{}
	for e := range loop {
		if e.Kind == zmq.EventsLost {
			counts[e.Kind] = int(e.Value)
			cancel()
			continue
		}
		counts[e.Kind]++
	}
	if counts[zmq.EventBindFailed] != 1000 || counts[zmq.EventsLost] != 100 {
		t.Errorf("of 1100 events these came: %v", counts)
	}
}

// TestEventsOfABadSocket: nothing will ever happen to it.
func TestEventsOfABadSocket(t *testing.T) {
	pull := zmq.NewPull(zmq.WithRecvHWM(-1))
	defer pull.Close()
	for e := range pull.Events(context.Background()) {
		t.Error(e)
	}
}

// TestEventsCallbackCallsTheSocket: it may, from any event.
func TestEventsCallbackCallsTheSocket(t *testing.T) {
	var push *zmq.Socket
	sockets, counts := make(chan *zmq.Socket, 1), make(chan int, 64)
	endpoint := bind(t, open(t, zmq.PULL), "tcp://127.0.0.1:*")
	push = open(t, zmq.PUSH, zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeSucceeded {
			s := <-sockets
			s.Ready()
			s.MonitorPipes()
			counts <- len(s.Stats().Peers) + s.Peers()
		}
	}))
	sockets <- push
	connect(t, push, endpoint)
	if n := <-counts; n != 2 {
		t.Errorf("the callback counted %d, want 2", n)
	}
}

// TestEventsOfTwo: who names a function does not deafen one that was named before.
func TestEventsOfTwo(t *testing.T) {
	first, second := newDiary(), newDiary()
	pull := open(t, zmq.PULL, first.option(), second.option(), zmq.WithEvents(nil))
	if _, err := pull.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	first.next(t, zmq.EventListening)
	second.next(t, zmq.EventListening)
}
