package pirate

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

// A queue asks the worker that has been idle for longest, of whatever kind.
func TestQueueAsksInTurn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		c := p.client(nil)
		for i, name := range []string{"a", "b", "c"} {
			p.worker(named(name), func(w *Worker) { w.Simple = i == 1 })
		}
		for range 3 {
			for _, name := range []string{"a", "b", "c"} {
				ask(t, c, "who?", name)
			}
			elapse(10 * time.Second) // heartbeats do not change the order
		}
		if s := p.Stats(); s != (QueueStats{Idle: 3, Requests: 9, Replies: 9}) {
			t.Errorf("%+v", s)
		}
		wantCanceled(t, p.run.end())
	})
}

// Who is slow gets less.
func TestQueueSparesTheBusy(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		c := p.client(func(c *Client) { c.Timeout = time.Minute })
		slow := p.worker(func(ctx context.Context, _ zmq.Msg) (zmq.Msg, error) {
			return zmq.MsgFromStrings("slow"), pause(ctx, 10*time.Second)
		}, nil)
		asked := runs(t, func(context.Context) error { ask(t, c, "who?", "slow"); return nil })
		synctest.Wait()
		p.worker(named("quick"), nil)
		for range 5 {
			ask(t, c, "who?", "quick")
		}
		if s := p.Stats(); s.Idle != 1 || s.Busy != 1 {
			t.Errorf("%+v", s)
		}
		<-asked.done
		wantCanceled(t, slow.end())
	})
}

// While no worker is idle, requests stay where they are.
func TestQueueTakesNoRequestWithoutAWorker(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		dealer := p.clients.dial(zmq.DEALER)
		for i := range 10 {
			send(t, dealer, "", fmt.Sprint(i))
		}
		elapse(time.Minute)
		if n := p.Clients.Stats().Peers[0].RecvQueue.Messages; n != 10 {
			t.Errorf("%d requests wait in the socket, want all 10", n)
		}
		p.worker(echo, nil)
		for i := range 10 {
			expect(t, dealer, "", fmt.Sprint(i))
		}
	})
}

// A request for a worker whose connection is lost goes to the next one at once.
func TestQueuePassesOverWorkersThatAreGone(t *testing.T) {
	for _, simple := range []bool{true, false} {
		t.Run(fmt.Sprintf("simple=%v", simple), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				p := openPort(t, nil)
				c := p.client(nil)
				set := func(w *Worker) { w.Simple = simple }
				gone := p.worker(named("gone"), set)
				p.worker(named("here"), set)
				wantCanceled(t, gone.end())
				synctest.Wait()
				began := time.Now()
				ask(t, c, "who?", "here")
				if took := time.Since(began); took > time.Second {
					t.Errorf("took %v", took)
				}
				if s := p.Stats(); s.Idle != 1 || s.Lost != 1 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

// A worker whose connection is lost is struck off within an interval, one that is
// silent after Liveness of them.
func TestQueueStrikesOff(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, func(q *Queue) { q.Interval, q.Liveness = 100*time.Millisecond, 2 })
		simple, paranoid, mute := p.hands.dial(zmq.REQ), p.hands.dial(zmq.DEALER), p.hands.dial(zmq.DEALER)
		send(t, simple, "\x01")
		send(t, paranoid, "\x01")
		send(t, mute, "\x01")
		busy := p.hands.dial(zmq.DEALER)
		elapse(50 * time.Millisecond)
		if n := p.Stats().Idle; n != 3 {
			t.Fatalf("%d are idle, want 3", n)
		}
		for range 10 {
			elapse(100 * time.Millisecond)
			send(t, paranoid, "\x02")
		}
		if s := p.Stats(); s.Idle != 2 || s.Lost != 1 || !p.log.has(errSilent.Error()) {
			t.Errorf("%+v after silence", s)
		}
		// It knocks again.
		send(t, mute, "\x02")
		elapse(time.Millisecond)
		if s := p.Stats(); s.Idle != 3 {
			t.Errorf("%+v after a sign of life", s)
		}
		busy.Close()
		simple.Close()
		paranoid.Close()
		elapse(100 * time.Millisecond)
		if s := p.Stats(); s.Idle != 1 || s.Lost != 3 || !p.log.has(errGone.Error()) {
			t.Errorf("%+v after lost connections", s)
		}
	})
}

// Paranoid workers get a heartbeat each interval, idle or busy; simple ones none.
func TestQueueHeartbeats(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		simple, idle, busy := p.hands.dial(zmq.REQ), p.hands.dial(zmq.DEALER), p.hands.dial(zmq.DEALER)
		send(t, busy, "\x01")
		elapse(0)
		client := p.clients.dial(zmq.REQ)
		send(t, client, "work")
		work := recv(t, busy)
		send(t, idle, "\x01")
		send(t, simple, "\x01")
		for range 100 {
			elapse(time.Second)
			expect(t, idle, "\x02")
			expect(t, busy, "\x02")
			send(t, idle, "\x02")
			send(t, busy, "\x02")
		}
		expectNothing(t, simple, time.Millisecond)
		reply(t, busy, work, "done")
		expect(t, client, "done")
	})
}

// A worker that is busy and sends heartbeats gets no second request, unless it has
// been busy for so long that it must have dropped the first.
func TestQueueMaxWork(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, func(q *Queue) { q.MaxWork = 10 * time.Second })
		worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
		send(t, worker, "\x01")
		send(t, client, "", "first")
		send(t, client, "", "second")
		if got := recv(t, worker); got[len(got)-1] != "first" {
			t.Fatalf("%q", got)
		}
		for range 9 {
			elapse(time.Second)
			send(t, worker, "\x02")
			expect(t, worker, "\x02")
		}
		elapse(time.Second)
		expect(t, worker, "\x02")
		expectNothing(t, worker, time.Millisecond)
		send(t, worker, "\x02")
		if got := recv(t, worker); got[len(got)-1] != "second" {
			t.Fatalf("%q", got)
		}
	})
}

// A reply is passed on also if its worker was taken for dead meanwhile, and the
// worker is in again.
func TestQueueTakesLateReplies(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		worker, client := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
		send(t, worker, "\x01")
		send(t, client, "", "work")
		work := recv(t, worker)
		elapse(time.Minute)
		if s := p.Stats(); s.Busy != 0 || s.Lost != 1 {
			t.Errorf("%+v", s)
		}
		for s := p.Workers.Stats().Peers[0]; s.SendQueue.Messages > 0; {
			t.Fatalf("%+v", s)
		}
		reply(t, worker, work, "done")
		expect(t, client, "", "done")
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// READY of a worker that is known already changes nothing but its place.
func TestQueueSecondReady(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		a, b := p.hands.dial(zmq.DEALER), p.hands.dial(zmq.DEALER)
		client := p.clients.dial(zmq.DEALER)
		send(t, a, "\x01")
		elapse(0)
		send(t, b, "\x01")
		elapse(0)
		send(t, a, "\x01")
		send(t, a, "\x01")
		elapse(0)
		if s := p.Stats(); s.Idle != 2 {
			t.Errorf("%+v", s)
		}
		send(t, client, "", "1")
		send(t, client, "", "2")
		if got := recv(t, b); got[2] != "1" {
			t.Errorf("b got %q", got)
		}
		if got := recv(t, a); got[2] != "2" {
			t.Errorf("a got %q", got)
		}
		expectNothing(t, a, time.Millisecond)
	})
}

// What is malformed is logged, counted and dropped, and nobody else notices.
func TestQueueDropsWhatIsMalformed(t *testing.T) {
	fromWorkers := [][]string{
		{"\x03"}, {""}, {"", ""}, {"READY"}, {"\x01\x01"}, {"", "\x02"}, {"", "\x01", "\x01"},
		{"a", "b"}, {"a", ""}, {"", "", "b"}, {"", "a", ""}, {strings.Repeat("x", 1000)}, {"a", "b", "c", "d"},
	}
	fromClients := [][]string{{"body"}, {""}, {"a", "b"}, {"a", ""}}
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		c := p.client(nil)
		p.worker(echo, nil)
		badWorker, badClient := p.hands.dial(zmq.DEALER), p.clients.dial(zmq.DEALER)
		for i, m := range fromWorkers {
			send(t, badWorker, m...)
			synctest.Wait()
			if n := p.Stats().Malformed; n != uint64(i)+1 {
				t.Fatalf("after %q from a worker %d messages were malformed, want %d", m, n, i+1)
			}
			ask(t, c, "a", "a")
		}
		for i, m := range fromClients {
			send(t, badClient, m...)
			synctest.Wait()
			if n := p.Stats().Malformed; n != uint64(len(fromWorkers)+i)+1 {
				t.Fatalf("after %q from a client %d messages were malformed", m, n)
			}
			ask(t, c, "a", "a")
		}
		if s := p.Stats(); s.Idle != 1 || s.Busy != 0 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
		if !p.log.has("from=worker") || !p.log.has("from=client") {
			t.Error("not logged")
		}
		// A reply to nobody is no harm either.
		send(t, badWorker, "nobody", "", "hello")
		ask(t, c, "a", "a")
	})
}

// The load-balancing broker of chapter 3 has workers that say the word READY.
func TestQueueReadyByWord(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		worker, client := p.hands.dial(zmq.REQ), p.clients.dial(zmq.REQ)
		send(t, worker, "READY")
		send(t, client, "HELLO")
		got := recv(t, worker)
		if len(got) != 3 || got[1] != "" || got[2] != "HELLO" {
			t.Fatalf("%q", got)
		}
		send(t, worker, got[0], "", "OK")
		expect(t, client, "OK")
	})
}

// Queues in a row: the envelope has an address for each.
func TestQueueBehindAQueue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		first, second := openPort(t, nil), openPort(t, nil)
		c := first.client(nil)
		// What joins the two is a worker of the first and a client of the second.
		joint := second.client(nil)
		first.worker(func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
			return joint.Request(ctx, m.Frames...)
		}, nil)
		second.worker(named("far"), nil)
		ask(t, c, "who?", "far")
	})
}

func TestQueueMistakes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		router := newSocket(t, zmq.ROUTER)
		for _, q := range []*Queue{
			{}, {Clients: router}, {Clients: newSocket(t, zmq.DEALER), Workers: router},
		} {
			if err := q.Run(t.Context()); !errors.Is(err, zmq.ErrNotSupported) {
				t.Errorf("ended with %v, want ErrNotSupported", err)
			}
		}
		for _, closes := range []func(*port){
			func(p *port) { p.Clients.Close() },
			func(p *port) { p.Workers.Close() },
		} {
			p := openPort(t, nil)
			p.worker(echo, nil)
			closes(p)
			<-p.run.done
			if !errors.Is(p.run.err, zmq.ErrClosed) {
				t.Errorf("ended with %v, want ErrClosed", p.run.err)
			}
		}
	})
}

// Sockets with timeouts serve as well.
func TestQueueOfSocketsWithTimeouts(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, func(q *Queue) {
			for _, s := range []*zmq.Socket{q.Clients, q.Workers} {
				if err := s.Set(zmq.WithRecvTimeout(time.Millisecond)); err != nil {
					t.Fatal(err)
				}
			}
		})
		p.worker(echo, nil)
		elapse(time.Minute)
		ask(t, p.client(nil), "a", "a")
	})
}

func TestQueueOverInproc(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		domain := zmq.NewDomain()
		in := []zmq.Option{zmq.WithDomain(domain)}
		q := &Queue{Clients: newSocket(t, zmq.ROUTER, in...), Workers: newSocket(t, zmq.ROUTER, in...)}
		for name, s := range map[string]*zmq.Socket{"inproc://clients": q.Clients, "inproc://workers": q.Workers} {
			if _, err := s.Bind(name); err != nil {
				t.Fatal(err)
			}
		}
		runs(t, q.Run)
		for _, simple := range []bool{false, true} {
			w := &Worker{Endpoint: "inproc://workers", Handler: echo, Simple: simple, Options: in}
			runs(t, w.Run)
		}
		elapse(10 * time.Second)
		c := &Client{Endpoints: []string{"inproc://clients"}, Options: in}
		defer c.Close()
		for range 4 {
			ask(t, c, "a", "a")
		}
		if s := q.Stats(); s.Idle != 2 || s.Lost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// All workers are back soon after a queue has begun anew.
func TestQueueBeginsAnew(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		p := openPort(t, nil)
		const n = 100
		for range n {
			p.worker(echo, nil)
		}
		elapse(2 * time.Second)
		if s := p.Stats(); s.Idle != n {
			t.Fatalf("%+v", s)
		}
		wantCanceled(t, p.run.end())
		p.Clients.Close()
		p.Workers.Close()
		elapse(10 * time.Second)
		p.open(nil)
		elapse(5 * time.Second)
		if s := p.Stats(); s.Idle != n {
			t.Errorf("%d of %d workers are back after 5 s", s.Idle, n)
		}
	})
}

// What a worker says may change how it is sent to, while it is sent to: the race
// detector looks on.
func TestQueueWorkerChangesKind(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		q := &Queue{Workers: newSocket(t, zmq.ROUTER), rested: make(chan struct{}, 1)}
		q.isNew(fromWorker{id: "w", verb: sayReady}, time.Now())
		h := q.crew.hands["w"]
		said := make(chan struct{})
		go func() {
			defer close(said)
			q.isNew(fromWorker{id: "w", verb: sayReady, simple: true}, time.Now())
		}()
		_ = q.send(h, [][]byte{heartbeat}) // nobody is there to take it
		<-said
	})
}
