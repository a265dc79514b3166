package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

func repCommand() *cobra.Command {
	var socket socketFlags
	var lines notation
	var echo bool
	var command string
	var count int
	in := source{notation: &lines}
	out := sink{notation: &lines}
	cmd := &cobra.Command{
		Use:   "rep ENDPOINT...",
		Short: "Answer the requests of REQ sockets",
		Long: `Answer the requests of REQ sockets: write each request, and send the next line of stdin as
the reply; the end of stdin ends it. Or answer all alike: --echo, --data TEXT, or
--command CMD, which the shell runs for each request with the request as stdin. What it
writes to stdout, less one end of line, is the reply.
` + notationHelp + "\n" + sinkHelp,
		Example: `  zmq rep @tcp://:5557 --echo
  zmq rep @tcp://:5557 --command 'tr a-z A-Z'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.count, out.count = count, count
			if err := errors.Join(in.prepare(), out.prepare(cmd.OutOrStdout())); err != nil {
				return usageError(cmd, err)
			}
			return socket.run(cmd, zmq.REP, binds, args, func(ctx context.Context, s *zmq.Socket) error {
				switch {
				case echo:
					return serve(ctx, s, count, func(m *zmq.Msg) ([][]byte, error) { return m.Frames, nil })
				case command != "":
					sh := &shell{command, &lines, socket.talker(cmd), cmd.ErrOrStderr()}
					return serve(ctx, s, count, func(m *zmq.Msg) ([][]byte, error) { return sh.answer(ctx, m) })
				case in.fixed != nil:
					next := in.nextFixed()
					n := -1
					return serve(ctx, s, count, func(*zmq.Msg) ([][]byte, error) { n++; return next(n) })
				}
				return converse(ctx, s, &in, &out)
			})
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&echo, "echo", false, "reply with the request")
	fs.StringVar(&command, "command", "", "reply with what `CMD` writes")
	fs.IntVar(&count, "count", 0, "end after this many requests (default: never)")
	in.addData(cmd, "reply with `TEXT`, in turn")
	cmd.MarkFlagsMutuallyExclusive("echo", "command", "data")
	socket.add(cmd)
	socket.addIdentity(cmd)
	lines.add(cmd)
	lines.addSplit(cmd)
	out.addFormat(cmd)
	return cmd
}

// serve answers requests, count of them if that is not 0.
func serve(ctx context.Context, s *zmq.Socket, count int, answer func(*zmq.Msg) ([][]byte, error)) error {
	for n := 0; count == 0 || n < count; n++ {
		request, err := s.Recv(ctx)
		if err != nil {
			return err
		}
		reply, err := answer(&request)
		if err != nil {
			return err
		}
		if err := s.Send(ctx, reply...); err != nil {
			return err
		}
	}
	return nil
}

// converse writes each request and sends the next line of the source, until
// there are no more lines.
func converse(ctx context.Context, s *zmq.Socket, in *source, out *sink) error {
	out.until(ctx) // which the end of the source does not end
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	replies := make(chan [][]byte)
	go in.replyLoop(ctx, replies, end)
	err := serve(ctx, s, in.count, func(m *zmq.Msg) ([][]byte, error) {
		if err := errors.Join(out.write(m), out.flush()); err != nil {
			return nil, err
		}
		select {
		case reply := <-replies:
			return reply, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	switch cause := context.Cause(ctx); {
	case err == nil, errors.Is(cause, io.EOF):
		return nil
	case ctx.Err() != nil:
		return cause
	}
	return err
}

// replyLoop hands over the lines of stdin. It ends ctx when there are no more:
// the last one is taken by then.
func (in *source) replyLoop(ctx context.Context, replies chan<- [][]byte, end context.CancelCauseFunc) {
	next := in.nextLine(ctx)
	for i := 0; ; i++ {
		reply, err := next(i)
		if err != nil {
			end(err)
			return
		}
		select {
		case replies <- reply:
		case <-ctx.Done():
			return
		}
	}
}

// shell answers by running a command.
type shell struct {
	command string
	lines   *notation
	talk    talker
	stderr  io.Writer
}

// answer runs the command. A reply goes out whatever becomes of it, because
// the peer waits for one.
func (sh *shell) answer(ctx context.Context, m *zmq.Msg) ([][]byte, error) {
	request, err := sh.lines.append(nil, m.Frames, false)
	if err != nil {
		return nil, err
	}
	name, flag := "sh", "-c"
	if runtime.GOOS == "windows" {
		name, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, name, flag, sh.command)
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = sh.stderr
	cmd.WaitDelay = time.Second // for what it may have left running
	ownGroup(cmd)
	cmd.Env = append(os.Environ(), "ZMQ_PEER="+m.Peer().Address())
	reply, err := cmd.Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		sh.talk.say("the command failed: %v", err)
	}
	frames, err := sh.lines.parse(bytes.TrimSuffix(reply, []byte{'\n'}))
	if err != nil {
		sh.talk.say("the command's reply: %v", err)
		return [][]byte{{}}, nil
	}
	return frames, nil
}
