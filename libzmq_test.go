package zmq_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// What libzmq's own tests found, run through the C interface.

// TestLibzmqMaySend: whether a message may go is known by its first frame.
func TestLibzmqMaySend(t *testing.T) {
	leak.Check(t)
	req, rep := open(t, zmq.REQ), open(t, zmq.REP)
	router := open(t, zmq.ROUTER, zmq.WithRouterMandatory(true))
	for s, want := range map[*zmq.Socket]error{
		router: zmq.ErrNoPeer, rep: zmq.ErrState, req: zmq.ErrAgain, open(t, zmq.PUSH): zmq.ErrAgain,
		open(t, zmq.SUB): zmq.ErrNotSupported, open(t, zmq.PUB): nil, open(t, zmq.ROUTER): nil,
	} {
		if err := s.MaySend([]byte("A")); !errors.Is(err, want) {
			t.Errorf("%s may send: %v, want %v", s.Type(), err, want)
		}
	}
	connect(t, req, bind(t, rep, "tcp://127.0.0.1:*"))
	awaitPeers(t, req, 1)
	for range 2 { // it changes nothing
		if err := req.MaySend([]byte("A")); err != nil {
			t.Errorf("a REQ with a peer may send: %v", err)
		}
	}
	say(t, req, "A")
	if err := req.MaySend([]byte("A")); !errors.Is(err, zmq.ErrState) {
		t.Errorf("a REQ that waits may send: %v", err)
	}
	expectHeard(t, rep, "A")
	if err := rep.MaySend([]byte("A")); err != nil {
		t.Errorf("a REP that was asked may send: %v", err)
	}
	req.Close()
	if err := req.MaySend([]byte("A")); !errors.Is(err, zmq.ErrClosed) {
		t.Errorf("a closed REQ may send: %v", err)
	}
}

// TestLibzmqRebind: what a closing socket had bound is free at once
// (test_rebind_ipc).
func TestLibzmqRebind(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://rebind"} {
		first, second := open(t, zmq.PUSH, zmq.WithLinger(-1)), open(t, zmq.PUSH)
		endpoint := bind(t, first, at)
		first.CloseAsync()
		bind(t, second, endpoint)
		pull := open(t, zmq.PULL)
		connect(t, pull, endpoint)
		say(t, second, "42")
		expectHeard(t, pull, "42")
	}
}

// TestLibzmqInprocMarkIsLive: a mark that is set later counts, with that of the
// other end (test_sockopt_hwm).
func TestLibzmqInprocMarkIsLive(t *testing.T) {
	leak.Check(t)
	for at, bindFirst := range map[string]bool{"inproc://bound": true, "inproc://connected": false} {
		push, pull := open(t, zmq.PUSH, zmq.WithSendHWM(1)), open(t, zmq.PULL, zmq.WithRecvHWM(1))
		if bindFirst {
			bind(t, push, at)
		}
		connect(t, pull, at)
		if !bindFirst {
			bind(t, push, at)
		}
		for _, mark := range []int{5, 2} {
			if err := push.Set(zmq.WithSendHWM(mark)); err != nil {
				t.Fatal(err)
			}
			n := 0
			for push.TrySend([]byte{}) == nil {
				n++
			}
			if n != mark+1 {
				t.Errorf("mark %d: %d messages went, want %d", mark, n, mark+1)
			}
			for range n {
				expectHeard(t, pull, "")
			}
		}
	}
}

// TestLibzmqPairFeedsPull: within a process a PAIR may feed a PULL
// (test_inproc_connect).
func TestLibzmqPairFeedsPull(t *testing.T) {
	leak.Check(t)
	pair, pull := open(t, zmq.PAIR), open(t, zmq.PULL)
	bind(t, pull, "inproc://sink")
	connect(t, pair, "inproc://sink")
	say(t, pair, "foobar")
	expectHeard(t, pull, "foobar")

	push, other := open(t, zmq.PUSH), open(t, zmq.PAIR)
	connect(t, push, "inproc://source")
	bind(t, other, "inproc://source")
	say(t, push, "foobar")
	expectHeard(t, other, "foobar")
}

// TestLibzmqCloseBeforeBind: what was sent to a name that nobody had bound yet
// outlives its sender, as long as that lingers (test_inproc_connect).
func TestLibzmqCloseBeforeBind(t *testing.T) {
	leak.Check(t)
	push := open(t, zmq.PUSH, zmq.WithLinger(-1))
	connect(t, push, "inproc://later")
	say(t, push, "A")
	push.CloseAsync()
	pull := open(t, zmq.PULL)
	bind(t, pull, "inproc://later")
	expectHeard(t, pull, "A")
	push.Close()

	// Nothing waits: nothing is waited for. Nor beyond the linger time.
	sub := open(t, zmq.SUB, zmq.WithLinger(-1))
	if err := sub.Subscribe(""); err != nil {
		t.Fatal(err)
	}
	connect(t, sub, "inproc://never")
	sub.Close()
	push = open(t, zmq.PUSH, zmq.WithLinger(0))
	connect(t, push, "inproc://never")
	say(t, push, "A")
	push.Close()
}

// TestLibzmqStreamSendsAtOnce: who is named before the connect can be sent to
// before the connection is up (test_connect_rid).
func TestLibzmqStreamSendsAtOnce(t *testing.T) {
	leak.Check(t)
	server := open(t, zmq.STREAM, zmq.WithStreamNotify(false))
	client := open(t, zmq.STREAM, zmq.WithStreamNotify(false), zmq.WithConnectRoutingID("peer"))
	connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
	if err := client.TrySend([]byte("peer"), []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if m := hear(t, server); len(m) != 2 || m[0][0] != 0 || m[1] != "hi" {
		t.Errorf("came %q", m)
	}
}

// TestLibzmqStreamEnd: an end that the user makes is told to the peer alone
// (test_stream_disconnect).
func TestLibzmqStreamEnd(t *testing.T) {
	leak.Check(t)
	server, client := open(t, zmq.STREAM), open(t, zmq.STREAM, zmq.WithReconnect(-1))
	connect(t, client, bind(t, server, "tcp://127.0.0.1:*"))
	there, here := hear(t, server)[0], hear(t, client)[0]
	say(t, client, here, "")
	expectHeard(t, server, there, "")
	for client.Peers() > 0 {
		waitChange(t, client)
	}
	expectNone(t, client)
}

// TestLibzmqManualCancels: with XPubManual each peer's cancellation is told, also
// when it just goes (test_xpub_manual).
func TestLibzmqManualCancels(t *testing.T) {
	leak.Check(t)
	xpub := open(t, zmq.XPUB, zmq.WithXPubManual(true))
	endpoint := bind(t, xpub, "tcp://127.0.0.1:*")
	subs := []*zmq.Socket{open(t, zmq.SUB), open(t, zmq.SUB)}
	for _, sub := range subs {
		connect(t, sub, endpoint)
		if err := sub.Subscribe("1"); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, xpub, "\x011")
		if err := xpub.Subscribe("1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range subs {
		sub.Close()
		expectHeard(t, xpub, "\x001")
	}
	expectNone(t, xpub)
}

// TestLibzmqTurns: peers take turns in the order of their connections, however
// long their handshakes took (test_spec_req).
func TestLibzmqTurns(t *testing.T) {
	leak.Check(t)
	push := open(t, zmq.PUSH)
	bind(t, push, "tcp://127.0.0.1:*")
	peers := []*wirePeer{dialWire(t, push), dialWire(t, push), dialWire(t, push)}
	for _, i := range []int{2, 0, 1} {
		peers[i].handshake("PULL")
		peers[i].sync()
	}
	awaitPeers(t, push, 3)
	for i, p := range peers {
		say(t, push, string(rune('A'+i)))
		p.expectMsg(string(rune('A' + i)))
	}
}

// TestLibzmqMonitorOfHandshake: a monitor tells, as libzmq's does, that a
// connection is gone whose handshake failed (test_stream_timeout), and not what
// the socket itself ends (test_monitor).
func TestLibzmqMonitorOfHandshake(t *testing.T) {
	leak.Check(t)
	pull := open(t, zmq.PULL)
	const mask = zmq.EventAccepted | zmq.EventDisconnected | zmq.EventMonitorStopped
	if err := pull.Monitor("inproc://monitor", mask, 1); err != nil {
		t.Fatal(err)
	}
	ear := open(t, zmq.PAIR)
	connect(t, ear, "inproc://monitor")
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	dialWire(t, pull).cut()
	push := open(t, zmq.PUSH)
	wants := []zmq.EventKind{zmq.EventAccepted, zmq.EventDisconnected, zmq.EventAccepted, zmq.EventMonitorStopped}
	for i, want := range wants {
		switch i {
		case 2:
			connect(t, push, endpoint)
			awaitPeers(t, pull, 1)
		case 3:
			pull.Close()
		}
		if kind, _, _ := v1(t, ear); kind != want {
			t.Fatalf("event %d is %s, want %s", i, kind, want)
		}
	}
}

// TestLibzmqAccept: who is turned away gets no further, and others do
// (test_tcp_accept_filter, test_filter_ipc).
func TestLibzmqAccept(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
		turned := make(chan zmq.Event, 1)
		calls := 0
		pull := open(t, zmq.PULL, zmq.WithAccept(func(net.Conn) bool { calls++; return calls > 1 }), zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventAcceptFailed {
				turned <- e
			}
		}))
		push := open(t, zmq.PUSH)
		endpoint := bind(t, pull, at)
		connect(t, push, endpoint)
		say(t, push, "A") // by its second connection
		expectHeard(t, pull, "A")
		if e := <-turned; e.Endpoint != endpoint || e.Err == nil {
			t.Errorf("the event is %s", e)
		}
	}
}

// TestLibzmqDescriptor: a message tells by which descriptor it came (test_srcfd).
func TestLibzmqDescriptor(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "inproc://descriptor"} {
		push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
		connect(t, push, bind(t, pull, at))
		say(t, push, "A")
		m, err := pull.Recv(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if has, want := m.Peer().Descriptor() != 0, at[:3] == "tcp"; has != want {
			t.Errorf("%s: there is a descriptor: %t, want %t", at, has, want)
		}
	}
}
