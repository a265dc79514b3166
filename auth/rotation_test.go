package auth_test

import (
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestServerKeyRotation binds a socket twice, with an old key and a new one:
// clients of both come in, each at its endpoint.
func TestServerKeyRotation(t *testing.T) {
	leak.Check(t)
	old, fresh := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	server := open(t, zmq.PULL, zmq.WithCurveServer(old))
	for i, keys := range []zmq.CurveKeys{old, fresh} {
		if i > 0 {
			if err := server.Set(zmq.WithCurveServer(keys)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := server.Bind("tcp://127.0.0.1:*")
		if err != nil {
			t.Fatal(err)
		}
		client := open(t, zmq.PUSH, zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}))
		if err := client.Connect(b.Endpoint()); err != nil {
			t.Fatal(err)
		}
		if err := client.Send(soon(t), []byte(keys.Public().String())); err != nil {
			t.Fatal(err)
		}
		m, err := server.Recv(soon(t))
		if err != nil || string(m.Frames[0]) != keys.Public().String() || m.Peer().Endpoint() == "" {
			t.Errorf("%v, %v", m, err)
		}
	}
	if n := server.Peers(); n != 2 {
		t.Errorf("%d peers, want 2", n)
	}
}
