package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/phimq/zmq"
)

func TestExitCode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errOutputClosed, 0},
		{errors.New("something"), 1},
		{&zmq.OpError{Op: "connect", Err: zmq.ErrInvalid}, 1},
		{connectFailure(zmq.ErrAuth), 2},
		{context.DeadlineExceeded, 3},
		{&zmq.OpError{Op: "recv", Err: zmq.ErrTimeout}, 3},
		{fmt.Errorf("tcp://x: %w", zmq.ErrAuth), 4},
		{fmt.Errorf("tcp://x: %w", zmq.ErrProtocol), 5},
		{errInterrupted, 130},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}
