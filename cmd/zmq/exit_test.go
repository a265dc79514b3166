package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

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

// TestInterruptWhileItReads: the first interrupt ends a command whose input goes on.
func TestInterruptWhileItReads(t *testing.T) {
	for _, args := range [][]string{{"z85", "enc"}, {"z85", "dec"}, {"curve", "public"}} {
		synctest.Test(t, func(t *testing.T) {
			stdin, keyboard := io.Pipe()
			defer keyboard.Close()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			time.AfterFunc(time.Minute, func() { cancel(errInterrupted) })
			root := rootCommand()
			root.SetArgs(args)
			root.SetIn(stdin)
			if err := root.ExecuteContext(ctx); exitCode(err) != exitInterrupted {
				t.Errorf("%q: %v", args, err)
			}
		})
	}
}
