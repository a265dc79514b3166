package zmq_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// TestSpin: a socket whose readers spin, or never do, does what others do.
func TestSpin(t *testing.T) {
	for _, spin := range []time.Duration{-1, 0, 1, time.Millisecond} {
		t.Run(spin.String(), func(t *testing.T) { spinEcho(t, spin) })
	}
}

// TestSpinEnds: who looks for more in vain still sees the end of its time, its
// context and its socket, also where time stands still while somebody is awake.
func TestSpinEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.PULL, zmq.WithSpin(time.Millisecond), zmq.WithRecvTimeout(time.Minute))
		if _, err := s.Recv(t.Context()); !errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("a Recv that is over: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Recv(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a Recv whose context ends: %v", err)
		}
		ended := make(chan error)
		go func() {
			_, err := s.Recv(t.Context())
			ended <- err
		}()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, zmq.ErrClosed) {
			t.Errorf("a Recv of a socket that is closed: %v", err)
		}
	})
}

func spinEcho(t *testing.T, spin time.Duration) {
	t.Helper()
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://spin"} {
		rep, req := open(t, zmq.REP, zmq.WithSpin(spin)), open(t, zmq.REQ, zmq.WithSpin(spin))
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
