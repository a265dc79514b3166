package main

import (
	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func xpubCommand() *cobra.Command {
	d := duplex{lines: notation{writeFirst: writeSubscription}}
	var wait subscriberWait
	cmd := &cobra.Command{
		Use:   "xpub ENDPOINT...",
		Short: "Publish messages and write who subscribes to what",
		Long: `Publish messages to SUB and XSUB sockets, as pub does, and write their subscriptions: the
first one to a topic and the end of the last one, or all with --option xpub_verboser=1.
` + subscriptionHelp + "\n" + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq xpub @tcp://:5556
  zmq xpub @tcp://:5556 --count 1 --format '{{.Peer}} {{.Text}}'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.run(cmd, zmq.XPUB, binds, args, func(s *zmq.Socket) (sendFunc, error) {
				return wait.sender(cmd, s, d.in.fromTerminal(), d.socket.talker(cmd)), nil
			}, zmq.WithXPubNoDrop(true))
		},
	}
	wait.add(cmd)
	d.add(cmd)
	return cmd
}

func xsubCommand() *cobra.Command {
	d := duplex{lines: notation{readFirst: readSubscription}}
	var topics []string
	cmd := &cobra.Command{
		Use:   "xsub ENDPOINT...",
		Short: "Write what is published; subscribe by sending",
		Long: `Write what PUB and XPUB sockets publish. What is sent are subscriptions: + and a topic begins
one, - and the topic ends it. Nothing is received before something is subscribed to.
` + subscriptionHelp + "\n" + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq xsub +tcp://localhost:5556
  zmq xsub tcp://localhost:5556 --subscribe weather. --subscribe sport.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.run(cmd, zmq.XSUB, connects, args, func(s *zmq.Socket) (sendFunc, error) {
				return plainly(s), s.Subscribe(topics...)
			})
		},
	}
	cmd.Flags().StringArrayVarP(&topics, "subscribe", "s", nil, "subscribe to what begins with `TOPIC` first (repeatable)")
	d.add(cmd)
	return cmd
}
