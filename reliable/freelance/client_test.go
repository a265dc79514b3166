package freelance_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

func TestClientAsksTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		n.flp("a")
		n.flp("b")
		c := n.client([]string{"a", "b"})
		for i := range 100 {
			id := fmt.Sprint(i)
			ask(t, c, []string{"a", id, ""}, id, "")
		}
		if s := c.Stats(); s.Requests != 100 || s.Replies != 100 || s.Retries+s.Late+s.Malformed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestClientOrder: servers are asked in the order of Connect, whoever answers the
// first ping first; one that was away comes last.
func TestClientOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b", "c")
		a := n.flp("a")
		n.flp("b")
		n.flp("c")
		n.link("a").Delay(50 * time.Millisecond)
		n.link("b").Delay(20 * time.Millisecond)
		c := n.clientOf(nil, freelance.ClientConfig{})
		for _, name := range []string{"a", "b", "c"} {
			if err := c.Connect(endpoint(name)); err != nil {
				t.Fatal(err)
			}
		}
		n.ready(c, 1)
		ask(t, c, []string{"c", "x"}, "x") // the only one yet
		n.ready(c, 3)
		ask(t, c, []string{"a", "x"}, "x")
		a.kill()
		ask(t, c, []string{"b", "x"}, "x")
		a.start()
		n.ready(c, 3)
		for i, name := range []string{"b", "c", "a"} {
			if s := c.Servers(); s[i].Endpoint != endpoint(name) {
				t.Errorf("%d is %+v", i, s[i])
			}
		}
	})
}

// TestClientManyCallers: every caller gets its own reply, also when replies come
// in another order than requests.
func TestClientManyCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
				pass(time.Duration(request.Frames[0][0]) * time.Millisecond)
				return request.Frames, nil
			})
		})
		c := n.client([]string{"a"})
		var callers sync.WaitGroup
		for i := range 200 {
			callers.Go(func() {
				body := string([]byte{byte(200 - i)})
				ask(t, c, []string{body, fmt.Sprint(i)}, body, fmt.Sprint(i))
			})
		}
		callers.Wait()
	})
}

// TestClientLostConnection: what a server was asked is asked elsewhere at once
// when the connection to it is lost.
func TestClientLostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		a := n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(context.Context, zmq.Msg) ([][]byte, error) { return nil, nil })
		})
		n.flp("b")
		c := n.client([]string{"a", "b"})
		begin := time.Now()
		var killer sync.WaitGroup
		killer.Go(func() {
			pass(300 * time.Millisecond)
			a.kill()
		})
		ask(t, c, []string{"b", "x"}, "x")
		if d := time.Since(begin); d < 300*time.Millisecond || d > 400*time.Millisecond {
			t.Errorf("answered after %v", d)
		}
		if s := c.Servers(); len(s) != 2 || s[0].Endpoint != endpoint("b") || !s[0].Live || s[1].Live || s[1].Connected || s[0].Waiting+s[1].Waiting != 0 {
			t.Errorf("%+v", s)
		}
		killer.Wait()
		a.start()
		n.ready(c, 2) // it is pinged when it is back, and comes behind
		ask(t, c, []string{"b", "y"}, "y")
	})
}

// TestClientSilentServer: a server that keeps a request longer than WithTry is
// passed over, and the next requests do not wait for it.
func TestClientSilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		n.flp("a")
		n.flp("b")
		c := n.client([]string{"a", "b"})
		n.link("a").Freeze()
		for i, want := range []time.Duration{time.Second, 0, 0} {
			begin := time.Now()
			ask(t, c, []string{"b", "x"}, "x")
			if d := time.Since(begin); d != want {
				t.Errorf("request %d took %v, wants %v", i, d, want)
			}
		}
		pass(10 * time.Second)
		if s := c.Servers(); s[0].Endpoint != endpoint("b") || s[1].Live {
			t.Errorf("a frozen server lives: %+v", s)
		}
		n.link("a").Thaw()
		n.ready(c, 2)
	})
}

// TestClientLateReply: the first reply wins, and a second is dropped.
func TestClientLateReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		for _, name := range []string{"a", "b"} {
			n.host(name, func(ctx context.Context, s *zmq.Socket) error {
				return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
					pass(1200 * time.Millisecond)
					return [][]byte{[]byte(name), request.Frames[0]}, nil
				})
			})
		}
		c := n.client([]string{"a", "b"})
		ask(t, c, []string{"a", "x"}, "x")
		pass(2 * time.Second)
		if s := c.Stats(); s.Retries != 1 || s.Replies != 1 || s.Late != 1 {
			t.Errorf("%+v", s)
		}
		ask(t, c, []string{"b", "y"}, "y") // b is first now
	})
}

// TestClientOnce: a server gets a request once for each connection, however long
// it takes.
func TestClientOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		var got counter
		a := n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(ctx context.Context, request zmq.Msg) ([][]byte, error) {
				got.add(string(request.Frames[0]))
				select {
				case <-time.After(20 * time.Second):
				case <-ctx.Done():
				}
				return [][]byte{[]byte("done")}, nil
			})
		})
		c := n.clientOf([]string{"a"}, freelance.ClientConfig{Timeout: time.Minute})
		n.ready(c, 1)
		begin := time.Now()
		ask(t, c, []string{"done"}, "slow")
		if d := time.Since(begin); d != 20*time.Second || got.of("slow") != 1 {
			t.Errorf("asked %d times, answered after %v", got.of("slow"), d)
		}
		var killer sync.WaitGroup
		killer.Go(func() {
			pass(10 * time.Second)
			a.kill()
			a.start()
		})
		ask(t, c, []string{"done"}, "lost")
		killer.Wait()
		if got.of("lost") != 2 {
			t.Errorf("asked %d times", got.of("lost"))
		}
	})
}

// TestClientWaitsForServer: a request waits for a server that comes within its
// time, and gives up after it.
func TestClientWaitsForServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		c, err := freelance.NewClient(freelance.ClientConfig{Options: []zmq.Option{n.dialer()}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Connect(endpoint("a")); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		_, err = c.Request(t.Context(), []byte("x"))
		if !errors.Is(err, zmq.ErrTimeout) || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err = c.Request(ctx, []byte("x")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zmq.ErrTimeout) {
			t.Error(err)
		}
		var starter sync.WaitGroup
		starter.Go(func() {
			pass(100 * time.Millisecond)
			n.flp("a")
		})
		ask(t, c, []string{"a", "y"}, "y")
		starter.Wait()
	})
}

// TestClientAsksNewcomer: a request that everybody has and nobody answers goes to
// a server that comes.
func TestClientAsksNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(context.Context, zmq.Msg) ([][]byte, error) { return nil, nil })
		})
		c := n.clientOf([]string{"a"}, freelance.ClientConfig{Timeout: time.Minute})
		if err := c.Connect(endpoint("b")); err != nil {
			t.Fatal(err)
		}
		var starter sync.WaitGroup
		starter.Go(func() {
			pass(5 * time.Second)
			n.flp("b")
		})
		begin := time.Now()
		ask(t, c, []string{"b", "x"}, "x")
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("answered after %v", d)
		}
		starter.Wait()
	})
}

// TestClientReadyAtOnce: a server is pinged as soon as the connection stands.
func TestClientReadyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		begin := time.Now()
		n.client([]string{"a"})
		if d := time.Since(begin); d > 0 {
			t.Errorf("ready after %v", d)
		}
	})
}

// TestClientDeadService: a server that is connected and answers no ping any more
// is dead before the time of a try is over.
func TestClientDeadService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		a := n.raw("a")
		n.flp("b")
		c := n.clientOf(nil, freelance.ClientConfig{Timeout: 2 * time.Hour, Try: time.Hour})
		if err := c.Connect(endpoint("a")); err != nil {
			t.Fatal(err)
		}
		m := recvPing(t, a)
		if err := a.Send(t.Context(), m.Frames[0], []byte("PONG")); err != nil {
			t.Fatal(err)
		}
		n.ready(c, 1)
		if err := c.Connect(endpoint("b")); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		ask(t, c, []string{"b", "x"}, "x")
		if d := time.Since(begin); d != 6*time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}

func TestClientDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		n.flp("a")
		n.flp("b")
		c := n.client([]string{"a", "b"})
		ask(t, c, []string{"a", "x"}, "x")
		if err := c.Disconnect(endpoint("a")); err != nil {
			t.Fatal(err)
		}
		ask(t, c, []string{"b", "x"}, "x")
		if err := c.Disconnect(endpoint("a")); !errors.Is(err, zmq.ErrNotFound) {
			t.Error(err)
		}
		if err := c.Connect(endpoint("a")); err != nil {
			t.Fatal(err)
		}
		n.ready(c, 2)
		if err := c.Connect(endpoint("a")); err != nil || len(c.Servers()) != 2 {
			t.Error(err, c.Servers())
		}
	})
}

func TestClientClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		c := n.client(nil)
		done := make(chan error, 2)
		go func() { _, err := c.Request(t.Context(), []byte("x")); done <- err }()
		go func() { done <- c.WaitReady(t.Context(), 1) }()
		synctest.Wait()
		c.Close()
		c.Close()
		_, err := c.Request(t.Context(), []byte("x"))
		for what, err := range map[string]error{
			"waiting": <-done, "ready": <-done, "request": err,
			"connect": c.Connect(endpoint("a")), "disconnect": c.Disconnect(endpoint("a")),
		} {
			if !errors.Is(err, zmq.ErrClosed) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if s := c.Stats(); c.Servers() != nil || s.Requests != 1 {
			t.Errorf("%+v, %+v", c.Servers(), s)
		}
	})
}

func TestClientBadCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		c := n.client(nil)
		_, none := c.Request(t.Context())
		long := make([]byte, 300)
		for i := range long {
			long[i] = 'x'
		}
		for what, err := range map[string]error{
			"no frames": none, "no endpoint": c.Connect(""), "malformed": c.Connect("tcp://nowhere"),
			"long": c.Connect("inproc://" + string(long)),
		} {
			if !errors.Is(err, zmq.ErrInvalid) && !errors.Is(err, zmq.ErrTooLarge) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if len(c.Servers()) != 0 {
			t.Errorf("%+v", c.Servers())
		}
	})
}

// TestClientOverInproc: nobody tells of connections there.
func TestClientOverInproc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		domain := zmq.WithDomain(zmq.NewDomain())
		c, err := freelance.NewClient(freelance.ClientConfig{Options: []zmq.Option{domain}, Timeout: 10 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Connect("inproc://late"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		s := freelance.NewRouter("inproc://late", domain)
		if _, err := s.Bind("inproc://late"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- serve(context.Background(), s, naming("a")) }()
		ask(t, c, []string{"a", "x"}, "x")
		s.Close()
		if err := <-ended; !errors.Is(err, zmq.ErrClosed) {
			t.Error(err)
		}
	})
}
