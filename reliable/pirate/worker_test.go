package pirate

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// A shore is a ROUTER that plays the queue of one worker.
type shore struct {
	*zmq.Socket
	t      *testing.T
	h      *harbour
	worker *runner
	log    *logbook
}

// land starts a worker, with its fields changed by set.
func land(t *testing.T, h Handler, set func(*Worker)) *shore {
	t.Helper()
	s := &shore{t: t, h: newHarbour(t), log: &logbook{}}
	s.Socket = s.h.listen(zmq.ROUTER)
	w := &Worker{Endpoint: "tcp://queue:1", Handler: h, Options: []zmq.Option{s.h.dialer()}, Logger: s.log.logger()}
	if set != nil {
		set(w)
	}
	s.worker = runs(t, w.Run)
	return s
}

// ready wants READY, and returns the identity of the worker.
func (s *shore) ready() string {
	s.t.Helper()
	got := recv(s.t, s.Socket)
	if want := []string{got[0], "\x01"}; !slices.Equal(got, want) {
		s.t.Fatalf("received %q, want READY", got)
	}
	return got[0]
}

func TestWorkerReplies(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		id := s.ready()
		for _, request := range [][]string{
			{"client", "", "body"},
			{"client", "number", "", "body", "", "more"},
			{"", "body"},
			{"client", "", ""},
			{"a", "b", "c", "d", "", "\x02"},
		} {
			frames := append([]string{id}, request...)
			send(t, s.Socket, frames...)
			expect(t, s.Socket, frames...)
		}
	})
}

func TestWorkerSimple(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, func(w *Worker) { w.Simple = true })
		got := recv(t, s.Socket)
		if !slices.Equal(got[1:], []string{"", "\x01"}) {
			t.Fatalf("received %q, want READY", got)
		}
		for range 3 {
			frames := []string{got[0], "", "client", "number", "", "body"}
			send(t, s.Socket, frames...)
			expect(t, s.Socket, frames...)
			expectNothing(t, s.Socket, time.Hour) // no heartbeats, and none missed
		}
		// It comes back when the connection is lost.
		s.h.link.Cut()
		if again := recv(t, s.Socket); !slices.Equal(again[1:], []string{"", "\x01"}) {
			t.Fatalf("received %q, want READY", again)
		}
	})
}

// A handler that fails is answered for, by one empty frame.
func TestWorkerOfAFailingHandler(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, func(_ context.Context, m zmq.Msg) (zmq.Msg, error) {
			switch string(m.Frames[0]) {
			case "error":
				return m, errors.New("no such thing")
			case "panic":
				_ = m.Frames[len(m.Frames)]
			}
			return zmq.Msg{}, nil
		}, nil)
		id := s.ready()
		for _, request := range []string{"error", "panic", "nothing"} {
			send(t, s.Socket, id, "client", "", request)
			expect(t, s.Socket, id, "client", "", "")
		}
		if !s.log.has("no such thing") || !s.log.has("index out of range") {
			t.Error("not logged")
		}
	})
}

// A worker that works sends heartbeats all the same, and does not mind a queue
// that sends none; a quiet one sends none.
func TestWorkerWhileItWorks(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		inBubble(t, func(t *testing.T) {
			s := land(t, func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
				return m, pause(ctx, 30500*time.Millisecond)
			}, func(w *Worker) { w.Quiet = quiet })
			id := s.ready()
			send(t, s.Socket, id, "client", "", "body")
			for range 30 {
				if !quiet {
					expect(t, s.Socket, id, "\x02")
				}
			}
			expect(t, s.Socket, id, "client", "", "body")
			// From now on silence counts again.
			for heartbeats := 0; ; heartbeats++ {
				if got := recv(t, s.Socket); got[1] == "\x01" {
					if got[0] == id || heartbeats < 2 || heartbeats > 3 {
						t.Errorf("the worker began anew after %d heartbeats", heartbeats)
					}
					break
				}
			}
		})
	}
}

// What comes while a request is carried out waits.
func TestWorkerDoesOneThingAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		s := land(t, func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
			at = append(at, time.Since(began))
			return m, pause(ctx, 400*time.Millisecond) // it works when a heartbeat is due
		}, func(w *Worker) { w.Quiet = true })
		id := s.ready()
		for _, body := range []string{"1", "2", "3"} {
			send(t, s.Socket, id, "client", "", body)
		}
		for _, body := range []string{"1", "2", "3"} {
			expect(t, s.Socket, id, "client", "", body)
		}
		if want := []time.Duration{0, 400 * time.Millisecond, 800 * time.Millisecond}; !slices.Equal(at, want) {
			t.Errorf("they began at %v, want %v", at, want)
		}
	})
}

// A queue that is connected and silent is left, with READY from a new socket after
// each wait.
func TestWorkerLeavesASilentQueue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		last := time.Now()
		id := s.ready()
		comesBackAfter := func(wait time.Duration) {
			t.Helper()
			got := recv(t, s.Socket)
			for ; got[1] != "\x01"; got = recv(t, s.Socket) {
				if got[1] != "\x02" || got[0] != id {
					t.Fatalf("received %q", got)
				}
			}
			id = got[0]
			waited := time.Since(last) - 3*time.Second
			if waited < wait/2 || waited > wait {
				t.Errorf("came back after 3 s and %v, want half to all of %v", waited, wait)
			}
			last = time.Now()
		}
		for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 32, 32} {
			comesBackAfter(wait * time.Second)
		}
		// A sign of life, and it begins to count anew.
		send(t, s.Socket, id, "\x02")
		comesBackAfter(time.Second)
	})
}

// A lost connection is noticed at once.
func TestWorkerComesBackAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		id := s.ready()
		send(t, s.Socket, id, "\x02")
		synctest.Wait()
		began := time.Now()
		s.h.link.Cut()
		if again := s.ready(); again == id {
			t.Error("the same socket")
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("took %v", took)
		}
	})
}

// What is lost with the connection is not answered: it is for the client to repeat.
func TestWorkerLosesItsQueueWhileItWorks(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		ended := make(chan error, 1)
		s := land(t, func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return m, nil
		}, nil)
		id := s.ready()
		send(t, s.Socket, id, "client", "", "body")
		synctest.Wait()
		s.h.link.Cut()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's context ended with %v", err)
		}
		if again := s.ready(); again == id {
			t.Error("the same socket")
		}
		if got := recv(t, s.Socket); got[1] != "\x02" {
			t.Errorf("received %q, want a heartbeat", got)
		}
	})
}

// A worker that ends still sends the reply that its handler returns.
func TestWorkerEnds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, gives := range []bool{true, false} {
			s := land(t, func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
				<-ctx.Done()
				if !gives {
					return zmq.Msg{}, ctx.Err()
				}
				return m, nil
			}, nil)
			id := s.ready()
			send(t, s.Socket, id, "client", "", "body")
			synctest.Wait()
			wantCanceled(t, s.worker.end())
			if gives {
				expect(t, s.Socket, id, "client", "", "body")
			}
			expectNothing(t, s.Socket, time.Minute)
		}
	})
}

// After a message that it can't read a worker says READY, as the queue may wait for
// a reply.
func TestWorkerDropsWhatIsMalformed(t *testing.T) {
	for _, simple := range []bool{false, true} {
		inBubble(t, func(t *testing.T) {
			s := land(t, echo, func(w *Worker) { w.Simple = simple })
			id := recv(t, s.Socket)[0]
			for _, m := range [][]string{{"\x01"}, {"\x03"}, {""}, {"client", "body"}, {"client", ""}, {"READY"}} {
				var front []string
				if simple {
					front = []string{""}
				}
				send(t, s.Socket, slices.Concat([]string{id}, front, m)...)
				expect(t, s.Socket, slices.Concat([]string{id}, front, []string{"\x01"})...)
			}
		})
	}
}

func TestWorkerMistakes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, w := range []*Worker{
			{Endpoint: "nowhere", Handler: echo},
			{Endpoint: "tcp://a:1", Handler: echo, Options: []zmq.Option{zmq.WithSendHWM(-1)}},
			{Endpoint: "tcp://a:1"},
		} {
			if err := w.Run(t.Context()); !errors.Is(err, zmq.ErrInvalid) {
				t.Errorf("ended with %v, want ErrInvalid", err)
			}
		}
	})
}
