package main

import (
	"context"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func pullCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	out := sink{notation: &lines}
	cmd := &cobra.Command{
		Use:   "pull ENDPOINT...",
		Short: "Write what PUSH sockets send",
		Long: `Write what PUSH sockets send. With --count, what was sent beyond it may have been
received already and is lost.
` + notationHelp + "\n" + sinkHelp,
		Example: `  zmq pull @tcp://:5555
  zmq pull @tcp://:5555 --count 1 --no-newline > file`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.prepare(cmd.OutOrStdout()); err != nil {
				return usageError(cmd, err)
			}
			return socket.run(cmd, zmq.PULL, binds, args, func(ctx context.Context, s *zmq.Socket) error {
				return out.receive(ctx, s)
			})
		},
	}
	socket.add(cmd)
	lines.add(cmd)
	out.add(cmd)
	return cmd
}
