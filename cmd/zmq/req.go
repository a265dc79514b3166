package main

import (
	"context"
	"errors"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func reqCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	in := source{notation: &lines}
	out := sink{notation: &lines}
	cmd := &cobra.Command{
		Use:   "req ENDPOINT...",
		Short: "Send requests to REP sockets and write the replies",
		Long: "Send requests to REP sockets and write the replies, each before the next request.\n" +
			sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq req +tcp://localhost:5557 --data 'what time is it?'
  zmq req tcp://localhost:5557 < questions`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(in.prepare(), out.prepare(cmd.OutOrStdout())); err != nil {
				return usageError(cmd, err)
			}
			return socket.run(cmd, zmq.REQ, connects, args, func(ctx context.Context, s *zmq.Socket) error {
				return ask(ctx, s, &in, &out)
			})
		},
	}
	socket.add(cmd)
	socket.addIdentity(cmd)
	lines.add(cmd)
	in.add(cmd)
	out.addFormat(cmd)
	return cmd
}

// ask sends every message of a source and writes the reply to each.
func ask(ctx context.Context, s *zmq.Socket, in *source, out *sink) error {
	out.until(ctx)
	for frames, err := range in.messages(ctx) {
		if err != nil {
			return err
		}
		if err := s.Send(ctx, frames...); err != nil {
			return err
		}
		reply, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		if err := errors.Join(out.write(&reply), out.flush()); err != nil {
			return err
		}
	}
	return nil
}
