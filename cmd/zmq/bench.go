package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench thr|lat|fanout [ENDPOINT]",
		Short: "Tell how fast messages go",
		Long: `Tell how fast messages go, through this program and to another machine.

At a bare ENDPOINT both ends are in this program; tcp://127.0.0.1:* unless said, ipc:// and
inproc:// as well. With thr and lat, @ENDPOINT is only the end that receives or answers, and
+ENDPOINT only the one that sends or asks: give both the same --count and --size.

It is a first look. Numbers that are to be believed need a quiet machine, many runs and
something beside them: see docs/performance.md.`,
		Example: `  zmq bench thr --size 1024
  zmq bench lat ipc:///tmp/bench
  zmq bench thr @tcp://:5555            # here
  zmq bench thr +tcp://first-host:5555  # and on another machine`,
		RunE: oneOf("thr", "lat", "fanout"),
	}
	for _, k := range []benchKind{
		{name: "thr", short: "Messages a second from PUSH to PULL", count: 1_000_000, subscribers: 1,
			bound: zmq.PULL, other: zmq.PUSH, serve: (*bench).receive, ask: (*bench).send},
		{name: "lat", short: "How long a REQ waits for its REP", count: 10_000, subscribers: 1,
			bound: zmq.REP, other: zmq.REQ, serve: (*bench).answer, ask: (*bench).request},
		{name: "fanout", short: "Messages a second from a PUB to many SUBs", count: 100_000, subscribers: 10,
			bound: zmq.PUB, other: zmq.SUB, options: []zmq.Option{zmq.WithXPubNoDrop(true)}, serve: (*bench).publish, ask: (*bench).receive},
	} {
		cmd.AddCommand(k.command())
	}
	return cmd
}

// benchKind is what is measured, and the work of each end.
type benchKind struct {
	name, short  string
	count        int
	subscribers  int // ends that connect
	bound, other zmq.Type
	options      []zmq.Option // of the end that binds
	serve, ask   func(*bench, context.Context, *zmq.Socket) error
}

// bench is one run of the command.
type bench struct {
	benchKind
	size    int
	timeout time.Duration
	json    bool

	mu       sync.Mutex // guards what several receivers tell
	began    time.Time
	ended    time.Time
	received int
	trips    []time.Duration
}

func (k benchKind) command() *cobra.Command {
	b := &bench{benchKind: k}
	cmd := &cobra.Command{
		Use:   b.name + " [ENDPOINT]",
		Short: b.short,
		Args:  cobra.MaximumNArgs(1),
		RunE:  b.run,
	}
	fs := cmd.Flags()
	fs.IntVar(&b.count, "count", b.count, "send so many messages")
	fs.IntVar(&b.size, "size", 64, "of so many octets, 8 at least")
	fs.DurationVar(&b.timeout, "timeout", time.Minute, "give up after this time")
	fs.BoolVar(&b.json, "json", false, "write the result as JSON")
	if b.name == "fanout" {
		fs.IntVar(&b.subscribers, "subscribers", b.subscribers, "to so many SUBs")
	}
	return cmd
}

func (b *bench) run(cmd *cobra.Command, args []string) error {
	endpoint := "tcp://127.0.0.1:*"
	if len(args) > 0 {
		endpoint = args[0]
	}
	bare := strings.TrimLeft(endpoint, "@*+>")
	prefix := strings.TrimSuffix(endpoint, bare)
	binding, connecting := strings.ContainsAny(prefix, "@*"), strings.ContainsAny(prefix, "+>")
	switch {
	case b.size < 8 || b.count < 2 || b.subscribers < 1 || b.timeout <= 0:
		return usageError(cmd, errors.New("want at least 8 octets, 2 messages, 1 subscriber and some time"))
	case b.name == "fanout" && (binding || connecting):
		return usageError(cmd, errors.New("fanout has both ends here: name an endpoint without @ and +"))
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), b.timeout, errTimeout)
	defer cancel()
	err := b.runEnds(ctx, bare, !connecting, !binding)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil || b.ended.IsZero() {
		return err
	}
	return outputError(b.write(cmd.OutOrStdout()))
}

// runEnds runs the end that binds, those that connect, or both.
func (b *bench) runEnds(ctx context.Context, endpoint string, bound, other bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	start := func(s *zmq.Socket, work func(*bench, context.Context, *zmq.Socket) error) {
		running.Go(func() {
			if err := work(b, ctx, s); err != nil {
				cancel(err)
			}
		})
	}
	if bound {
		s, err := zmq.New(b.bound, b.options...)
		if err != nil {
			return err
		}
		defer s.Close()
		at, err := s.Bind(endpoint)
		if err != nil {
			return connectFailure(err)
		}
		endpoint = at.Endpoint()
		start(s, b.serve)
	}
	for range b.subscribers {
		if !other {
			break
		}
		s, err := zmq.New(b.other, zmq.WithReconnectMax(longestReconnect))
		if err != nil {
			return err
		}
		defer s.Close()
		if b.other == zmq.SUB {
			err = s.Subscribe("")
		}
		if err = errors.Join(err, s.Connect(endpoint)); err != nil {
			return err
		}
		start(s, b.ask)
	}
	running.Wait()
	return context.Cause(ctx)
}

// send sends all messages, numbered, and waits until they are written.
func (b *bench) send(ctx context.Context, s *zmq.Socket) error {
	body := make([]byte, b.size)
	for n := range b.count {
		binary.BigEndian.PutUint64(body, uint64(n))
		if err := s.Send(ctx, body); err != nil {
			return err
		}
	}
	return s.Shutdown(ctx)
}

func (b *bench) publish(ctx context.Context, s *zmq.Socket) error {
	if err := s.WaitSubscribers(ctx, "", b.subscribers); err != nil {
		return err
	}
	return b.send(ctx, s)
}

// receive takes all messages and notes the time from the first to the last.
func (b *bench) receive(ctx context.Context, s *zmq.Socket) error {
	var m zmq.Msg
	var began time.Time
	for n := range b.count {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if n == 0 {
			began = time.Now()
		}
		if err := b.check(&m, n); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.began.IsZero() || began.Before(b.began) {
		b.began = began
	}
	b.ended = time.Now()
	b.received += b.count
	return nil
}

// check takes message n.
func (b *bench) check(m *zmq.Msg, n int) error {
	if len(m.Frames) != 1 || len(m.Frames[0]) != b.size {
		return fmt.Errorf("message %d has %d octets, want %d: give both ends the same --size", n, m.Size(), b.size)
	}
	if is := binary.BigEndian.Uint64(m.Frames[0]); is != uint64(n) {
		return fmt.Errorf("message %d is number %d", n, is)
	}
	return nil
}

func (b *bench) answer(ctx context.Context, s *zmq.Socket) error {
	var m zmq.Msg
	for n := range b.count {
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		if err := b.check(&m, n); err != nil {
			return err
		}
		if err := s.Send(ctx, m.Frames...); err != nil {
			return err
		}
	}
	return s.Shutdown(ctx)
}

// request asks one after the other and keeps how long each answer took.
func (b *bench) request(ctx context.Context, s *zmq.Socket) error {
	if err := s.WaitReady(ctx, 1); err != nil {
		return err
	}
	body := make([]byte, b.size)
	var m zmq.Msg
	b.began = time.Now()
	for n := range b.count {
		binary.BigEndian.PutUint64(body, uint64(n))
		asked := time.Now()
		if err := s.Send(ctx, body); err != nil {
			return err
		}
		if err := s.RecvInto(ctx, &m); err != nil {
			return err
		}
		b.trips = append(b.trips, time.Since(asked))
		if err := b.check(&m, n); err != nil {
			return err
		}
	}
	b.ended = time.Now()
	b.received = b.count
	slices.Sort(b.trips)
	return nil
}

// benchReport is the result for programs.
type benchReport struct {
	Messages int     `json:"messages"`
	Size     int     `json:"size"`
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"messages-per-s"`
	Octets   float64 `json:"octets-per-s"`
	P50      float64 `json:"p50-us,omitempty"`
	P99      float64 `json:"p99-us,omitempty"`
	Longest  float64 `json:"longest-us,omitempty"`
}

func (b *bench) write(w io.Writer) error {
	r := benchReport{Messages: b.received, Size: b.size, Seconds: max(b.ended.Sub(b.began), 1).Seconds()}
	r.Rate = float64(r.Messages) / r.Seconds
	r.Octets = r.Rate * float64(r.Size)
	if last := len(b.trips) - 1; last >= 0 {
		microseconds := func(at int) float64 { return float64(b.trips[at].Nanoseconds()) / 1000 }
		r.P50, r.P99, r.Longest = microseconds(last/2), microseconds(last*99/100), microseconds(last)
	}
	if b.json {
		return json.NewEncoder(w).Encode(r)
	}
	text := fmt.Sprintf("%-10s %d of %d octets, in %v\n", "Messages:", r.Messages, r.Size, b.ended.Sub(b.began).Round(time.Microsecond))
	if b.trips == nil {
		text += fmt.Sprintf("%-10s %.0f messages/s, %.1f MB/s\n", "Rate:", r.Rate, r.Octets/1e6)
	} else {
		text += fmt.Sprintf("%-10s p50 %.1f µs, p99 %.1f µs, longest %.1f µs\n", "Latency:", r.P50, r.P99, r.Longest)
	}
	_, err := io.WriteString(w, text)
	return err
}
