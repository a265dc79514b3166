package peering_test

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
	"github.com/phimq/zmq/reliable/peering"
	"github.com/phimq/zmq/zmqtest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// doors are the doors of a broker by the hosts that stand for them in a network:
// the clients of east are at "east-localfe".
var doors = map[string]peering.Door{
	"-localfe": peering.LocalFE, "-localbe": peering.LocalBE, "-cloudfe": peering.CloudFE, "-statebe": peering.StateBE,
}

// A network is links by address, for the sockets of a bubble.
type network struct {
	t     *testing.T
	links map[string]*zmqtest.Link
}

func newNetwork(t *testing.T) *network { return &network{t: t, links: map[string]*zmqtest.Link{}} }

func at(host string) string { return "tcp://" + host + ":1" }

// link is the link to a host, new if there is none.
func (n *network) link(host string) *zmqtest.Link {
	if n.links[host] == nil {
		n.links[host] = zmqtest.NewLink(n.t)
	}
	return n.links[host]
}

// dialer lets sockets reach for the hosts that have a link by now.
func (n *network) dialer() zmq.Option {
	return zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		if n.links[host] == nil {
			return nil, syscall.EHOSTUNREACH
		}
		return n.links[host].Dialer()(ctx, network, address)
	})
}

// cluster makes the links of a broker, before there is one, and before anybody dials.
func (n *network) cluster(names ...string) {
	for _, name := range names {
		for suffix := range doors {
			n.link(name + suffix)
		}
	}
}

func (n *network) broker(conf peering.Config) *peering.Broker {
	n.t.Helper()
	conf.Options = append(conf.Options, n.dialer(), zmq.WithLinger(0))
	b, err := peering.NewBroker(conf)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { b.Close() })
	for suffix, door := range doors {
		if err := b.ServeListener(door, n.link(conf.Name+suffix).Listener()); err != nil {
			n.t.Fatal(err)
		}
	}
	return b
}

// join makes brokers peers of each other.
func (n *network) join(brokers ...*peering.Broker) {
	n.t.Helper()
	for _, b := range brokers {
		for _, other := range brokers {
			if b != other {
				n.connect(b, other.Name())
			}
		}
	}
}

func (n *network) connect(b *peering.Broker, name string) {
	n.t.Helper()
	if err := b.Connect(peering.Peer{Name: name, CloudFE: at(name + "-cloudfe"), StateBE: at(name + "-statebe")}); err != nil {
		n.t.Fatal(err)
	}
}

// socket connects a socket to a host.
func (n *network) socket(t zmq.Type, host string, opts ...zmq.Option) *zmq.Socket {
	n.t.Helper()
	s, err := zmq.New(t, append(opts, n.dialer(), zmq.WithLinger(0))...)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { s.Close() })
	if err := s.Connect(at(host)); err != nil {
		n.t.Fatal(err)
	}
	return s
}

// A worker is a REQ that answers each request by its name and the body.
type worker struct {
	n      *network
	host   string
	name   string
	delay  func() time.Duration
	cancel context.CancelFunc
	ended  chan struct{}
	got    *counter
}

// worker starts one for a broker.
func (n *network) worker(broker, name string, delay time.Duration, got *counter) *worker {
	w := &worker{n: n, host: broker + "-localbe", name: name, delay: func() time.Duration { return delay }, got: got}
	w.start()
	n.t.Cleanup(w.kill)
	return w
}

func (w *worker) start() {
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel, w.ended = cancel, make(chan struct{})
	go w.run(ctx, w.ended)
}

// run works until it is killed; whenever the connection is lost it begins anew.
func (w *worker) run(ctx context.Context, ended chan struct{}) {
	defer close(ended)
	for ctx.Err() == nil {
		life, lost := context.WithCancel(ctx)
		w.live(life, lost)
		lost()
	}
}

func (w *worker) live(ctx context.Context, lost func()) {
	s := zmq.NewReq(w.n.dialer(), zmq.WithLinger(0), zmq.WithHeartbeat(time.Second), zmq.WithReconnectMax(time.Second),
		zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventDisconnected {
				lost()
			}
		}))
	defer s.Close()
	if s.Connect(at(w.host)) != nil || s.Send(ctx, []byte{1}) != nil {
		return
	}
	for {
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		w.got.add(w.name)
		select {
		case <-time.After(w.delay()):
		case <-ctx.Done():
			return
		}
		i := slices.IndexFunc(m.Frames, func(f []byte) bool { return len(f) == 0 })
		reply := append(slices.Clone(m.Frames[:i+1]), []byte(w.name))
		if s.Send(ctx, append(reply, m.Frames[i+1:]...)...) != nil {
			return
		}
	}
}

func (w *worker) kill() {
	w.cancel()
	<-w.ended
}

// ask wants a client's request to be answered by a worker.
func ask(t testing.TB, s *zmq.Socket, worker string, frames ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := s.Request(ctx, zmq.MsgFromStrings(frames...).Frames...)
	if err != nil {
		t.Errorf("%q: %v", frames, err)
		return
	}
	if got := texts(m.Frames); !slices.Equal(got, append([]string{worker}, frames...)) {
		t.Errorf("%q was answered by %q, wants %s", frames, got, worker)
	}
}

func texts(frames [][]byte) []string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = string(f)
	}
	return list
}

func send(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	if err := s.Send(t.Context(), zmq.MsgFromStrings(frames...).Frames...); err != nil {
		t.Fatal(err)
	}
}

func expect(t testing.TB, s *zmq.Socket, want ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := s.Recv(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(m.Frames); !slices.Equal(got, want) {
		t.Fatalf("received %q, wants %q", got, want)
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
	if c == nil {
		return
	}
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
