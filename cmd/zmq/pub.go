package main

import (
	"context"
	"errors"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// firstSubscriber is how long a publisher waits for a first subscriber unless
// it was told how many to wait for: longer than our own tries to connect take.
const firstSubscriber = time.Second

func pubCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	var wait subscriberWait
	in := source{notation: &lines}
	cmd := &cobra.Command{
		Use:   "pub ENDPOINT...",
		Short: "Publish messages to SUB sockets",
		Long: `Publish messages to SUB sockets. The first frame begins with the topic.

A subscriber that is not there misses the message, so the first one waits up to a second
until somebody wants it, unless it is typed; --wait-subscribers waits for as many as you say,
for ever or until --timeout. A subscriber that does not keep up slows us down;
--option xpub_nodrop=0 drops what is too much for it instead, as PUB sockets do.
` + sourceHelp + "\n" + notationHelp,
		Example: `  zmq pub @tcp://:5556 --data 'weather.oslo 7'
  tail -f log | zmq pub @tcp://:5556`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := in.prepare(); err != nil {
				return usageError(cmd, err)
			}
			return socket.run(cmd, zmq.PUB, binds, args, func(ctx context.Context, s *zmq.Socket) error {
				return in.sendAll(ctx, wait.sender(cmd, s, in.fromTerminal(), socket.talker(cmd)))
			}, zmq.WithXPubNoDrop(true))
		},
	}
	wait.add(cmd)
	socket.add(cmd)
	lines.add(cmd)
	in.add(cmd)
	return cmd
}

// subscriberWait is how long a publisher waits for subscribers to its first
// message.
type subscriberWait struct{ subscribers int }

func (w *subscriberWait) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&w.subscribers, "wait-subscribers", 0,
		"wait until so many want the first message (default: 1, for at most a second)")
}

// sender sends messages, the first one after the wait.
func (w *subscriberWait) sender(cmd *cobra.Command, s *zmq.Socket, typed bool, t talker) sendFunc {
	waited := false
	return func(ctx context.Context, frames [][]byte) error {
		var err error
		switch topic := string(frames[0]); {
		case waited:
		case cmd.Flags().Changed("wait-subscribers"):
			err = s.WaitSubscribers(ctx, topic, w.subscribers)
		case !typed:
			err = waitAWhile(ctx, s, topic, t)
		}
		waited = true
		if err != nil {
			return err
		}
		return s.Send(ctx, frames...)
	}
}

// waitAWhile gives subscribers the time to connect.
func waitAWhile(ctx context.Context, s *zmq.Socket, topic string, t talker) error {
	short, cancel := context.WithTimeout(ctx, firstSubscriber)
	defer cancel()
	err := s.WaitSubscribers(short, topic, 1)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		t.say("nobody has subscribed to the first message within %v; it is published all the same", firstSubscriber)
		return nil
	}
	return err
}
