package zmq_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/zmqtest"
)

// gone waits until a socket has n peers or fewer.
func gone(t testing.TB, s *zmq.Socket, n int) {
	t.Helper()
	changed := make(chan struct{}, 1)
	s.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer s.OnChange(nil)
	for over := soon(t).Done(); s.Peers() > n; {
		select {
		case <-changed:
		case <-over:
			t.Fatalf("%s keeps %d peers, want %d", s.Type(), s.Peers(), n)
		}
	}
}

// TestUnbindNames: an endpoint goes by the name that was given to Bind and by
// the one that it resolved to, one bind for each call.
func TestUnbindNames(t *testing.T) {
	leak.Check(t)
	for _, given := range []string{"tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "ipc://*", "ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://names"} {
		s, other := open(t, zmq.PULL), open(t, zmq.PULL)
		resolved := bind(t, s, given)
		if err := s.Unbind(resolved); err != nil {
			t.Errorf("%s: Unbind(%s): %v", given, resolved, err)
		}
		bind(t, s, given)
		if err := s.Unbind(given); err != nil {
			t.Errorf("%s: %v", given, err)
		}
		fails(t, s, s.Unbind(given), "unbind", given, zmq.ErrNotFound)
		if given != "ipc://*" { // its directory has gone with it
			bind(t, other, resolved)
		}
		if given == resolved {
			continue
		}
		bind(t, s, given)
		bind(t, s, given)
		for range 2 {
			if err := s.Unbind(given); err != nil {
				t.Errorf("%s: %v", given, err)
			}
		}
		fails(t, s, s.Unbind(given), "unbind", given, zmq.ErrNotFound)
	}
}

func TestBindingClose(t *testing.T) {
	leak.Check(t)
	s := open(t, zmq.PULL)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://" + filepath.Join(t.TempDir(), "s"), "inproc://binding"} {
		first, err := s.Bind(at)
		if err != nil {
			t.Fatal(err)
		}
		if inproc := strings.HasPrefix(at, "inproc"); (first.Addr() == nil) != inproc {
			t.Errorf("%s: the address is %v", at, first.Addr())
		}
		if err := first.Close(); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		fails(t, s, first.Close(), "unbind", first.Endpoint(), zmq.ErrNotFound)
		second, err := s.Bind(first.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		fails(t, s, first.Close(), "unbind", first.Endpoint(), zmq.ErrNotFound) // not that of another
		if err := second.Close(); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
}

// TestDisconnectOnePerCall: each Disconnect ends one of two connections.
func TestDisconnectOnePerCall(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://one-per-call"} {
		pull, push := open(t, zmq.PULL), open(t, zmq.PUSH)
		endpoint := bind(t, pull, at)
		connect(t, push, endpoint)
		connect(t, push, endpoint)
		awaitPeers(t, push, 2)
		awaitPeers(t, pull, 2)
		for left := 1; left >= 0; left-- {
			if err := push.Disconnect(endpoint); err != nil {
				t.Fatal(err)
			}
			gone(t, pull, left)
			gone(t, push, left)
			if pull.Peers() != left || push.Peers() != left {
				t.Errorf("%s: %d and %d peers are left, want %d", at, pull.Peers(), push.Peers(), left)
			}
			if err := push.TrySend([]byte("x")); (err == nil) != (left > 0) {
				t.Errorf("%s: with %d connections left: %v", at, left, err)
			}
		}
		fails(t, push, push.Disconnect(endpoint), "disconnect", endpoint, zmq.ErrNotFound)
		expectHeard(t, pull, "x")
		expectNone(t, pull)
	}
}

// TestDisconnectSendsQueued: what is queued still goes out, and nothing new.
func TestDisconnectSendsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, dials.dialer(), zmq.WithLinger(time.Minute))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		p.handshake("PULL")
		for i := range 5 {
			say(t, s, fmt.Sprint(i))
		}
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		if err := s.TrySend([]byte("new")); !errors.Is(err, zmq.ErrAgain) {
			t.Errorf("after Disconnect: %v", err)
		}
		synctest.Wait()
		for i := range 5 {
			p.expectMsg(fmt.Sprint(i))
		}
		p.expectEnd()
	})
}

// TestDisconnectLingers: a peer that does not read is given the linger time.
func TestDisconnectLingers(t *testing.T) {
	for _, linger := range []time.Duration{0, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			d := newDiary()
			s, _ := unread(t, newWireDials(t), d.option(), zmq.WithLinger(linger))
			start := time.Now()
			if err := s.Disconnect(wireEndpoint); err != nil {
				t.Fatal(err)
			}
			d.next(t, zmq.EventDisconnected)
			if took := time.Since(start); took != linger {
				t.Errorf("the connection ended after %v, want %v", took, linger)
			}
		})
	}
}

// TestUnbindSendsQueued: more than the kernel holds is queued for a peer that
// does not read; after Unbind it gets all.
func TestUnbindSendsQueued(t *testing.T) {
	leak.Check(t)
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
		push, pull := open(t, zmq.PUSH, zmq.WithLinger(patience)), open(t, zmq.PULL, zmq.WithRecvHWM(1))
		endpoint := bind(t, push, at)
		connect(t, pull, endpoint)
		awaitPeers(t, push, 1)
		const messages = 40
		body := strings.Repeat("x", 512<<10)
		for range messages {
			say(t, push, body)
		}
		if err := push.Unbind(endpoint); err != nil {
			t.Fatal(err)
		}
		for range messages {
			expectHeard(t, pull, body)
		}
		gone(t, push, 0)
	}
}

// TestUnbindLetsNobodyIn: who is still shaking hands when the endpoint goes is not let in,
// though others are waited for: what was sent to it would be lost.
func TestUnbindLetsNobodyIn(t *testing.T) {
	s := open(t, zmq.DEALER, zmq.WithLinger(patience))
	endpoint := bind(t, s, "tcp://127.0.0.1:*")
	slow := dialWire(t, s)
	slow.handshake("DEALER")
	late := dialWire(t, s)
	late.send(greeting(3, 1, "NULL"))
	late.recv(len(ours))
	say(t, s, string(make([]byte, 16<<20)))
	if err := s.Unbind(endpoint); err != nil {
		t.Fatal(err)
	}
	late.sendReady("Socket-Type", "DEALER")
	late.rest()
	if n := s.Peers(); n > 1 {
		t.Errorf("there are %d peers", n)
	}
	slow.cut()
}

// TestDisconnectInEvent: what is queued is sent though the endpoint goes while the event
// of its connection is still being told.
func TestDisconnectInEvent(t *testing.T) {
	for _, immediate := range []bool{false, true} {
		told := make(chan struct{})
		pull := open(t, zmq.PULL, zmq.WithRecvHWM(1))
		push := open(t, zmq.PUSH, zmq.WithImmediate(immediate), zmq.WithLinger(patience), zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventHandshakeSucceeded {
				<-told
			}
		}))
		endpoint := bind(t, pull, "tcp://127.0.0.1:*")
		connect(t, push, endpoint)
		awaitPeers(t, push, 1)
		const messages = 40
		body := strings.Repeat("x", 512<<10)
		for range messages {
			say(t, push, body)
		}
		if err := push.Disconnect(endpoint); err != nil {
			t.Fatal(err)
		}
		close(told)
		for range messages {
			expectHeard(t, pull, body)
		}
	}
}

// TestDisconnectTellsOfSubscriptions: who waits in Recv on an XPUB hears at once that the
// subscriptions of a peer are gone, though much is still to be sent to it.
func TestDisconnectTellsOfSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		sub, pub := open(t, zmq.SUB), open(t, zmq.XPUB, zmq.WithDialer(link.Dialer()), zmq.WithLinger(-1))
		if err := sub.ServeListener(link.Listener()); err != nil {
			t.Fatal(err)
		}
		if err := sub.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		connect(t, pub, "tcp://sub:1")
		expectHeard(t, pub, "\x01a")
		link.Freeze()
		say(t, pub, "a"+strings.Repeat("x", 1<<20))
		got := make(chan string, 1)
		go func() { got <- strings.Join(hear(t, pub), "") }()
		synctest.Wait()
		if err := pub.Disconnect("tcp://sub:1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case text := <-got:
			if text != "\x00a" {
				t.Errorf("it heard %q", text)
			}
		default:
			t.Error("it still waits")
		}
		link.Thaw()
	})
}

// TestReceivedStaysReadable: what came before Disconnect, Unbind and the end of
// the peer can be received after it.
func TestReceivedStaysReadable(t *testing.T) {
	leak.Check(t)
	for name, end := range map[string]func(pull, push *zmq.Socket, endpoint string) error{
		"Disconnect": func(pull, _ *zmq.Socket, endpoint string) error { return pull.Disconnect(endpoint) },
		"Unbind":     func(_, push *zmq.Socket, endpoint string) error { return push.Unbind(endpoint) },
		"Close":      func(_, push *zmq.Socket, _ string) error { return push.Close() },
	} {
		for _, at := range []string{"tcp://127.0.0.1:*", "inproc://readable"} {
			push, pull := open(t, zmq.PUSH), open(t, zmq.PULL, zmq.WithReconnect(-1))
			endpoint := bind(t, push, at)
			connect(t, pull, endpoint)
			for i := range 4 {
				say(t, push, fmt.Sprint(i))
			}
			expectHeard(t, pull, "0")
			for pull.Stats().Peers[0].RecvQueue.Messages < 3 {
				waitChange(t, pull)
			}
			if err := end(pull, push, endpoint); err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(at, "inproc") || name != "Unbind" { // who is joined stays joined
				gone(t, pull, 0)
			}
			for i := range 3 {
				expectHeard(t, pull, fmt.Sprint(i+1))
			}
			expectNone(t, pull)
			push.Close()
		}
	}
}

// TestManyEndpoints: a socket binds and connects as often as it likes.
func TestManyEndpoints(t *testing.T) {
	leak.Check(t)
	pull, all := open(t, zmq.PULL), open(t, zmq.PUSH)
	const rounds = 10
	for i := range rounds {
		for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*", fmt.Sprintf("inproc://many-%d", i)} {
			endpoint := bind(t, pull, at)
			connect(t, all, endpoint)
			push := open(t, zmq.PUSH)
			connect(t, push, endpoint)
			say(t, push, endpoint)
			expectHeard(t, pull, endpoint)
		}
	}
	awaitPeers(t, all, 3*rounds)
	for range 3 * rounds {
		say(t, all, "to each")
	}
	for range 3 * rounds {
		expectHeard(t, pull, "to each")
	}
	for _, p := range all.Stats().Peers {
		if p.Sent.Messages != 1 {
			t.Errorf("%s was sent %d messages", p.Endpoint, p.Sent.Messages)
		}
	}
}

// TestUnbindOfMany ends the connections of one endpoint and of no other.
func TestUnbindOfMany(t *testing.T) {
	leak.Check(t)
	s := open(t, zmq.PULL)
	first := bind(t, s, "tcp://127.0.0.1:*")
	a := dialWire(t, s)
	a.handshake("PUSH")
	bind(t, s, "tcp://127.0.0.1:*")
	b := dialWire(t, s)
	b.handshake("PUSH")
	awaitPeers(t, s, 2)
	if err := s.Unbind(first); err != nil {
		t.Fatal(err)
	}
	a.expectEnd()
	b.sendMsg("still there")
	expectHeard(t, s, "still there")
}
