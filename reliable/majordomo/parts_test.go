package majordomo

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// streamed is a service whose worker has begun to reply.
type streamed struct {
	*stage
	address string // of the request, for the worker
}

func newStreamed(t *testing.T, cfg BrokerConfig, asked []string) *streamed {
	s := &streamed{stage: newStage(t, cfg)}
	s.from("w", mdp2.ready("tea")...)
	s.grant("w", 10)
	s.from("c", asked...)
	s.address = s.got("w")[0][2]
	return s
}

func (s *streamed) part(text string) { s.from("w", mdp2.worker(partial, s.address, "", text)...) }

func (s *streamed) end(text string) { s.from("w", mdp2.worker(final, s.address, "", text)...) }

// want holds what a client was sent.
func (s *streamed) want(id string, messages ...[]string) {
	s.t.Helper()
	got := s.got(id)
	if len(got) != len(messages) {
		s.t.Fatalf("%s was sent %q, want %q", id, got, messages)
	}
	for i := range got {
		if !equal(got[i], messages[i]) {
			s.t.Fatalf("%s was sent %q, want %q", id, got[i], messages[i])
		}
	}
}

// interrupted is what a numbered client hears that missed a part.
func (n numbered) interrupted() []string { return n.client(failure, "tea", "502", noRoom) }

// A client that misses a part of a reply does not get the rest as if it were all.
func TestPartWithoutRoom(t *testing.T) {
	for _, c := range []struct {
		request, first []string
		last           [][]string
	}{
		{extended1.client(request, "tea", "x"), extended1.client(partial, "tea", "1"), [][]string{extended1.interrupted()}},
		{mdp2.client(request, "tea", "x"), mdp2.client(partial, "tea", "1"), nil},
	} {
		s := newStreamed(t, BrokerConfig{}, c.request)
		s.part("1")
		s.full["c"] = true
		s.part("2")
		s.full["c"] = false
		s.part("3")
		s.want("c", c.first)
		s.end("4")
		s.want("c", c.last...)
	}
}

// The same where the handler fails in the end.
func TestFailureAfterAPartWithoutRoom(t *testing.T) {
	s := newStreamed(t, BrokerConfig{}, mdp2.client(request, "tea", "x"))
	s.full["c"] = true
	s.part("1")
	s.full["c"] = false
	s.from("w", mdp2.worker(failure, s.address, "", "500", "no")...)
	s.want("c")
}

// The same where the parts come from memory.
func TestRepeatWithoutRoom(t *testing.T) {
	key := numbered{1, "key"}
	s := newStreamed(t, BrokerConfig{ReplyCache: time.Hour}, key.client(request, "tea", "x"))
	room := 0
	send := s.m.send
	s.m.send = func(frames [][]byte) error {
		s.full["late"] = string(frames[0]) == "late" && room == 0
		room--
		return send(frames)
	}
	s.part("1")
	s.part("2")
	for _, ended := range []bool{false, true} {
		if ended {
			s.end("3")
		}
		room = 1
		s.from("late", key.client(request, "tea", "x")...)
		s.want("late", extended1.client(partial, "tea", "1"), extended1.interrupted())
	}
}

// A client that asks once more has lost the parts that it was sent: it gets them
// again, or all of another reply, but never the rest alone.
func TestAskedAgainBehindAPart(t *testing.T) {
	plain, key := extended1.client(request, "tea", "x"), numbered{1, "key"}.client(request, "tea", "x")
	first, second := extended1.client(partial, "tea", "1"), extended1.client(partial, "tea", "2")
	wait, last := extended1.client(pending, "tea"), extended1.client(final, "tea", "3")

	s := newStreamed(t, BrokerConfig{}, key)
	s.part("1")
	s.want("c", first)
	s.full["c"] = true
	s.part("2")
	s.full["c"] = false
	s.from("c", key...)
	s.want("c", first, second, wait)
	s.end("3")
	s.want("c", last)

	for _, again := range [][]string{plain, key} {
		s = newStreamed(t, BrokerConfig{ReplyCacheBytes: 1}, again) // which keeps no part
		s.part("1")
		s.want("c", first)
		s.from("c", again...)
		if equal(again, key) {
			s.want("c", extended1.client(failure, "tea", "503", "the reply to this key is under way to somebody else"))
			continue
		}
		s.part("2")
		s.end("3")
		s.want("c")
		s.address = s.got("w")[0][2]
		s.part("1")
		s.end("3")
		s.want("c", first, last)
	}
}

// A request of which nothing was sent yet just waits.
func TestAskedAgainBeforeTheFirstPart(t *testing.T) {
	asked := extended1.client(request, "tea", "x")
	s := newStreamed(t, BrokerConfig{}, asked)
	s.from("c", asked...)
	s.want("c", extended1.client(pending, "tea"))
	if len(s.m.jobs) != 1 {
		t.Errorf("%d requests", len(s.m.jobs))
	}
}

// The same with a client of ours, whose connection is cut in the middle of a reply.
func TestCutBehindAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, link := newLinkedHouse(t, BrokerConfig{})
		cut := false
		h.worker("count", WorkerConfig{}, func(_ context.Context, r *Request) error {
			for i := range 10 {
				if err := r.Partial(fmt.Append(nil, i)); err != nil {
					return err
				}
				pass(time.Second)
				if i == 4 && !cut {
					cut = true
					link.Cut()
				}
			}
			return r.Reply([]byte("end"))
		})
		c := h.clientOver(link, ClientConfig{Options: []zmq.Option{zmq.WithRoutingID("me")}})
		reply, err := c.Call(t.Context(), "count", nil)
		if err != nil || !equal(strs(reply), []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "end"}) {
			t.Error(strs(reply), err)
		}
	})
}

// A client that comes back under its identity gets the whole reply also where what
// the broker still sends to the asking of before crosses the one of now.
func TestRestCrossesTheAskingAnew(t *testing.T) {
	for _, key := range []string{"", "key"} {
		for _, rest := range []int{0, 40} { // parts behind the cut: the end crosses, or parts do
			t.Run(fmt.Sprintf("key=%s,parts=%d", key, rest), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { restCrosses(t, key, rest) })
			})
		}
	}
}

func restCrosses(t *testing.T, key string, rest int) {
	connected := make(chan struct{}, 2)
	h, link := newLinkedHouse(t, BrokerConfig{ReplyCache: time.Hour, Options: []zmq.Option{zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeSucceeded {
			connected <- struct{}{}
		}
	})}})
	link.Delay(100 * time.Millisecond)
	want := []string{"first"}
	for i := range rest {
		want = append(want, fmt.Sprint(i))
	}
	cut := false
	h.worker("count", WorkerConfig{}, func(_ context.Context, r *Request) error {
		for i, text := range want {
			if err := r.Partial([]byte(text)); err != nil {
				return err
			}
			pass(10 * time.Millisecond)
			if i == 0 && !cut {
				cut = true
				pass(time.Second) // the first part has arrived
				<-connected
				link.Cut()
				<-connected
			}
		}
		return r.Reply([]byte("end"))
	})
	c := h.clientOver(link, ClientConfig{Options: []zmq.Option{zmq.WithRoutingID("me")}})
	reply, err := c.Do(t.Context(), Call{Service: "count", Key: key, Frames: [][]byte{nil}})
	if want := append(want[:1+rest:1+rest], "end"); err != nil || !equal(strs(reply), want) {
		t.Errorf("%q, %v", strs(reply), err)
	}
}

// A call whose reply breaks off each time is not begun again for ever.
func TestReplyAlwaysBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, BrokerConfig{})
		w := h.raw()
		go func() {
			for range 3 {
				w.send(mdp2.ready("tv")...)
				w.send(mdp2.worker(partial, w.recv()[2], "", "part one")...)
				w.send(mdp2.worker(disconnect)...)
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := h.client(ClientConfig{}).Call(ctx, "tv", nil); !errors.Is(err, ErrInterrupted) {
			t.Error("begun for a fourth time:", err)
		}
	})
}

// A call whose reply the client does not take, so that the connection is lost, is not
// begun again for ever, however long it takes. One that breaks nothing outlives that.
func TestReplyTooLargeForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, link := newLinkedHouse(t, BrokerConfig{})
		times := 0
		h.worker("big", WorkerConfig{}, func(_ context.Context, r *Request) error {
			times++
			pass(time.Minute)
			return r.Reply(make([]byte, 2000))
		})
		h.worker("small", WorkerConfig{Concurrency: 4}, func(ctx context.Context, r *Request) error {
			pass(40 * time.Second)
			return echo(ctx, r)
		})
		c := h.clientOver(link, ClientConfig{Options: []zmq.Option{zmq.WithMaxMessageSize(1000)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		big, err := c.Start(ctx, Call{Service: "big", Frames: [][]byte{nil}})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if _, err := c.Call(ctx, "small", nil); err != nil {
				t.Error(err)
			}
		}
		if _, err := big.Reply(); !errors.Is(err, ErrInterrupted) || !errors.Is(err, zmq.ErrTooLarge) || times != 3 {
			t.Errorf("executed %d times, %v", times, err)
		}
	})
}
