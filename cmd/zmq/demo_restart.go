package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// demoReplier is the hidden command that is killed.
const demoReplier = "demo-replier"

func demoReplierCommand() *cobra.Command {
	return &cobra.Command{
		Use:    demoReplier + " ENDPOINT",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replyUntilEOF(cmd.Context(), args[0])
		},
	}
}

// replyUntilEOF answers until stdin ends, so that it does not outlive who
// started it.
func replyUntilEOF(ctx context.Context, endpoint string) error {
	s := zmq.NewRep()
	defer s.Close()
	b, err := s.Bind(endpoint)
	if err != nil {
		return err
	}
	fmt.Println(b.Endpoint())
	serving := begin(ctx, func(ctx context.Context) error {
		return serve(ctx, s, 0, func(m *zmq.Msg) ([][]byte, error) {
			return append(m.Frames, fmt.Append(nil, os.Getpid())), nil
		})
	})
	_, err = io.Copy(io.Discard, os.Stdin)
	return serving.stop(err)
}

// replier is a process that answers.
type replier struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	endpoint string
}

// startReplier starts this program again, as a server at endpoint.
func startReplier(ctx context.Context, endpoint string) (*replier, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	r := &replier{cmd: exec.CommandContext(ctx, program, demoReplier, endpoint)}
	r.cmd.Stderr = os.Stderr
	stdin, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	r.stdin = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(errors.New("the server did not start"), r.kill())
	}
	r.endpoint = strings.TrimSpace(line)
	return r, nil
}

// kill ends the process without a word: SIGKILL, where there are signals.
func (r *replier) kill() error {
	err := r.cmd.Process.Kill()
	_ = r.cmd.Wait() // says that it was killed
	return err
}

// end lets the process end by itself.
func (r *replier) end() error {
	return errors.Join(r.stdin.Close(), r.cmd.Wait())
}

// restart asks a server that is killed and comes back.
func (d *demo) restart(ctx context.Context) error {
	server, err := startReplier(ctx, "tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	defer func() { _ = server.kill() }() // it has ended long ago, unless something is wrong
	// A request without a reply is asked again, and numbered so that a late
	// reply is not taken for that to another one: the Lazy Pirate.
	req := zmq.NewReq(zmq.WithReqRelaxed(true), zmq.WithReqCorrelate(true),
		zmq.WithRecvTimeout(200*time.Millisecond), zmq.WithReconnectMax(200*time.Millisecond))
	defer req.Close()
	if err := req.Connect(server.endpoint); err != nil {
		return err
	}
	d.say("   REP is process %d at %s.", server.cmd.Process.Pid, server.endpoint)
	if err := d.ask(ctx, req, server, "one", "two", "three"); err != nil {
		return err
	}
	if err := server.kill(); err != nil {
		return err
	}
	d.say("   Process %d is killed.", server.cmd.Process.Pid)
	if _, err := request(ctx, req, "four"); !errors.Is(err, zmq.ErrTimeout) {
		return fmt.Errorf("a dead server answered: %w", err)
	}
	d.say("   four   -> no reply in 200ms; nothing is stuck, ask again when you like.")
	again, err := startReplier(ctx, server.endpoint)
	if err != nil {
		return err
	}
	server = again
	d.say("   REP is process %d now, at the same address.", server.cmd.Process.Pid)
	if err := d.ask(ctx, req, server, "four", "five", "six"); err != nil {
		return err
	}
	return server.end()
}

// ask asks questions, each until it is answered, and expects the server to
// answer them.
func (d *demo) ask(ctx context.Context, req *zmq.Socket, server *replier, questions ...string) error {
	for _, q := range questions {
		reply, err := request(ctx, req, q)
		for errors.Is(err, zmq.ErrTimeout) {
			reply, err = request(ctx, req, q)
		}
		if err != nil {
			return err
		}
		pid := fmt.Sprint(server.cmd.Process.Pid)
		if len(reply.Frames) != 2 || string(reply.Frames[0]) != q || string(reply.Frames[1]) != pid {
			return fmt.Errorf("the reply to %q is %s", q, reply)
		}
		d.say("   %-6s -> answered by process %s", q, pid)
	}
	return nil
}

func request(ctx context.Context, req *zmq.Socket, question string) (zmq.Msg, error) {
	if err := req.Send(ctx, []byte(question)); err != nil {
		return zmq.Msg{}, err
	}
	return req.Recv(ctx)
}
