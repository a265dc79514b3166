package majordomo

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// Whatever begins with mmi. is the broker's; RFC 8 "Default services".
func TestRFC08_Services(t *testing.T) {
	for _, d := range []dialect{mdp1, mdp2} {
		d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			w, c := h.raw(), h.raw()
			ask := func(service, about, status string) {
				t.Helper()
				c.send(d.client(request, service, about)...)
				c.want(d.client(final, service, status)...)
			}
			ask("mmi.service", "tea", "404")
			w.send(d.ready("tea")...)
			pass(time.Millisecond)
			ask("mmi.service", "tea", "200")
			ask("mmi.service", "coffee", "404")
			ask("mmi.service", "", "404")
			ask("mmi.service", "mmi.service", "404")
			ask("mmi.", "x", "501")
			ask("mmi.nothing", "x", "501")
			w.send(d.worker(disconnect)...)
			pass(time.Millisecond)
			ask("mmi.service", "tea", "404")
		})
	}
}

// A request for a service with no workers does not make it found.
func TestRFC08_QueuedIsNotFound(t *testing.T) {
	mdp1.test(t, BrokerConfig{}, func(_ *testing.T, h *house) {
		c := h.raw()
		c.send(mdp1.client(request, "tea", "please")...)
		c.send(mdp1.client(request, "mmi.service", "tea")...)
		c.want(mdp1.client(final, "mmi.service", "404")...)
	})
}

// A worker that registers in the namespace is disconnected.
func TestRFC08_NamespaceIsTheBrokers(t *testing.T) {
	for _, d := range []dialect{mdp1, mdp2} {
		d.test(t, BrokerConfig{}, func(t *testing.T, h *house) {
			w, c := h.raw(), h.raw()
			w.send(d.ready("mmi.service")...)
			w.want(d.worker(disconnect)...)
			c.send(d.client(request, "mmi.service", "mmi.service")...)
			c.want(d.client(final, "mmi.service", "404")...)
			h.log.want(t, "mmi.service")
		})
	}
}

// The services that are ours.
func TestManagementOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		tea, coffee, c := h.raw(), h.raw(), h.client(ClientConfig{})
		tea.send(mdp1.ready("tea")...)
		coffee.send(mdp2.ready("coffee")...)
		x := h.raw()
		for range 3 {
			x.send(mdp1.client(request, "tea", "please")...)
			x.send(mdp1.client(request, "water", "please")...)
		}
		pass(time.Millisecond)
		ask := func(service, about string, want ...string) {
			t.Helper()
			reply, err := c.Call(within(t), service, []byte(about))
			if err != nil || !equal(strs(reply), want) {
				t.Errorf("%s %s: %q, %v; want %q", service, about, strs(reply), err, want)
			}
		}
		ask("mmi.services", "", "200", "coffee", "tea")
		ask("mmi.workers", "tea", "200", "1")
		ask("mmi.workers", "water", "200", "0")
		ask("mmi.workers", "milk", "404")
		ask("mmi.queue", "tea", "200", "2")
		ask("mmi.queue", "water", "200", "3")
		ask("mmi.queue", "milk", "404")
		ask("mmi.broker", "", "200", "extension=1", "heartbeat=2500", "liveness=3", "services=2", "workers=2", "waiting=5", "running=1")
	})
}

// A client that asks which services there are, and does not read, makes the broker hold
// only so much. When it has read, it is answered again.
func TestManagementIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		for i := range 400 {
			h.raw().send(mdp2.ready(fmt.Sprintf("%0*d", maxService, i))...)
		}
		c := h.raw(zmq.WithRecvHWM(1))
		for range 1000 {
			c.send(mdp2.client(request, "mmi.services", "x")...)
		}
		pass(time.Second)
		held := 0
		for _, p := range h.broker.Socket().Stats().Peers {
			held += p.SendQueue.Bytes
		}
		if held < behindBytes || held > informBytes+behindBytes {
			t.Errorf("%d octets wait to be read", held)
		}
		for read := true; read; {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.s.Recv(ctx)
			read = err == nil
			cancel()
		}
		pass(time.Minute)
		c.send(mdp2.client(request, "mmi.service", "x")...)
		c.want(mdp2.client(final, "mmi.service", "404")...)
	})
}
