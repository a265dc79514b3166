package freelance_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

// Each test holds one sentence of RFC 10 (FLP); docs/rfc/10.md has the list.

// exchange connects a client to a server that the test plays, and answers the
// first ping. It returns the client's identity there.
func exchange(t *testing.T) (c *freelance.Client, server *zmq.Socket, id []byte) {
	t.Helper()
	n := newNetwork(t, "a")
	server = n.raw("a")
	c, err := freelance.NewClient(freelance.ClientConfig{Options: []zmq.Option{n.dialer()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Connect(endpoint("a")); err != nil {
		t.Fatal(err)
	}
	m := recvPing(t, server)
	if err := server.Send(t.Context(), m.Frames[0], []byte("PONG")); err != nil {
		t.Fatal(err)
	}
	n.ready(c, 1)
	return c, server, m.Frames[0]
}

func recvPing(t *testing.T, server *zmq.Socket) zmq.Msg {
	t.Helper()
	m, err := server.Recv(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := texts(m.Frames[1:]); !slices.Equal(got, []string{"PING"}) {
		t.Fatalf("received %q, wants a ping", got)
	}
	return m
}

func TestRFC10_Explicit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		var asked counter
		for _, name := range []string{"a", "b"} {
			n.host(name, func(ctx context.Context, s *zmq.Socket) error {
				return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
					asked.add(name)
					return request.Frames, nil
				})
			})
		}
		c := n.client([]string{"b", "a"})
		for range 10 {
			ask(t, c, []string{"x"}, "x")
		}
		if asked.of("a") != 0 || asked.of("b") != 10 {
			t.Errorf("a was asked %d times, b %d", asked.of("a"), asked.of("b"))
		}
	})
}

func TestRFC10_ServerAnswersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if m, err := c.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
			t.Errorf("an unasked server says %v, %v", m, err)
		}
	})
}

func TestRFC10_Ping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { exchange(t) })
}

func TestRFC10_Pong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			send(t, c, "server", "PING")
			expect(t, c, "server", "PONG")
		}
	})
}

func TestRFC10_Request(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server, id := exchange(t)
		for _, body := range [][]string{{"one"}, {"", "", ""}, {"PING"}, {"a", "b", "c"}} {
			got := make(chan []string)
			go func() {
				m, err := c.Request(t.Context(), zmq.MsgFromStrings(body...).Frames...)
				if err != nil {
					t.Error(err)
				}
				got <- texts(m.Frames)
			}()
			m, err := server.Recv(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Frames) != 2+len(body) || !slices.Equal(texts(m.Frames[2:]), body) {
				t.Fatalf("%q arrives as %q", body, texts(m.Frames))
			}
			if err := server.Send(t.Context(), id, m.Frames[1], []byte("so"), []byte("be it")); err != nil {
				t.Fatal(err)
			}
			if reply := <-got; !slices.Equal(reply, []string{"so", "be it"}) {
				t.Errorf("the reply is %q", reply)
			}
		}
	})
}

// TestRFC10_ControlFrameUnmodified: the server returns the control frame,
// whatever it is, and gives it no meaning.
func TestRFC10_ControlFrameUnmodified(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		for _, control := range []string{"1", "", "\x00\xff", "PING", "PONG", string(make([]byte, 100_000))} {
			send(t, c, "server", control, "body", "")
			expect(t, c, "server", control, "a", "body", "")
		}
	})
}

func TestRFC10_ReplyHasBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
				if string(request.Frames[0]) == "nothing" {
					return nil, nil
				}
				return [][]byte{{}}, nil
			})
		})
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		send(t, c, "server", "1", "nothing")
		send(t, c, "server", "2", "empty")
		expect(t, c, "server", "2", "") // a reply without a body is never sent
	})
}

func TestRFC10_Router(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server, _ := exchange(t)
		if m := recvPing(t, server); m.Peer().Type() != "ROUTER" {
			t.Errorf("the client is a %s", m.Peer().Type())
		}
		dealer := zmq.NewDealer(zmq.WithRoutingID("x"))
		defer dealer.Close()
		if err := serve(t.Context(), dealer, naming("x")); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("served on a DEALER: %v", err)
		}
	})
}

func TestRFC10_ClientHasNoIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, server, _ := exchange(t)
		if m := recvPing(t, server); len(m.Peer().Identity()) != 0 {
			t.Errorf("the client calls itself %q", m.Peer().Identity())
		}
	})
}

func TestRFC10_ServerHasIdentity(t *testing.T) {
	nameless := zmq.NewRouter()
	defer nameless.Close()
	if err := serve(t.Context(), nameless, naming("x")); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("served without an identity: %v", err)
	}
}

func TestRFC10_IdentityIsEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		send(t, c, "server", "PING")
		m, err := c.Recv(t.Context())
		if err != nil || string(m.Peer().Identity()) != endpoint("a") {
			t.Errorf("the server calls itself %q, %v", m.Peer().Identity(), err)
		}
	})
}

// TestRFC10_PingInterval: a silent server is pinged at the interval; one that
// answers anything is not silent.
func TestRFC10_PingInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server, id := exchange(t)
		for range 3 {
			last := time.Now()
			recvPing(t, server)
			if d := time.Since(last); d != 2*time.Second {
				t.Errorf("a ping after %v", d)
			}
			if err := server.Send(t.Context(), id, []byte("PONG")); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		answered := make(chan struct{})
		go func() { ask(t, c, []string{"y"}, "x"); close(answered) }()
		m, err := server.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last := time.Now()
		if err := server.Send(t.Context(), id, m.Frames[1], []byte("y")); err != nil {
			t.Fatal(err)
		}
		<-answered
		recvPing(t, server)
		if d := time.Since(last); d != 2*time.Second {
			t.Errorf("a ping %v after a reply", d)
		}
	})
}

// TestRFC10_Expiry: three intervals without a pong, and a server is dead until
// it answers.
func TestRFC10_Expiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, server, id := exchange(t)
		pass(6*time.Second - time.Millisecond)
		if s := c.Servers(); !s[0].Live {
			t.Errorf("dead too early: %+v", s)
		}
		pass(time.Millisecond)
		synctest.Wait()
		if s := c.Servers(); s[0].Live || !s[0].Connected {
			t.Errorf("lives after three pings without an answer: %+v", s)
		}
		if err := server.Send(t.Context(), id, []byte("PONG")); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

// TestRFC10_MultiThreadedServer: requests are handled at once, and replies go
// out as they are ready.
func TestRFC10_MultiThreadedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
				if string(request.Frames[0]) == "slow" {
					pass(time.Second)
				}
				return request.Frames, nil
			})
		})
		c := n.rawClient("a")
		if err := c.WaitReady(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		send(t, c, "server", "1", "slow")
		send(t, c, "server", "2", "fast")
		expect(t, c, "server", "2", "fast")
		expect(t, c, "server", "1", "slow")
	})
}
