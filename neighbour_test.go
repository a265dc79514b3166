package zmq_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestConnectorForgetsWhoLeft: a socket that connects by name again and again keeps
// nothing of the neighbours that have closed.
func TestConnectorForgetsWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		push := open(t, zmq.PUSH)
		for range 3 {
			pull := open(t, zmq.PULL)
			connect(t, push, bind(t, pull, "inproc://left"))
			say(t, push, "x")
			expectHeard(t, pull, "x")
			pull.Close()
			synctest.Wait()
			if got := fmt.Sprint(push); got != "PUSH []" {
				t.Errorf("it is %s", got)
			}
			if err := push.Disconnect("inproc://left"); !errors.Is(err, zmq.ErrNotFound) {
				t.Errorf("Disconnect from who has left: %v", err)
			}
		}
	})
}

// TestDisconnectEndsWhatLives: of two connects to one endpoint, of which the first has
// ended by itself, Disconnect ends the other.
func TestDisconnectEndsWhatLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		push := open(t, zmq.PUSH, dials.dialer(), zmq.WithReconnect(-1))
		for range 2 {
			connect(t, push, wireEndpoint)
			p := dials.accept()
			p.handshake("PULL")
			awaitPeers(t, push, 1)
			if len(fmt.Sprint(push)) < 40 { // the first of two
				p.cut()
				synctest.Wait()
			}
		}
		for want := range 2 {
			if err := push.Disconnect(wireEndpoint); err != nil {
				t.Errorf("Disconnect %d: %v", want, err)
			}
			synctest.Wait()
			if n := push.Peers(); n != 0 {
				t.Errorf("after Disconnect %d there are %d peers", want, n)
			}
		}
	})
}

// TestConflateOfWhoBindsLater: the neighbour that keeps one message does so whoever came
// first, also of what was sent before it came.
func TestConflateOfWhoBindsLater(t *testing.T) {
	leak.Check(t)
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL, zmq.WithConflate(true))
	connect(t, push, "inproc://conflate")
	for i := range 5 {
		say(t, push, fmt.Sprint(i))
	}
	bind(t, pull, "inproc://conflate")
	expectHeard(t, pull, "4")
	say(t, push, "5")
	say(t, push, "6")
	expectHeard(t, pull, "6")
	expectNone(t, pull)
	if s := push.Stats(); s.Sent.Messages != 7 || s.Dropped != (zmq.Drops{Replaced: 5}) {
		t.Errorf("sent %+v and dropped %+v", s.Sent, s.Dropped)
	}
}

// TestConflateIsForLaterBinds: what was bound before Set loses nothing.
func TestConflateIsForLaterBinds(t *testing.T) {
	leak.Check(t)
	pull := open(t, zmq.PULL)
	bind(t, pull, "tcp://127.0.0.1:*")
	if err := pull.Set(zmq.WithConflate(true)); err != nil {
		t.Fatal(err)
	}
	p := dialWire(t, pull)
	p.handshake("PUSH")
	for i := range 3 {
		p.sendMsg(fmt.Sprint(i))
	}
	for pull.Stats().Received.Messages < 3 {
		runtime.Gosched()
	}
	for i := range 3 {
		expectHeard(t, pull, fmt.Sprint(i))
	}
}

// TestSetRecvMarkOfNeighbours: the receive mark is that of connections by name too.
func TestSetRecvMarkOfNeighbours(t *testing.T) {
	leak.Check(t)
	push, pull := open(t, zmq.PUSH, zmq.WithSendHWM(1)), open(t, zmq.PULL, zmq.WithRecvHWM(1))
	connect(t, push, bind(t, pull, "inproc://marks"))
	queued := 0
	for _, c := range []struct{ mark, queued int }{{1, 2}, {10, 11}, {3, 11}, {20, 21}} {
		if err := pull.Set(zmq.WithRecvHWM(c.mark)); err != nil {
			t.Fatal(err)
		}
		for push.TrySend(nil) == nil {
			queued++
		}
		if queued != c.queued {
			t.Errorf("with a receive mark of %d there are %d messages queued, want %d", c.mark, queued, c.queued)
		}
	}
}

// TestStreamEndIsTheLast: after a STREAM has told of a peer's end, nothing of that peer's
// comes, though the connection lives until what waits is written.
func TestStreamEndIsTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.STREAM, dials.dialer(), zmq.WithLinger(time.Second))
		connect(t, s, wireEndpoint)
		conn := <-dials.conns
		id := hear(t, s)[0]
		say(t, s, id, "waits, as nobody reads it")
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, s, id, "")
		if _, err := conn.Write([]byte("late")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		expectNone(t, s)
		conn.Close()
	})
}

// TestGreetingsCount: a welcome is a message that was sent.
func TestGreetingsCount(t *testing.T) {
	for _, at := range []string{"tcp://127.0.0.1:*", "inproc://welcome"} {
		pub, sub := open(t, zmq.XPUB, zmq.WithXPubWelcome("W")), open(t, zmq.SUB)
		if err := sub.Subscribe("W"); err != nil {
			t.Fatal(err)
		}
		connect(t, sub, bind(t, pub, at))
		expectHeard(t, sub, "W")
		if s, r := pub.Stats().Sent, sub.Stats().Received; s != r || s.Messages != 1 {
			t.Errorf("%s: sent %+v, received %+v", at, s, r)
		}
	}
}
