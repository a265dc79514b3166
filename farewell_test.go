package zmq_test

import (
	"net"
	"testing"

	"github.com/phimq/zmq"
)

// TestMessageBeforeFarewell: a peer that leaves as soon as it has greeted, as a
// ROUTER does that has another of our name, gets what waited for it: else that
// would wait for as long as the socket lingers.
func TestMessageBeforeFarewell(t *testing.T) {
	for range 50 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := open(t, zmq.DEALER)
		if err := s.Connect("tcp://" + l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), []byte("first")); err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		p := newWirePeer(t, c)
		p.handshake("ROUTER")
		p.endSending()
		if got := p.recvMsg(); len(got) != 1 || got[0] != "first" {
			t.Fatalf("the peer got %q", got)
		}
		_ = s.Set(zmq.WithLinger(0))
		_ = l.Close()
		_ = s.Close()
	}
}
