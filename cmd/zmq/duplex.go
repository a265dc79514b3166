package main

import (
	"context"
	"errors"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

const duplexHelp = `
Sends and receives at once. Without --count or --send-only it goes on when the input is
over, until --timeout or Ctrl-C.`

// duplex is a command that sends messages while it writes what comes.
type duplex struct {
	socket   socketFlags
	lines    notation
	in       source
	out      sink
	sendOnly bool
}

func (d *duplex) add(cmd *cobra.Command) {
	d.in.notation, d.out.notation = &d.lines, &d.lines
	fs := cmd.Flags()
	fs.IntVar(&d.out.count, "count", 0, "end when so many messages were received and all that is not typed is sent (default: never)")
	fs.BoolVar(&d.sendOnly, "send-only", false, "end when all is sent, and write nothing")
	cmd.MarkFlagsMutuallyExclusive("count", "send-only")
	d.socket.add(cmd)
	d.lines.add(cmd)
	d.in.addMessages(cmd)
	d.out.addFormat(cmd)
}

// run runs the command. sender makes of the socket how messages are sent.
func (d *duplex) run(cmd *cobra.Command, typ zmq.Type, bare side, args []string,
	sender func(*zmq.Socket) (sendFunc, error), defaults ...zmq.Option) error {
	if err := errors.Join(d.in.prepare(), d.out.prepare(cmd.OutOrStdout())); err != nil {
		return usageError(cmd, err)
	}
	return d.socket.run(cmd, typ, bare, args, func(ctx context.Context, s *zmq.Socket) error {
		send, err := sender(s)
		switch {
		case err != nil:
			return err
		case d.sendOnly:
			return d.in.sendAll(ctx, send)
		}
		return d.converse(ctx, s, send)
	}, defaults...)
}

// converse sends and receives at once.
func (d *duplex) converse(ctx context.Context, s *zmq.Socket, send sendFunc) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	sent := make(chan error, 1)
	go d.sendLoop(ctx, send, sent, end)
	err := d.out.receive(ctx, s)
	typed := d.in.fromTerminal()
	if err != nil || typed {
		end(err)
	}
	failed := <-sent
	switch {
	case err == nil && !typed:
		return failed
	case errors.Is(err, context.Canceled):
		return context.Cause(ctx) // perhaps it was sending that failed
	}
	return err
}

// sendLoop sends all that there is to send. If that fails it ends ctx.
func (d *duplex) sendLoop(ctx context.Context, send sendFunc, sent chan<- error, end context.CancelCauseFunc) {
	err := d.in.sendAll(ctx, send)
	if err != nil {
		end(err)
	}
	sent <- err
}
