package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// sink is where a receiver writes its messages to.
type sink struct {
	count     int
	format    string
	noNewline bool
	notation  *notation

	w        *bufio.Writer
	below    *endingWriter
	terminal bool
	template *template.Template
	line     []byte
	written  int
}

const sinkHelp = `
--format takes a Go template with {{.Text}} (frames with tabs between), {{index .Frames 0}},
{{.Number}} (from 1), {{.Size}}, {{.Peer}} (its address) and {{.Time}}; the functions hex and
quote write a text so. On a terminal, text is escaped where it is not printable; in a pipe or
a file it is as it came.`

func (out *sink) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&out.count, "count", 0, "end after this many messages (default: never)")
	out.addFormat(cmd)
}

func (out *sink) addFormat(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&out.format, "format", "", "write each message by this `TEMPLATE`")
	fs.BoolVarP(&out.noNewline, "no-newline", "n", false, "no end of line behind a message")
	cmd.MarkFlagsMutuallyExclusive("format", "hex", "quoted", "json")
}

// prepare checks the flags and opens w.
func (out *sink) prepare(w io.Writer) (err error) {
	if out.count < 0 {
		return errors.New("--count can't be negative")
	}
	if f, ok := w.(*os.File); ok {
		out.terminal = isTerminal(f)
	}
	out.below = &endingWriter{w: w}
	out.w = bufio.NewWriterSize(out.below, 64<<10)
	if out.format != "" {
		functions := template.FuncMap{"hex": hexText, "quote": strconv.Quote}
		out.template, err = template.New("format").Funcs(functions).Parse(out.format)
	}
	return err
}

// until makes ctx end what is written from now on.
func (out *sink) until(ctx context.Context) { out.below.ctx = ctx }

func hexText(s string) string { return hex.EncodeToString([]byte(s)) }

// full reports whether there are as many messages as were wanted.
func (out *sink) full() bool { return out.count > 0 && out.written >= out.count }

// write writes a message. It may stay in the buffer.
func (out *sink) write(m *zmq.Msg) (err error) {
	out.written++
	out.line = out.line[:0]
	if out.template != nil {
		var b bytes.Buffer
		err = out.template.Execute(&b, out.view(m))
		out.line = append(out.line, b.Bytes()...)
	} else {
		out.line, err = out.notation.append(out.line, m.Frames, out.terminal)
	}
	if err != nil {
		return fmt.Errorf("message %d: %w", out.written, err)
	}
	if !out.noNewline {
		out.line = append(out.line, '\n')
	}
	_, err = out.w.Write(out.line)
	return outputError(err)
}

func (out *sink) flush() error { return outputError(out.w.Flush()) }

// outputError makes a reader that has gone, as head does, a quiet end.
func outputError(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errOutputClosed
	}
	return err
}

// view is a message as a template sees it.
type view struct {
	Text   string
	Frames []string
	Number int
	Size   int
	Peer   string
	Time   string
}

func (out *sink) view(m *zmq.Msg) view {
	v := view{
		Number: out.written, Size: m.Size(), Peer: m.Peer().Address(),
		Time: time.Now().Format(time.RFC3339Nano),
	}
	for i, f := range m.Frames {
		v.Frames = append(v.Frames, out.notation.text(i, f, out.terminal))
	}
	v.Text = strings.Join(v.Frames, "\t")
	return v
}

// receive writes what s receives until there are as many as wanted. What was
// received is on its way out whenever it waits.
func (out *sink) receive(ctx context.Context, s *zmq.Socket) error {
	out.until(ctx)
	for !out.full() {
		if ctx.Err() != nil { // messages may come without end
			return errors.Join(out.flush(), ctx.Err())
		}
		m, err := s.TryRecv()
		if errors.Is(err, zmq.ErrAgain) {
			if err := out.flush(); err != nil {
				return err
			}
			m, err = s.Recv(ctx)
		}
		if err != nil {
			return errors.Join(out.flush(), err)
		}
		if err := out.write(&m); err != nil {
			return errors.Join(err, out.flush())
		}
	}
	return out.flush()
}
