package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

func TestSetIsAllOrNothing(t *testing.T) {
	s := open(t, zmq.SUB)
	subscribe, err := zmq.ParseOption("subscribe", "topic")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Set(zmq.WithSendHWM(5), zmq.WithMetadata("X-A", "b"), subscribe, zmq.WithTOS(999), zmq.WithRecvHWM(6))
	var op *zmq.OpError
	if !errors.Is(err, zmq.ErrInvalid) || !errors.As(err, &op) || op.Op != "set" || !strings.Contains(err.Error(), "tos") {
		t.Errorf("Set: %v", err)
	}
	for name, want := range map[string]string{"sndhwm": "1000", "rcvhwm": "1000", "tos": "0"} {
		if got := optionOf(t, s, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if err := s.Unsubscribe("topic"); !errors.Is(err, zmq.ErrNotFound) {
		t.Errorf("it has subscribed: %v", err)
	}
	if err := s.Set(subscribe, zmq.WithSendHWM(5)); err != nil {
		t.Fatal(err)
	}
	if err := s.Unsubscribe("topic"); err != nil {
		t.Errorf("it has not subscribed: %v", err)
	}
	if got := optionOf(t, s, "sndhwm"); got != "5" {
		t.Errorf("sndhwm is %s, want 5", got)
	}
}

// TestSetRefusesWhatIsForConstructors: a function that nobody would call is no success.
func TestSetRefusesWhatIsForConstructors(t *testing.T) {
	leak.Check(t)
	s := zmq.NewPush()
	defer s.Close()
	for name, o := range map[string]zmq.Option{
		"WithDomain": zmq.WithDomain(nil), "WithLogger": zmq.WithLogger(nil), "WithEvents": zmq.WithEvents(func(zmq.Event) {}),
	} {
		err := s.Set(zmq.WithSendHWM(7), o)
		if !errors.Is(err, zmq.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("Set(%s) = %v, want ErrInvalid and its name", name, err)
		}
	}
	if v, err := s.Option("sndhwm"); v != "1000" || err != nil {
		t.Errorf("the mark is %s, %v: a Set that fails changes nothing", v, err)
	}
}

// TestSetTimeouts: a timeout acts on the next call.
func TestSetTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.PAIR)
		for _, d := range []time.Duration{0, time.Second, time.Minute} {
			if err := s.Set(zmq.WithSendTimeout(d), zmq.WithRecvTimeout(2*d)); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if err := s.Send(t.Context(), nil); !errors.Is(err, zmq.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Send: %v", err)
			}
			if took := time.Since(start); took != d {
				t.Errorf("Send took %v, want %v", took, d)
			}
			start = time.Now()
			if _, err := s.Recv(t.Context()); !errors.Is(err, zmq.ErrTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Recv: %v", err)
			}
			if took := time.Since(start); took != 2*d {
				t.Errorf("Recv took %v, want %v", took, 2*d)
			}
		}
	})
}

// TestSetMarks: marks act on the pipes that are there.
func TestSetMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		s := open(t, zmq.PUSH, newWireDials(t).dialer(), zmq.WithSendHWM(3))
		connect(t, s, wireEndpoint)
		queued := 0
		for _, c := range []struct{ mark, queued int }{{3, 3}, {8, 8}, {5, 8}, {20, 20}} {
			if err := s.Set(zmq.WithSendHWM(c.mark)); err != nil {
				t.Fatal(err)
			}
			for s.TrySend(nil) == nil {
				queued++
			}
			if queued != c.queued {
				t.Errorf("with a mark of %d there are %d messages queued, want %d", c.mark, queued, c.queued)
			}
		}
	})
}

// TestSetsOfAMarkAtOnce: whoever comes last, all queues have the mark that the option says.
func TestSetsOfAMarkAtOnce(t *testing.T) {
	for round := range 30 {
		s := open(t, zmq.PUSH)
		for i := range 20 {
			connect(t, s, fmt.Sprintf("inproc://mark%d-%d", round, i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		var busy, sets sync.WaitGroup
		for range 4 { // so that a Set has to wait for the socket's locks
			busy.Go(func() {
				for ctx.Err() == nil {
					_ = s.MaySend(nil)
				}
			})
		}
		for mark := range 6 {
			sets.Go(func() {
				if err := s.Set(zmq.WithSendHWM(mark + 1)); err != nil {
					t.Error(err)
				}
			})
		}
		sets.Wait()
		cancel()
		busy.Wait()
		queued := 0
		for s.TrySend(nil) == nil {
			queued++
		}
		if mark := optionOf(t, s, "sndhwm"); fmt.Sprint(queued/20) != mark || queued%20 != 0 {
			t.Fatalf("the mark is %s, and 20 queues take %d messages", mark, queued)
		}
		s.Close()
	}
}

// TestSetRecvMark: a lower mark lets fewer messages in from now on.
func TestSetRecvMark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		dials := newWireDials(t)
		s := open(t, zmq.PULL, dials.dialer(), zmq.WithRecvHWM(100))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		p.handshake("PUSH")
		for _, mark := range []int{2, 50, 1} {
			if err := s.Set(zmq.WithRecvHWM(mark)); err != nil {
				t.Fatal(err)
			}
			for i := range 200 {
				p.sendMsg(fmt.Sprint(i))
			}
			synctest.Wait()
			if got := onePeer(t, s).RecvQueue.Messages; got < mark || got > 2*mark+1 {
				t.Errorf("with a mark of %d there are %d messages queued", mark, got)
			}
			for i := range 200 {
				expectHeard(t, s, fmt.Sprint(i))
			}
		}
	})
}

func TestSetLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.PUSH, newWireDials(t).dialer())
		connect(t, s, wireEndpoint)
		say(t, s, "never sent")
		if err := s.Set(zmq.WithLinger(time.Hour)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s.Close()
		if took := time.Since(start); took != time.Hour {
			t.Errorf("Close took %v, want an hour", took)
		}
	})
}

func TestSetRules(t *testing.T) {
	router := open(t, zmq.ROUTER)
	for _, mandatory := range []bool{true, false, true} {
		if err := router.Set(zmq.WithRouterMandatory(mandatory)); err != nil {
			t.Fatal(err)
		}
		if err := router.TrySend([]byte("nobody"), nil); errors.Is(err, zmq.ErrNoPeer) != mandatory {
			t.Errorf("mandatory %t: %v", mandatory, err)
		}
	}
	xpub := open(t, zmq.XPUB)
	bind(t, xpub, "inproc://xpub of "+t.Name())
	for i, verbose := range []bool{false, true, false} {
		if err := xpub.Set(zmq.WithXPubVerbose(verbose)); err != nil {
			t.Fatal(err)
		}
		sub := open(t, zmq.SUB)
		connect(t, sub, optionOf(t, xpub, "last_endpoint"))
		if err := sub.Subscribe("topic"); err != nil {
			t.Fatal(err)
		}
		if i == 0 || verbose {
			expectHeard(t, xpub, "\x01topic")
		} else {
			awaitSubscribers(t, xpub, "topic", i+1)
			expectNone(t, xpub)
		}
	}
	req := open(t, zmq.REQ)
	bind(t, req, "inproc://req of "+t.Name())
	rep := open(t, zmq.REP)
	connect(t, rep, optionOf(t, req, "last_endpoint"))
	say(t, req, "one")
	if err := req.TrySend([]byte("two")); !errors.Is(err, zmq.ErrState) {
		t.Errorf("REQ sends twice: %v", err)
	}
	if err := req.Set(zmq.WithReqRelaxed(true)); err != nil {
		t.Fatal(err)
	}
	say(t, req, "two")
}

// TestSetForLaterEndpoints: an option that is not live leaves the connection
// alone and acts on the next.
func TestSetForLaterEndpoints(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.DEALER, dials.dialer(), zmq.WithRoutingID("first"))
		connect(t, s, wireEndpoint)
		p := dials.accept()
		if got := p.handshake("ROUTER")["Identity"]; got != "first" {
			t.Errorf("the identity is %q", got)
		}
		if err := s.Set(zmq.WithRoutingID("second"), zmq.WithMetadata("X-Word", "hello")); err != nil {
			t.Fatal(err)
		}
		connect(t, s, wireEndpoint)
		q := dials.accept()
		got := q.handshake("ROUTER")
		if got["Identity"] != "second" || got["X-Word"] != "hello" {
			t.Errorf("the properties of the later connect are %q", got)
		}
		p.cut()
		p = dials.accept()
		if got := p.handshake("ROUTER")["Identity"]; got != "first" {
			t.Errorf("the identity of the earlier connect became %q", got)
		}
	})
}
