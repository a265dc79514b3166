package zmq_test

import (
	"bytes"
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
