package main

import (
	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func dealerCommand() *cobra.Command {
	return peerCommand(zmq.DEALER, &cobra.Command{
		Use:   "dealer ENDPOINT...",
		Short: "Talk to ROUTER, REP and DEALER sockets",
		Long: `Talk to ROUTER, REP and DEALER sockets: messages are shared out among them, and received
from all. A REP wants an empty frame in front of a request and puts one in front of its reply.
` + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq dealer +tcp://localhost:5558 --identity me
  zmq dealer tcp://localhost:5557 --frame '' --frame hello --count 1`,
	})
}

func pairCommand() *cobra.Command {
	return peerCommand(zmq.PAIR, &cobra.Command{
		Use:   "pair ENDPOINT...",
		Short: "Talk to one PAIR socket",
		Long: `Talk to one PAIR socket. While it is there, no other is let in.
` + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq pair @tcp://:5559
  zmq pair +tcp://localhost:5559`,
	})
}

// peerCommand makes a command of a type that does nothing to its messages.
func peerCommand(typ zmq.Type, cmd *cobra.Command) *cobra.Command {
	var d duplex
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return d.run(cmd, typ, connects, args, func(s *zmq.Socket) (sendFunc, error) { return plainly(s), nil })
	}
	d.add(cmd)
	if typ == zmq.DEALER {
		d.socket.addIdentity(cmd)
	}
	return cmd
}
