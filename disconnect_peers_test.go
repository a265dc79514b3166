package zmq_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestDisconnectPeers ends the connection of one of two peers. It comes again,
// because it connected; the other never notices.
func TestDisconnectPeers(t *testing.T) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://disconnect-peers"} {
		t.Run(bind[:3], func(t *testing.T) {
			leak.Check(t)
			d := zmq.WithDomain(zmq.NewDomain())
			server, seen := watched(t, zmq.ROUTER, []zmq.Option{d})
			b, err := server.Bind(bind)
			if err != nil {
				t.Fatal(err)
			}
			first, lost := watched(t, zmq.DEALER, []zmq.Option{d, zmq.WithRoutingID("first")})
			second, notices := watched(t, zmq.DEALER, []zmq.Option{d, zmq.WithRoutingID("second")})
			for _, s := range []*zmq.Socket{first, second} {
				if err := s.Connect(b.Endpoint()); err != nil {
					t.Fatal(err)
				}
			}
			if err := server.WaitReady(soon(t), 2); err != nil {
				t.Fatal(err)
			}
			if err := first.Send(soon(t), []byte("before")); err != nil {
				t.Fatal(err)
			}
			m, err := server.Recv(soon(t))
			if err != nil {
				t.Fatal(err)
			}
			isFirst := func(p zmq.Peer) bool { return string(p.Identity()) == "first" }
			if n, err := server.DisconnectPeers(isFirst); n != 1 || err != nil {
				t.Fatalf("%d connections ended, %v", n, err)
			}
			if id := m.Property("Identity"); id != "first" {
				t.Errorf("the message came from %q", id)
			}
			if bind[:3] == "inp" { // nothing connects again, and there are no events
				for server.Peers() > 1 {
				}
			} else {
				if e := await(t, seen, zmq.EventDisconnected); string(e.Peer.Identity()) != "first" {
					t.Errorf("the wrong peer was disconnected: %s", e)
				}
				await(t, lost, zmq.EventDisconnected)
				if err := first.Send(soon(t), []byte("after")); err != nil {
					t.Fatal(err)
				}
				if m, err := server.Recv(soon(t)); err != nil || string(m.Frames[1]) != "after" {
					t.Fatalf("%s, %v", m, err)
				}
			}
			for len(notices) > 0 {
				if e := <-notices; e.Kind == zmq.EventDisconnected {
					t.Errorf("the other peer lost its connection: %s", e)
				}
			}
		})
	}
}

// TestDisconnectPeersClosed asks a socket that is closed.
func TestDisconnectPeersClosed(t *testing.T) {
	s := open(t, zmq.PULL)
	if n, err := s.DisconnectPeers(func(zmq.Peer) bool { return true }); n != 0 || err != nil {
		t.Errorf("without peers: %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DisconnectPeers(func(zmq.Peer) bool { return true }); !errors.Is(err, zmq.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A publisher that throws a subscriber out.
func ExampleSocket_DisconnectPeers() {
	pub := zmq.NewPub()
	defer pub.Close()
	n, err := pub.DisconnectPeers(func(p zmq.Peer) bool { return p.UserID() == "mallory" })
	fmt.Println(n, err)
	// Output: 0 <nil>
}
