package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// demoTime is how long the demo may take before something must be wrong.
const demoTime = 30 * time.Second

func demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the patterns at work on this machine",
		Long: `Show the patterns at work on this machine, in a few seconds: PUSH and PULL over tcp, PUB
and SUB over ipc, REQ and a REP that is killed and restarted, and a libzmq peer if Python
has one. The exit code is 0 if all went as it should.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), demoTime, errTimeout)
			defer cancel()
			d := &demo{out: cmd.OutOrStdout()}
			if err := d.run(ctx); err != nil {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return err
			}
			return outputError(d.outErr)
		},
	}
}

// demo tells on out what it does.
type demo struct {
	out    io.Writer
	outErr error
}

func (d *demo) say(format string, args ...any) {
	if d.outErr == nil {
		_, d.outErr = fmt.Fprintf(d.out, format+"\n", args...)
	}
}

func (d *demo) run(ctx context.Context) error {
	steps := []struct {
		title string
		run   func(context.Context) error
	}{
		{"PUSH and PULL over tcp: work is shared out", d.pipeline},
		{"PUB and SUB over ipc: news by topic", d.pubSub},
		{"REQ and REP: the server is killed and comes back", d.restart},
		{"libzmq: the same wire, both ways", d.libzmq},
	}
	d.say("ZeroMQ in pure Go, %d steps:", len(steps))
	for i, step := range steps {
		d.say("\n%d. %s", i+1, step.title)
		if err := step.run(ctx); err != nil {
			d.say("   This went wrong.")
			return fmt.Errorf("demo, step %d: %w", i+1, err)
		}
	}
	d.say("\nAll went as it should.")
	return nil
}

// pipeline shares jobs out to two workers and collects the results.
func (d *demo) pipeline(ctx context.Context) error {
	const jobs = 10000
	source, results := zmq.NewPush(), zmq.NewPull()
	defer source.Close()
	defer results.Close()
	in, err := source.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	out, err := results.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	d.say("   PUSH bound to %s; two workers PULL from it and PUSH the results on.", in.Endpoint())
	worker := func(ctx context.Context) error {
		return work(ctx, in.Endpoint(), out.Endpoint())
	}
	start := time.Now()
	// Both workers are there first, or one would get a longer share.
	workers := begin(ctx, worker, worker)
	if err := source.WaitReady(ctx, 2); err != nil {
		return workers.stop(err)
	}
	sender := begin(ctx, func(ctx context.Context) error {
		for i := range jobs {
			if err := source.Send(ctx, fmt.Append(nil, i)); err != nil {
				return err
			}
		}
		return nil
	})
	seen, share := make([]bool, jobs), map[string]int{}
	for range jobs {
		m, err := results.Recv(ctx)
		if err != nil {
			return workers.stop(sender.stop(err))
		}
		var n int
		if _, err := fmt.Sscan(string(m.Frames[0]), &n); err != nil || n < 0 || n >= jobs || seen[n] {
			return workers.stop(sender.stop(fmt.Errorf("job %s came twice, or was never sent", m)))
		}
		seen[n] = true
		share[m.Peer().Address()]++
	}
	took := time.Since(start)
	if err := workers.stop(sender.stop(nil)); err != nil {
		return err
	}
	d.say("   %d jobs sent, %d results, each job once, in %v.", jobs, len(seen), took.Round(time.Millisecond))
	for _, n := range share {
		d.say("   A worker did %d.", n)
	}
	if len(share) != 2 {
		return fmt.Errorf("%d workers did something, there are 2", len(share))
	}
	return nil
}

// work does jobs until ctx ends.
func work(ctx context.Context, from, to string) error {
	jobs, results := zmq.NewPull(), zmq.NewPush()
	defer jobs.Close()
	defer results.Close()
	if err := jobs.Connect(from); err != nil {
		return err
	}
	if err := results.Connect(to); err != nil {
		return err
	}
	var m zmq.Msg
	for {
		if err := jobs.RecvInto(ctx, &m); err != nil {
			return err
		}
		if err := results.SendMsg(ctx, &m); err != nil {
			return err
		}
	}
}

// pubSub publishes on two topics to one who wants all and one who wants one.
func (d *demo) pubSub(ctx context.Context) error {
	const rounds = 400
	pub, all, oslo := zmq.NewPub(), zmq.NewSub(), zmq.NewSub()
	defer pub.Close()
	defer all.Close()
	defer oslo.Close()
	b, err := pub.Bind("ipc://*")
	if err != nil {
		return err
	}
	d.say("   PUB bound to %s; one SUB wants everything, the other one oslo.", b.Endpoint())
	for sub, topic := range map[*zmq.Socket]string{all: "", oslo: "oslo"} {
		if err := sub.Subscribe(topic); err != nil {
			return err
		}
		if err := sub.Connect(b.Endpoint()); err != nil {
			return err
		}
	}
	if err := pub.WaitSubscribers(ctx, "oslo", 2); err != nil {
		return err
	}
	for i := range rounds {
		for _, city := range []string{"oslo", "rome"} {
			if err := pub.Send(ctx, []byte(city), fmt.Append(nil, i)); err != nil {
				return err
			}
		}
	}
	gotAll, err := countInOrder(ctx, all, 2*rounds, "oslo", "rome")
	if err != nil {
		return err
	}
	gotOslo, err := countInOrder(ctx, oslo, rounds, "oslo")
	if err != nil {
		return err
	}
	d.say("   %d messages published; the first got %d, the other %d.", 2*rounds, gotAll, gotOslo)
	return nil
}

// countInOrder receives n messages, numbered, whose topics take turns.
func countInOrder(ctx context.Context, s *zmq.Socket, n int, topics ...string) (int, error) {
	for i := range n {
		m, err := s.Recv(ctx)
		if err != nil {
			return i, err
		}
		topic, number := topics[i%len(topics)], fmt.Sprint(i/len(topics))
		if len(m.Frames) != 2 || string(m.Frames[0]) != topic || string(m.Frames[1]) != number {
			return i, fmt.Errorf("got %s, want %s %s", m, topic, number)
		}
	}
	return n, nil
}
