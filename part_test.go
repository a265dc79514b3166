package zmq_test

import (
	"bytes"
	"net"
	"testing"
	"time"

	zmq "github.com/phimq/zmq"
)

// TestCloseLetsThePeerRead: what was sent arrives although the closing socket
// has not read all that the peer sent. Closing a connection with unread octets
// would make the kernel take back what it has not delivered.
func TestCloseLetsThePeerRead(t *testing.T) {
	pair := open(t, zmq.PAIR, zmq.WithRecvHWM(1), zmq.WithSendHWM(0), zmq.WithLinger(10*time.Second))
	bind(t, pair, "tcp://127.0.0.1:*")
	p := dialWire(t, pair)
	p.handshake("PAIR")
	body := bytes.Repeat([]byte("x"), 1000)
	for range 2000 {
		p.sendMsg(string(body))
	}
	const sent = 1500
	for range sent {
		if err := pair.Send(soon(t), body); err != nil {
			t.Fatal(err)
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- pair.Close() }()
	if got, want := len(p.rest()), sent*(9+len(body)); got != want {
		t.Errorf("the peer read %d octets of %d", got, want)
	}
	p.cut()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestCloseFindsWhoIsGone: a peer dies while the socket has no room for more of its
// messages. What is sent meanwhile goes to the next connection, Close waits for that, and
// what was received is in nobody's way.
func TestCloseFindsWhoIsGone(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, zmq.DEALER, zmq.WithRecvHWM(5), zmq.WithLinger(-1))
	connect(t, s, "tcp://"+l.Addr().String())
	p := dialedBy(t, l)
	p.handshake("DEALER")
	for range 200 {
		p.sendMsg("unread")
	}
	for s.Stats().Peers[0].RecvQueue.Messages < 5 {
		waitChange(t, s)
	}
	p.reset()
	say(t, s, "kept")
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	p = dialedBy(t, l)
	p.handshake("DEALER")
	p.expectMsg("kept")
	p.cut()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestCloseKeepsWhatOthersWereSent: that the linger time ends for a peer which is not
// there takes nothing back that another one was sent.
func TestCloseKeepsWhatOthersWereSent(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := open(t, zmq.DEALER, zmq.WithRecvHWM(1), zmq.WithLinger(time.Millisecond))
	connect(t, s, "tcp://"+l.Addr().String())
	p := dialedBy(t, l)
	p.handshake("DEALER")
	for range 1000 {
		p.sendMsg("unread")
	}
	const size = 1 << 20
	say(t, s, string(make([]byte, size)))
	for s.Stats().Peers[0].SendQueue.Messages > 0 || s.Stats().Peers[0].RecvQueue.Messages == 0 {
		waitChange(t, s)
	}
	connect(t, s, "inproc://nobody")
	say(t, s, "for both")
	say(t, s, "of them")
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-time.After(50 * time.Millisecond) // it lingers no more
	if got := len(p.rest()); got < size {
		t.Errorf("the peer read %d octets of %d", got, size)
	}
	p.cut()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
