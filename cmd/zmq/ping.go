package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// askers are the types that ask a peer what it is, in turn until one fits. None
// of them makes a peer send us what is meant for others.
var askers = []string{"REQ", "SUB", "PUSH", "PUB"}

// answers are the types that each type may talk to.
var answers = map[string][]string{
	"REQ": {"REP", "ROUTER"}, "REP": {"REQ", "DEALER"},
	"DEALER": {"REP", "DEALER", "ROUTER"}, "ROUTER": {"REQ", "DEALER", "ROUTER"},
	"PUB": {"SUB", "XSUB"}, "XPUB": {"SUB", "XSUB"}, "SUB": {"PUB", "XPUB"}, "XSUB": {"PUB", "XPUB"},
	"PUSH": {"PULL"}, "PULL": {"PUSH"}, "PAIR": {"PAIR"},
}

func pingCommand() *cobra.Command {
	var p ping
	cmd := &cobra.Command{
		Use:   "ping ENDPOINT",
		Short: "Tell who answers at an endpoint",
		Long: `Tell who answers at an endpoint: which version of ZMTP it speaks, which mechanism it wants,
its socket type, identity and metadata, and how long a PING takes there and back.

It asks as REQ, SUB, PUSH and PUB in turn until one fits, because none of these makes a peer
send it messages. A PUSH, DEALER, REQ or PAIR refuses them all, and that is told; --type PULL
and the like joins it for the moment, and messages that it sends meanwhile are lost.

The exit code is 0 if a ZeroMQ socket answers, 2 if nobody does or the connection is closed,
3 after --timeout, 4 if it wants another mechanism than the flags say or refuses us, 5 if it
speaks something else, or if --type does not fit.

With --curve-server-key or --plain-user it makes the handshake of CURVE or PLAIN, and tells the
keys and the status of a refusal. Secrets are in files or in $ZMQ_CURVE_KEY and
$ZMQ_PLAIN_PASSWORD.`,
		Example: `  zmq ping tcp://localhost:5557
  zmq ping tcp://localhost:5557 --json --wait --timeout 30s`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd, args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&p.asked, "type", "", "ask as this `TYPE` of socket")
	fs.DurationVar(&p.timeout, "timeout", 5*time.Second, "give up after this time")
	fs.BoolVar(&p.wait, "wait", false, "wait until somebody is there")
	fs.BoolVar(&p.json, "json", false, "write the report as JSON")
	p.client.add(cmd)
	return cmd
}

// ping asks an endpoint who it is.
type ping struct {
	asked      string
	timeout    time.Duration
	wait, json bool
	client     clientFlags
	secured    zmq.Option // if isSecured: what makes a socket a client
	isSecured  bool
}

// pingReport is what it has learned.
type pingReport struct {
	Endpoint   string            `json:"endpoint"`
	Remote     string            `json:"remote,omitempty"`
	TLS        string            `json:"tls,omitempty"`
	Protocol   string            `json:"protocol,omitempty"`
	Mechanism  string            `json:"mechanism,omitempty"`
	AsServer   bool              `json:"as-server,omitempty"`
	ServerKey  string            `json:"server-key,omitempty"`
	OwnKey     string            `json:"own-key,omitempty"`
	Status     int               `json:"status,omitempty"`
	AskedAs    string            `json:"asked-as,omitempty"`
	SocketType string            `json:"socket-type,omitempty"`
	Identity   string            `json:"identity,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	RoundTrip  float64           `json:"round-trip-us,omitempty"`
}

func (p *ping) run(cmd *cobra.Command, endpoint string) error {
	r, err := p.report(cmd, endpoint)
	if r.Remote == "" {
		return err
	}
	return errors.Join(err, r.write(cmd.OutOrStdout(), p.json))
}

// report asks an endpoint and tells what was learned, also if that failed.
func (p *ping) report(cmd *cobra.Command, endpoint string) (pingReport, error) {
	r := pingReport{Endpoint: endpoint}
	network, address, err := dialable(strings.TrimLeft(endpoint, "+>"))
	if err != nil {
		return r, usageError(cmd, err)
	}
	if p.secured, p.isSecured, err = p.client.option(); err != nil {
		return r, usageError(cmd, err)
	}
	if p.timeout <= 0 {
		return r, usageError(cmd, errors.New("--timeout has to be more than 0"))
	}
	types := askers
	if p.asked != "" {
		p.asked = strings.ToUpper(p.asked)
		if types = []string{p.asked}; answers[p.asked] == nil {
			return r, usageError(cmd, fmt.Errorf("--type %s: no socket type that asks", p.asked))
		}
	}
	ctx, cancel := context.WithTimeoutCause(cmd.Context(), p.timeout, errTimeout)
	defer cancel()
	ask := p.askAll
	if p.isSecured {
		ask = p.askAllSecured
	}
	err = ask(ctx, network, address, types, &r)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errTimeout) {
		err = fmt.Errorf("%w after %v", errTimeout, p.timeout)
	}
	return r, err
}

// askAll asks as one type after the other, until one fits.
func (p *ping) askAll(ctx context.Context, network, address string, types []string, r *pingReport) error {
	for i := 0; i < len(types); i++ {
		err := p.ask(ctx, network, address, types[i], r)
		if err == nil || ctx.Err() != nil || !errors.Is(err, errMisfit) {
			return err
		}
		if r.SocketType == "" && errors.Is(err, io.EOF) {
			_ = p.ask(ctx, network, address, "", r) // it may say more if we say nothing
		}
		fit := slices.IndexFunc(types, func(asker string) bool { return slices.Contains(answers[asker], r.SocketType) })
		switch {
		case p.asked != "", r.SocketType == "" && errors.Is(err, io.EOF):
			return err
		case fit > i:
			i = fit - 1
		case r.SocketType != "":
			return nil // but none of ours may talk to it
		}
	}
	r.SocketType = "PUSH, DEALER, REQ or PAIR"
	return nil
}

// errMisfit: the peer will not have a socket of the type that we asked as, and
// says so or closes the connection.
var errMisfit = fmt.Errorf("%w: the peer does not talk to our socket type", zmq.ErrProtocol)

// errClosed: the peer closed the connection when it heard our socket type.
var errClosed = fmt.Errorf("%w (%w)", io.EOF, errMisfit)

// ask makes a connection and tells in r what it learns. Asked as nothing, it
// listens only.
func (p *ping) ask(ctx context.Context, network, address, asked string, r *pingReport) error {
	conn, err := p.dial(ctx, network, address)
	switch {
	case isTLS(err):
		return &failure{exitAuth, err}
	case err != nil:
		return connectFailure(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	r.Remote, r.TLS = conn.RemoteAddr().String(), tlsText(conn)
	if asked != "" {
		r.AskedAs = asked
	}
	if p.isSecured {
		return p.askSecured(ctx, conn, asked, r)
	}
	peer := &probe{conn: conn, r: bufio.NewReader(conn)}
	g, err := peer.greet(p.patience())
	if g.major > 0 {
		r.Protocol = fmt.Sprintf("ZMTP %d.%d", g.major, g.minor)
	}
	r.Mechanism, r.AsServer = visible([]byte(g.mechanism)), g.server
	if err != nil {
		return brokenOff(err)
	}
	if asked == "" {
		_ = conn.SetReadDeadline(time.Now().Add(p.patience()))
	}
	properties, err := peer.ready(asked)
	r.take(properties)
	switch {
	case errors.As(err, new(*refused)):
		return fmt.Errorf("%w: %w", errMisfit, err)
	case err != nil && asked != "" && isClosed(err):
		return connectFailure(fmt.Errorf("the connection was closed: %w", errClosed))
	case err != nil || asked == "":
		return brokenOff(err)
	case !slices.Contains(answers[asked], r.SocketType):
		return fmt.Errorf("%w: %s and %s", errMisfit, asked, r.SocketType)
	case g.major == 3 && g.minor == 0:
		return nil // which knows no PING
	}
	took, err := peer.ping("zmq ping")
	if err != nil {
		return brokenOff(err)
	}
	r.RoundTrip = float64(took.Nanoseconds()) / 1000
	return nil
}

// patience is how long a peer may be silent before we try otherwise.
func (p *ping) patience() time.Duration { return p.timeout / 4 }

// dial connects, and tries on if it is to wait.
func (p *ping) dial(ctx context.Context, network, address string) (net.Conn, error) {
	for {
		conn, err := p.client.tls.dialOnce(ctx, network, address)
		if err == nil || isTLS(err) || !p.wait || ctx.Err() != nil {
			return conn, err
		}
		if waitUntil(ctx, time.Now().Add(longestReconnect)) != nil {
			return nil, err
		}
	}
}

// brokenOff makes the end of a connection a failure to shake hands.
func brokenOff(err error) error {
	if isClosed(err) {
		return connectFailure(fmt.Errorf("the connection was closed: %w", err))
	}
	return err
}

func isClosed(err error) bool {
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, closed) {
			return true
		}
	}
	return false
}

// dialable is where package net finds an endpoint.
func dialable(endpoint string) (network, address string, err error) {
	network, address, _ = strings.Cut(endpoint, "://")
	switch network {
	case "tcp", schemeTLS:
		_, _, err = net.SplitHostPort(address)
		return network, address, err
	case "ipc":
		return "unix", address, nil
	}
	return "", "", fmt.Errorf("%s: want tcp://HOST:PORT, tls+tcp://HOST:PORT, ipc://PATH or ipc://@NAME", endpoint)
}

// take notes the peer's metadata.
func (r *pingReport) take(properties []property) {
	for _, p := range properties {
		switch strings.ToLower(p.name) {
		case "socket-type":
			r.SocketType = visible([]byte(p.value))
		case "identity":
			if p.value != "" {
				r.Identity = string(writeIdentity([]byte(p.value)))
			}
		default:
			if r.Metadata == nil {
				r.Metadata = map[string]string{}
			}
			r.Metadata[visible([]byte(p.name))] = visible([]byte(p.value))
		}
	}
}

// write writes what there is, in lines or as JSON.
func (r *pingReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return outputError(json.NewEncoder(w).Encode(r))
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-13s %s\n", name+":", value)
		}
	}
	line("Endpoint", r.Endpoint)
	line("Remote", r.Remote)
	line("TLS", r.TLS)
	line("Protocol", r.Protocol)
	line("Mechanism", r.Mechanism)
	line("Server-Key", r.ServerKey)
	line("Own-Key", r.OwnKey)
	if r.Status > 0 {
		line("Status", strconv.Itoa(r.Status))
	}
	line("Asked-As", r.AskedAs)
	line("Socket-Type", r.SocketType)
	line("Identity", r.Identity)
	for _, name := range slices.Sorted(maps.Keys(r.Metadata)) {
		line(name, r.Metadata[name])
	}
	if r.RoundTrip > 0 {
		line("Round-Trip", time.Duration(r.RoundTrip*1000).Round(time.Microsecond).String())
	}
	_, err := io.WriteString(w, b.String())
	return outputError(err)
}
