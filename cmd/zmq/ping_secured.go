package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// pingInterval is how often a secured PING is sent until one is answered.
const pingInterval = 10 * time.Millisecond

// askAllSecured asks as one type after the other. A peer that our type does not
// fit says so or closes the connection, and so may one that we have a wrong
// key for.
func (p *ping) askAllSecured(ctx context.Context, network, address string, types []string, r *pingReport) error {
	var err error
	for _, asked := range types {
		err = p.ask(ctx, network, address, asked, r)
		if err == nil || ctx.Err() != nil || !errors.Is(err, zmq.ErrProtocol) && !errors.Is(err, errUnkeyed) {
			return err
		}
	}
	return err
}

// errUnkeyed: the peer closed the connection in the handshake.
var errUnkeyed = errors.New("the connection was closed in the handshake: is it the key of the server?")

// askSecured makes a handshake with a socket of ours, as the client of a
// mechanism, and tells in r what it learns.
func (p *ping) askSecured(ctx context.Context, conn net.Conn, asked string, r *pingReport) error {
	typ, err := parseType(asked)
	if err != nil {
		return err
	}
	statuses := make(chan uint64, 1)
	refused := zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedAuth {
			statuses <- e.Value // there is one handshake
		}
	})
	s, err := zmq.New(typ, p.secured, refused, zmq.WithLinger(0), zmq.WithHeartbeat(pingInterval), zmq.WithHeartbeatTimeout(p.timeout))
	if err != nil {
		return err
	}
	defer s.Close()
	heard := &listener{Conn: conn}
	err = s.Attach(ctx, heard, zmq.Connected)
	ours, _ := s.Option("mechanism")
	r.hearGreeting(heard.greeting())
	r.OwnKey, _ = s.Option("curve_publickey")
	r.ServerKey, _ = s.Option("curve_serverkey")
	switch {
	case err == nil:
	case r.Mechanism != "" && r.Mechanism != mechanismNames[ours]:
		return fmt.Errorf("%w: %s and not %s", errOtherMechanism, r.Mechanism, mechanismNames[ours])
	case errors.Is(err, zmq.ErrAuth):
		r.Status = int(<-statuses)
		return err
	case isClosed(err):
		return connectFailure(errUnkeyed)
	default:
		return err
	}
	r.takePeer(s.Stats().Peers)
	return r.awaitPong(ctx, s)
}

// mechanismNames are those of the numbers of libzmq.
var mechanismNames = map[string]string{"0": "NULL", "1": "PLAIN", "2": "CURVE"}

// errOtherMechanism: the peer wants another mechanism than the flags say.
var errOtherMechanism = &failure{exitAuth, errors.New("the peer wants another mechanism")}

// listener is a connection that keeps the greeting of the peer.
type listener struct {
	net.Conn

	mu    sync.Mutex
	heard []byte
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := greetingSize - len(l.heard); room > 0 {
		l.heard = append(l.heard, b[:min(n, room)]...)
	}
	return n, err
}

const greetingSize = 64

func (l *listener) greeting() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard
}

// hearGreeting notes what the greeting says, as far as it came.
func (r *pingReport) hearGreeting(g []byte) {
	if len(g) < versionEnd || g[10] < 3 {
		return
	}
	r.Protocol = fmt.Sprintf("ZMTP %d.%d", g[10], g[11])
	if len(g) == greetingSize {
		name, _, _ := bytes.Cut(g[versionEnd:32], []byte{0})
		r.Mechanism, r.AsServer = visible(name), g[32]&1 == 1
	}
}

// takePeer notes what the peer said of itself.
func (r *pingReport) takePeer(peers []zmq.PeerStats) {
	if len(peers) == 0 {
		return
	}
	p := peers[0].Peer
	r.take([]property{{"Socket-Type", p.Type()}, {"Identity", string(p.Identity())}})
}

// awaitPong waits until a heartbeat was answered.
func (r *pingReport) awaitPong(ctx context.Context, s *zmq.Socket) error {
	if r.Protocol == "ZMTP 3.0" {
		return nil // which knows no PING
	}
	every := time.NewTicker(pingInterval)
	defer every.Stop()
	for {
		peers := s.Stats().Peers
		if len(peers) == 0 || !peers[0].Connected {
			return connectFailure(errors.New("the connection was closed"))
		}
		if took := peers[0].RoundTrip; took > 0 {
			r.RoundTrip = float64(took.Nanoseconds()) / 1000
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
