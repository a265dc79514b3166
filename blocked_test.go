package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// A stuck is one Send that may wait.
type stuck struct {
	t    *testing.T
	done chan error
}

func sends(t *testing.T, s *zmq.Socket, frames ...string) *stuck {
	w := &stuck{t: t, done: make(chan error, 1)}
	ctx := soon(t)
	go func() { w.done <- s.Send(ctx, zmq.MsgFromStrings(frames...).Frames...) }()
	synctest.Wait()
	return w
}

func (w *stuck) waits() {
	w.t.Helper()
	synctest.Wait()
	select {
	case err := <-w.done:
		w.t.Fatalf("Send does not wait: %v", err)
	default:
	}
}

func (w *stuck) returned(want error) {
	w.t.Helper()
	synctest.Wait()
	select {
	case err := <-w.done:
		if !errors.Is(err, want) {
			w.t.Fatalf("Send returned %v, want %v", err, want)
		}
	default:
		w.t.Fatal("Send still waits")
	}
}

// fills sends until the socket takes no more.
func fills(t *testing.T, s *zmq.Socket, frames ...string) {
	t.Helper()
	for range 1000 {
		err := s.TrySend(zmq.MsgFromStrings(frames...).Frames...)
		if errors.Is(err, zmq.ErrAgain) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	t.Fatal("the socket takes without end")
}

// drains receives all that there is.
func drains(s *zmq.Socket) {
	for {
		if _, err := s.TryRecv(); err != nil {
			return
		}
		synctest.Wait()
	}
}

// bindInproc binds one socket and connects others to it.
func bindInproc(t *testing.T, s *zmq.Socket, others ...*zmq.Socket) {
	t.Helper()
	if _, err := s.Bind("inproc://blocked"); err != nil {
		t.Fatal(err)
	}
	for _, other := range others {
		if err := other.Connect("inproc://blocked"); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Wait()
}

// TestBlockedRouterSenders wait each for a peer of its own: room in one wakes
// who waits for that one, whoever else waits longer.
func TestBlockedRouterSenders(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		d := zmq.WithDomain(zmq.NewDomain())
		s := open(t, zmq.ROUTER, d, zmq.WithRouterMandatory(true), zmq.WithSendHWM(1))
		a := open(t, zmq.DEALER, d, zmq.WithRoutingID("a"), zmq.WithRecvHWM(1))
		b := open(t, zmq.DEALER, d, zmq.WithRoutingID("b"), zmq.WithRecvHWM(1))
		bindInproc(t, s, a, b)
		fills(t, s, "a", "x")
		fills(t, s, "b", "x")
		first, second := sends(t, s, "a", "x"), sends(t, s, "b", "x")
		first.waits()
		second.waits()
		drains(b)
		second.returned(nil)
		first.waits()
		a.Close() // RFC 28 "The ROUTER Socket Type": and nobody waits for one who is gone
		first.returned(zmq.ErrNoPeer)
	})
}

// TestBlockedXPubSenders: with NoDrop a slow subscriber holds all senders up,
// and none of them any longer than it does.
func TestBlockedXPubSenders(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		d := zmq.WithDomain(zmq.NewDomain())
		s := open(t, zmq.XPUB, d, zmq.WithXPubNoDrop(true), zmq.WithSendHWM(2))
		sub := open(t, zmq.SUB, d, zmq.WithRecvHWM(2))
		bindInproc(t, s, sub)
		if err := sub.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		awaitSubscribers(t, s, "", 1)
		fills(t, s, "x")
		var blocked []*stuck
		for range 3 {
			blocked = append(blocked, sends(t, s, "x"))
		}
		for _, w := range blocked {
			w.waits()
		}
		drains(sub)
		for _, w := range blocked {
			w.returned(nil)
		}
		drains(sub)
		fills(t, s, "x")
		blocked = []*stuck{sends(t, s, "x"), sends(t, s, "x")}
		blocked[0].waits()
		sub.Close()
		for _, w := range blocked {
			w.returned(nil)
		}
	})
}

// TestBlockedPushSenders: as much room as comes is used by as many who wait.
func TestBlockedPushSenders(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		d := zmq.WithDomain(zmq.NewDomain())
		s := open(t, zmq.PUSH, d, zmq.WithSendHWM(5))
		pull := open(t, zmq.PULL, d, zmq.WithRecvHWM(5))
		bindInproc(t, s, pull)
		fills(t, s, "x")
		var blocked []*stuck
		for range 8 {
			blocked = append(blocked, sends(t, s, "x"))
		}
		drains(pull)
		for _, w := range blocked {
			w.returned(nil)
		}
	})
}

// TestDisconnectInHandshake: an endpoint that is left while its peer is silent
// holds nothing up, not even a Close that waits for all that was sent.
func TestDisconnectInHandshake(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, dials.dialer(), zmq.WithHandshakeTimeout(0))
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		p := dials.accept()
		if err := s.Send(t.Context(), []byte("never leaves")); err != nil {
			t.Fatal(err)
		}
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		_ = p.rest()
		synctest.Wait()
		if err := s.Set(zmq.WithLinger(-1)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown waits for an endpoint that was disconnected: %v", err)
		}
	})
}

// timeless is a connection that knows no deadlines, such as one through SSH.
type timeless struct{ net.Conn }

var errNoDeadline = errors.New("no deadlines here")

func (timeless) SetDeadline(time.Time) error      { return errNoDeadline }
func (timeless) SetReadDeadline(time.Time) error  { return errNoDeadline }
func (timeless) SetWriteDeadline(time.Time) error { return errNoDeadline }

// TestCloseWithoutDeadlines: Close ends connections that know no deadlines, in
// the handshake, waiting for octets, and with some that nobody reads.
func TestCloseWithoutDeadlines(t *testing.T) {
	leak.Check(t)
	for _, state := range []string{"handshake", "reading", "writing"} {
		synctest.Test(t, func(t *testing.T) {
			near := make(chan net.Conn, 1)
			s := open(t, zmq.PAIR, zmq.WithDialer(func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				near <- theirs
				return timeless{ours}, nil
			}))
			if err := s.Connect(wireEndpoint); err != nil {
				t.Fatal(err)
			}
			p := newWirePeer(t, <-near)
			if state != "handshake" {
				p.handshake("PAIR")
				awaitPeers(t, s, 1)
			}
			if state == "writing" {
				say(t, s, strings.Repeat("x", 100_000))
			}
			synctest.Wait()
			s.Close()
		})
	}
}

// TestSendOnReceivedMsg is a proxy by RecvInto and SendMsg: one Msg is filled
// and sent again and again, in all sizes, with the identity of the peer in
// front. What waits to be received must not change meanwhile.
func TestSendOnReceivedMsg(t *testing.T) {
	leak.Check(t)
	sizes := []int{0, 100, 9000, 40_000, 40_000, 200_000, 33_000, 1}
	for _, scheme := range []string{"inproc://", "tcp://127.0.0.1:0"} {
		d := zmq.WithDomain(zmq.NewDomain())
		at := func(s *zmq.Socket, name string) string {
			endpoint := scheme
			if scheme == "inproc://" {
				endpoint += name
			}
			b, err := s.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			return b.Endpoint()
		}
		front, back, worker := open(t, zmq.ROUTER, d), open(t, zmq.DEALER, d), open(t, zmq.ROUTER, d)
		clients := map[string]*zmq.Socket{}
		entrance := at(front, "front")
		for _, name := range []string{"client 1", "CLIENT 2"} {
			clients[name] = open(t, zmq.DEALER, d, zmq.WithRoutingID(name))
			if err := clients[name].Connect(entrance); err != nil {
				t.Fatal(err)
			}
		}
		if err := back.Connect(at(worker, "worker")); err != nil {
			t.Fatal(err)
		}
		body := func(i int) string { return fmt.Sprint(i) + strings.Repeat(string(rune('a'+i%26)), sizes[i%len(sizes)]) }
		const n = 200
		for i := range n {
			for _, client := range clients {
				say(t, client, body(i))
			}
		}
		var m zmq.Msg
		for range 2 * n {
			if err := front.RecvInto(soon(t), &m); err != nil {
				t.Fatal(err)
			}
			if err := back.SendMsg(soon(t), &m); err != nil {
				t.Fatal(err)
			}
		}
		next := map[string]int{}
		for range 2 * n {
			got := hear(t, worker)
			if len(got) != 3 || clients[got[1]] == nil || got[2] != body(next[got[1]]) {
				t.Fatalf("%s: after %v came %.60q", scheme, next, got)
			}
			next[got[1]]++
		}
	}
}

// TestInprocComesAndGoes: a socket that closes while it is being joined leaves
// no peer behind that is not there: a PAIR takes the next one.
func TestInprocComesAndGoes(t *testing.T) {
	leak.Check(t)
	for range 300 {
		d := zmq.WithDomain(zmq.NewDomain())
		bound, fleeting := open(t, zmq.PAIR, d), open(t, zmq.PAIR, d)
		if err := fleeting.Connect("inproc://fleeting"); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { fleeting.Close() })
		if _, err := bound.Bind("inproc://fleeting"); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if n := bound.Peers(); n != 0 {
			t.Fatalf("%d peers are left", n)
		}
		next := open(t, zmq.PAIR, d)
		if err := next.Connect("inproc://fleeting"); err != nil {
			t.Fatal(err)
		}
		say(t, next, "here")
		expectHeard(t, bound, "here")
		next.Close()
		bound.Close()
	}
}
