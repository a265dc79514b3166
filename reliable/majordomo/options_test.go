package majordomo

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// Who wants to see the events of a worker's or a client's sockets does not take
// them from the worker and the client.
func TestEventsAmongTheOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		var events atomic.Int32
		seen := zmq.WithEvents(func(e zmq.Event) {
			if e.Kind == zmq.EventHandshakeSucceeded {
				events.Add(1)
			}
		})
		options := []zmq.Option{zmq.WithDialer(link.Dialer()), seen}
		b, err := NewBroker(BrokerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Socket().ServeListener(link.Listener()); err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 2)
		go func() { served <- b.Serve(context.Background()) }()
		w, err := NewWorker("echo", HandlerFunc(echo), WorkerConfig{Options: options})
		if err != nil {
			t.Fatal(err)
		}
		go func() { served <- w.Serve(context.Background(), "tcp://broker:1") }()
		c, err := NewClient("tcp://broker:1", ClientConfig{Options: options})
		if err != nil {
			t.Fatal(err)
		}
		pass(time.Minute) // a worker that does not beat is lost by now
		if _, err := c.Call(within(t), "echo", nil); err != nil {
			t.Error(err)
		}
		if n := events.Load(); n != 2 {
			t.Errorf("%d connections were seen", n)
		}
		if err := errors.Join(c.Close(), w.Shutdown(within(t)), b.Close(), <-served, <-served); err != nil {
			t.Error(err)
		}
	})
}

// A receive timeout of the sockets ends nothing and asks nothing twice.
func TestRecvTimeoutAmongTheOptions(t *testing.T) {
	for _, timeout := range []time.Duration{10 * time.Millisecond, 0} {
		t.Run(timeout.String(), func(t *testing.T) { recvTimeoutAmongTheOptions(t, zmq.WithRecvTimeout(timeout)) })
	}
}

func recvTimeoutAmongTheOptions(t *testing.T, hasty ...zmq.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		registered := 0
		h := newHouse(t, BrokerConfig{Options: hasty, Observe: func(e Event) {
			if e.Kind == EventWorkerReady {
				registered++
			}
		}})
		h.worker("echo", WorkerConfig{Options: hasty}, echo)
		c := h.client(ClientConfig{Options: hasty})
		pass(time.Minute)
		if _, err := c.Call(within(t), "echo", nil); err != nil {
			t.Error(err)
		}
		if err := h.broker.Close(); err != nil || registered != 1 {
			t.Errorf("the worker registered %d times, %v", registered, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t)
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		c := h.client(ClientConfig{Options: hasty, Version: Version02})
		go func() {
			id := desk.want(mdp2.client(request, "tea", "please")...)
			pass(time.Second)
			desk.send(id, mdp2.client(final, "tea", "here")...)
		}()
		if reply, err := c.Call(within(t), "tea", []byte("please")); err != nil || !equal(strs(reply), []string{"here"}) {
			t.Error(strs(reply), err)
		}
	})
}
