package zmq_test

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/wire"
)

// closing is a connection that says when it is closed.
type closing struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func newClosing(c net.Conn) *closing { return &closing{Conn: c, closed: make(chan struct{})} }

func (c *closing) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// attachWire attaches one end of a net.Pipe to a socket, and plays a peer of a
// type at the other. The channel is closed when the socket closes its end.
func attachWire(t testing.TB, s *zmq.Socket, role zmq.Role, peer string, properties ...string) (<-chan struct{}, *wirePeer) {
	t.Helper()
	near, far := net.Pipe()
	conn, p := newClosing(near), newWirePeer(t, far)
	done := make(chan error, 1)
	go func() { done <- s.Attach(soon(t), conn, role) }()
	p.handshake(peer, properties...)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return conn.closed, p
}

// TestAttach: two sockets over a pipe, one in each role, and what happens when
// the connection is lost.
func TestAttach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newDiary(), newDiary()
		push, pull := open(t, zmq.PUSH, a.option()), open(t, zmq.PULL, b.option())
		near, far := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- push.Attach(t.Context(), near, zmq.Connected) }()
		if err := pull.Attach(t.Context(), far, zmq.Accepted); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		say(t, push, "a", "b")
		expectHeard(t, pull, "a", "b")
		if e := a.next(t, zmq.EventHandshakeSucceeded); e.Peer.Type() != "PULL" || e.Remote != "pipe://pipe" {
			t.Errorf("the event is %+v", e)
		}
		push.Close()
		b.next(t, zmq.EventDisconnected)
		if n := pull.Peers(); n != 0 {
			t.Errorf("there are %d peers", n)
		}
	})
}

// TestAttachRoles: an accepted connection waits for the peer to say READY, as
// one that Bind accepted; a connected one says it at once.
func TestAttachRoles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, role := range []zmq.Role{zmq.Accepted, zmq.Connected} {
			pull := open(t, zmq.PULL)
			near, far := net.Pipe()
			p := newWirePeer(t, far)
			done := make(chan error, 1)
			go func() { done <- pull.Attach(t.Context(), near, role) }()
			p.greet(greeting(3, 1, "NULL"))
			if role == zmq.Accepted {
				p.expectSilence(time.Second)
				p.readBy(time.Time{})
				p.sendReady("Socket-Type", "PUSH")
				p.expectReady()
			} else {
				p.expectReady()
				p.sendReady("Socket-Type", "PUSH")
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestAttachFails: each failure is told in words that can be tested, and the
// connection is closed.
func TestAttachFails(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("some cause"))
	for _, c := range []struct {
		name string
		ctx  context.Context
		play func(s *zmq.Socket, p *wirePeer)
		want []error
	}{
		{"another socket type", t.Context(), func(_ *zmq.Socket, p *wirePeer) {
			p.greet(greeting(3, 1, "NULL"))
			p.sendReady("Socket-Type", "SUB")
		}, []error{zmq.ErrProtocol}},
		{"refused", t.Context(), func(_ *zmq.Socket, p *wirePeer) {
			p.greet(greeting(3, 1, "NULL"))
			p.send(wire.AppendError(nil, "400"))
		}, []error{zmq.ErrAuth}},
		{"silence", t.Context(), func(*zmq.Socket, *wirePeer) {}, []error{os.ErrDeadlineExceeded}},
		{"context ended", ended, func(*zmq.Socket, *wirePeer) {}, []error{context.Canceled}},
		{"closed meanwhile", t.Context(), func(s *zmq.Socket, _ *wirePeer) { synctest.Wait(); s.Close() }, []error{zmq.ErrClosed, net.ErrClosed}},
		{"closed before", t.Context(), nil, []error{zmq.ErrClosed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pull := open(t, zmq.PULL)
				near, far := net.Pipe()
				conn, p := newClosing(near), newWirePeer(t, far)
				if c.play == nil {
					pull.Close()
				} else {
					go c.play(pull, p)
				}
				err := pull.Attach(c.ctx, conn, zmq.Accepted)
				var failed *zmq.OpError
				if !errors.As(err, &failed) || failed.Op != "attach" {
					t.Errorf("the error is %v", err)
				}
				for _, want := range c.want {
					if !errors.Is(err, want) {
						t.Errorf("the error is %v, want %v", err, want)
					}
				}
				<-conn.closed
				synctest.Wait()
			})
		})
	}
}

// TestAttachCancelled: a context that ends while the handshake waits.
func TestAttachCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := open(t, zmq.PULL)
		near, far := net.Pipe()
		p := newWirePeer(t, far)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := pull.Attach(ctx, near, zmq.Accepted); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("the error is %v", err)
		}
		p.rest()
	})
}

// TestAttachASecondPeer: a PAIR takes no second one.
func TestAttachASecondPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := open(t, zmq.PAIR)
		attachWire(t, pair, zmq.Accepted, "PAIR")
		near, far := net.Pipe()
		conn, p := newClosing(near), newWirePeer(t, far)
		done := make(chan error, 1)
		go func() { done <- pair.Attach(t.Context(), conn, zmq.Accepted) }()
		p.handshake("PAIR")
		if err := <-done; err == nil {
			t.Error("it was taken")
		}
		<-conn.closed
		if n := pair.Peers(); n != 1 {
			t.Errorf("there are %d peers", n)
		}
	})
}

// TestServeListener: a listener of the caller's is an endpoint like others.
func TestServeListener(t *testing.T) {
	pull := open(t, zmq.PULL)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := pull.ServeListener(ln); err != nil {
		t.Fatal(err)
	}
	endpoint, err := pull.Option("last_endpoint")
	if err != nil || endpoint != "tcp://"+ln.Addr().String() {
		t.Errorf("the endpoint is %q, %v", endpoint, err)
	}
	push := open(t, zmq.PUSH)
	connect(t, push, endpoint)
	say(t, push, "a")
	expectHeard(t, pull, "a")
	if err := pull.Unbind(endpoint); err != nil {
		t.Error(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
	if err := pull.Unbind(endpoint); !errors.Is(err, zmq.ErrNotFound) {
		t.Errorf("unbind again: %v", err)
	}
}

// TestServeListenerOfAUnixSocket: it is called as others of its kind.
func TestServeListenerOfAUnixSocket(t *testing.T) {
	pull := open(t, zmq.PULL)
	path := t.TempDir() + "/s"
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := pull.ServeListener(ln); err != nil {
		t.Fatal(err)
	}
	push := open(t, zmq.PUSH)
	connect(t, push, "ipc://"+path)
	say(t, push, "a")
	expectHeard(t, pull, "a")
	pull.Close()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is not closed: %v", err)
	}
}

func TestServeListenerOfAClosedSocket(t *testing.T) {
	closed := open(t, zmq.PULL)
	closed.Close()
	bad := zmq.NewPull(zmq.WithRecvHWM(-1))
	defer bad.Close()
	for s, want := range map[*zmq.Socket]error{closed: zmq.ErrClosed, bad: zmq.ErrInvalid} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ServeListener(ln); !errors.Is(err, want) {
			t.Errorf("the error is %v, want %v", err, want)
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener is not closed: %v", err)
		}
	}
}

// TestWithDialer: it gets what Connect was told, and its context ends with the socket.
func TestWithDialer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type call struct{ network, address string }
		calls, ended := make(chan call, 1), make(chan error, 1)
		push := open(t, zmq.PUSH, zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
			calls <- call{network, address}
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, ctx.Err()
		}))
		connect(t, push, "tcp://10.1.2.3:5555")
		if got := <-calls; got.address != "10.1.2.3:5555" || got.network != "tcp4" {
			t.Errorf("the dialer was called with %+v", got)
		}
		push.Close()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("its context: %v", err)
		}
	})
}

// TestMonitorPipes: one event for each peer, with what waits each way.
func TestMonitorPipes(t *testing.T) {
	d := newDiary()
	domain := zmq.WithDomain(zmq.NewDomain())
	dealer := open(t, zmq.DEALER, domain, d.option())
	endpoint := bind(t, dealer, "inproc://here")
	dealer.MonitorPipes()
	peer := open(t, zmq.DEALER, domain)
	connect(t, peer, endpoint)
	for range 3 {
		say(t, dealer, "out")
	}
	say(t, peer, "in")
	dealer.MonitorPipes()
	e := d.next(t, zmq.EventPipesStats)
	if e.Value != 3<<32|1 || e.Endpoint != endpoint || e.Peer.Type() != "DEALER" {
		t.Errorf("the event is %+v", e)
	}
	if len(d) != 0 {
		t.Errorf("and then %+v", <-d)
	}
}

// TestAttachEndsWithItsContext ends the context of an Attach, its connection and
// the socket at once: Close waits for all that Attach began.
func TestAttachEndsWithItsContext(t *testing.T) {
	for range 200 {
		s := open(t, zmq.PULL)
		near, far := net.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if err := s.Attach(ctx, near, zmq.Accepted); err == nil {
				t.Error("attached to nobody")
			}
		})
		all.Go(cancel)
		all.Go(func() { far.Close() })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}
