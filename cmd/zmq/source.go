package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"
)

// source is where a sender takes its messages from: flags, or the lines of
// stdin.
type source struct {
	data, files, frames []string
	count               int
	interval            time.Duration
	rate                float64
	notation            *notation

	fixed [][][]byte // the messages, if they do not come from stdin
}

const sourceHelp = `
Messages are the lines of stdin, or what --data, --file or --frame give.`

func (in *source) add(cmd *cobra.Command) {
	in.addMessages(cmd)
	cmd.Flags().IntVar(&in.count, "count", 0, "end after this many messages; what flags give is repeated (default: each once)")
}

// addMessages adds what says which messages there are, and how fast.
func (in *source) addMessages(cmd *cobra.Command) {
	in.addData(cmd, "send `TEXT`")
	fs := cmd.Flags()
	fs.StringArrayVar(&in.files, "file", nil, "send the content of `PATH` as one message (repeatable)")
	fs.StringArrayVar(&in.frames, "frame", nil, "send one message of these frames (repeatable)")
	cmd.MarkFlagsMutuallyExclusive("data", "file", "frame")
	fs.DurationVar(&in.interval, "interval", 0, "time from message to message, as in 100ms")
	fs.Float64Var(&in.rate, "rate", 0, "messages a second")
	cmd.MarkFlagsMutuallyExclusive("interval", "rate")
	if in.notation.most == 0 {
		in.notation.addSplit(cmd)
	}
}

func (in *source) addData(cmd *cobra.Command, usage string) {
	cmd.Flags().StringArrayVar(&in.data, "data", nil, usage+" (repeatable)")
}

// prepare checks the flags and reads what they name.
func (in *source) prepare() error {
	if in.count < 0 || in.interval < 0 || in.rate < 0 {
		return errors.New("--count, --interval and --rate can't be negative")
	}
	if in.rate > 0 {
		in.interval = time.Duration(float64(time.Second) / in.rate)
	}
	for _, text := range in.data {
		frames, err := in.notation.parse([]byte(text))
		if err != nil {
			return fmt.Errorf("--data: %w", err)
		}
		in.fixed = append(in.fixed, frames)
	}
	for _, path := range in.files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		in.fixed = append(in.fixed, [][]byte{content})
	}
	var message [][]byte
	for i, text := range in.frames {
		frame, err := in.notation.parseFrame(i, text)
		if err != nil {
			return fmt.Errorf("--frame: %w", err)
		}
		message = append(message, frame)
	}
	if message != nil {
		in.fixed = append(in.fixed, message)
	}
	return nil
}

// fromTerminal reports whether somebody types the messages.
func (in *source) fromTerminal() bool { return in.fixed == nil && isTerminal(os.Stdin) }

// messages yields the messages, each when it is time.
func (in *source) messages(ctx context.Context) iter.Seq2[[][]byte, error] {
	next := in.nextLine(ctx)
	total := in.count
	if in.fixed != nil {
		next = in.nextFixed()
		if total == 0 {
			total = len(in.fixed)
		}
	}
	return func(yield func([][]byte, error) bool) {
		start := time.Now()
		for i := 0; total == 0 || i < total; i++ {
			frames, err := next(i)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil {
				err = waitUntil(ctx, start.Add(time.Duration(i)*in.interval))
			}
			if !yield(frames, err) || err != nil {
				return
			}
		}
	}
}

func (in *source) nextFixed() func(i int) ([][]byte, error) {
	return func(i int) ([][]byte, error) { return in.fixed[i%len(in.fixed)], nil }
}

// nextLine reads stdin in a goroutine of its own, because nothing else ends a
// read than the end of the program.
func (in *source) nextLine(ctx context.Context) func(i int) ([][]byte, error) {
	var lines chan lineOrError
	return func(i int) ([][]byte, error) {
		if lines == nil {
			lines = make(chan lineOrError, 64)
			go readLoop(os.Stdin, lines)
		}
		select {
		case l := <-lines:
			if l.err != nil {
				return nil, l.err
			}
			frames, err := in.notation.parse(l.text)
			if err != nil {
				return nil, fmt.Errorf("line %d of the input: %w", i+1, err)
			}
			return frames, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type lineOrError struct {
	text []byte
	err  error
}

// readLoop reads lines, without their ends, until there are no more. The last
// one may lack its end.
func readLoop(r io.Reader, lines chan<- lineOrError) {
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		text, err := b.ReadBytes('\n')
		if n := len(text); n > 0 {
			if text[n-1] == '\n' {
				text = text[:n-1]
			}
			lines <- lineOrError{text: text}
		}
		if err != nil {
			lines <- lineOrError{err: err}
			return
		}
	}
}

// waitUntil waits for a point in time.
func waitUntil(ctx context.Context, due time.Time) error {
	wait := time.Until(due)
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isTerminal reports whether somebody sits at the other end of f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
