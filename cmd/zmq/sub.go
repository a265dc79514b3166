package main

import (
	"context"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func subCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	var topics []string
	out := sink{notation: &lines}
	cmd := &cobra.Command{
		Use:   "sub ENDPOINT...",
		Short: "Write what PUB sockets publish",
		Long:  "Write what PUB sockets publish: all of it, or what begins with the topics asked for.\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq sub +tcp://localhost:5556 --subscribe weather.
  zmq sub tcp://localhost:5556 --format '{{.Time}} {{.Text}}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.prepare(cmd.OutOrStdout()); err != nil {
				return usageError(cmd, err)
			}
			if len(topics) == 0 {
				topics = []string{""}
			}
			return socket.run(cmd, zmq.SUB, connects, args, func(ctx context.Context, s *zmq.Socket) error {
				if err := s.Subscribe(topics...); err != nil {
					return err
				}
				return out.receive(ctx, s)
			})
		},
	}
	cmd.Flags().StringArrayVarP(&topics, "subscribe", "s", nil, "receive what begins with `TOPIC` (repeatable; default: all)")
	socket.add(cmd)
	lines.add(cmd)
	out.add(cmd)
	return cmd
}
