package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// Pains of those who call: contexts, goroutines, ends, waits.

// TestPain04_EveryCallHasAContext: each call that waits ends with its context,
// after exactly that time, and leaves everything as if it had not been made.
func TestPain04_EveryCallHasAContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		dealer := open(t, zmq.DEALER, zmq.WithSendHWM(1), dials.dialer())
		connect(t, dealer, wireEndpoint)
		say(t, dealer, "kept") // and now it is full
		calls := map[string]func(ctx context.Context) error{
			"Send": func(ctx context.Context) error { return dealer.Send(ctx, []byte("never sent")) },
			"Recv": func(ctx context.Context) error { _, err := dealer.Recv(ctx); return err },
			"Request": func(ctx context.Context) error {
				_, err := open(t, zmq.REQ).Request(ctx, []byte("to nobody"))
				return err
			},
			"WaitReady":       func(ctx context.Context) error { return dealer.WaitReady(ctx, 1) },
			"WaitSubscribers": func(ctx context.Context) error { return open(t, zmq.PUB).WaitSubscribers(ctx, "", 1) },
			"Poll": func(ctx context.Context) error {
				_, err := zmq.Poll(ctx, zmq.PollItem{Socket: dealer, Want: zmq.CanRecv})
				return err
			},
		}
		for name, call := range calls {
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
			err := call(ctx)
			cancel()
			if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 250*time.Millisecond {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		}
		p := dials.accept()
		p.handshake("DEALER")
		p.expectMsg("kept")
		p.sendMsg("for the next")
		synctest.Wait()
		expectHeard(t, dealer, "for the next")
		p.expectSilence(time.Second)
	})
}

// TestPain05_AnyGoroutineMayCall: many goroutines send and receive on the same
// two sockets at once, messages of many frames included, and no frame strays
// into another message. The race detector looks on.
func TestPain05_AnyGoroutineMayCall(t *testing.T) {
	leak.Check(t)
	const goroutines, messages = 8, 200
	a, b := open(t, zmq.DEALER), open(t, zmq.DEALER)
	connect(t, a, bind(t, b, "tcp://127.0.0.1:*"))
	var all sync.WaitGroup
	for _, s := range []*zmq.Socket{a, b} {
		for g := range goroutines {
			all.Go(func() {
				word := fmt.Sprint(g)
				for range messages {
					say(t, s, slices.Repeat([]string{word}, 1+g)...)
				}
			})
			all.Go(func() {
				for range messages {
					m := hear(t, s)
					if !slices.Equal(m, slices.Repeat([]string{fmt.Sprint(len(m) - 1)}, len(m))) {
						t.Errorf("frames of several messages came together: %q", m)
					}
				}
			})
		}
	}
	all.Wait()
}

// TestPain09_CloseIsClean: what was sent arrives though the socket is closed at
// once, Close may be called as often as one likes, and nothing is left behind.
func TestPain09_CloseIsClean(t *testing.T) {
	leak.Check(t)
	for range 100 {
		pub, sub := open(t, zmq.PUB, zmq.WithLinger(time.Minute)), open(t, zmq.SUB)
		if err := sub.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		connect(t, sub, bind(t, pub, "tcp://127.0.0.1:*"))
		awaitSubscribers(t, pub, "", 1)
		for i := range 90 {
			say(t, pub, fmt.Sprint(i))
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := pub.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		for i := range 90 {
			expectHeard(t, sub, fmt.Sprint(i))
		}
		all.Wait()
		sub.Close()
	}
}

// TestPain12_REQIsNeverStuck: a reply that never comes costs one request, however
// many goroutines ask, and the socket works on.
func TestPain12_REQIsNeverStuck(t *testing.T) {
	leak.Check(t)
	rep, req := open(t, zmq.ROUTER), open(t, zmq.REQ)
	connect(t, req, bind(t, rep, "tcp://127.0.0.1:*"))
	served := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		defer close(served)
		for m, err := range rep.Msgs(ctx) {
			if err != nil {
				return
			}
			if !strings.HasPrefix(string(m.Frames[len(m.Frames)-1]), "lost") {
				_ = rep.Send(ctx, m.Frames...) // fails when the test is over
			}
		}
	}()
	defer func() { stop(); <-served }()
	for range 3 {
		short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := <-asks(short, req, "lost"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a request without reply: %v", err)
		}
		cancel()
		var all []<-chan error
		for i := range 10 {
			all = append(all, asks(soon(t), req, fmt.Sprint(i)))
		}
		for _, done := range all {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	}
}

// TestPain13_SlowJoiner: no sleep, and not even the first message is lost: a
// publisher waits for its subscribers, a subscriber for its publisher.
func TestPain13_SlowJoiner(t *testing.T) {
	leak.Check(t)
	for i := range 50 {
		pub := open(t, zmq.XPUB, zmq.WithXPubWelcome("welcome"))
		endpoint := bind(t, pub, "tcp://127.0.0.1:*")
		var subs []*zmq.Socket
		for range 3 {
			sub := open(t, zmq.SUB)
			if err := sub.Subscribe("first", "welcome"); err != nil {
				t.Fatal(err)
			}
			connect(t, sub, endpoint)
			awaitPeers(t, sub, 1)
			subs = append(subs, sub)
		}
		awaitSubscribers(t, pub, "first", 3)
		say(t, pub, "first", fmt.Sprint(i))
		for _, sub := range subs {
			expectHeard(t, sub, "welcome")
			expectHeard(t, sub, "first", fmt.Sprint(i))
			sub.Close()
		}
		pub.Close()
	}
}

// TestPain14_SelectAndPoll: sockets go into a select beside everything else, and
// into a poll beside each other; neither misses a message or eats one.
func TestPain14_SelectAndPoll(t *testing.T) {
	leak.Check(t)
	pulls, pushes := [2]*zmq.Socket{}, [2]*zmq.Socket{}
	for i := range pulls {
		pulls[i], pushes[i] = open(t, zmq.PULL), open(t, zmq.PUSH)
		for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*"} { // many endpoints are no matter
			connect(t, pushes[i], bind(t, pulls[i], at))
		}
		awaitPeers(t, pushes[i], 2)
	}
	const messages = 100
	for i := range messages {
		say(t, pushes[i%2], fmt.Sprint(i))
	}
	got := map[string]bool{}
	ctx, stop := context.WithCancel(t.Context())
	first, second, over := pulls[0].Chan(ctx), pulls[1].Chan(ctx), soon(t).Done()
	for len(got) < messages/2 {
		select {
		case m := <-first:
			got[string(m.Frames[0])] = true
		case m := <-second:
			got[string(m.Frames[0])] = true
		case <-over:
			t.Fatalf("only %d messages came through the channels", len(got))
		}
	}
	stop()
	items := wants(zmq.CanRecv, pulls[:]...) // what the channels had taken went back
	for len(got) < messages {
		if _, err := zmq.Poll(soon(t), items...); err != nil {
			t.Fatalf("%v with %d of %d messages", err, len(got), messages)
		}
		for _, item := range items {
			if item.Ready&zmq.CanRecv != 0 {
				m, err := item.Socket.TryRecv()
				if err != nil {
					t.Fatal(err)
				}
				got[string(m.Frames[0])] = true
			}
		}
	}
	for _, ch := range []<-chan zmq.Msg{first, second} {
		if m, open := <-ch; open {
			t.Errorf("the channel goes on with %v", m)
		}
	}
}
