package freelance_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/reliable/freelance"
	"github.com/phimq/zmq/zmqtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A network is links by address, for sockets in a bubble.
type network struct {
	t     *testing.T
	links map[string]*zmqtest.Link
}

func newNetwork(t *testing.T, hosts ...string) *network {
	n := &network{t: t, links: map[string]*zmqtest.Link{}}
	for _, host := range hosts {
		n.links[host+":5555"] = zmqtest.NewLink(t)
	}
	return n
}

func endpoint(host string) string { return "tcp://" + host + ":5555" }

func (n *network) link(host string) *zmqtest.Link { return n.links[host+":5555"] }

// dialer lets sockets reach for the hosts.
func (n *network) dialer() zmq.Option {
	return zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		if n.links[address] == nil {
			return nil, syscall.EHOSTUNREACH
		}
		return n.links[address].Dialer()(ctx, network, address)
	})
}

// A host is a server that can be killed.
type host struct {
	n      *network
	name   string
	serve  func(ctx context.Context, s *zmq.Socket) error
	socket *zmq.Socket
	stop   context.CancelFunc
	ended  chan error
}

// host starts a server at an address.
func (n *network) host(name string, serve func(ctx context.Context, s *zmq.Socket) error) *host {
	n.t.Helper()
	h := &host{n: n, name: name, serve: serve}
	h.start()
	n.t.Cleanup(h.kill)
	return h
}

// flp is a server of model three that names itself in front of what it was asked.
func (n *network) flp(name string) *host {
	n.t.Helper()
	return n.host(name, func(ctx context.Context, s *zmq.Socket) error {
		return serve(ctx, s, naming(name))
	})
}

// The servers of the three models.

func serve(ctx context.Context, s *zmq.Socket, h freelance.Handler) error {
	return (&freelance.Server{Handler: h}).Serve(ctx, s)
}

func serveShotgun(ctx context.Context, s *zmq.Socket, h freelance.Handler) error {
	return (&freelance.Server{Handler: h}).ServeShotgun(ctx, s)
}

func serveSimple(ctx context.Context, s *zmq.Socket, h freelance.Handler) error {
	return (&freelance.Server{Handler: h}).ServeSimple(ctx, s)
}

func naming(name string) freelance.Handler {
	return func(_ context.Context, request zmq.Msg) ([][]byte, error) {
		return append([][]byte{[]byte(name)}, request.Frames...), nil
	}
}

func (h *host) start() {
	h.n.t.Helper()
	h.socket = freelance.NewRouter(endpoint(h.name), zmq.WithLinger(0))
	if err := h.socket.ServeListener(h.n.link(h.name).Listener()); err != nil {
		h.n.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	socket, ended := h.socket, make(chan error, 1)
	h.stop, h.ended = stop, ended
	go func() { ended <- h.serve(ctx, socket) }()
}

// kill ends the server, with what it had received and not answered.
func (h *host) kill() {
	if h.socket == nil {
		return
	}
	h.n.link(h.name).Cut()
	h.socket.Close()
	h.stop()
	<-h.ended
	h.socket = nil
}

// client is one of model three that is connected to hosts, in this order.
func (n *network) client(hosts []string) *freelance.Client {
	n.t.Helper()
	return n.clientOf(hosts, freelance.ClientConfig{})
}

func (n *network) clientOf(hosts []string, conf freelance.ClientConfig) *freelance.Client {
	n.t.Helper()
	conf.Options = []zmq.Option{n.dialer()}
	c, err := freelance.NewClient(conf)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	for i, name := range hosts {
		if err := c.Connect(endpoint(name)); err != nil {
			n.t.Fatal(err)
		}
		n.ready(c, i+1)
	}
	return c
}

func (n *network) ready(c *freelance.Client, servers int) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), time.Minute)
	defer cancel()
	if err := c.WaitReady(ctx, servers); err != nil {
		n.t.Fatal(err)
	}
}

// raw is a ROUTER that speaks for itself at an address.
func (n *network) raw(name string) *zmq.Socket {
	n.t.Helper()
	s := freelance.NewRouter(endpoint(name), zmq.WithLinger(0))
	n.t.Cleanup(func() { s.Close() })
	if err := s.ServeListener(n.link(name).Listener()); err != nil {
		n.t.Fatal(err)
	}
	return s
}

// rawClient is a ROUTER that connects to an address, and knows it as "server".
func (n *network) rawClient(name string) *zmq.Socket {
	n.t.Helper()
	s := zmq.NewRouter(n.dialer(), zmq.WithConnectRoutingID("server"), zmq.WithRouterMandatory(true), zmq.WithLinger(0))
	n.t.Cleanup(func() { s.Close() })
	if err := s.Connect(endpoint(name)); err != nil {
		n.t.Fatal(err)
	}
	return s
}

func send(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	m := zmq.MsgFromStrings(frames...)
	if err := s.Send(t.Context(), m.Frames...); err != nil {
		t.Fatal(err)
	}
}

// recv receives a message as text.
func recv(t testing.TB, s *zmq.Socket) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := s.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return texts(m.Frames)
}

func expect(t testing.TB, s *zmq.Socket, want ...string) {
	t.Helper()
	if got := recv(t, s); !slices.Equal(got, want) {
		t.Fatalf("received %q, wants %q", got, want)
	}
}

func texts(frames [][]byte) []string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = string(f)
	}
	return list
}

// A requester is a client of any model.
type requester interface {
	Request(ctx context.Context, frames ...[]byte) (zmq.Msg, error)
}

// ask wants a reply.
func ask(t testing.TB, c requester, want []string, frames ...string) {
	t.Helper()
	m, err := c.Request(t.Context(), zmq.MsgFromStrings(frames...).Frames...)
	if err != nil {
		t.Errorf("%q: %v", frames, err)
		return
	}
	if got := texts(m.Frames); !slices.Equal(got, want) {
		t.Errorf("%q was answered by %q, wants %q", frames, got, want)
	}
}

// pass lets simulated time pass.
func pass(d time.Duration) { <-time.After(d) }

// A counter counts by name.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[name]++
}

func (c *counter) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[name]
}
