package main

import (
	"context"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func pushCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	in := source{notation: &lines}
	cmd := &cobra.Command{
		Use:   "push ENDPOINT...",
		Short: "Send messages to PULL sockets, shared out among them",
		Long: `Send messages to PULL sockets, shared out among them. Waits until there is a peer and
ends when all is sent.
` + sourceHelp + "\n" + notationHelp,
		Example: `  seq 1000 | zmq push +tcp://localhost:5555
  zmq push tcp://localhost:5555 --frame job --frame 42`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := in.prepare(); err != nil {
				return usageError(cmd, err)
			}
			return socket.run(cmd, zmq.PUSH, connects, args, func(ctx context.Context, s *zmq.Socket) error {
				return in.sendAll(ctx, plainly(s))
			})
		},
	}
	socket.add(cmd)
	lines.add(cmd)
	in.add(cmd)
	return cmd
}

// sendFunc sends a message.
type sendFunc func(ctx context.Context, frames [][]byte) error

// plainly sends messages as they are.
func plainly(s *zmq.Socket) sendFunc {
	return func(ctx context.Context, frames [][]byte) error { return s.Send(ctx, frames...) }
}

// sendAll sends every message of a source.
func (in *source) sendAll(ctx context.Context, send sendFunc) error {
	for frames, err := range in.messages(ctx) {
		if err == nil {
			err = send(ctx, frames)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
