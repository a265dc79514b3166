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
				return sendAll(ctx, s, &in, nil)
			})
		},
	}
	socket.add(cmd)
	lines.add(cmd)
	in.add(cmd)
	return cmd
}

// sendAll sends every message of a source. first, if there is one, is called
// before the first of them.
func sendAll(ctx context.Context, s *zmq.Socket, in *source, first func(topic []byte) error) error {
	for frames, err := range in.messages(ctx) {
		if err == nil && first != nil {
			err, first = first(frames[0]), nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(ctx, frames...); err != nil {
			return err
		}
	}
	return nil
}
