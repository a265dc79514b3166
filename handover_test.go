package zmq_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/zmqtest"
)

// namedConnect connects a ROUTER to an endpoint whose peer it calls by a name.
func namedConnect(t *testing.T, router *zmq.Socket, name, endpoint string) {
	t.Helper()
	if err := router.Set(zmq.WithConnectRoutingID(name)); err != nil {
		t.Fatal(err)
	}
	connect(t, router, endpoint)
}

// fill sends to a peer until there is no room.
func fill(t *testing.T, s *zmq.Socket, name string) {
	t.Helper()
	for {
		err := s.TrySend([]byte(name), []byte("fill"))
		if errors.Is(err, zmq.ErrAgain) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestHandoverOfTwoAtOnce: who takes a name over while the one before is about to be let
// in is the only one: no peer stays that hears nothing.
func TestHandoverOfTwoAtOnce(t *testing.T) {
	leak.Check(t)
	router := open(t, zmq.ROUTER, zmq.WithRouterHandover(true))
	bind(t, router, "tcp://127.0.0.1:*")
	var changes atomic.Int32
	letIn, second := make(chan struct{}), make(chan struct{})
	router.OnChange(func() { // the first is let in, and waits for the second
		switch changes.Add(1) {
		case 1:
			close(letIn)
			<-second
		case 2:
			close(second)
		}
	})
	first := dialWire(t, router)
	first.handshake("DEALER", "Identity", "x")
	<-letIn
	other := dialWire(t, router)
	other.handshake("DEALER", "Identity", "x")
	ended, stays := first, other
	for changes.Load() < 2 {
		awaitPeers(t, router, 1)
	}
	ended.expectEnd()
	stays.sendMsg("here")
	expectHeard(t, router, "x", "here")
	say(t, router, "x", "answer")
	stays.expectMsg("answer")
	gone(t, router, 1)
}

// TestHandoverWakesSenders: who waits for room for a name finds that of a peer that takes
// the name over, also when another waited before for somebody else.
func TestHandoverWakesSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		nobody := zmq.WithDialer(zmqtest.NewLink(t).Dialer())
		router := open(t, zmq.ROUTER, nobody, zmq.WithRouterMandatory(true), zmq.WithRouterHandover(true), zmq.WithSendHWM(1))
		for _, name := range []string{"x", "y"} {
			namedConnect(t, router, name, wireEndpoint)
			fill(t, router, name)
		}
		ctx, cancel := context.WithCancel(t.Context())
		sent := map[string]chan error{"y": make(chan error, 1), "x": make(chan error, 1)}
		for _, name := range []string{"y", "x"} {
			go func() { sent[name] <- router.Send(ctx, []byte(name), []byte("m")) }()
			synctest.Wait()
		}
		dealer := open(t, zmq.DEALER, zmq.WithRoutingID("x"))
		connect(t, dealer, bind(t, router, "inproc://handover"))
		synctest.Wait()
		select {
		case err := <-sent["x"]:
			if err != nil {
				t.Error(err)
			}
			expectHeard(t, dealer, "m")
		default:
			t.Errorf("Send waits, and MaySend says %v", router.MaySend([]byte("x")))
		}
		cancel()
		<-sent["y"]
	})
}

// TestHandoverPause: who has lost its name tries again as rarely as the options say, and
// gets it back when it is free.
func TestHandoverPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		router := open(t, zmq.ROUTER, dials.dialer(), zmq.WithRouterHandover(true),
			zmq.WithReconnect(10*time.Millisecond), zmq.WithReconnectMax(100*time.Millisecond))
		connect(t, router, wireEndpoint)
		first := dials.accept()
		first.handshake("DEALER", "Identity", "x")
		awaitPeers(t, router, 1)
		dealer := open(t, zmq.DEALER, zmq.WithRoutingID("x"))
		connect(t, dealer, bind(t, router, "inproc://pause"))
		first.expectEnd()
		dealer.Close()
		start := time.Now()
		dials.accept().handshake("DEALER", "Identity", "x")
		if wait := time.Since(start); wait > 150*time.Millisecond {
			t.Errorf("it came back after %v", wait)
		}
		awaitPeers(t, router, 1)
	})
}

// TestHandoverBeforeBind: a name that a ROUTER has given to an inproc endpoint without a
// socket, and that another peer has taken meanwhile, is that of who binds it at last.
func TestHandoverBeforeBind(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			router := open(t, zmq.ROUTER, zmq.WithRouterHandover(true), zmq.WithRouterMandatory(true))
			namedConnect(t, router, "x", "inproc://later")
			first := open(t, zmq.DEALER, zmq.WithRoutingID("x"))
			connect(t, first, bind(t, router, "inproc://now"))
			say(t, router, "x", "to the first")
			expectHeard(t, first, "to the first")
			if leaves {
				first.Close()
			}
			second := open(t, zmq.DEALER)
			bind(t, second, "inproc://later")
			say(t, second, "ask")
			expectHeard(t, router, "x", "ask")
			say(t, router, "x", "answer")
			expectHeard(t, second, "answer")
			synctest.Wait()
			if n := router.Peers(); n != 1 {
				t.Errorf("it has %d peers", n)
			}
		})
	}
}

// TestConnectWaitsForAName: a ROUTER that gives a name which a peer has now connects when
// that peer has gone.
func TestConnectWaitsForAName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		router := open(t, zmq.ROUTER, dials.dialer(), zmq.WithRouterMandatory(true))
		holder := open(t, zmq.DEALER, zmq.WithRoutingID("x"))
		connect(t, holder, bind(t, router, "inproc://holder"))
		namedConnect(t, router, "x", wireEndpoint)
		refused := dials.accept()
		refused.handshake("DEALER")
		refused.expectEnd()
		holder.Close()
		p := dials.accept()
		p.handshake("DEALER")
		awaitPeers(t, router, 1)
		say(t, router, "x", "hello")
		p.expectMsg("hello")
	})
}

// TestFailedConnectKeepsTheName: the routing id for the next connect is for the next one
// that succeeds.
func TestFailedConnectKeepsTheName(t *testing.T) {
	leak.Check(t)
	router, pub := open(t, zmq.ROUTER, zmq.WithRouterMandatory(true)), open(t, zmq.PUB)
	if err := router.Set(zmq.WithConnectRoutingID("x")); err != nil {
		t.Fatal(err)
	}
	if err := router.Connect(bind(t, pub, "inproc://failed")); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("connected to a PUB: %v", err)
	}
	connect(t, router, "inproc://nobody")
	if err := router.TrySend([]byte("x"), []byte("m")); err != nil {
		t.Errorf("the name is gone: %v", err)
	}
}
