package main

import (
	"context"
	"errors"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func routerCommand() *cobra.Command {
	d := duplex{lines: notation{writeFirst: writeIdentity, readFirst: readIdentity, most: -1}}
	cmd := &cobra.Command{
		Use:   "router ENDPOINT...",
		Short: "Talk to DEALER, REQ and ROUTER sockets, each by its identity",
		Long: `Talk to DEALER, REQ and ROUTER sockets, each by its identity. Tabs in the input divide frames;
a REQ puts an empty frame between the identity and its request and wants one in the reply.
` + identityHelp + awaitHelp + "\n" + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq router @tcp://:5558
  zmq router @tcp://:5558 --frame me --frame hello --send-only`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.run(cmd, zmq.ROUTER, binds, args, d.addressed(cmd), zmq.WithRouterMandatory(true))
		},
	}
	d.add(cmd)
	d.socket.addIdentity(cmd)
	return cmd
}

func streamCommand() *cobra.Command {
	d := duplex{lines: notation{writeFirst: writeIdentity, readFirst: readIdentity, most: 2}}
	cmd := &cobra.Command{
		Use:   "stream ENDPOINT...",
		Short: "Talk to TCP peers that know no ZeroMQ",
		Long: `Talk to TCP peers that know no ZeroMQ. A message is the identity of a connection, a tab, and
octets as they come; nothing behind the tab means that the connection begins or ends, and
ends it when it is sent. No end of line is sent but what --quoted or another notation has.
` + identityHelp + awaitHelp + "\n" + duplexHelp + "\n" + sourceHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq stream @tcp://:8080 --quoted
  zmq stream tcp://localhost:80 --option connect_routing_id=web --quoted --data '"web"	"HEAD / HTTP/1.0\r\n\r\n"'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.run(cmd, zmq.STREAM, connects, args, d.addressed(cmd))
		},
	}
	d.add(cmd)
	return cmd
}

const awaitHelp = `
The first message that is not typed waits for its peer; a later one whose peer is not there is
dropped, and that is told.`

// addressed sends to the peers that the first frames name.
func (d *duplex) addressed(cmd *cobra.Command) func(*zmq.Socket) (sendFunc, error) {
	talk := d.socket.talker(cmd)
	return func(s *zmq.Socket) (sendFunc, error) {
		waited := d.in.fromTerminal()
		return func(ctx context.Context, frames [][]byte) error {
			send := s.Send
			if !waited {
				send = func(ctx context.Context, frames ...[]byte) error { return sendWhenThere(ctx, s, frames) }
			}
			waited = true
			err := send(ctx, frames...)
			if errors.Is(err, zmq.ErrNoPeer) {
				talk.say("no peer %s; a message to it is dropped", visible(writeIdentity(frames[0])))
				return nil
			}
			return err
		}, nil
	}
}

// sendWhenThere sends a message to a peer that may be yet to come.
func sendWhenThere(ctx context.Context, s *zmq.Socket, frames [][]byte) error {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	events := s.Events(waiting) // from now on, so that none is missed
	err := s.Send(ctx, frames...)
	if !errors.Is(err, zmq.ErrNoPeer) {
		stop()
	}
	for range events {
		if errors.Is(err, zmq.ErrNoPeer) {
			err = s.Send(ctx, frames...)
		}
		if !errors.Is(err, zmq.ErrNoPeer) {
			break
		}
	}
	if ctx.Err() != nil && errors.Is(err, zmq.ErrNoPeer) {
		return ctx.Err()
	}
	return err
}
