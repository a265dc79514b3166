package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// TestFormatOnTerminal: a message must not reach the terminal through a
// template either.
func TestFormatOnTerminal(t *testing.T) {
	var b bytes.Buffer
	out := sink{notation: &notation{}, format: "{{.Number}}: {{index .Frames 0}}|{{.Text}}\t."}
	if err := out.prepare(&b); err != nil {
		t.Fatal(err)
	}
	out.terminal = true
	m := zmq.MsgFromStrings("a\x1b", "b\u009b")
	if err := out.write(&m); err != nil {
		t.Fatal(err)
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	if want := "1: a\\x1b|a\\x1b\tb\\u009b\t.\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}

// TestSinkEnds: what a reader takes no more ends with the command; what it
// takes in a moment is written all the same.
func TestSinkEnds(t *testing.T) {
	for _, still := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, w := io.Pipe()
			defer r.Close()
			out := sink{notation: &notation{}}
			if err := out.prepare(w); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			out.until(ctx)
			m := zmq.MsgFromStrings("a")
			if err := out.write(&m); err != nil {
				t.Fatal(err)
			}
			flushed := make(chan error)
			go func() { flushed <- out.flush() }()
			synctest.Wait()
			cancel()
			synctest.Wait()
			if !still {
				if _, err := io.ReadFull(r, make([]byte, len("a\n"))); err != nil {
					t.Error(err)
				}
			}
			if err := <-flushed; errors.Is(err, context.Canceled) != still {
				t.Errorf("the reader stands still: %t; %v", still, err)
			}
		})
	}
}
