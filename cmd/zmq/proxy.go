package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/spf13/cobra"
)

// drainTime is how long a proxy that is to end passes on what it has.
const drainTime = 5 * time.Second

func proxyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "proxy queue|forwarder|streamer FRONT BACK",
		Short: "Pass messages on between two endpoints",
		Long: `Pass messages on between two endpoints: requests and replies, what is published, or work.
Both endpoints are bound unless + is in front.

Ctrl-C ends it: nothing new is taken, what was taken is passed on, for at most 5 seconds,
and the exit code is 0.

--control binds a REP that takes the requests PAUSE, RESUME, TERMINATE and STATISTICS, as the
proxies of libzmq do. The answer to STATISTICS is eight 64-bit numbers in the machine's octet
order: messages and octets received at the front, sent there, received at the back, sent there.`,
		Example: `  zmq proxy queue @tcp://:5557 @tcp://:5558
  zmq proxy forwarder +tcp://feed:5556 @tcp://:5556 --stats 10s
  zmq req +ipc://control --data PAUSE`,
		RunE: oneOf("queue", "forwarder", "streamer"),
	}
	for _, kind := range []proxyKind{
		{"queue", "From REQ and DEALER sockets in front to REP and ROUTER sockets behind, and back", zmq.ROUTER, zmq.DEALER},
		{"forwarder", "From PUB sockets in front to SUB sockets behind", zmq.XSUB, zmq.XPUB},
		{"streamer", "From PUSH sockets in front to PULL sockets behind", zmq.PULL, zmq.PUSH},
	} {
		cmd.AddCommand(kind.command())
	}
	return cmd
}

// proxyKind is what lies between which peers.
type proxyKind struct {
	name, short string
	front, back zmq.Type
}

func (k proxyKind) command() *cobra.Command {
	p := proxy{kind: k}
	cmd := &cobra.Command{
		Use:   k.name + " FRONT BACK",
		Short: k.short,
		Args:  cobra.ExactArgs(2),
		RunE:  p.run,
	}
	fs := cmd.Flags()
	fs.StringVar(&p.capture, "capture", "", "publish a copy of every message at this `ENDPOINT`")
	fs.StringVar(&p.control, "control", "", "take commands at this `ENDPOINT`")
	fs.DurationVar(&p.stats, "stats", 0, "tell on stderr how many messages passed, at this interval")
	p.socket.addOptions(cmd)
	p.socket.addTalk(cmd)
	return cmd
}

// proxy is one run of the command.
type proxy struct {
	kind             proxyKind
	socket           socketFlags
	capture, control string
	stats            time.Duration

	sockets []*zmq.Socket // to be closed
	secured []zmq.Option
	guard   *auth.Authenticator // nil: nobody
}

func (p *proxy) run(cmd *cobra.Command, args []string) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	defer p.close()
	var err error
	if p.secured, p.guard, err = p.socket.security.options(p.socket.logger(cmd, slog.LevelWarn)); err != nil {
		return usageError(cmd, err)
	}
	talk := p.socket.talker(cmd)
	front, err := p.open(cmd, p.kind.front, args[0])
	if err != nil {
		return err
	}
	back, err := p.open(cmd, p.kind.back, args[1])
	if err != nil {
		return err
	}
	var opts []zmq.ProxyOption
	for _, side := range []struct {
		endpoint string
		typ      zmq.Type
		option   func(*zmq.Socket) zmq.ProxyOption
	}{{p.capture, zmq.PUB, zmq.ProxyCapture}, {p.control, zmq.REP, zmq.ProxyControl}} {
		if side.endpoint == "" {
			continue
		}
		s, err := p.open(cmd, side.typ, side.endpoint)
		if err != nil {
			return err
		}
		opts = append(opts, side.option(s))
	}
	told := make(chan struct{})
	go p.statsLoop(ctx, front, back, talk, told)
	err = zmq.Proxy(ctx, front, back, opts...)
	cancel(nil)
	<-told
	if cmd.Context().Err() != nil || err == nil {
		return p.drain(front, back)
	}
	return err
}

// open makes a socket, to be closed by close, and binds or connects it.
func (p *proxy) open(cmd *cobra.Command, typ zmq.Type, arg string) (*zmq.Socket, error) {
	endpoints, err := parseEndpoints([]string{arg}, nil, nil, binds)
	if err != nil {
		return nil, usageError(cmd, err)
	}
	w := newWatcher(p.socket.talker(cmd), p.socket.verbose, false, nil)
	s, err := p.socket.newSocket(typ, w, p.secured)
	if err != nil {
		return nil, usageError(cmd, err)
	}
	if p.guard != nil {
		p.guard.Guard(s)
	}
	p.sockets = append(p.sockets, s)
	return s, p.socket.open(s, endpoints, w.talk)
}

// drain passes on what the sockets have received, and waits until it is sent.
func (p *proxy) drain(front, back *zmq.Socket) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), drainTime, errTimeout)
	defer cancel()
	err := errors.Join(passOn(ctx, front, back), passOn(ctx, back, front))
	return errors.Join(err, back.Shutdown(ctx), front.Shutdown(ctx))
}

// passOn sends what from has received and nobody has taken.
func passOn(ctx context.Context, from, to *zmq.Socket) error {
	waiting := 0
	for _, peer := range from.Stats().Peers {
		waiting += peer.RecvQueue.Messages
	}
	for range waiting { // and no more, however fast they send
		m, err := from.TryRecv()
		if errors.Is(err, zmq.ErrAgain) || errors.Is(err, zmq.ErrNotSupported) {
			return nil
		}
		if err == nil {
			err = to.SendMsg(ctx, &m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *proxy) close() {
	for _, s := range p.sockets {
		_ = s.Close()
	}
	if p.guard != nil {
		_ = p.guard.Close()
	}
}

// statsLoop tells what has passed, until ctx ends.
func (p *proxy) statsLoop(ctx context.Context, front, back *zmq.Socket, talk talker, told chan<- struct{}) {
	defer close(told)
	if p.stats <= 0 {
		return
	}
	every := time.NewTicker(p.stats)
	defer every.Stop()
	for ctx.Err() == nil {
		select {
		case <-every.C:
		case <-ctx.Done():
		}
		f, b := front.Stats(), back.Stats()
		talk.say("front %d peers, %d in, %d out, %d dropped; back %d peers, %d in, %d out, %d dropped",
			len(f.Peers), f.Received.Messages, f.Sent.Messages, f.Dropped.Total(),
			len(b.Peers), b.Received.Messages, b.Sent.Messages, b.Dropped.Total())
	}
}
