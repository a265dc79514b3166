package majordomo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

func TestCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("echo", WorkerConfig{}, echo)
		c := h.client(ClientConfig{})
		reply, err := c.Call(within(t), "echo", []byte("hello"), nil, []byte("world"))
		if err != nil || !equal(strs(reply), []string{"hello", "", "world"}) {
			t.Fatal(strs(reply), err)
		}
		if st := h.broker.Stats(); st.Requests != 1 || st.Replies != 1 || st.Workers != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// A client that is started again under its identity does not take the late reply
// to a request of the one before for the reply to its own.
func TestReplyToTheClientBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{Options: []zmq.Option{zmq.WithRouterHandover(true)}})
		for service, takes := range map[string]time.Duration{"delete": time.Second, "balance": time.Minute} {
			h.worker(service, WorkerConfig{}, func(ctx context.Context, r *Request) error {
				pass(takes)
				return r.Reply([]byte(r.Service), r.Frames[0])
			})
		}
		me := ClientConfig{Options: []zmq.Option{zmq.WithRoutingID("me")}}
		before := h.client(me)
		if _, err := before.Start(t.Context(), Call{Service: "delete", Frames: [][]byte{[]byte("x")}}); err != nil {
			t.Fatal(err)
		}
		pass(time.Millisecond)
		if err := before.Close(); err != nil {
			t.Fatal(err)
		}
		reply, err := h.client(me).Call(t.Context(), "balance", []byte("y"))
		if err != nil || !equal(strs(reply), []string{"balance", "y"}) {
			t.Error(strs(reply), err)
		}
	})
}

func TestManyCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		for range 3 {
			h.worker("slow", WorkerConfig{Concurrency: 10}, func(ctx context.Context, r *Request) error {
				pass(time.Second)
				return echo(ctx, r)
			})
		}
		c := h.client(ClientConfig{})
		start := time.Now()
		var calls sync.WaitGroup
		for i := range 60 {
			calls.Go(func() {
				text := fmt.Sprint("request ", i)
				reply, err := c.Call(within(t), "slow", []byte(text))
				if err != nil || string(reply[0]) != text {
					t.Error(strs(reply), err)
				}
			})
		}
		calls.Wait()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("60 requests of a second each, 30 at once, took %v", took)
		}
	})
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("count", WorkerConfig{}, func(_ context.Context, r *Request) error {
			for i := range 3 {
				if err := r.Partial(fmt.Append(nil, i)); err != nil {
					return err
				}
				pass(10 * time.Second)
			}
			return r.Reply([]byte("end"))
		})
		c := h.client(ClientConfig{})
		var got []string
		for part, err := range c.Stream(t.Context(), Call{Service: "count", Frames: [][]byte{nil}}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strs(part)...)
		}
		if !equal(got, []string{"0", "1", "2", "end"}) {
			t.Error(got)
		}
		all, err := c.Call(t.Context(), "count", nil)
		if err != nil || !equal(strs(all), []string{"0", "1", "2", "end"}) {
			t.Error(strs(all), err)
		}
	})
}

func TestHandlerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("bad", WorkerConfig{}, func(context.Context, *Request) error { return errors.New("no luck") })
		h.worker("worse", WorkerConfig{}, func(context.Context, *Request) error { panic("ouch") })
		h.worker("mute", WorkerConfig{}, func(context.Context, *Request) error { return nil })
		c := h.client(ClientConfig{})
		_, err := c.Call(within(t), "bad", nil)
		var failed *CallError
		if !errors.As(err, &failed) || failed.Status != 500 || failed.Text != "no luck" || !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		if _, err := c.Call(within(t), "worse", nil); !errors.Is(err, ErrFailed) {
			t.Error(err)
		}
		if reply, err := c.Call(within(t), "mute", nil); err != nil || !equal(strs(reply), []string{""}) {
			t.Error(strs(reply), err)
		}
		h.log.want(t, "ouch")
	})
}

func TestDeadlineReachesTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		ended := make(chan time.Time, 1)
		h.worker("wait", WorkerConfig{}, func(ctx context.Context, _ *Request) error {
			<-ctx.Done()
			ended <- time.Now()
			return ctx.Err()
		})
		c := h.client(ClientConfig{})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := c.Call(ctx, "wait", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if after := (<-ended).Sub(start); after != 5*time.Second {
			t.Errorf("the handler's context ended after %v", after)
		}
	})
}

// A request whose time ends while it waits for a handler that goes on after its
// reply is answered: else the broker would give the worker nothing any more.
func TestExpiredBeforeItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		h.worker("echo", WorkerConfig{}, func(ctx context.Context, r *Request) error {
			err := echo(ctx, r)
			if string(r.Frames[0]) == "long" {
				pass(time.Minute)
			}
			return err
		})
		c := h.client(ClientConfig{})
		if _, err := c.Call(t.Context(), "echo", []byte("long")); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Call(short, "echo", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if _, err := c.Call(within(t), "echo", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error("the place is taken:", err)
		}
		pass(time.Minute)
		if _, err := c.Call(within(t), "echo", nil); err != nil {
			t.Error(err)
		}
	})
}

// Such a request is in hand no more when the broker is told, so the next one is not
// one too many. Here the answers find no room, and the broker gives it the next anyhow.
func TestExpiredIsNotInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t, zmq.WithRecvHWM(1), zmq.WithMetadata(propertyExtension, extensionVersion))
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		h.worker("tea", WorkerConfig{Options: []zmq.Option{zmq.WithSendHWM(1)}}, func(ctx context.Context, r *Request) error {
			err := echo(ctx, r)
			<-ctx.Done()
			return err
		})
		id := desk.want(mdp2.ready("tea")...)
		give := func(tk ticket) {
			desk.send(id, mdp2.worker(request, string(tk.encode()), "", "please")...)
			pass(time.Second)
		}
		give(ticket{number: 1})
		for n := range uint64(5) {
			give(ticket{number: 2 + n, left: 100 * time.Millisecond})
		}
		expired := 0
		for expired < 5 {
			switch from, frames := desk.recv(); {
			case from != id:
				t.Fatalf("the worker left; it came back with %q", frames)
			case len(frames) == 6 && frames[4] == "504":
				expired++
			}
		}
	})
}

// A worker notices that the broker is silent also when it has no room for another
// heartbeat.
func TestSilenceBehindAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t, zmq.WithRecvHWM(1))
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		ended := make(chan bool, 1)
		h.worker("flood", WorkerConfig{Options: []zmq.Option{zmq.WithSendHWM(1)}}, func(_ context.Context, r *Request) error {
			for {
				if err := r.Partial(nil); err != nil {
					ended <- true
					return err
				}
			}
		})
		desk.send(desk.want(mdp2.ready("flood")...), mdp2.worker(request, "client", "", "x")...)
		start := time.Now()
		<-ended
		if after := time.Since(start); after != 7500*time.Millisecond {
			t.Errorf("noticed after %v", after)
		}
	})
}

// A request that takes longer than all attempts of the client is executed once.
func TestSlowRequestIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		times := 0
		h.worker("slow", WorkerConfig{}, func(ctx context.Context, r *Request) error {
			times++
			pass(10 * time.Minute)
			return echo(ctx, r)
		})
		c := h.client(ClientConfig{})
		if _, err := c.Call(t.Context(), "slow", nil); err != nil || times != 1 {
			t.Error(err, times)
		}
	})
}

// A request that waited for a connection that is lost is executed once.
func TestQueuedForALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, link := newLinkedHouse(t, BrokerConfig{})
		times := 0
		h.worker("echo", WorkerConfig{}, func(ctx context.Context, r *Request) error {
			times++
			return echo(ctx, r)
		})
		c := h.clientOver(link, ClientConfig{})
		if _, err := c.Call(within(t), "echo", nil); err != nil {
			t.Fatal(err)
		}
		link.Freeze()
		var calls sync.WaitGroup
		for range 10 {
			calls.Go(func() {
				if _, err := c.Call(within(t), "echo", make([]byte, 100_000)); err != nil { // more than the link takes
					t.Error(err)
				}
			})
		}
		pass(time.Second)
		link.Cut()
		link.Thaw()
		calls.Wait()
		pass(time.Minute)
		if times != 11 {
			t.Errorf("11 requests were executed %d times", times)
		}
	})
}

func TestNoBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nobody is there") }
		c, err := NewClient("tcp://127.0.0.1:1", ClientConfig{Attempts: 2, Options: []zmq.Option{zmq.WithDialer(refuse)}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		start := time.Now()
		if _, err := c.Call(t.Context(), "echo", nil); !errors.Is(err, ErrNoReply) {
			t.Error(err)
		}
		if took := time.Since(start); took != 7500*time.Millisecond {
			t.Errorf("gave up after %v, want 2.5 s and 5 s", took)
		}
	})
}

// A call that was given up when the broker is found is not under way.
func TestGivenUpBeforeItIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		c := h.client(ClientConfig{})
		p := &Pending{c: c, ctx: t.Context(), call: Call{Service: "tea", Frames: [][]byte{nil}}, done: make(chan struct{})}
		c.window <- struct{}{}
		p.end(nil, context.Canceled)
		c.share(p)
		pass(time.Minute)
		if under, sent := len(c.underWay()), h.broker.Stats().Requests; under != 0 || sent != 0 {
			t.Errorf("%d calls are under way, %d requests were sent", under, sent)
		}
	})
}
