package zmq_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// Pains that come from peers, and of not seeing them.

// TestPain07_WhoMayEnterIsAFunction: a server that has one lets nobody in whom
// the function does not know, nor anybody without the mechanism; and whom it
// knows may change at any time.
func TestPain07_WhoMayEnterIsAFunction(t *testing.T) {
	leak.Check(t)
	keys, friend := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	var known atomic.Bool
	pull := open(t, zmq.PULL, zmq.WithCurveServer(keys), zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		if key, ok := p.CurveKey(); ok && key == friend.Public() && known.Load() {
			return zmq.Identity{UserID: "friend"}, nil
		}
		return zmq.Identity{}, errStranger
	}))
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	curve := zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public(), Keys: friend})
	for _, opts := range [][]zmq.Option{nil, {zmq.WithPlain("friend", "secret")}, {curve}} {
		refused := make(chan struct{})
		var once sync.Once
		push := open(t, zmq.PUSH, append(opts, zmq.WithEvents(func(e zmq.Event) {
			if e.Kind&(zmq.EventHandshakeFailedAuth|zmq.EventHandshakeFailedNoDetail|zmq.EventHandshakeFailedProtocol) != 0 {
				once.Do(func() { close(refused) })
			}
		}))...)
		connect(t, push, endpoint)
		say(t, push, "let me in")
		select {
		case <-refused:
		case <-soon(t).Done():
			t.Fatal("nothing is refused")
		}
		push.Close()
	}
	expectNone(t, pull)
	known.Store(true)
	push := open(t, zmq.PUSH, curve)
	connect(t, push, endpoint)
	say(t, push, "hello")
	m, err := pull.Recv(soon(t))
	if err != nil || string(m.Frames[0]) != "hello" || m.Property("User-Id") != "friend" {
		t.Errorf("received %v of %q, %v", m, m.Property("User-Id"), err)
	}
}

// TestPain08_StrangersDoNoHarm: the announcement of a GiB costs no memory, one
// who says nothing holds nobody up, and garbage costs its sender the connection.
func TestPain08_StrangersDoNoHarm(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL)
	silent := v.raw()
	v.good()
	for _, announced := range [][]byte{{0, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF}, {0, 0, 0, 0, 0x3F, 0xFF, 0xFF, 0xFF}} { // refused, and waited for
		bounded(t, "announcements of a GiB and two", 16<<20, func() {
			for range 3 {
				p := v.greeted()
				p.sync()
				p.send(append([]byte{0x02}, announced...)) // the header of a large frame, and none of it
				v.good()
			}
		})
	}
	for _, garbage := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03", strings.Repeat("\x00", 500), "\r\n"} {
		p := v.raw()
		p.send([]byte(garbage))
		p.endSending()
		endsSoon(p)
		v.good()
	}
	silent.cut()
}

// TestPain10_NothingIsSilent: who is connected, what waits, what was dropped for
// whom and why, and that a peer went, can all be asked for.
func TestPain10_NothingIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		var went atomic.Int32
		pub := open(t, zmq.PUB, zmq.WithSendHWM(3), dials.dialer(), zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventDisconnected && e.Peer.Type() == "SUB" && e.Endpoint == wireEndpoint && e.Err != nil {
				went.Add(1)
			}
		}))
		connect(t, pub, wireEndpoint)
		p := dials.accept()
		p.handshake("SUB")
		p.subscribe("")
		const sent = 50
		for range sent {
			say(t, pub, "message")
			synctest.Wait()
		}
		st := onePeer(t, pub)
		if !st.Connected || st.Peer.Type() != "SUB" || st.Peer.Version() != "3.1" || st.Peer.Mechanism() != "NULL" {
			t.Errorf("the peer is %+v", st.Peer)
		}
		if st.SendQueue.Messages != 3 || st.Dropped.QueueFull == 0 || st.Sent.Messages+st.Dropped.QueueFull != sent {
			t.Errorf("of %d messages %+v", sent, st)
		}
		p.cut()
		synctest.Wait()
		if went.Load() != 1 {
			t.Errorf("its end was told %d times", went.Load())
		}
	})
}

// countedConn counts the writes of a connection.
type countedConn struct {
	net.Conn
	writes *atomic.Int32
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// TestPain11_Speed: what waits is written together, so that small messages do
// not cost a system call each. TestDoNotAllocate holds the rest of it, and `make
// probe` measures.
func TestPain11_Speed(t *testing.T) {
	leak.Check(t)
	var writes atomic.Int32
	pull := open(t, zmq.PULL)
	push := open(t, zmq.PUSH, zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return countedConn{c, &writes}, err
	}))
	const messages = 1000
	connected := open(t, zmq.PULL)
	endpoint := bind(t, connected, "tcp://127.0.0.1:*")
	connected.Close()
	connect(t, push, endpoint) // they queue until the peer is there
	for range messages {
		say(t, push, strings.Repeat("x", 64))
	}
	bind(t, pull, endpoint)
	for range messages {
		hear(t, pull)
	}
	if n := writes.Load(); n > messages/20 {
		t.Errorf("%d messages took %d writes", messages, n)
	}
}
