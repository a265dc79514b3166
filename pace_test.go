package zmq_test

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// TestPace: a sender whose only peer is behind waits for it, but not for one that
// takes nothing: then it goes on up to the mark. TrySend never waits.
func TestPace(t *testing.T) {
	const mark = 40
	big := make([]byte, 64<<10)
	for _, way := range []string{"Send", "TrySend"} {
		t.Run(way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				push, pull := open(t, zmq.PUSH, zmq.WithSendHWM(mark)), open(t, zmq.PULL, zmq.WithRecvHWM(1))
				near, far := net.Pipe()
				attached := make(chan error, 1)
				go func() { attached <- push.Attach(t.Context(), near, zmq.Connected) }()
				if err := pull.Attach(t.Context(), far, zmq.Accepted); err != nil {
					t.Fatal(err)
				}
				if err := <-attached; err != nil {
					t.Fatal(err)
				}
				send := func() error { return push.Send(t.Context(), big) }
				want := 2 * time.Millisecond
				if way == "TrySend" {
					send, want = func() error { return push.TrySend(big) }, 0
				}
				start := time.Now()
				for i := range mark {
					if err := send(); err != nil {
						t.Fatalf("message %d: %v", i, err)
					}
				}
				if took := time.Since(start); took != want {
					t.Errorf("the mark was reached after %v, want %v", took, want)
				}
				for range mark {
					if _, err := pull.Recv(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}
