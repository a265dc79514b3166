package main

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// lastWrite is how long a write may go on when the command is to end.
const lastWrite = 200 * time.Millisecond

// endingWriter writes until a context ends. Nothing but its reader ends a write
// to a pipe or a terminal, and a reader that stands still must not hold the
// command. After an error the writer, and what it was given, are not to be used.
type endingWriter struct {
	ctx context.Context // nil has no end
	w   io.Writer
}

type wrote struct {
	n   int
	err error
}

func (e *endingWriter) Write(p []byte) (int, error) {
	if e.ctx == nil {
		return e.w.Write(p)
	}
	done := make(chan wrote, 1)
	go writeOnce(e.w, p, done)
	select {
	case r := <-done:
		return r.n, r.err
	case <-e.ctx.Done():
	}
	last := time.NewTimer(lastWrite)
	defer last.Stop()
	select {
	case r := <-done:
		return r.n, r.err
	case <-last.C:
		return 0, e.ctx.Err()
	}
}

func writeOnce(w io.Writer, p []byte, done chan<- wrote) {
	n, err := w.Write(p)
	done <- wrote{n, err}
}

type wasRead struct {
	data []byte
	err  error
}

// readInput reads the input to its end, or until the command is to end: nothing
// but its writer ends a read either.
func readInput(cmd *cobra.Command) ([]byte, error) {
	done := make(chan wasRead, 1)
	go readOnce(cmd.InOrStdin(), done)
	select {
	case r := <-done:
		return r.data, r.err
	case <-cmd.Context().Done():
		return nil, context.Cause(cmd.Context())
	}
}

func readOnce(r io.Reader, done chan<- wasRead) {
	data, err := io.ReadAll(r)
	done <- wasRead{data, err}
}
