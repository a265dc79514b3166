package zmq_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestConflate: the last message is kept, of what is sent and what is received.
func TestConflate(t *testing.T) {
	leak.Check(t)
	for _, ends := range [][2]bool{{true, false}, {false, true}, {true, true}} {
		in := zmq.WithDomain(zmq.NewDomain())
		push, pull := open(t, zmq.PUSH, in, zmq.WithConflate(ends[0])), open(t, zmq.PULL, in, zmq.WithConflate(ends[1]))
		connect(t, push, bind(t, pull, "inproc://conflate"))
		for i := range 10 {
			say(t, push, fmt.Sprint(i))
		}
		expectHeard(t, pull, "9")
		expectNone(t, pull)
	}
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		push, pull := open(t, zmq.PUSH, dials.dialer(), zmq.WithConflate(true)), open(t, zmq.PULL, dials.dialer(), zmq.WithConflate(true))
		connect(t, push, wireEndpoint)
		for i := range 10 {
			say(t, push, fmt.Sprint(i))
		}
		p := dials.accept()
		p.handshake("PULL")
		p.expectMsg("9")
		p.expectSilence(time.Second)
		connect(t, pull, wireEndpoint)
		p = dials.accept()
		p.handshake("PUSH")
		for i := range 10 {
			p.sendMsg(fmt.Sprint(i))
		}
		synctest.Wait()
		expectHeard(t, pull, "9")
		expectNone(t, pull)
	})
}

// TestImmediate: with it nothing is queued for a peer that is not there.
func TestImmediate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, dials.dialer(), zmq.WithImmediate(true))
		connect(t, s, wireEndpoint)
		for i := range 3 {
			if err := s.TrySend([]byte("too early")); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("before connection %d: %v", i, err)
			}
			p := dials.accept()
			if err := s.TrySend([]byte("too early")); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("before handshake %d: %v", i, err)
			}
			p.handshake("PULL")
			awaitPeers(t, s, 1)
			say(t, s, fmt.Sprint(i))
			p.expectMsg(fmt.Sprint(i))
			p.cut()
			synctest.Wait()
		}
	})
}

// TestProbeRouter: each new connection begins with an empty message.
func TestProbeRouter(t *testing.T) {
	leak.Check(t)
	router, dealer := open(t, zmq.ROUTER), open(t, zmq.DEALER, zmq.WithProbeRouter(true), zmq.WithRoutingID("d"))
	connect(t, dealer, bind(t, router, "tcp://127.0.0.1:*"))
	expectHeard(t, router, "d", "")
	say(t, router, "d", "found")
	expectHeard(t, dealer, "found")
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.DEALER, dials.dialer(), zmq.WithProbeRouter(true))
		connect(t, s, wireEndpoint)
		for range 3 {
			p := dials.accept()
			p.handshake("ROUTER")
			p.expectMsg("")
			p.cut()
		}
	})
}

// TestRouterHandoverBack: a server that moves from one address to another and back is the
// same to a ROUTER that dials both, whether or not it ended its connection when it moved.
func TestRouterHandoverBack(t *testing.T) {
	for name, moves := range map[string]func(p *wirePeer){"ends": (*wirePeer).cut, "stays": func(*wirePeer) {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dials := newWireDials(t)
				router := open(t, zmq.ROUTER, dials.dialer(), zmq.WithRouterHandover(true), zmq.WithRouterMandatory(true), zmq.WithReconnect(5*time.Second))
				talks := func(text string) *wirePeer {
					p := dials.accept()
					p.handshake("DEALER", "Identity", "x")
					p.sendMsg(text)
					expectHeard(t, router, "x", text)
					say(t, router, "x", "answer to "+text)
					p.expectMsg("answer to " + text)
					return p
				}
				connect(t, router, "tcp://here:1")
				here := talks("here")
				moves(here)
				if err := router.Set(zmq.WithReconnect(-1)); err != nil {
					t.Fatal(err)
				}
				connect(t, router, "tcp://there:1")
				there := talks("there")
				there.cut()
				talks("here again")
			})
		})
	}
}

// TestRouterHandover: a new peer takes an identity over, and the older one's
// connection ends.
func TestRouterHandover(t *testing.T) {
	leak.Check(t)
	router := open(t, zmq.ROUTER, zmq.WithRouterHandover(true), zmq.WithRouterMandatory(true))
	bind(t, router, "tcp://127.0.0.1:*")
	older := dialWire(t, router)
	older.handshake("DEALER", "Identity", "x")
	older.sendMsg("older")
	expectHeard(t, router, "x", "older")
	for i := range 3 {
		newer := dialWire(t, router)
		newer.handshake("DEALER", "Identity", "x")
		newer.sendMsg("newer")
		expectHeard(t, router, "x", "newer")
		older.expectEnd()
		say(t, router, "x", fmt.Sprint(i))
		newer.expectMsg(fmt.Sprint(i))
		older = newer
	}
	gone(t, router, 1)
}

// TestGreetingsDoNotPileUp: of the messages that greet a new peer, those for connections
// that broke off before wait for nobody.
func TestGreetingsDoNotPileUp(t *testing.T) {
	for _, c := range []struct {
		typ      zmq.Type
		opt      zmq.Option
		peer     string
		greeting string
	}{
		{zmq.DEALER, zmq.WithProbeRouter(true), "ROUTER", ""},
		{zmq.XPUB, zmq.WithXPubWelcome("hello"), "SUB", "hello"},
	} {
		synctest.Test(t, func(t *testing.T) {
			dials := newWireDials(t)
			s := open(t, c.typ, c.opt, dials.dialer(), zmq.WithReconnect(time.Millisecond))
			connect(t, s, wireEndpoint)
			for range 20 {
				p := dials.accept()
				p.handshake(c.peer)
				synctest.Wait() // it greets, and nobody reads that
				p.cut()
			}
			p := dials.accept()
			p.handshake(c.peer)
			if n := s.Stats().Peers[0].SendQueue.Messages; n > 0 {
				t.Errorf("%s: %d messages wait", c.typ, n)
			}
			p.expectMsg(c.greeting)
		})
	}
}
