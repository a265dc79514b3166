package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// TestProxyEndsWithContext: with the context's own error, and nothing is lost.
func TestProxyEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		front, back := r.open(zmq.PULL), r.open(zmq.PUSH)
		from := r.meets(front, zmq.PUSH)
		ctx, cancel := context.WithCancelCause(t.Context())
		r.startIn(ctx, front, back)
		for _, m := range []string{"0", "1", "2"} {
			say(t, from, m)
		}
		synctest.Wait() // it holds the first, which nobody takes
		cancel(errors.New("some cause"))
		if err := <-r.done; err != context.Canceled {
			t.Errorf("the proxy returned %v, want %v", err, context.Canceled)
		}
		for _, m := range []string{"0", "1", "2"} {
			expectHeard(t, front, m)
		}
		if err := zmq.Proxy(ctx, front, back); err != context.Canceled {
			t.Errorf("with a context that has ended: %v", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := zmq.Proxy(ctx, front, back, zmq.ProxyControl(r.open(zmq.PAIR))); err != context.DeadlineExceeded {
			t.Errorf("with a deadline: %v", err)
		}
	})
}

// TestProxyEndsWithSockets: whichever of them is closed, whatever it waits for.
func TestProxyEndsWithSockets(t *testing.T) {
	for i, name := range []string{"front", "back", "capture", "control"} {
		for _, busy := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", busy), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRelay(t)
					s := []*zmq.Socket{r.open(zmq.DEALER), r.open(zmq.DEALER), r.open(zmq.PUSH), r.open(zmq.PULL)}
					from := r.meets(s[0], zmq.DEALER)
					r.start(s[0], s[1], zmq.ProxyCapture(s[2]), zmq.ProxyControl(s[3]))
					if busy {
						say(t, from, "nobody captures this")
					}
					synctest.Wait()
					s[i].Close()
					r.ends(zmq.ErrClosed)
					if busy && name != "front" {
						expectHeard(t, s[0], "nobody captures this")
					}
				})
			})
		}
	}
}

// TestProxyOutlastsTimeouts: the sockets' own timeouts do not end it.
func TestProxyOutlastsTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		short := []zmq.Option{zmq.WithRecvTimeout(0), zmq.WithSendTimeout(time.Millisecond)}
		front, back := r.open(zmq.PULL, short[0]), r.open(zmq.PUSH, short[1])
		capture, control := r.open(zmq.PUSH, short[1]), r.open(zmq.PULL, short[0])
		from, ctl := r.meets(front, zmq.PUSH), r.meets(control, zmq.PUSH)
		r.start(front, back, zmq.ProxyCapture(capture), zmq.ProxyControl(control))
		<-time.After(time.Second)
		say(t, from, "a")
		<-time.After(time.Second)
		ear := r.meets(capture, zmq.PULL)
		expectHeard(t, ear, "a")
		<-time.After(time.Second)
		to := r.meets(back, zmq.PULL)
		expectHeard(t, to, "a")
		expectNone(t, ear)
		say(t, ctl, "TERMINATE")
		r.ends(nil)
	})
}

// TestProxyOutlastsQuestions: who asks for STATISTICS and leaves does not end it.
func TestProxyOutlastsQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		front, back := r.open(zmq.PULL), r.open(zmq.PUSH)
		control := r.open(zmq.PAIR, zmq.WithSendTimeout(time.Millisecond))
		ctl := r.meets(control, zmq.PAIR)
		say(t, ctl, "STATISTICS")
		if err := ctl.Close(); err != nil {
			t.Fatal(err)
		}
		from, to := r.meets(front, zmq.PUSH), r.meets(back, zmq.PULL)
		r.start(front, back, zmq.ProxyControl(control))
		<-time.After(time.Second)
		say(t, from, "a")
		expectHeard(t, to, "a")
	})
}

// TestProxyOutlastsPeers: a reply to a client that has gone does not end it,
// even if the ROUTER is to tell, nor does a topic that is too long.
func TestProxyOutlastsPeers(t *testing.T) {
	t.Run("ROUTER", func(t *testing.T) {
		r := newRelay(t)
		front, back := r.open(zmq.ROUTER, zmq.WithRouterMandatory(true)), r.open(zmq.DEALER)
		client, worker := r.meets(front, zmq.DEALER), r.meets(back, zmq.DEALER)
		r.start(front, back)
		say(t, worker, "nobody", "an answer")
		say(t, client, "hello")
		got := hear(t, worker)
		say(t, worker, got[0], "world")
		expectHeard(t, client, "world")
	})
	t.Run("XSUB", func(t *testing.T) {
		r := newRelay(t)
		front, back := r.open(zmq.DEALER), r.open(zmq.XSUB)
		from, to := r.meets(front, zmq.DEALER), r.meets(back, zmq.PUB)
		r.start(front, back)
		say(t, from, "\x01"+strings.Repeat("x", 100_000))
		say(t, from, "\x01topic")
		awaitSubscribers(t, to, "topic", 1)
	})
}
