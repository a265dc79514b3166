package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// wants makes items that watch sockets.
func wants(want zmq.Ready, sockets ...*zmq.Socket) (items []zmq.PollItem) {
	for _, s := range sockets {
		items = append(items, zmq.PollItem{Socket: s, Want: want})
	}
	return items
}

// ended is a context that has.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestPollLooksOnce: a context that has ended does not hide what is ready.
func TestPollLooksOnce(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	push := r.meets(pull, zmq.PUSH)
	items := wants(zmq.CanRecv|zmq.CanSend, pull, push)
	if n, err := zmq.Poll(ended(), items...); n != 1 || err != nil || items[0].Ready != 0 || items[1].Ready != zmq.CanSend {
		t.Errorf("with nothing to receive: %d, %v, %+v", n, err, items)
	}
	say(t, push, "a")
	if n, err := zmq.Poll(ended(), items...); n != 2 || err != nil || items[0].Ready != zmq.CanRecv {
		t.Errorf("with a message to receive: %d, %v, %+v", n, err, items)
	}
	items[0].Want = zmq.CanSend
	if n, err := zmq.Poll(ended(), items[:1]...); n != 0 || err != context.Canceled || items[0].Ready != 0 {
		t.Errorf("a PULL never sends: %d, %v, %+v", n, err, items[0])
	}
	if n, err := zmq.Poll(ended()); n != 0 || err != context.Canceled {
		t.Errorf("without items: %d, %v", n, err)
	}
}

// readies are the ways in which a socket becomes ready: setup brings it to
// where it is not, and ready over.
var readies = []struct {
	name  string
	typ   zmq.Type
	want  zmq.Ready
	setup func(r *relay, s *zmq.Socket) (ready func())
}{
	{"a message comes", zmq.PULL, zmq.CanRecv, func(r *relay, s *zmq.Socket) func() {
		push := r.meets(s, zmq.PUSH)
		return func() { say(r, push, "a") }
	}},
	{"a peer comes", zmq.PUSH, zmq.CanSend, func(r *relay, s *zmq.Socket) func() {
		return func() { r.meets(s, zmq.PULL) }
	}},
	{"there is room", zmq.PUSH, zmq.CanSend, func(r *relay, s *zmq.Socket) func() {
		pull := r.meets(s, zmq.PULL, zmq.WithRecvHWM(1))
		for s.TrySend([]byte("x")) == nil {
		}
		return func() { hear(r, pull); hear(r, pull) }
	}},
	{"a reply comes", zmq.REQ, zmq.CanRecv, func(r *relay, s *zmq.Socket) func() {
		rep := r.meets(s, zmq.REP)
		say(r, s, "question")
		expectHeard(r, rep, "question")
		return func() { say(r, rep, "answer") }
	}},
	{"the reply was received", zmq.REQ, zmq.CanSend, func(r *relay, s *zmq.Socket) func() {
		rep := r.meets(s, zmq.REP)
		say(r, s, "question")
		expectHeard(r, rep, "question")
		say(r, rep, "answer")
		return func() { hear(r, s) }
	}},
	{"the request was received", zmq.REP, zmq.CanSend, func(r *relay, s *zmq.Socket) func() {
		req := r.meets(s, zmq.REQ)
		say(r, req, "question")
		return func() { hear(r, s) }
	}},
	{"the reply was sent and another request waits", zmq.REP, zmq.CanRecv, func(r *relay, s *zmq.Socket) func() {
		for range 2 {
			say(r, r.meets(s, zmq.REQ), "question")
		}
		hear(r, s)
		return func() { say(r, s, "answer") }
	}},
	{"it is closed", zmq.PULL, zmq.CanRecv, func(_ *relay, s *zmq.Socket) func() {
		return func() { s.Close() }
	}},
}

// TestPollWaits: for each way in which a socket becomes ready.
func TestPollWaits(t *testing.T) {
	for _, c := range readies {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRelay(t)
				s := r.open(c.typ, zmq.WithSendHWM(1))
				ready := c.setup(r, s)
				items := wants(c.want, r.open(zmq.PULL), s)
				if n, err := zmq.Poll(ended(), items...); n != 0 || err == nil {
					t.Fatalf("it is ready too early: %d, %v, %+v", n, err, items)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					n, err := zmq.Poll(soon(t), items...)
					if n != 1 || err != nil || items[0].Ready != 0 || items[1].Ready != c.want {
						t.Errorf("it found %d, %v, %+v", n, err, items)
					}
				}()
				synctest.Wait()
				ready()
				<-done
			})
		})
	}
}

// TestPollEndsWithContext: and leaves nothing with the sockets.
func TestPollEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := open(t, zmq.PULL)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if n, err := zmq.Poll(ctx, wants(zmq.CanRecv, pull, pull)...); n != 0 || err != context.DeadlineExceeded {
			t.Errorf("it returned %d, %v", n, err)
		}
	})
}

// TestOnChange: it is called on every change, until it is taken back.
func TestOnChange(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	push := r.meets(pull, zmq.PUSH)
	calls := make(chan string, 100)
	pull.OnChange(func() { calls <- "first" })
	say(t, push, "a")
	if got := <-calls; got != "first" {
		t.Errorf("%s was called", got)
	}
	pull.OnChange(func() { calls <- "second" }) // instead of the first
	expectHeard(t, pull, "a")
	expectNone(t, pull)
	for len(calls) > 0 {
		<-calls
	}
	say(t, push, "b")
	if got := <-calls; got != "second" {
		t.Errorf("%s was called", got)
	}
	pull.OnChange(nil)
	for len(calls) > 0 {
		<-calls
	}
	pull.Close()
	if len(calls) != 0 {
		t.Errorf("%s was called after it was taken back", <-calls)
	}
}

// TestOnChangeOfClose: Close is a change.
func TestOnChangeOfClose(t *testing.T) {
	pull := open(t, zmq.PULL)
	closed := make(chan zmq.Ready, 100)
	pull.OnChange(func() { closed <- 0 })
	pull.Close()
	<-closed
	if got := pull.Ready(); got != zmq.CanRecv|zmq.CanSend {
		t.Errorf("a closed socket is ready for %d", got)
	}
}

// TestChan: it carries messages until ctx ends, and what was not taken is not lost.
func TestChan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		pull := r.open(zmq.PULL)
		push := r.meets(pull, zmq.PUSH)
		ctx, cancel := context.WithCancel(t.Context())
		ch := pull.Chan(ctx)
		for i := range 5 {
			say(t, push, fmt.Sprint(i))
		}
		for i := range 2 {
			if m := <-ch; string(m.Frames[0]) != fmt.Sprint(i) {
				t.Errorf("the message is %v, want %d", m, i)
			}
		}
		synctest.Wait() // the third is in hand
		cancel()
		synctest.Wait()
		if m, more := <-ch; more {
			t.Errorf("after its context has ended it has %v", m)
		}
		for i := 2; i < 5; i++ {
			expectHeard(t, pull, fmt.Sprint(i))
		}
		expectNone(t, pull)
	})
}

// TestChanGivesBack: who waits in Recv or Poll learns of a message that comes back.
func TestChanGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		router := r.open(zmq.ROUTER)
		dealer := r.meets(router, zmq.DEALER, zmq.WithRoutingID("d"))
		ctx, cancel := context.WithCancel(t.Context())
		ch := router.Chan(ctx)
		say(t, dealer, "a")
		synctest.Wait()
		polled, received := make(chan int, 1), make(chan zmq.Msg, 1)
		go func() {
			n, _ := zmq.Poll(t.Context(), wants(zmq.CanRecv, router)...)
			polled <- n
			m, _ := router.Recv(t.Context())
			received <- m
		}()
		synctest.Wait()
		cancel()
		if n := <-polled; n != 1 {
			t.Errorf("Poll found %d", n)
		}
		m := <-received
		if got := texts(m.Frames); fmt.Sprint(got) != "[d a]" || m.Property("Identity") != "d" {
			t.Errorf("received %q of %q", got, m.Property("Identity"))
		}
		for m := range ch {
			t.Errorf("and the channel has %v", m)
		}
	})
}

// TestChanEnds: with the socket, with a context that has ended already, and
// not with a timeout.
func TestChanEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		pull := r.open(zmq.PULL, zmq.WithRecvTimeout(0))
		push := r.meets(pull, zmq.PUSH)
		if m, more := <-pull.Chan(ended()); more {
			t.Errorf("received %v", m)
		}
		ch := pull.Chan(t.Context())
		<-time.After(time.Second)
		say(t, push, "a")
		if m := <-ch; string(m.Frames[0]) != "a" {
			t.Errorf("received %v", m)
		}
		say(t, push, "in hand")
		synctest.Wait()
		pull.Close()
		for range ch {
		}
		for m := range pull.Chan(t.Context()) {
			t.Errorf("received %v after Close", m)
		}
		sub := r.open(zmq.PUB)
		for m := range sub.Chan(t.Context()) {
			t.Errorf("a PUB received %v", m)
		}
	})
}

// TestReady: a level for each type that knows a state.
func TestReadyOfTurns(t *testing.T) {
	r := newRelay(t)
	rep := r.open(zmq.REP)
	req := r.meets(rep, zmq.REQ)
	check := func(when string, wantReq, wantRep zmq.Ready) {
		t.Helper()
		if q, p := req.Ready(), rep.Ready(); q != wantReq || p != wantRep {
			t.Errorf("%s: REQ %d, REP %d, want %d, %d", when, q, p, wantReq, wantRep)
		}
	}
	check("at first", zmq.CanSend, 0)
	say(t, req, "question")
	check("when it has asked", 0, zmq.CanRecv)
	expectHeard(t, rep, "question")
	check("when the question is heard", 0, zmq.CanSend)
	say(t, rep, "answer")
	check("when it is answered", zmq.CanRecv, 0)
	expectHeard(t, req, "answer")
	check("at the end", zmq.CanSend, 0)
	if _, err := req.TryRecv(); !errors.Is(err, zmq.ErrState) {
		t.Errorf("out of turn: %v", err)
	}
}
