package zmq_test

import (
	"fmt"
	"testing"

	"github.com/phimq/zmq"
)

// TestSocketIsPrinted: a program that logs its socket while it sends neither races with
// it nor prints what is inside.
func TestSocketIsPrinted(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	at := bind(t, pull, "inproc://printed")
	connect(t, push, at)
	sent := make(chan error)
	go func() {
		for range 100 {
			if err := push.Send(t.Context(), []byte("x")); err != nil {
				sent <- err
			}
		}
		close(sent)
	}()
	for range 100 {
		if got, want := fmt.Sprintf("%v %+v %s", push, push, pull), "PUSH [inproc://printed] PUSH [inproc://printed] PULL [inproc://printed]"; got != want {
			t.Fatalf("printed %q, want %q", got, want)
		}
		if _, err := pull.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if got := fmt.Sprint(open(t, zmq.PUB)); got != "PUB []" {
		t.Errorf("printed %q", got)
	}
}
