package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/majordomo"
	"github.com/spf13/cobra"
)

func workerCommand() *cobra.Command {
	var peer peerFlags
	var lines notation
	var echo bool
	var command string
	cfg := majordomo.WorkerConfig{}
	in := source{notation: &lines}
	cmd := &cobra.Command{
		Use:   "worker SERVICE",
		Short: "Offer a service at a broker",
		Long: `Offer a service at a broker: answer the requests of call, and of other clients. --echo,
--data TEXT, or --command CMD, which the shell runs for each request with the request as stdin.
What it writes to stdout, less one end of line, is the reply. It is ended when the caller's time
is over, or the broker is lost. A request may come twice: a worker that dies has not answered.
At the first interrupt it finishes what it has in hand, for at most 5 s, and ends.

The exit code is 4 if the broker refuses.` + majordomoHelp + "\n" + notationHelp,
		Example: `  zmq worker upper --command 'tr a-z A-Z'
  zmq worker echo --echo --concurrency 8 --broker tcp://broker:5555`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := in.prepare(); err != nil {
				return usageError(cmd, err)
			}
			sh := &shell{command, &lines, peer.talker(cmd), cmd.ErrOrStderr()}
			var handler majordomo.HandlerFunc
			switch {
			case echo:
				handler = func(_ context.Context, r *majordomo.Request) error { return r.Reply(r.Frames...) }
			case command != "":
				handler = func(ctx context.Context, r *majordomo.Request) error { return sh.serve(ctx, r) }
			case in.fixed != nil:
				handler = func(_ context.Context, r *majordomo.Request) error { return r.Reply(in.fixed[0]...) }
			default:
				return usageError(cmd, errors.New("say how to answer: --echo, --data or --command"))
			}
			cfg.Heartbeat, cfg.Logger = peer.heartbeat, peer.logger(cmd, slog.LevelInfo)
			if peer.mdp1 {
				cfg.Version = majordomo.Version01
			}
			return peer.work(cmd, args[0], handler, cfg)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&echo, "echo", false, "reply with the request")
	fs.StringVar(&command, "command", "", "reply with what `CMD` writes")
	fs.StringArrayVar(&in.data, "data", nil, "reply with `TEXT`")
	fs.IntVar(&cfg.Concurrency, "concurrency", 1, "how many requests to handle at once, if the broker is ours")
	fs.BoolVar(&peer.mdp1, "mdp1", false, "speak MDP 0.1, as brokers of RFC 7 alone want")
	cmd.MarkFlagsMutuallyExclusive("echo", "command", "data")
	peer.add(cmd)
	peer.addHeartbeat(cmd)
	lines.add(cmd)
	lines.addSplit(cmd)
	return cmd
}

// work offers the service until it is interrupted, or refused by the broker.
func (f *peerFlags) work(cmd *cobra.Command, service string, h majordomo.Handler, cfg majordomo.WorkerConfig) error {
	refusal, refuse := context.WithCancelCause(context.WithoutCancel(cmd.Context()))
	defer refuse(nil)
	opts, guard, err := f.socketOptions(cmd, newWatcher(f.talker(cmd), f.verbose, true, refuse))
	if guard != nil {
		defer guard.Close() // it is for those who bind
	}
	if err != nil {
		return usageError(cmd, err)
	}
	cfg.Options = opts
	w, err := majordomo.NewWorker(service, h, cfg)
	if err != nil {
		return usageError(cmd, err)
	}
	serve := func(context.Context) error { return w.Serve(refusal, f.broker) }
	err = untilInterrupted(cmd.Context(), serve, w.Shutdown)
	if why := context.Cause(refusal); why != nil {
		return why
	}
	return err
}

// serve answers a worker's request by running the command.
func (sh *shell) serve(ctx context.Context, r *majordomo.Request) error {
	m := zmq.NewMsg(r.Frames...)
	reply, err := sh.answer(ctx, &m)
	if err != nil {
		return err
	}
	return r.Reply(reply...)
}
