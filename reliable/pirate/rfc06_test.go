package pirate

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// The "client" of RFC 6 is our Queue here: see docs/rfc/06.md.

func TestRFC06_Goals_WorkerNoticesTheQueue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		s.ready()
		synctest.Wait()
		s.h.link.Freeze()
		elapse(3 * time.Second)
		if !s.log.has(errQueueSilent.Error()) {
			t.Error("the worker has not noticed that the queue is silent")
		}
	})
}

func TestRFC06_Goals_QueueNoticesTheWorker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		p.worker(echo, nil)
		elapse(500 * time.Millisecond)
		p.hands.link.Freeze()
		elapse(2 * time.Second)
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("%+v after two silent intervals", s)
		}
		elapse(2 * time.Second)
		if s := p.Stats(); s.Idle != 0 || !p.log.has(errSilent.Error()) {
			t.Errorf("%+v after four silent intervals", s)
		}
	})
}

func TestRFC06_Goals_LeastRecentlyUsed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		c := p.client(nil)
		for i := range 4 {
			p.worker(named(fmt.Sprint(i)), nil)
		}
		for i := range 12 {
			ask(t, c, "who?", fmt.Sprint(i%4))
		}
	})
}

// A worker dies with a request in hand; the client's next try goes to another one.
func TestRFC06_Goals_Recovers(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		p.worker(func(ctx context.Context, _ zmq.Msg) (zmq.Msg, error) {
			<-ctx.Done()
			return zmq.Msg{}, ctx.Err()
		}, nil)
		p.worker(named("another"), nil)
		ask(t, p.client(nil), "who?", "another")
	})
}

func TestRFC06_Roles_RequestsAreIndependent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		a, b := p.worker(named("a"), nil), p.worker(named("b"), nil)
		c := p.client(nil)
		ask(t, c, "who?", "a")
		ask(t, c, "who?", "b") // the next request of the same client, elsewhere
		a.end()
		b.end()
	})
}

func TestRFC06_Roles_OneReplyForEachRequest(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		id := s.ready()
		for i := range 10 {
			send(t, s.Socket, id, "c", "", fmt.Sprint(i))
		}
		for i := range 10 {
			expect(t, s.Socket, id, "c", "", fmt.Sprint(i))
		}
		expectNothing(t, s.Socket, 999*time.Millisecond)
	})
}

// The first message of a worker is READY: in its first conversation, in that after
// a silence and in that after a lost connection.
func TestRFC06_Conversation_ReadyFirst(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, echo, nil)
		seen := map[string]bool{}
		conversations := 0
		for range 60 {
			got := recv(t, s.Socket)
			if id := got[0]; !seen[id] {
				seen[id] = true
				conversations++
				if !slices.Equal(got[1:], []string{"\x01"}) {
					t.Errorf("a conversation began with %q", got[1:])
				}
			}
			if len(seen)%2 == 0 {
				s.h.link.Cut()
			}
		}
		if conversations < 10 {
			t.Errorf("there were %d conversations only", conversations)
		}
	})
}

// Nothing at all is sent to a peer that has said nothing.
func TestRFC06_Conversation_QueueWaitsForTheWorker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
		send(t, client, "", "work")
		expectNothing(t, worker, time.Minute+time.Millisecond) // no moment of heartbeats
		send(t, worker, "\x01")
		if got := recv(t, worker); !slices.Equal(got[1:], []string{"", "work"}) {
			t.Errorf("received %q", got)
		}
	})
}

// READY, then REQUEST and REPLY for ever.
func TestRFC06_Conversation_RequestsAndReplies(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.REQ)
		send(t, worker, "\x01")
		for i := range 100 {
			send(t, client, fmt.Sprint(i))
			got := recv(t, worker)
			if got[len(got)-1] != fmt.Sprint(i) {
				t.Fatalf("received %q", got)
			}
			send(t, worker, got...)
			expect(t, client, fmt.Sprint(i))
		}
	})
}

// Heartbeats of the worker come at regular intervals, whatever else is said.
func TestRFC06_Conversation_WorkerHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s := land(t, func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
			return m, pause(ctx, 2500*time.Millisecond)
		}, nil)
		id := s.ready()
		began := time.Now()
		for i := 1; i <= 50; {
			if i%7 == 0 {
				send(t, s.Socket, id, "c", "", "work")
			}
			send(t, s.Socket, id, "\x02")
			if got := recv(t, s.Socket); got[1] != "\x02" {
				continue
			}
			if at := time.Since(began); at != time.Duration(i)*time.Second {
				t.Fatalf("heartbeat %d came after %v", i, at)
			}
			i++
		}
	})
}

// Heartbeats of the queue come at regular intervals, whatever else is said.
func TestRFC06_Conversation_QueueHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		began := time.Now()
		worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
		send(t, worker, "\x01")
		for i := 1; i <= 50; {
			send(t, client, "", "work")
			send(t, worker, "\x02")
			got := recv(t, worker)
			if !slices.Equal(got, []string{"\x02"}) {
				if i%2 == 0 {
					send(t, worker, got...)
				}
				continue
			}
			if at := time.Since(began); at != time.Duration(i)*time.Second {
				t.Fatalf("heartbeat %d came after %v", i, at)
			}
			i++
		}
	})
}

func TestRFC06_Commands(t *testing.T) {
	t.Run("READY", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			s := land(t, echo, nil)
			if got := recv(t, s.Socket); !slices.Equal(got[1:], []string{"\x01"}) {
				t.Errorf("received %q", got)
			}
		})
	})
	t.Run("HEARTBEAT", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			s := land(t, echo, nil)
			s.ready()
			if got := recv(t, s.Socket); !slices.Equal(got[1:], []string{"\x02"}) {
				t.Errorf("a worker sent %q", got)
			}
			p := openPort(t, nil)
			worker := p.hands.dial(zmq.DEALER)
			send(t, worker, "\x01")
			expect(t, worker, "\x02")
		})
	})
	t.Run("REQUEST and REPLY", func(t *testing.T) {
		for _, stack := range [][]string{{}, {"number"}, {"far", "farther"}} {
			for _, content := range [][]string{{"one"}, {""}, {"one", "two", "", "three"}, {"\x01"}, {"\x02"}} {
				inBubble(t, func(t *testing.T) {
					p := openPort(t, nil)
					worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
					send(t, worker, "\x01")
					body := slices.Concat(stack, []string{""}, content)
					send(t, client, body...)
					got := recv(t, worker)
					if !slices.Equal(got[1:], body) {
						t.Errorf("the worker received %q, want an address and %q", got, body)
					}
					send(t, worker, got...)
					expect(t, client, body...)

					s := land(t, echo, nil)
					request := append([]string{s.ready()}, body...)
					send(t, s.Socket, request...)
					expect(t, s.Socket, request...)
				})
			}
		}
	})
}

// A peer counts as disconnected after Liveness intervals, of which there are 3.
func TestRFC06_Heartbeating_Liveness(t *testing.T) {
	for _, liveness := range []int{0, 3, 5} {
		inBubble(t, func(t *testing.T) {
			wait := time.Duration(positive(liveness, 3)) * time.Second
			s := land(t, echo, func(w *Worker) { w.Liveness = liveness })
			s.ready()
			elapse(wait - time.Millisecond)
			if s.log.has(errQueueSilent.Error()) {
				t.Error("the worker left the queue too soon")
			}
			elapse(time.Millisecond)
			if !s.log.has(errQueueSilent.Error()) {
				t.Error("the worker has not left the queue")
			}

			p := openPort(t, func(q *Queue) { q.Liveness = liveness })
			worker := p.hands.dial(zmq.DEALER)
			send(t, worker, "\x01")
			elapse(wait - time.Millisecond)
			if p.Stats().Idle != 1 {
				t.Error("the queue struck the worker off too soon")
			}
			elapse(time.Second)
			if p.Stats().Idle != 0 {
				t.Error("the queue has not struck the worker off")
			}
		})
	}
}

// A worker whose queue is gone, and is there again or another, says READY again.
func TestRFC06_Heartbeating_ReadyAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		c := p.client(nil)
		p.worker(echo, nil)
		ask(t, c, "a", "a")
		for range 5 {
			p.hands.link.Freeze() // it takes each other for dead
			elapse(10 * time.Second)
			p.hands.link.Thaw()
			elapse(10 * time.Second)
			ask(t, c, "a", "a")
			if s := p.Stats(); s.Idle != 1 {
				t.Errorf("%+v", s)
			}
		}
	})
}

// A worker that is disconnected is sent nothing any more: neither requests, from
// the moment on, nor heartbeats, when the queue has noticed.
func TestRFC06_Heartbeating_NothingToTheDead(t *testing.T) {
	for _, wait := range []time.Duration{3001 * time.Millisecond, time.Minute} {
		inBubble(t, func(t *testing.T) {
			p := openPort(t, nil)
			elapse(500 * time.Millisecond) // so that the queue looks after half an interval
			worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
			send(t, worker, "\x01")
			elapse(wait)
			send(t, client, "", "work")
			elapse(time.Minute)
			for i := 0; ; i++ {
				m, err := worker.TryRecv()
				if err != nil {
					break
				}
				if got := texts(m.Frames); !slices.Equal(got, []string{"\x02"}) || i >= 3 {
					t.Errorf("message %d after READY is %q", i+1, got)
				}
			}
		})
	}
}
