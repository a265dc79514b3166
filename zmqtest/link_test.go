package zmqtest_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

func ExampleLink() {
	_ = func(t *testing.T) { // what a test gives to synctest.Test
		link := zmqtest.NewLink(t)
		server := zmq.NewPull()
		defer server.Close()
		if err := server.ServeListener(link.Listener()); err != nil {
			t.Fatal(err)
		}
		client := zmq.NewPush(zmq.WithDialer(link.Dialer()), zmq.WithHeartbeat(time.Minute))
		defer client.Close()
		if err := client.Connect("tcp://server:5555"); err != nil {
			t.Fatal(err)
		}
		if err := client.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		link.Freeze() // the network is down, and nobody is told
		<-time.After(5 * time.Minute)
		if client.Peers() != 0 {
			t.Error("the client believes in a dead server")
		}
	}
}

// TestFrozenLink: only heartbeats find out, on either side, and the connection
// comes back with the network.
func TestFrozenLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		lost := make(chan time.Time, 2)
		onLoss := zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventDisconnected {
				lost <- time.Now()
			}
		})
		push := newSocket(t, zmq.PUSH, zmq.WithDialer(link.Dialer()), zmq.WithHeartbeat(time.Second), onLoss)
		pull := newSocket(t, zmq.PULL, zmq.WithHeartbeat(20*time.Second), onLoss)
		join(t, link, push, pull)
		wait(t, time.Hour) // while heartbeats come back, nothing is lost
		if len(lost) > 0 {
			t.Fatal("lost while the link was fine")
		}
		frozen := time.Now()
		link.Freeze()
		if d := (<-lost).Sub(frozen); d > 2*time.Second {
			t.Errorf("the side with short heartbeats took %v", d)
		}
		if n := pull.Peers(); n != 1 {
			t.Errorf("the other side was told: it has %d peers", n)
		}
		if d := (<-lost).Sub(frozen); d < 20*time.Second || d > 40*time.Second {
			t.Errorf("the side with long heartbeats took %v", d)
		}
		send(t, push, "queued")
		wait(t, time.Hour)
		if push.Peers() != 0 || pull.Peers() != 0 {
			t.Error("connected over a frozen link")
		}
		link.Thaw()
		expect(t, pull, "queued")
	})
}

// wait lets simulated time pass.
func wait(t testing.TB, d time.Duration) {
	t.Helper()
	<-time.After(d)
}

// TestThawIsNoLoss: a link that was down for a while has lost nothing.
func TestThawIsNoLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		push, pull := newSocket(t, zmq.PUSH, zmq.WithDialer(link.Dialer())), newSocket(t, zmq.PULL)
		join(t, link, push, pull)
		link.Freeze()
		send(t, push, "a")
		wait(t, time.Hour)
		if msg, err := pull.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			t.Fatal(msg, err)
		}
		link.Thaw()
		expect(t, pull, "a")
	})
}

// TestCutAtEveryOctet cuts the first connection at each octet of the handshake,
// and a little beyond: the sockets come together by the second.
func TestCutAtEveryOctet(t *testing.T) {
	const greeting, beyond = 64, 110 // READY of these two ends between them
	cut := 0
	for n := range beyond {
		synctest.Test(t, func(t *testing.T) {
			link := zmqtest.NewLink(t)
			link.CutAfter(n)
			lost := make(chan zmq.Event, 8)
			req := newSocket(t, zmq.REQ, zmq.WithDialer(link.Dialer()), zmq.WithEvents(func(e zmq.Event) {
				if e.Kind&(zmq.EventDisconnected|zmq.EventHandshakeFailedNoDetail|zmq.EventHandshakeFailedProtocol) != 0 {
					lost <- e
				}
			}))
			rep := newSocket(t, zmq.REP)
			if err := rep.ServeListener(link.Listener()); err != nil {
				t.Fatal(err)
			}
			if err := req.Connect("tcp://server:5555"); err != nil {
				t.Fatal(err)
			}
			wait(t, time.Minute) // whatever it takes
			ready(t, req, rep)
			switch len(lost) {
			case 0:
				if n <= greeting {
					t.Errorf("the connection was not lost after %d octets", n)
				}
			case 1:
				cut++
				if e := <-lost; !errors.Is(e.Err, syscall.ECONNRESET) {
					t.Errorf("after %d octets: %v", n, e)
				}
				exchange(t, req, rep)
			default:
				t.Errorf("after %d octets: %d connections lost", n, len(lost))
			}
		})
	}
	if cut < greeting+1 || cut == beyond {
		t.Errorf("%d of %d connections were cut: the handshake should end between", cut, beyond)
	}
}

// TestCutAfterList: each number is for one connection.
func TestCutAfterList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		link.CutAfter(0, 10, 64)
		failed := 0
		push := newSocket(t, zmq.PUSH, zmq.WithDialer(link.Dialer()), zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventHandshakeFailedNoDetail {
				failed++ // one connection after the other
			}
		}))
		pull := newSocket(t, zmq.PULL)
		join(t, link, push, pull)
		if failed != 3 {
			t.Errorf("%d handshakes failed, want 3", failed)
		}
		send(t, push, "a")
		expect(t, pull, "a")
	})
}

func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		pub := newSocket(t, zmq.PUB)
		sub := newSocket(t, zmq.SUB, zmq.WithDialer(link.Dialer()))
		if err := sub.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		join(t, link, sub, pub)
		for i := range 5 {
			if err := pub.WaitSubscribers(within(t), "a", 1); err != nil {
				t.Fatal(err)
			}
			topic := fmt.Sprint("a", i)
			send(t, pub, topic)
			expect(t, sub, topic)
			link.Cut()
			synctest.Wait()
			if pub.Peers() != 0 || sub.Peers() != 0 {
				t.Fatalf("%d and %d peers after the cut", pub.Peers(), sub.Peers())
			}
		}
	})
}

// TestServerRestart: a new listener takes the place of the one before.
func TestServerRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		push := newSocket(t, zmq.PUSH, zmq.WithDialer(link.Dialer()))
		for i := range 3 {
			pull := zmq.NewPull()
			if i == 0 {
				join(t, link, push, pull)
			} else if err := pull.ServeListener(link.Listener()); err != nil {
				t.Fatal(err)
			}
			word := fmt.Sprint(i)
			send(t, push, word)
			expect(t, pull, word)
			if err := pull.Close(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if n := push.Peers(); n != 0 {
				t.Fatalf("%d peers without a server", n)
			}
		}
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		req, rep := newSocket(t, zmq.REQ, zmq.WithDialer(link.Dialer())), newSocket(t, zmq.REP)
		join(t, link, req, rep)
		for _, d := range []time.Duration{time.Second, 10 * time.Second, 0} {
			link.Delay(d)
			start := time.Now()
			exchange(t, req, rep)
			if took := time.Since(start); took != 2*d {
				t.Errorf("a request and its reply took %v over a link with a delay of %v", took, d)
			}
		}
	})
}

func TestDialFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		link.Listener()
		link.Freeze()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		if c, err := link.Dialer()(ctx, "tcp", "server:1"); c != nil || !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Error(c, err, time.Since(start))
		}
		time.AfterFunc(time.Second, link.Thaw)
		if _, err := link.Dialer()(t.Context(), "tcp", "server:1"); err != nil {
			t.Error(err)
		}
	})
}

func TestDialNobody(t *testing.T) {
	link := zmqtest.NewLink(t)
	if c, err := link.Dialer()(t.Context(), "tcp", "server:1"); c != nil || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(c, err)
	}
	ln := link.Listener()
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if c, err := link.Dialer()(t.Context(), "tcp", "server:1"); c != nil || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(c, err)
	}
}
