package freelance_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

// malformed are messages that are neither commands nor answers.
func malformed() [][]string {
	return [][]string{
		{""}, {"PING "}, {"ping"}, {"PONGPONG"}, {"7"}, {"", ""}, {"PONG", "1"}, {"007", "x"}, {"-1", "x"}, {"+1", "x"},
		{"1x", "x"}, {"18446744073709551616", "x"}, {"0", "x"}, {" 1", "x"}, {string(make([]byte, 70_000)), "x"},
	}
}

// TestHostileServer: a server that answers nonsense, and requests that it was
// not asked, disturbs neither the client nor the other server's replies.
func TestHostileServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "good", "bad")
		n.host("good", func(ctx context.Context, s *zmq.Socket) error {
			return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
				pass(10 * time.Millisecond)
				return append([][]byte{[]byte("good")}, request.Frames...), nil
			})
		})
		bad := n.raw("bad")
		ctx, cancel := context.WithCancel(t.Context())
		var villain sync.WaitGroup
		villain.Go(func() { // it answers each ping by nonsense, and by replies to what is to come
			for m, err := range bad.Msgs(ctx) {
				if err != nil {
					return
				}
				for _, frames := range append(malformed(), []string{"PONG"}) {
					_ = bad.Send(ctx, append([][]byte{m.Frames[0]}, zmq.MsgFromStrings(frames...).Frames...)...)
				}
				for number := range 300 {
					_ = bad.Send(ctx, m.Frames[0], fmt.Append(nil, number+1), []byte("bad"))
				}
			}
		})
		c := n.client([]string{"good", "bad"})
		for i := range 200 {
			id := fmt.Sprint(i)
			ask(t, c, []string{"good", id}, id)
			pass(100 * time.Millisecond)
		}
		if s := c.Stats(); s.Malformed == 0 || s.Late == 0 || s.Replies != 200 {
			t.Errorf("%+v", s)
		}
		cancel()
		villain.Wait()
	})
}

// TestHostileClient: a server drops nonsense and serves the others.
func TestHostileClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.flp("a")
		good := n.client([]string{"a"})
		for _, frames := range malformed() {
			bad := n.rawClient("a")
			if err := bad.WaitReady(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			send(t, bad, append([]string{"server"}, frames...)...)
			ask(t, good, []string{"a", "x"}, "x")
			if len(frames) == 1 {
				if m, err := bad.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
					t.Errorf("%q was answered by %v, %v", frames, m, err)
				}
			}
			bad.Close()
		}
	})
}

// TestHandlerFails: an error, a panic and an empty reply send nothing, and the
// client goes on to another server.
func TestHandlerFails(t *testing.T) {
	for what, fail := range map[string]freelance.Handler{
		"error": func(context.Context, zmq.Msg) ([][]byte, error) { return [][]byte{[]byte("no")}, errors.New("no") },
		"panic": func(context.Context, zmq.Msg) ([][]byte, error) { panic("no") },
		"empty": func(context.Context, zmq.Msg) ([][]byte, error) { return [][]byte{}, nil },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNetwork(t, "a", "b")
				n.host("a", func(ctx context.Context, s *zmq.Socket) error { return serve(ctx, s, fail) })
				n.flp("b")
				c := n.client([]string{"a", "b"})
				ask(t, c, []string{"b", "x"}, "x")
			})
		})
	}
}

// TestConcurrencyLimit: a server that is told so handles one request after the
// other.
func TestConcurrencyLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		var mu sync.Mutex
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			server := freelance.Server{Concurrency: 1, Handler: func(_ context.Context, request zmq.Msg) ([][]byte, error) {
				if !mu.TryLock() {
					return nil, errors.New("two at once")
				}
				defer mu.Unlock()
				pass(time.Millisecond)
				return request.Frames, nil
			}}
			return server.Serve(ctx, s)
		})
		c := n.client([]string{"a"})
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { ask(t, c, []string{"x"}, "x") })
		}
		callers.Wait()
	})
}

// TestServerOfASocketWithTimeouts: a socket whose Recv gives up now and then serves on.
func TestServerOfASocketWithTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork(t, "a")
		n.host("a", func(ctx context.Context, s *zmq.Socket) error {
			if err := s.Set(zmq.WithRecvTimeout(time.Millisecond)); err != nil {
				t.Error(err)
			}
			return serve(ctx, s, naming("a"))
		})
		pass(time.Minute)
		ask(t, n.client([]string{"a"}), []string{"a", "x"}, "x")
	})
}

// rounds is how many faults TestHistory makes.
const rounds = 1000

// TestHistory lets clients ask while servers are killed and started again,
// frozen and thawed, and their connections cut, one or two of three at a time:
// every request is answered, and by the reply to it.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := []string{"a", "b", "c"}
		n := newNetwork(t, names...)
		hosts := map[string]*host{}
		for _, name := range names {
			hosts[name] = n.host(name, func(ctx context.Context, s *zmq.Socket) error {
				return serve(ctx, s, func(_ context.Context, request zmq.Msg) ([][]byte, error) {
					pass(rand.N(50 * time.Millisecond))
					return append([][]byte{[]byte("re:")}, request.Frames...), nil
				})
			})
		}
		c := n.client(names)
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		var asked counter
		for i := range 8 {
			callers.Go(func() {
				for number := 0; ctx.Err() == nil; number++ {
					id := fmt.Sprintf("%d-%d", i, number)
					m, err := c.Request(t.Context(), []byte(id))
					if err != nil || len(m.Frames) != 2 || string(m.Frames[0]) != "re:" || string(m.Frames[1]) != id {
						t.Errorf("%s: %v, %v", id, m, err)
					}
					asked.add("all")
					pass(rand.N(2 * time.Second))
				}
			})
		}
		for range rounds {
			faults(n, hosts, names)
			n.ready(c, len(names))
		}
		cancel()
		callers.Wait()
		s := c.Stats()
		if s.Requests != s.Replies || s.Retries == 0 || s.Malformed != 0 || asked.of("all") != int(s.Requests) {
			t.Errorf("%+v", s)
		}
		t.Logf("%d requests, %d given to another server, %d replies too many", s.Requests, s.Retries, s.Late)
	})
}

// faults breaks one or two hosts, and mends them.
func faults(n *network, hosts map[string]*host, names []string) {
	var mend []func()
	for _, i := range rand.Perm(len(names))[:1+rand.N(len(names)-1)] {
		name := names[i]
		switch rand.N(3) {
		case 0:
			hosts[name].kill()
			mend = append(mend, hosts[name].start)
		case 1:
			n.link(name).Freeze()
			mend = append(mend, n.link(name).Thaw)
		default:
			n.link(name).Cut()
		}
		pass(rand.N(time.Second))
	}
	pass(rand.N(10 * time.Second))
	for _, f := range mend {
		f()
	}
}
