package zmq_test

import (
	"testing"

	"github.com/phimq/zmq"
)

// TestSpin: a socket whose readers spin does what others do.
func TestSpin(t *testing.T) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://spin"} {
		rep, req := open(t, zmq.REP, zmq.WithSpin(true)), open(t, zmq.REQ, zmq.WithSpin(true))
		b, err := rep.Bind(bind)
		if err != nil {
			t.Fatal(err)
		}
		if err := req.Connect(b.Endpoint()); err != nil {
			t.Fatal(err)
		}
		for i := range 200 {
			want := string(rune('a' + i%26))
			if err := req.Send(t.Context(), []byte(want)); err != nil {
				t.Fatal(err)
			}
			m, err := rep.Recv(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := rep.Send(t.Context(), m.Frames...); err != nil {
				t.Fatal(err)
			}
			if m, err = req.Recv(t.Context()); err != nil || string(m.Frames[0]) != want {
				t.Fatalf("%s: %v, %v; want %q", bind, m, err, want)
			}
		}
	}
}
