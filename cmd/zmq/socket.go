package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// What a program for the command line wants otherwise than a library: peers
// are often started by hand, a moment later, and tries cost little.
const (
	longestReconnect = 250 * time.Millisecond
	maxMessageSize   = 64 << 20
)

// socketFlags are the flags of every command that has a socket.
type socketFlags struct {
	bind, connect  []string
	options        []string
	identity       string
	timeout        time.Duration
	quiet, verbose bool
	security       securityFlags
}

func (f *socketFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.bind, "bind", nil, "bind to `ENDPOINT` (repeatable)")
	fs.StringArrayVar(&f.connect, "connect", nil, "connect to `ENDPOINT` (repeatable)")
	fs.DurationVar(&f.timeout, "timeout", 0, "give up after this time, as in 5s (default: never)")
	f.addOptions(cmd)
	f.addTalk(cmd)
}

func (f *socketFlags) addOptions(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.options, "option", nil,
		"set a socket option, `NAME=VALUE` as libzmq calls it: sndhwm=10 (repeatable; see: zmq options)")
	f.security.add(cmd)
}

func (f *socketFlags) addTalk(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "no talk on stderr but errors")
	fs.BoolVarP(&f.verbose, "verbose", "v", false, "tell on stderr what happens to connections")
	cmd.MarkFlagsMutuallyExclusive("quiet", "verbose")
}

func (f *socketFlags) addIdentity(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.identity, "identity", "", "announce this `NAME` to a ROUTER")
}

// run opens the socket, lets work use it, and closes it when all is sent. bare
// is the side of endpoints without a prefix.
func (f *socketFlags) run(cmd *cobra.Command, typ zmq.Type, bare side, args []string,
	work func(ctx context.Context, s *zmq.Socket) error, defaults ...zmq.Option) error {
	endpoints, err := parseEndpoints(args, f.bind, f.connect, bare)
	if err != nil {
		return usageError(cmd, err)
	}
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	if f.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, f.timeout, errTimeout)
		defer stop()
	}
	w := newWatcher(f.talker(cmd), f.verbose, onlyConnects(endpoints), cancel)
	secured, guard, err := f.security.options(f.logger(cmd, slog.LevelWarn))
	if err != nil {
		return usageError(cmd, err)
	}
	s, err := f.newSocket(typ, w, append(secured, defaults...))
	if err != nil {
		return usageError(cmd, err)
	}
	if guard != nil {
		defer guard.Close()
		guard.Guard(s)
	}
	if err = f.open(s, endpoints, w.talk); err == nil {
		if err = work(ctx, s); err == nil {
			err = s.Shutdown(ctx)
		}
	}
	peers := s.Peers()
	if err != nil {
		_ = s.Set(zmq.WithLinger(0)) // fails only if it is closed
	}
	_ = s.Close() // what was to be sent is sent, or given up
	return f.explain(ctx, err, peers, w)
}

func (f *socketFlags) newSocket(typ zmq.Type, w *watcher, defaults []zmq.Option) (*zmq.Socket, error) {
	opts := append([]zmq.Option{
		zmq.WithEvents(w.event),
		zmq.WithReconnectMax(longestReconnect),
		zmq.WithMaxMessageSize(maxMessageSize),
		zmq.WithLeastVersion("3.0"),
	}, defaults...)
	if f.identity != "" {
		opts = append(opts, zmq.WithRoutingID(f.identity))
	}
	more, err := parseOptions(f.options)
	if err != nil {
		return nil, err
	}
	return zmq.New(typ, append(opts, more...)...)
}

// parseOptions reads socket options, each NAME=VALUE.
func parseOptions(list []string) (opts []zmq.Option, err error) {
	for _, o := range list {
		name, value, ok := strings.Cut(o, "=")
		if !ok {
			return nil, fmt.Errorf("--option %s: write NAME=VALUE", o)
		}
		opt, err := zmq.ParseOption(name, value)
		if err != nil {
			return nil, err
		}
		opts = append(opts, opt)
	}
	return opts, nil
}

// open binds and connects.
func (f *socketFlags) open(s *zmq.Socket, endpoints []endpoint, t talker) error {
	for _, e := range endpoints {
		if e.side == connects {
			if err := s.Connect(e.addr); err != nil {
				return err
			}
			continue
		}
		b, err := s.Bind(e.addr)
		switch {
		case errors.Is(err, zmq.ErrInvalid):
			return err
		case err != nil:
			return connectFailure(err)
		}
		t.say("%s bound to %s", s.Type(), b.Endpoint())
	}
	return nil
}

// explain turns what work ended with into why the command ends.
func (f *socketFlags) explain(ctx context.Context, err error, peers int, w *watcher) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	cause := context.Cause(ctx)
	if !errors.Is(cause, errTimeout) {
		return cause
	}
	if lost := w.lastLoss(); peers == 0 && lost != nil {
		return connectFailure(fmt.Errorf("no connection after %v: %w", f.timeout, lost))
	}
	return fmt.Errorf("%w after %v", errTimeout, f.timeout)
}

func (f *socketFlags) talker(cmd *cobra.Command) talker {
	if f.quiet {
		return talker{}
	}
	return talker{cmd.ErrOrStderr()}
}

func onlyConnects(endpoints []endpoint) bool {
	for _, e := range endpoints {
		if e.side == binds {
			return false
		}
	}
	return true
}
