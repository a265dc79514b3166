package zmq

import (
	"errors"
	"testing"
	"testing/synctest"
)

// TestMarkOfANewPipe: a Set that comes between the making of a pipe and its taking part
// acts on it.
func TestMarkOfANewPipe(t *testing.T) {
	s := NewPush(WithSendHWM(1))
	defer s.Close()
	p := s.host.NewPipe("tcp://new:1", true, false)
	if err := s.Set(WithSendHWM(3)); err != nil {
		t.Fatal(err)
	}
	if !s.host.Attach(p) {
		t.Fatal("it does not take part")
	}
	queued := 0
	for s.TrySend(nil) == nil {
		queued++
	}
	if queued != 3 {
		t.Errorf("%d messages are queued, want 3", queued)
	}
	s.host.Lost(p)
}

// TestDisconnectWithoutAPipe: a Disconnect that finds no pipe leaves none to be made, in
// which a message would be taken and lost.
func TestDisconnectWithoutAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPush(WithImmediate(true))
		defer s.Close()
		if err := s.Connect("tcp://127.0.0.1:1"); err != nil {
			t.Fatal(err)
		}
		d := s.find("tcp://127.0.0.1:1", false).dialer
		if p := d.Retire(); p != nil || !d.Over() {
			t.Errorf("a dialer without a pipe retires with %v, and is over: %v", p, d.Over())
		}
		if err := s.TrySend(nil); !errors.Is(err, ErrAgain) {
			t.Errorf("it sends: %v", err)
		}
	})
}
