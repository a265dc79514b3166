package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq"
)

// families are the types that talk to each other.
var families = [][]zmq.Type{
	{zmq.PUSH, zmq.PULL},
	{zmq.PUB, zmq.SUB, zmq.XPUB, zmq.XSUB},
	{zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER},
	{zmq.PAIR},
	{zmq.STREAM},
}

const (
	socketsPerType = 3
	names          = 2    // endpoints of each family on each transport
	maxEnds        = 6    // binds and connects of a socket
	maxIDs         = 8    // identities that a socket remembers
	firstPort      = 7000 // far from those that the system gives out
)

// slot is the place of a socket of one type. The socket changes.
type slot struct {
	typ    zmq.Type
	family int
	actor  atomic.Pointer[actor]
}

func (p *slot) get() *actor { return p.actor.Load() }

// actor is a socket and what its users know of it.
type actor struct {
	s    *zmq.Socket
	slot *slot
	ends atomic.Int32 // binds and connects that were tried and not taken back

	mu  sync.Mutex
	ids [][]byte // of peers that were heard, for ROUTER and STREAM
}

// learn remembers an identity for a while.
func (a *actor) learn(id []byte) {
	id = append([]byte{}, id...)
	a.mu.Lock()
	if a.ids = append(a.ids, id); len(a.ids) > maxIDs {
		a.ids = a.ids[1:]
	}
	a.mu.Unlock()
}

func (a *actor) anyID(r *rand.Rand) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.ids) == 0 {
		return []byte("nobody")
	}
	return a.ids[r.IntN(len(a.ids))]
}

func (s *soak) makeSlots() {
	r := s.rand(0)
	for range socketsPerType {
		for family, types := range families {
			for _, t := range types {
				p := &slot{typ: t, family: family}
				p.actor.Store(s.newActor(r, p))
				s.slots = append(s.slots, p)
			}
		}
	}
}

// newActor makes a socket with random options.
func (s *soak) newActor(r *rand.Rand, p *slot) *actor {
	opts := []zmq.Option{
		zmq.WithDomain(s.domain),
		zmq.WithReconnect(time.Duration(1+r.IntN(50)) * time.Millisecond),
		zmq.WithReconnectMax(time.Duration(r.IntN(100)) * time.Millisecond),
		zmq.WithHandshakeTimeout(time.Duration(50+r.IntN(500)) * time.Millisecond),
		zmq.WithLinger(time.Duration(r.IntN(3)) * 50 * time.Millisecond),
		zmq.WithSendHWM(1 + r.IntN(100)),
		zmq.WithRecvHWM(1 + r.IntN(100)),
		zmq.WithMaxMessageSize(1 << 20),
	}
	for range r.IntN(4) {
		opts = append(opts, randomOption(r))
	}
	socket, err := zmq.New(p.typ, opts...)
	if err == nil {
		return &actor{s: socket, slot: p}
	}
	if !allowed(err, zmq.ErrNotSupported) {
		s.failf("new %s: %w", p.typ, err)
	}
	_ = socket.Close()
	socket, _ = zmq.New(p.typ, opts[:8]...) // an option that its type has not
	return &actor{s: socket, slot: p}
}

// optionValues are options that may be set at any time, and values to set.
var optionValues = []struct {
	name   string
	values []string
}{
	{"sndhwm", []string{"1", "10", "100"}}, {"rcvhwm", []string{"1", "10", "100"}},
	{"linger", []string{"0", "20", "100"}}, {"sndtimeo", []string{"-1", "0", "5"}}, {"rcvtimeo", []string{"-1", "0", "5"}},
	{"immediate", []string{"0", "1"}}, {"conflate", []string{"0", "1"}},
	{"heartbeat_ivl", []string{"0", "10", "50"}}, {"heartbeat_ttl", []string{"0", "200"}}, {"heartbeat_timeout", []string{"-1", "50"}},
	{"routing_id", []string{"", "a", "b", "c"}}, {"connect_routing_id", []string{"x", "y"}},
	{"router_mandatory", []string{"0", "1"}}, {"router_handover", []string{"0", "1"}}, {"probe_router", []string{"0", "1"}},
	{"req_relaxed", []string{"0", "1"}}, {"req_correlate", []string{"0", "1"}},
	{"xpub_verbose", []string{"0", "1"}}, {"xpub_verboser", []string{"0", "1"}}, {"xpub_manual", []string{"0", "1"}},
	{"xpub_nodrop", []string{"0", "1"}}, {"xpub_welcome_msg", []string{"", "welcome"}}, {"invert_matching", []string{"0", "1"}},
	{"stream_notify", []string{"0", "1"}}, {"maxmsgsize", []string{"1048576", "-1"}}, {"zmtp_least", []string{"3.0", "3.1"}},
	{"tcp_keepalive", []string{"-1", "0", "1"}}, {"sndbuf", []string{"-1", "8192"}}, {"rcvbuf", []string{"-1", "8192"}},
}

func randomOption(r *rand.Rand) zmq.Option {
	o := optionValues[r.IntN(len(optionValues))]
	option, err := zmq.ParseOption(o.name, o.values[r.IntN(len(o.values))])
	if err != nil {
		panic(fmt.Sprintf("option %s: %v", o.name, err)) // the table above is wrong
	}
	return option
}

// randomEndpoint is one that sockets of a family bind and connect to, and now
// and then one of another's.
func (s *soak) randomEndpoint(r *rand.Rand, family int) string {
	if r.IntN(30) == 0 {
		family = r.IntN(len(families))
	}
	n := family*names + r.IntN(names)
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("tcp://%s:%d", s.host(), firstPort+n)
	case 1:
		return "ipc://" + filepath.Join(s.dir, fmt.Sprint(n))
	default:
		return fmt.Sprintf("inproc://%d", n)
	}
}

// host is an address of the loopback network that no other program is likely
// to use: where it has more than one, one of this run's own.
func (s *soak) host() string {
	if runtime.GOOS != "linux" {
		return "127.0.0.1"
	}
	return fmt.Sprintf("127.%d.%d.%d", 1+s.seed%254, s.seed/254%254, 1+s.seed/64516%254)
}
