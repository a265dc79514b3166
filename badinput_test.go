package zmq_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// fails wants an error of an operation: an OpError that names the operation,
// the socket type and the endpoint, if there is one, and has this cause.
func fails(t testing.TB, s *zmq.Socket, err error, op, endpoint string, cause error) {
	t.Helper()
	var e *zmq.OpError
	switch {
	case !errors.As(err, &e):
		t.Errorf("%s %s: the error is %v, want an OpError", op, endpoint, err)
	case e.Op != op || e.Type != s.Type() || e.Endpoint != endpoint:
		t.Errorf("the error is of %s %s %q, want %s %s %q", e.Op, e.Type, e.Endpoint, op, s.Type(), endpoint)
	case !errors.Is(err, cause):
		t.Errorf("%s %s: %v, want %v", op, endpoint, err, cause)
	case !strings.Contains(err.Error(), op) || !strings.Contains(err.Error(), endpoint) || strings.Count(err.Error(), "zmq:") != 1:
		t.Errorf("%s %s: the error says %q", op, endpoint, err)
	case e.Timeout() != errors.Is(cause, os.ErrDeadlineExceeded):
		t.Errorf("%s: Timeout is %t of %v", op, e.Timeout(), err)
	}
}

// works wants a PULL to receive from a PUSH by a new endpoint.
func works(t testing.TB, push, pull *zmq.Socket) {
	t.Helper()
	connect(t, push, bind(t, pull, "tcp://127.0.0.1:*"))
	say(t, push, "it works")
	expectHeard(t, pull, "it works")
}

func TestBadEndpoints(t *testing.T) {
	leak.Check(t)
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	both := []string{
		"", "tcp", "tcp:", "tcp:/127.0.0.1:1", "://", "tcp://", "tcp://127.0.0.1", "tcp://127.0.0.1:", "tcp://127.0.0.1:http",
		"tcp://127.0.0.1:-1", "tcp://127.0.0.1:65536", "tcp://127.0.0.1:99999999999", "tcp://a/b:1", "tcp://::1:x", "tcp://[::1:1",
		"udp://127.0.0.1:1", "pgm://127.0.0.1:1", "TCP://127.0.0.1:1", "http://127.0.0.1:1",
		"ipc://", "ipc://@", "ipc:///a\x00b", "ipc:///" + strings.Repeat("x", 200), "inproc://", "inproc://" + strings.Repeat("x", 257),
	}
	for _, endpoint := range both {
		_, err := pull.Bind(endpoint)
		fails(t, pull, err, "bind", endpoint, zmq.ErrInvalid)
		fails(t, push, push.Connect(endpoint), "connect", endpoint, zmq.ErrInvalid)
	}
	for _, endpoint := range []string{"tcp://*:5555", "tcp://:5555", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "ipc://*", "tcp://-a:1", "tcp://a b:1", "tcp://*:0;127.0.0.1:1"} {
		fails(t, push, push.Connect(endpoint), "connect", endpoint, zmq.ErrInvalid)
	}
	endpoint := "tcp://127.0.0.1:0;127.0.0.1:5555"
	_, err := pull.Bind(endpoint)
	fails(t, pull, err, "bind", endpoint, zmq.ErrInvalid)
	endpoint = "tcp://[::1]:*"
	_, err = pull.Bind(endpoint)
	fails(t, pull, err, "bind", endpoint, zmq.ErrInvalid) // without WithIPv6
	for endpoint, cause := range map[string]error{
		"tcp://192.0.2.1:*":           syscall.EADDRNOTAVAIL, // RFC 5737: for documentation
		"tcp://nointerface:*":         syscall.ENODEV,
		"ipc:///no/such/directory/at": syscall.ENOENT,
	} {
		_, err := pull.Bind(endpoint)
		fails(t, pull, err, "bind", endpoint, cause)
	}
	for _, s := range []*zmq.Socket{push, pull} {
		if got := optionOf(t, s, "last_endpoint"); got != "" || s.TrySend(nil) == nil {
			t.Errorf("%s has an endpoint %q", s.Type(), got)
		}
	}
	works(t, push, pull)
}

func TestStreamOnInproc(t *testing.T) {
	s := open(t, zmq.STREAM)
	_, err := s.Bind("inproc://stream")
	fails(t, s, err, "bind", "inproc://stream", zmq.ErrNotSupported)
	fails(t, s, s.Connect("inproc://stream"), "connect", "inproc://stream", zmq.ErrNotSupported)
	pull := open(t, zmq.PULL)
	bind(t, pull, "inproc://stream") // the name is free
	fails(t, s, s.Connect("inproc://stream"), "connect", "inproc://stream", zmq.ErrNotSupported)
	pub := open(t, zmq.PUB)
	fails(t, pub, pub.Connect("inproc://stream"), "connect", "inproc://stream", zmq.ErrInvalid)
	if pull.Peers() != 0 || pub.Peers() != 0 {
		t.Error("a PUB has joined a PULL")
	}
}

// TestNameInUse: a second bind fails, on the same socket and on another, and
// harms neither.
func TestNameInUse(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://in-use"} {
		push, pull, other := open(t, zmq.PUSH), open(t, zmq.PULL), open(t, zmq.PULL)
		endpoint := bind(t, pull, at)
		for _, s := range []*zmq.Socket{pull, other} {
			_, err := s.Bind(endpoint)
			fails(t, s, err, "bind", endpoint, syscall.EADDRINUSE)
		}
		connect(t, push, endpoint)
		say(t, push, "first")
		expectHeard(t, pull, "first")
		works(t, open(t, zmq.PUSH), other)
		if err := pull.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		if got := bind(t, other, endpoint); got != endpoint {
			t.Errorf("bound to %s, want %s", got, endpoint)
		}
	}
}

// TestMissingVerbs: what a type can't do is refused, and does no harm.
func TestMissingVerbs(t *testing.T) {
	leak.Check(t)
	ctx := soon(t)
	for _, typ := range []zmq.Type{zmq.PULL, zmq.SUB} {
		s := open(t, typ)
		fails(t, s, s.Send(ctx, []byte("a")), "send", "", zmq.ErrNotSupported)
		fails(t, s, s.TrySend([]byte("a")), "send", "", zmq.ErrNotSupported)
		m := zmq.MsgFromStrings("a", "b")
		fails(t, s, s.SendMsg(ctx, &m), "send", "", zmq.ErrNotSupported)
		if len(m.Frames) != 2 {
			t.Errorf("%s: SendMsg took the message", typ)
		}
	}
	for _, typ := range []zmq.Type{zmq.PUSH, zmq.PUB} {
		s := open(t, typ)
		_, err := s.Recv(ctx)
		fails(t, s, err, "recv", "", zmq.ErrNotSupported)
		_, err = s.TryRecv()
		fails(t, s, err, "recv", "", zmq.ErrNotSupported)
		fails(t, s, s.RecvInto(ctx, &zmq.Msg{}), "recv", "", zmq.ErrNotSupported)
		n := 0
		for _, err := range s.Msgs(ctx) {
			n++
			fails(t, s, err, "recv", "", zmq.ErrNotSupported)
		}
		if n != 1 {
			t.Errorf("%s: Msgs yields %d errors", typ, n)
		}
	}
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		s := open(t, typ)
		if typ != zmq.SUB && typ != zmq.XSUB && typ != zmq.XPUB {
			fails(t, s, s.Subscribe("a"), "subscribe", "", zmq.ErrNotSupported)
			fails(t, s, s.Unsubscribe("a"), "unsubscribe", "", zmq.ErrNotSupported)
		}
		if typ != zmq.PUB && typ != zmq.XPUB {
			fails(t, s, s.WaitSubscribers(ctx, "", 0), "wait subscribers", "", zmq.ErrNotSupported)
		}
		if typ != zmq.REQ && typ != zmq.DEALER {
			_, err := s.Request(ctx, []byte("a"))
			fails(t, s, err, "request", "", zmq.ErrNotSupported)
		}
		if typ != zmq.REP && typ != zmq.ROUTER {
			fails(t, s, zmq.Serve(ctx, s, zmq.HandlerFunc(echo)), "serve", "", zmq.ErrNotSupported)
		}
	}
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	_, err := push.TryRecv()
	fails(t, push, err, "recv", "", zmq.ErrNotSupported)
	fails(t, pull, pull.TrySend(nil), "send", "", zmq.ErrNotSupported)
	works(t, push, pull)
}

// TestOutOfTurn: REQ and REP refuse to speak out of turn, and go on where they were.
func TestOutOfTurn(t *testing.T) {
	leak.Check(t)
	req, rep := open(t, zmq.REQ), open(t, zmq.REP)
	connect(t, req, bind(t, rep, "tcp://127.0.0.1:*"))
	sends := func(s *zmq.Socket) {
		t.Helper()
		fails(t, s, s.TrySend([]byte("out of turn")), "send", "", zmq.ErrState)
		fails(t, s, s.Send(soon(t), []byte("out of turn")), "send", "", zmq.ErrState)
		m := zmq.MsgFromStrings("out of turn")
		if fails(t, s, s.SendMsg(soon(t), &m), "send", "", zmq.ErrState); len(m.Frames) != 1 {
			t.Error("SendMsg took the message")
		}
	}
	receives := func(s *zmq.Socket) {
		t.Helper()
		_, err := s.TryRecv()
		fails(t, s, err, "recv", "", zmq.ErrState)
		_, err = s.Recv(soon(t))
		fails(t, s, err, "recv", "", zmq.ErrState)
	}
	for range 3 {
		receives(req)
		sends(rep)
		say(t, req, "request")
		sends(req)
		expectHeard(t, rep, "request")
		receives(rep)
		sends(req)
		say(t, rep, "reply")
		sends(rep)
		expectHeard(t, req, "reply")
		receives(req)
	}
}

// TestTooSmallAndTooLarge: messages of no frame, long topics and identities.
func TestTooSmallAndTooLarge(t *testing.T) {
	leak.Check(t)
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, bind(t, pull, "inproc://"+t.Name()))
	fails(t, push, push.Send(soon(t)), "send", "", zmq.ErrInvalid)
	fails(t, push, push.TrySend(), "send", "", zmq.ErrInvalid)
	fails(t, push, push.SendMsg(soon(t), &zmq.Msg{}), "send", "", zmq.ErrInvalid)
	expectNone(t, pull)
	say(t, push, "")
	expectHeard(t, pull, "")

	sub, xsub := open(t, zmq.SUB), open(t, zmq.XSUB)
	longest := strings.Repeat("t", 64<<10)
	for _, s := range []*zmq.Socket{sub, xsub} {
		fails(t, s, s.Subscribe(longest+"t"), "subscribe", "", zmq.ErrTooLarge)
		if err := s.Subscribe(longest); err != nil {
			t.Errorf("%s: %v", s.Type(), err)
		}
		fails(t, s, s.Unsubscribe(longest+"t"), "unsubscribe", "", zmq.ErrTooLarge)
		if err := s.Unsubscribe(longest); err != nil {
			t.Errorf("%s: %v", s.Type(), err)
		}
	}
	fails(t, xsub, xsub.TrySend([]byte("\x01"+longest+"t")), "send", "", zmq.ErrTooLarge)
	fails(t, sub, sub.Unsubscribe("never"), "unsubscribe", "", zmq.ErrNotFound)

	dealer := open(t, zmq.DEALER, zmq.WithRoutingID("fits"))
	for _, id := range []string{strings.Repeat("i", 256), strings.Repeat("i", 1<<20)} {
		fails(t, dealer, dealer.Set(zmq.WithRoutingID(id)), "set", "", zmq.ErrTooLarge)
	}
	fails(t, dealer, dealer.Set(zmq.WithRoutingID("\x00")), "set", "", zmq.ErrInvalid)
	if got := optionOf(t, dealer, "routing_id"); got != "fits" {
		t.Errorf("the identity became %.20q", got)
	}
	if err := dealer.Set(zmq.WithRoutingID(strings.Repeat("i", 255))); err != nil {
		t.Error(err)
	}
}

func TestUnknownEndpoints(t *testing.T) {
	leak.Check(t)
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	bound := bind(t, pull, "tcp://127.0.0.1:*")
	connect(t, push, bound)
	say(t, push, "before")
	for _, endpoint := range []string{"", "nonsense", "tcp://127.0.0.1:1", "inproc://nobody", "ipc:///nobody"} {
		fails(t, pull, pull.Unbind(endpoint), "unbind", endpoint, zmq.ErrNotFound)
		fails(t, push, push.Disconnect(endpoint), "disconnect", endpoint, zmq.ErrNotFound)
	}
	fails(t, push, push.Unbind(bound), "unbind", bound, zmq.ErrNotFound)         // it connected
	fails(t, pull, pull.Disconnect(bound), "disconnect", bound, zmq.ErrNotFound) // it bound
	say(t, push, "after")
	expectHeard(t, pull, "before")
	expectHeard(t, pull, "after")
}

// TestClosedSocket: every method of a closed socket says so.
func TestClosedSocket(t *testing.T) {
	leak.Check(t)
	for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
		s := open(t, typ)
		endpoint := bind(t, s, "tcp://127.0.0.1:*")
		b, err := s.Bind("tcp://127.0.0.1:*")
		if err != nil {
			t.Fatal(err)
		}
		connect(t, s, "ipc:///nobody")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for name, do := range methods(t.Context()) {
			for _, endpoint := range []string{endpoint, "ipc:///nobody", "tcp://127.0.0.1:1"} {
				err := do(s, endpoint)
				var op *zmq.OpError
				if !errors.Is(err, zmq.ErrClosed) || !errors.Is(err, net.ErrClosed) || !errors.As(err, &op) || op.Type != typ {
					t.Errorf("%s %s %s: %v, want ErrClosed", typ, name, endpoint, err)
				}
			}
		}
		switch typ {
		case zmq.SUB, zmq.XSUB, zmq.XPUB:
			fails(t, s, s.Subscribe("a"), "subscribe", "", zmq.ErrClosed)
			fails(t, s, s.Unsubscribe("a"), "unsubscribe", "", zmq.ErrClosed)
		case zmq.REQ, zmq.DEALER:
			_, err := s.Request(soon(t), []byte("a"))
			fails(t, s, err, "request", "", zmq.ErrClosed)
		case zmq.REP, zmq.ROUTER:
			fails(t, s, zmq.Serve(soon(t), s, zmq.HandlerFunc(echo)), "serve", "", zmq.ErrClosed)
		}
		if typ == zmq.PUB || typ == zmq.XPUB {
			fails(t, s, s.WaitSubscribers(soon(t), "", 0), "wait subscribers", "", zmq.ErrClosed)
		}
		for range s.Msgs(soon(t)) {
			t.Errorf("%s: Msgs yields", typ)
		}
		_ = b.Close() // it is closed already
		if s.Ready() != zmq.CanRecv|zmq.CanSend {
			t.Errorf("%s: Ready is %v", typ, s.Ready())
		}
		if err := errors.Join(s.Close(), s.Shutdown(t.Context())); err != nil {
			t.Errorf("%s: closed again: %v", typ, err)
		}
	}
}
