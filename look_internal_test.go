package zmq

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLook: who looks for more notices all that would have woken it, and its time.
func TestLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPull(WithSpin(time.Millisecond))
		w := s.recvWait.enter(false)
		if s.look(t.Context(), w, -1) {
			t.Error("it found something where there is nothing")
		}
		s.recvWait.wake()
		if !s.look(t.Context(), w, -1) {
			t.Error("it did not notice that it was woken")
		}
		s.recvWait.leave(w)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if s.look(t.Context(), w, -1) {
			t.Error("it found something on a socket that is closed")
		}
	})
}
