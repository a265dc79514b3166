package majordomo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// What a broker says that is no MDP, or not for a worker, does not disturb a
// worker of ours.
func TestWorkerHearsNonsense(t *testing.T) {
	for _, d := range []dialect{mdp1, mdp2} {
		d.atDesk(t, func(t *testing.T, desk *desk, _ *Worker) {
			id := desk.want(d.ready("tea")...)
			for _, bad := range append(d.dropped(), d.ready("tea"), d.worker(final, "client", "", "x"), d.client(final, "tea", "x")) {
				desk.send(id, bad...)
			}
			desk.send(id, d.worker(request, "client", "", "please")...)
			desk.want(d.worker(final, "client", "", "please")...)
		})
	}
}

// The same for a client of ours.
func TestClientHearsNonsense(t *testing.T) {
	for _, d := range []dialect{mdp1, mdp2} {
		d.clientAtDesk(t, func(t *testing.T, desk *desk, c *Client) {
			go func() {
				id := desk.want(d.client(request, "tea", "please")...)
				for _, bad := range append(d.dropped(), d.ready("tea"), d.worker(final, "client", "", "x"), d.client(final, "coffee", "x")) {
					if len(bad) > 3 && bad[len(bad)-2] == "tea" && bad[len(bad)-1] == "body" {
						continue // which are good replies
					}
					desk.send(id, bad...)
				}
				desk.send(id, d.client(final, "tea", "here")...)
			}()
			if reply, err := c.Call(t.Context(), "tea", []byte("please")); err != nil || !equal(strs(reply), []string{"here"}) {
				t.Error(strs(reply), err)
			}
		})
	}
}

// A broker that sends more than a worker can take is left, and found again.
func TestWorkerIsOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := newDesk(t)
		h := &house{t: t, domain: desk.domain, log: &notes{}}
		h.worker("tea", WorkerConfig{Concurrency: 2}, func(ctx context.Context, _ *Request) error {
			<-ctx.Done()
			return ctx.Err()
		})
		first := desk.want(mdp2.ready("tea")...)
		for range 5 {
			desk.send(first, mdp2.worker(request, "client", "", "please")...)
		}
		if second := desk.want(mdp2.ready("tea")...); second == first {
			t.Error("it came back on the same socket")
		}
		h.log.want(t, "more than 2 requests at once")
	})
}

// A broker that claims the extension and breaks it disturbs nobody either.
func TestExtensionIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		domain := zmq.NewDomain()
		s := zmq.NewRouter(zmq.WithDomain(domain), zmq.WithLinger(0), zmq.WithMetadata(propertyExtension, extensionVersion))
		defer s.Close()
		if _, err := s.Bind(door); err != nil {
			t.Fatal(err)
		}
		desk := &desk{t: t, s: s, domain: domain}
		h := &house{t: t, domain: domain, log: &notes{}}
		h.worker("tea", WorkerConfig{}, echo)
		id := desk.want(mdp2.ready("tea")...)
		desk.send(id, mdp2.worker(request, "no ticket", "", "please")...)
		id = desk.want(mdp2.ready("tea")...) // it left and came back
		desk.send(id, mdp2.worker(disconnect)...)
		c := h.client(ClientConfig{})
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for {
				id, frames := desk.recv()
				if frames[0] != headerClient2 || frames[1] != "\x81" {
					continue // the worker
				}
				ticket := frames[3]
				for _, bad := range [][]string{
					{headerClient2, "\x83", "tea"},
					{headerClient2, "\x83", "tea", "short", "x"},
					{headerClient2, "\x83", "tea", "12345678\x00\x00\x00\x00", "x"}, // of nobody
					{headerClient2, "\x84", "tea", ticket},
					{headerClient2, "\x03", "tea", "x"},
				} {
					desk.send(id, bad...)
				}
				desk.send(id, headerClient2, "\x83", "tea", ticket, "here")
				desk.send(id, headerClient2, "\x83", "tea", ticket, "twice")
				return
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if reply, err := c.Call(ctx, "tea", []byte("please")); err != nil || !equal(strs(reply), []string{"here"}) {
			t.Error(strs(reply), err)
		}
		<-sent // also what comes after the answer
	})
}
