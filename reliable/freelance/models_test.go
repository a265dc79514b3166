package freelance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

// echo is a server of model one.
func (n *network) echo(name string) *host {
	return n.host(name, func(ctx context.Context, s *zmq.Socket) error {
		return serveSimple(ctx, s, naming(name))
	})
}

// sequenced is a server of model two.
func (n *network) sequenced(name string, took *counter) *host {
	return n.host(name, func(ctx context.Context, s *zmq.Socket) error {
		return serveShotgun(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
			took.add(name)
			pass(rand.N(20 * time.Millisecond))
			return append([][]byte{[]byte("re:")}, request.Frames...), nil
		})
	})
}

func (n *network) simple(hosts []string) *freelance.Simple {
	var endpoints []string
	for _, name := range hosts {
		endpoints = append(endpoints, endpoint(name))
	}
	return &freelance.Simple{Endpoints: endpoints, Options: []zmq.Option{n.dialer()}}
}

func (n *network) shotgun(hosts []string) *freelance.Shotgun {
	n.t.Helper()
	c, err := freelance.NewShotgun(freelance.ShotgunConfig{Options: []zmq.Option{n.dialer()}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { c.Close() })
	for _, name := range hosts {
		if err := c.Connect(endpoint(name)); err != nil {
			n.t.Fatal(err)
		}
	}
	return c
}

// TestSimpleFailover: each of several servers is asked once, in turn, and has a
// second.
func TestSimpleFailover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b", "c")
		n.echo("b")
		n.echo("c")
		c := n.simple([]string{"a", "b", "c"})
		begin := time.Now()
		ask(t, c, []string{"b", "x", ""}, "x", "")
		if d := time.Since(begin); d != time.Second {
			t.Errorf("answered after %v", d)
		}
	})
}

// TestSimpleSingleServer is asked three times.
func TestSimpleSingleServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		var tries counter
		server := n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			return serveSimple(ctx, s, func(context.Context, zmq.Msg) ([][]byte, error) {
				tries.add("a")
				if tries.of("a")%3 == 0 {
					return [][]byte{[]byte("at last")}, nil
				}
				return nil, nil
			})
		})
		c := n.simple([]string{"a"})
		ask(t, c, []string{"at last"}, "x")
		server.kill()
		begin := time.Now()
		_, err := c.Request(t.Context(), []byte("x"))
		if !errors.Is(err, zmq.ErrTimeout) || time.Since(begin) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if _, err := c.Request(ctx, []byte("x")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestOnlyFLPPings: to the other models PING is a malformed message.
func TestOnlyFLPPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.echo("a")
		dealer := zmq.NewDealer(n.dialer(), zmq.WithLinger(0))
		defer dealer.Close()
		if err := dealer.Connect(endpoint("a")); err != nil {
			t.Fatal(err)
		}
		send(t, dealer, "PING")
		send(t, dealer, "", "x")
		expect(t, dealer, "", "a", "x")
	})
}

// TestSimpleREP: any REP is a server of model one.
func TestSimpleREP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		rep := zmq.NewRep()
		defer rep.Close()
		if err := rep.ServeListener(n.link("a").Listener()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() {
			served <- zmq.Serve(ctx, rep, zmq.HandlerFunc(func(_ context.Context, r *zmq.Request) error { return r.Reply(r.Frames...) }))
		}()
		ask(t, n.simple([]string{"a"}), []string{"x", "y"}, "x", "y")
		cancel()
		<-served
	})
}

func TestSimpleBadCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t)
		begin := time.Now()
		for what, c := range map[string]*freelance.Simple{
			"no endpoints": {}, "malformed": {Endpoints: []string{"tcp://nowhere", "tcp://a:1"}},
			"option": {Endpoints: []string{"tcp://a:1"}, Options: []zmq.Option{zmq.WithXPubVerbose(true)}},
		} {
			if _, err := c.Request(t.Context(), []byte("x")); err == nil || errors.Is(err, zmq.ErrTimeout) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := n.simple([]string{"a"}).Request(t.Context()); !errors.Is(err, zmq.ErrInvalid) {
			t.Error(err)
		}
		if time.Since(begin) > 0 {
			t.Error("a bad call was tried again")
		}
	})
}

// TestShotgun: every server gets every request once, and one reply comes back.
func TestShotgun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b", "c")
		var took counter
		for _, name := range []string{"a", "b", "c"} {
			n.sequenced(name, &took)
		}
		c := n.shotgun([]string{"a", "b", "c"})
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() { ask(t, c, []string{"re:", fmt.Sprint(i)}, fmt.Sprint(i)) })
		}
		callers.Wait()
		pass(time.Second)
		if took.of("a") != 100 || took.of("b") != 100 || took.of("c") != 100 {
			t.Errorf("requests: %v", took.n)
		}
		if s := c.Stats(); s.Requests != 100 || s.Replies != 100 || s.Late != 200 || s.Malformed != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestShotgunDeadServer: a dead server costs nothing, and gets no request that
// nobody waits for when it is back.
func TestShotgunDeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a", "b")
		var took counter
		n.sequenced("a", &took)
		b := n.sequenced("b", &took)
		c := n.shotgun([]string{"a", "b"})
		ask(t, c, []string{"re:", "x"}, "x")
		pass(time.Second)
		b.kill()
		begin := time.Now()
		for i := range 100 {
			ask(t, c, []string{"re:", fmt.Sprint(i)}, fmt.Sprint(i))
		}
		if d := time.Since(begin); d > 2*time.Second {
			t.Errorf("100 requests took %v", d)
		}
		b.start()
		pass(time.Minute)
		if took.of("b") != 1 {
			t.Errorf("the dead server got %d requests", took.of("b"))
		}
		ask(t, c, []string{"re:", "y"}, "y")
		pass(time.Second)
		if took.of("b") != 2 {
			t.Errorf("the server is back and got %d requests", took.of("b"))
		}
	})
}

// TestShotgunLateServer: a request that waits reaches a server that comes.
func TestShotgunLateServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		c := n.shotgun([]string{"a"})
		begin := time.Now()
		_, err := c.Request(t.Context(), []byte("x"))
		if !errors.Is(err, zmq.ErrTimeout) || time.Since(begin) != 2500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := c.Request(ctx, []byte("x")); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		c := n.shotgun([]string{"a"})
		var took counter
		time.AfterFunc(time.Second, func() { n.sequenced("a", &took) })
		ask(t, c, []string{"re:", "x"}, "x")
	})
}

// TestShotgunHostileServer: nonsense, and answers to what was not asked yet, are
// dropped.
func TestShotgunHostileServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "good", "bad")
		var took counter
		n.sequenced("good", &took)
		bad := n.raw("bad")
		ctx, cancel := context.WithCancel(t.Context())
		var villain sync.WaitGroup
		villain.Go(func() {
			for m, err := range bad.Msgs(ctx) {
				if err != nil {
					return
				}
				number, _ := strconv.ParseUint(string(m.Frames[2]), 10, 64)
				next, far := fmt.Sprint(number+1), fmt.Sprint(number+10_000)
				for _, frames := range append(malformed(), []string{"", next, "bad"}, []string{"", far, "bad"}, []string{"", "x", "bad"}, []string{"", "1"}) {
					_ = bad.Send(ctx, append([][]byte{m.Frames[0]}, zmq.MsgFromStrings(frames...).Frames...)...)
				}
			}
		})
		c := n.shotgun([]string{"good", "bad"})
		for i := range 5 {
			ask(t, c, []string{"re:", fmt.Sprint(i)}, fmt.Sprint(i))
			pass(100 * time.Millisecond)
		}
		if s := c.Stats(); s.Malformed == 0 || s.Late == 0 {
			t.Errorf("%+v", s)
		}
		cancel()
		villain.Wait()
	})
}

func TestShotgunClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		c := n.shotgun([]string{"a"})
		done := make(chan error)
		go func() { _, err := c.Request(t.Context(), []byte("x")); done <- err }()
		synctest.Wait()
		go c.Close()
		if err := <-done; !errors.Is(err, zmq.ErrClosed) {
			t.Error(err)
		}
		c.Close()
		_, request := c.Request(t.Context(), []byte("x"))
		_, none := c.Request(t.Context())
		if connect := c.Connect(endpoint("a")); !errors.Is(request, zmq.ErrClosed) || !errors.Is(connect, zmq.ErrClosed) || !errors.Is(none, zmq.ErrInvalid) {
			t.Error(request, connect, none)
		}
	})
}

// TestModelsHistory is TestHistory, shorter, for the models that ask anew each
// time.
func TestModelsHistory(t *testing.T) {
	names := []string{"a", "b", "c"}
	for what, run := range map[string]func(n *network, took *counter) (requester, map[string]*host){
		"simple": func(n *network, _ *counter) (requester, map[string]*host) {
			hosts := map[string]*host{}
			for _, name := range names {
				hosts[name] = n.host(name, func(ctx context.Context, s *zmq.Socket) error {
					return serveSimple(ctx, s, naming("re:"))
				})
			}
			return n.simple(names), hosts
		},
		"shotgun": func(n *network, took *counter) (requester, map[string]*host) {
			hosts := map[string]*host{}
			for _, name := range names {
				hosts[name] = n.sequenced(name, took)
			}
			return n.shotgun(names), hosts
		},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, names...)
				c, hosts := run(n, &counter{})
				ctx, cancel := context.WithCancel(t.Context())
				var callers sync.WaitGroup
				for i := range 4 {
					callers.Go(func() {
						for number := 0; ctx.Err() == nil; number++ {
							id := fmt.Sprintf("%d-%d", i, number)
							ask(t, c, []string{"re:", id}, id)
							pass(rand.N(2 * time.Second))
						}
					})
				}
				for range 60 {
					faults(n, hosts, names)
					pass(20 * time.Second) // the longest way back, by ZMTP's back-off
				}
				cancel()
				callers.Wait()
			})
		})
	}
}

func TestConfigs(t *testing.T) {
	for what, conf := range map[string]freelance.ClientConfig{
		"timeout": {Timeout: -1}, "try": {Try: -1}, "ping": {Ping: -1}, "ttl": {TTL: -1},
		"ttl below ping": {Ping: 2, TTL: 2}, "option": {Options: []zmq.Option{zmq.WithXPubVerbose(true)}},
	} {
		if _, err := freelance.NewClient(conf); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := freelance.NewShotgun(freelance.ShotgunConfig{Timeout: -1}); !errors.Is(err, zmq.ErrInvalid) {
		t.Error(err)
	}
	c, err := freelance.NewShotgun(freelance.ShotgunConfig{Options: []zmq.Option{zmq.WithSendHWM(-1)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Connect(endpoint("a")); err == nil {
		t.Error("a shotgun takes a bad option")
	}
	rep := zmq.NewRep()
	defer rep.Close()
	if err := serveSimple(t.Context(), rep, naming("x")); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("serves on a REP: %v", err)
	}
	router := freelance.NewRouter("tcp://a:1")
	defer router.Close()
	if err := serve(t.Context(), router, nil); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("serves without a handler: %v", err)
	}
}
