package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/majordomo"
	"github.com/spf13/cobra"
)

func callCommand() *cobra.Command {
	var peer peerFlags
	var lines notation
	var key string
	var stream bool
	cfg := majordomo.ClientConfig{}
	in := source{notation: &lines}
	out := sink{notation: &lines}
	cmd := &cobra.Command{
		Use:   "call SERVICE [DATA...]",
		Short: "Ask a service at a broker and write the reply",
		Long: `Ask a service at a broker and write the reply. Each DATA is a frame of the request; without
DATA each line of stdin is a request. What is not answered is asked again.

mmi.service NAME tells whether a worker offers NAME (200 or 404); of our broker also
mmi.services, mmi.workers NAME, mmi.queue NAME and mmi.broker.

The exit code is 3 if no reply comes, 4 if the broker refuses.` + majordomoHelp + "\n" + notationHelp + "\n" + sinkHelp,
		Example: `  zmq call upper 'shout this'
  zmq call mmi.service upper
  zmq call pay 10 --key order-17 --timeout 1m`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, text := range args[1:] {
				frame, err := lines.parseFrame(i, text)
				if err != nil {
					return usageError(cmd, err)
				}
				in.fixed = append(in.fixed, [][]byte{frame})
			}
			if len(in.fixed) > 0 { // one request
				in.fixed = [][][]byte{join(in.fixed)}
			}
			if err := errors.Join(in.prepare(), out.prepare(cmd.OutOrStdout())); err != nil {
				return usageError(cmd, err)
			}
			if peer.mdp1 {
				cfg.Version = majordomo.Version01
			} else {
				cfg.Version = majordomo.Version02
			}
			return peer.callAll(cmd, cfg, majordomo.Call{Service: args[0], Key: key}, stream, &in, &out)
		},
	}
	fs := cmd.Flags()
	fs.DurationVar(&peer.timeout, "timeout", 0, "give up after this time, as in 5s (default: after the attempts)")
	fs.DurationVar(&cfg.Timeout, "retry", 2500*time.Millisecond, "ask again after this time")
	fs.IntVar(&cfg.Attempts, "attempts", 3, "ask so often before a broker is thought dead")
	fs.StringVar(&key, "key", "", "name the request `KEY`, so that it is done once however often it is asked")
	fs.BoolVar(&stream, "stream", false, "write each part of the reply as it comes")
	fs.BoolVar(&peer.mdp1, "mdp1", false, "speak MDP 0.1, as brokers of RFC 7 alone want; ours needs no flag")
	peer.add(cmd)
	lines.add(cmd)
	lines.addSplit(cmd)
	out.addFormat(cmd)
	return cmd
}

// join makes one message of several.
func join(messages [][][]byte) (frames [][]byte) {
	for _, m := range messages {
		frames = append(frames, m...)
	}
	return frames
}

// callAll asks each request of the source and writes the replies.
func (f *peerFlags) callAll(cmd *cobra.Command, cfg majordomo.ClientConfig, call majordomo.Call, stream bool, in *source, out *sink) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	if f.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, f.timeout, errTimeout)
		defer stop()
	}
	opts, guard, err := f.socketOptions(cmd, newWatcher(f.talker(cmd), f.verbose, true, cancel))
	if guard != nil {
		defer guard.Close() // it is for those who bind
	}
	if err != nil {
		return usageError(cmd, err)
	}
	cfg.Options, cfg.Logger = opts, f.logger(cmd, slog.LevelInfo)
	client, err := majordomo.NewClient(f.broker, cfg)
	if err != nil {
		return usageError(cmd, err)
	}
	defer client.Close()
	out.until(ctx)
	for frames, err := range in.messages(ctx) {
		if err == nil {
			call.Frames = frames
			err = askService(ctx, client, call, stream, out)
		}
		switch {
		case err == nil:
		case errors.Is(context.Cause(ctx), errTimeout):
			return fmt.Errorf("%w after %v", errTimeout, f.timeout)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		default:
			return err
		}
	}
	return nil
}

// askService asks one request and writes the reply, or each part of it.
func askService(ctx context.Context, client *majordomo.Client, call majordomo.Call, stream bool, out *sink) error {
	write := func(frames [][]byte) error {
		m := zmq.NewMsg(frames...)
		return errors.Join(out.write(&m), out.flush())
	}
	if !stream {
		reply, err := client.Do(ctx, call)
		if err != nil {
			return err
		}
		return write(reply)
	}
	for part, err := range client.Stream(ctx, call) {
		if err == nil {
			err = write(part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
