package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/phimq/zmq/reliable/majordomo"
	"github.com/spf13/cobra"
)

// defaultBroker is where broker, worker and call meet when nobody says another
// place. A broker for other machines has to be told so.
const (
	defaultBroker     = "tcp://localhost:5555"
	defaultBrokerBind = "tcp://127.0.0.1:5555"
)

const majordomoHelp = `
The protocol is Majordomo, MDP 0.1 and 0.2, so programs of other libraries take part.`

// peaceTime is how long an interrupted broker or worker may take to finish what
// it has in hand.
const peaceTime = 5 * time.Second

// peerFlags are the flags of those who talk to a broker.
type peerFlags struct {
	socketFlags
	broker    string
	mdp1      bool
	heartbeat time.Duration
}

func (f *peerFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.broker, "broker", defaultBroker, "the broker's `ENDPOINT`")
	f.addOptions(cmd)
	f.addTalk(cmd)
}

func (f *peerFlags) addHeartbeat(cmd *cobra.Command) {
	addHeartbeat(cmd, &f.heartbeat)
}

func addHeartbeat(cmd *cobra.Command, d *time.Duration) {
	cmd.Flags().DurationVar(d, "heartbeat", 2500*time.Millisecond, "interval of heartbeats; the same at broker and workers")
}

// logger is what --quiet and --verbose make of a log on stderr that begins at a
// level without them.
func (f *socketFlags) logger(cmd *cobra.Command, level slog.Level) *slog.Logger {
	switch {
	case f.quiet:
		level = slog.LevelError
	case f.verbose:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
}

// socketOptions are the options of a socket that a package makes for us, and w
// watches.
func (f *socketFlags) socketOptions(cmd *cobra.Command, w *watcher) ([]zmq.Option, *auth.Authenticator, error) {
	secured, guard, err := f.security.options(f.logger(cmd, slog.LevelWarn))
	if err != nil {
		return nil, nil, err
	}
	more, err := parseOptions(f.options)
	opts := append([]zmq.Option{
		zmq.WithEvents(w.event),
		zmq.WithReconnectMax(longestReconnect),
		zmq.WithMaxMessageSize(maxMessageSize),
	}, secured...)
	return append(opts, more...), guard, err
}

func brokerCommand() *cobra.Command {
	var socket socketFlags
	cfg := majordomo.BrokerConfig{}
	cmd := &cobra.Command{
		Use:   "broker [ENDPOINT...]",
		Short: "Queue requests by service and give them to workers",
		Long: `Queue requests by service and give each to the worker that has waited longest; see worker and
call. Without an endpoint it binds to ` + defaultBrokerBind + `. At the first interrupt it takes no more,
finishes what it has in hand, for at most 5 s, and ends.` + majordomoHelp,
		Example: `  zmq broker @tcp://:5555
  zmq broker --reply-cache 10m --expiry 1m`,
		RunE: func(cmd *cobra.Command, args []string) error { return serveBroker(cmd, &socket, cfg, args) },
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&socket.bind, "bind", nil, "bind to `ENDPOINT` (repeatable)")
	fs.DurationVar(&cfg.Limits.Expiry, "expiry", 30*time.Second, "how long a request waits while nobody offers its service")
	fs.IntVar(&cfg.Limits.Requests, "requests", 100_000, "how many requests of a service may wait")
	fs.DurationVar(&cfg.ReplyCache, "reply-cache", 0, "keep replies to requests with a key for this time (default: not)")
	fs.IntVar(&cfg.Liveness, "liveness", 3, "after how many heartbeats of silence a worker is dead")
	addHeartbeat(cmd, &cfg.Heartbeat)
	socket.addOptions(cmd)
	socket.addTalk(cmd)
	return cmd
}

func serveBroker(cmd *cobra.Command, socket *socketFlags, cfg majordomo.BrokerConfig, args []string) error {
	if len(args)+len(socket.bind) == 0 {
		args = []string{defaultBrokerBind}
	}
	endpoints, err := parseEndpoints(args, socket.bind, nil, binds)
	if err != nil {
		return usageError(cmd, err)
	}
	opts, guard, err := socket.socketOptions(cmd, newWatcher(socket.talker(cmd), socket.verbose, false, nil))
	if err != nil {
		return usageError(cmd, err)
	}
	cfg.Options, cfg.Logger = opts, socket.logger(cmd, slog.LevelInfo)
	broker, err := majordomo.NewBroker(cfg)
	if err != nil {
		return usageError(cmd, err)
	}
	defer broker.Close()
	if guard != nil {
		defer guard.Close()
		guard.Guard(broker.Socket())
	}
	if err := socket.open(broker.Socket(), endpoints, socket.talker(cmd)); err != nil {
		return err
	}
	return untilInterrupted(cmd.Context(), broker.Serve, broker.Shutdown)
}

// untilInterrupted serves, and ends in peace when ctx ends, which is a good end.
func untilInterrupted(ctx context.Context, serve, shutdown func(context.Context) error) error {
	served := make(chan error, 1)
	go serveLoop(serve, served)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	peace, cancel := context.WithTimeout(context.Background(), peaceTime)
	defer cancel()
	err := shutdown(peace)
	<-served
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("interrupted, and not all was finished in %v", peaceTime)
	}
	return err
}

func serveLoop(serve func(context.Context) error, served chan<- error) {
	served <- serve(context.Background())
}
