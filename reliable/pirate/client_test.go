package pirate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// inBothModes runs a test with numbers in the envelope, and without.
func inBothModes(t *testing.T, test func(t *testing.T, plain bool)) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%v", plain), func(t *testing.T) {
			inBubble(t, func(t *testing.T) { test(t, plain) })
		})
	}
}

// clientOf makes a client of a harbour.
func clientOf(t *testing.T, h *harbour, plain bool) *Client {
	c := &Client{Endpoints: []string{"tcp://harbour:1"}, Plain: plain, Options: []zmq.Option{h.dialer()}}
	t.Cleanup(func() { c.Close() })
	return c
}

// reply answers what a ROUTER received: the envelope, and something else behind.
func reply(t *testing.T, s *zmq.Socket, request []string, text string) {
	t.Helper()
	send(t, s, append(slices.Clone(request[:slices.Index(request, "")+1]), text)...)
}

func TestClientAsksRep(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, rep := clientOf(t, h, plain), h.listen(zmq.REP)
		serving := runs(t, func(ctx context.Context) error {
			return zmq.Serve(ctx, rep, zmq.HandlerFunc(func(_ context.Context, r *zmq.Request) error {
				return r.Reply(r.Frames...)
			}))
		})
		ask(t, c, "a", "a")
		ask(t, c, "", "")
		m, err := c.Request(within(t), []byte("a"), nil, []byte("b"))
		if err != nil || !slices.Equal(texts(m.Frames), []string{"a", "", "b"}) {
			t.Fatal(m, err)
		}
		serving.end()
	})
}

func TestClientEnvelope(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, router := clientOf(t, h, plain), h.listen(zmq.ROUTER)
		asked := runs(t, func(context.Context) error { ask(t, c, "question", "answer"); return nil })
		got := recv(t, router)
		want := map[bool][]int{true: {5, 0, 8}, false: {5, 4, 0, 8}}[plain]
		var lengths []int
		for _, f := range got {
			lengths = append(lengths, len(f))
		}
		if !slices.Equal(lengths, want) {
			t.Errorf("received %q, want frames of %v octets", got, want)
		}
		reply(t, router, got, "answer")
		<-asked.done
	})
}

func TestClientTriesAgain(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, router := clientOf(t, h, plain), h.listen(zmq.ROUTER)
		began := time.Now()
		asked := runs(t, func(context.Context) error { ask(t, c, "question", "answer"); return nil })
		first, second, third := recv(t, router), recv(t, router), recv(t, router)
		if first[0] == second[0] || second[0] == third[0] {
			t.Error("a retry came over the old connection")
		}
		reply(t, router, third, "answer")
		<-asked.done
		// Two tries, and between them half to all of 100 ms and of 200 ms.
		if took := time.Since(began); took < 5150*time.Millisecond || took > 5300*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestClientGivesUp(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t) // nobody listens
		c := clientOf(t, h, plain)
		c.Tries, c.Timeout, c.Backoff = 5, time.Second, Backoff{First: 10 * time.Millisecond, Most: 20 * time.Millisecond}
		log := &logbook{}
		c.Logger = log.logger()
		began := time.Now()
		_, err := c.Request(within(t), []byte("question"))
		if !errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("failed with %v, want ErrTimeout", err)
		}
		if took := time.Since(began); took < 5035*time.Millisecond || took > 5070*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if !log.has("try=5 tries=5") {
			t.Errorf("logged %s", log.buf.String())
		}
		// Nothing of it is sent when a server comes at last.
		expectNothing(t, h.listen(zmq.ROUTER), time.Minute)
	})
}

// A server answers each request, but only when its client asks again: every reply
// is late by one try, or, with slow, by many requests.
func TestClientDropsLateReplies(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, router := clientOf(t, h, plain), h.listen(zmq.ROUTER)
		for i := range 20 {
			asked := runs(t, func(context.Context) error { ask(t, c, strconv.Itoa(i), "good"); return nil })
			late := recv(t, router)
			second := recv(t, router)
			reply(t, router, late, "late")
			synctest.Wait()
			reply(t, router, second, "good")
			if !plain {
				reply(t, router, second, "twice")
			}
			reply(t, router, late, "late again")
			<-asked.done
		}
	})
}

// Replies come in any order, and some not at all.
func TestClientOfManyGoroutines(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, router := clientOf(t, h, plain), h.listen(zmq.ROUTER)
		const goroutines, rounds = 50, 10
		serving := runs(t, func(ctx context.Context) error { return shuffle(ctx, router, goroutines/3) })
		var asking sync.WaitGroup
		for g := range goroutines {
			asking.Go(func() {
				for r := range rounds {
					text := fmt.Sprintf("%d/%d", g, r)
					m, err := c.Request(within(t), []byte(text))
					if err != nil || string(m.Frames[0]) != "re "+text {
						t.Errorf("the reply to %s is %v, %v", text, m, err)
					}
				}
			})
		}
		asking.Wait()
		serving.end()
	})
}

// shuffle answers the requests that a ROUTER gets, the newest first whenever n have
// come, or none for a while. It drops each tenth, if it has not dropped it before.
func shuffle(ctx context.Context, s *zmq.Socket, n int) error {
	var waiting []zmq.Msg
	dropped := map[string]bool{}
	got := 0
	for {
		soon, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		m, err := s.Recv(soon)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			text := string(m.Frames[len(m.Frames)-1])
			if got++; got%10 == 0 && !dropped[text] {
				dropped[text] = true
			} else {
				waiting = append(waiting, m)
			}
		}
		if err == nil && len(waiting) < n {
			continue
		}
		for _, m := range slices.Backward(waiting) {
			last := len(m.Frames) - 1
			m.Frames[last] = append([]byte("re "), m.Frames[last]...)
			if err := s.Send(ctx, m.Frames...); err != nil {
				return err
			}
		}
		waiting = nil
	}
}

// A retry goes to the next server.
func TestClientOfManyServers(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		dead, mute, good := newHarbour(t), newHarbour(t), newHarbour(t)
		mute.listen(zmq.ROUTER)
		router := good.listen(zmq.ROUTER)
		c := &Client{Endpoints: []string{"tcp://dead:1", "tcp://mute:1", "tcp://good:1"}, Plain: plain,
			Options: []zmq.Option{to(map[string]*harbour{"dead": dead, "mute": mute, "good": good})}}
		defer c.Close()
		asked := runs(t, func(context.Context) error { ask(t, c, "a", "b"); return nil })
		reply(t, router, recv(t, router), "b")
		<-asked.done
		// It stays where it was answered.
		asked = runs(t, func(context.Context) error { ask(t, c, "a", "b"); return nil })
		reply(t, router, recv(t, router), "b")
		<-asked.done
	})
}

// A request whose reply is slow still gets it, though another one on its
// connection was given up meanwhile.
func TestClientSlowReplyOnAnOldLine(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHarbour(t)
		c, router := clientOf(t, h, false), h.listen(zmq.ROUTER)
		first := runs(t, func(context.Context) error { ask(t, c, "first", "1"); return nil })
		got1 := recv(t, router)
		elapse(time.Second)
		second := runs(t, func(context.Context) error { ask(t, c, "second", "2"); return nil })
		got2 := recv(t, router)
		if got1[0] != got2[0] {
			t.Fatal("two requests over two connections")
		}
		again := recv(t, router) // the first one
		if again[0] == got2[0] {
			t.Fatal("a retry over the old connection")
		}
		reply(t, router, got2, "2")
		reply(t, router, again, "1")
		<-first.done
		<-second.done
		if n := len(c.open); n != 1 {
			t.Errorf("%d lines are open, want the new one only", n)
		}
	})
}

func TestClientEndings(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		h := newHarbour(t)
		c, router := clientOf(t, h, plain), h.listen(zmq.ROUTER)
		ctx, cancel := context.WithCancel(t.Context())
		asked := runs(t, func(context.Context) error { _, err := c.Request(ctx, []byte("a")); return err })
		recv(t, router)
		cancel()
		<-asked.done
		wantCanceled(t, asked.err)

		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := c.Request(ctx, []byte("a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("failed with %v, want DeadlineExceeded", err)
		}
		asked = runs(t, func(context.Context) error { _, err := c.Request(t.Context(), []byte("a")); return err })
		recv(t, router)
		c.Close()
		<-asked.done
		if !errors.Is(asked.err, zmq.ErrClosed) {
			t.Errorf("failed with %v, want ErrClosed", asked.err)
		}
		if _, err := c.Request(t.Context(), []byte("a")); !errors.Is(err, zmq.ErrClosed) {
			t.Errorf("failed with %v, want ErrClosed", err)
		}
	})
}

func TestClientMistakes(t *testing.T) {
	inBothModes(t, func(t *testing.T, plain bool) {
		for _, c := range []*Client{
			{Plain: plain},
			{Plain: plain, Endpoints: []string{"nowhere"}},
			{Plain: plain, Endpoints: []string{"tcp://a:1"}, Options: []zmq.Option{zmq.WithSendHWM(-1)}},
		} {
			if _, err := c.Request(t.Context(), []byte("a")); !errors.Is(err, zmq.ErrInvalid) {
				t.Errorf("%v: failed with %v, want ErrInvalid", c.Endpoints, err)
			}
			c.Close()
		}
		c := clientOf(t, newHarbour(t), plain)
		if _, err := c.Request(t.Context()); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("a request without frames failed with %v, want ErrInvalid", err)
		}
	})
}

// A plain client keeps a bounded number of idle connections.
func TestClientPlainKeepsFewLines(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHarbour(t)
		c, rep := clientOf(t, h, true), h.listen(zmq.ROUTER)
		const n = maxFree + 10
		var asking sync.WaitGroup
		for range n {
			asking.Go(func() { ask(t, c, "a", "b") })
		}
		var got [][]string
		for range n {
			got = append(got, recv(t, rep))
		}
		for _, m := range got {
			reply(t, rep, m, "b")
		}
		asking.Wait()
		if len(c.free) != maxFree || len(c.open) != maxFree {
			t.Errorf("%d lines are free and %d open, want %d", len(c.free), len(c.open), maxFree)
		}
	})
}
