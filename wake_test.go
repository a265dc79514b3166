package zmq_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// TestSendFindsItsWayFree: a Send that waits is woken when what it waits for is not in
// its way any more.
func TestSendFindsItsWayFree(t *testing.T) {
	subscribed := func(to *zmq.Socket) error { return to.Subscribe("X") }
	named := func(to *zmq.Socket) error { return to.Set(zmq.WithRoutingID("X")) }
	for name, c := range map[string]struct {
		from, to zmq.Type
		opt      zmq.Option
		name     func(to *zmq.Socket) error
		free     func(from, to *zmq.Socket) error
	}{
		"the subscriber cancels": {zmq.PUB, zmq.SUB, zmq.WithXPubNoDrop(true), subscribed, func(_, to *zmq.Socket) error { return to.Unsubscribe("X") }},
		"it may drop":            {zmq.PUB, zmq.SUB, zmq.WithXPubNoDrop(true), subscribed, func(from, _ *zmq.Socket) error { return from.Set(zmq.WithXPubNoDrop(false)) }},
		"nobody is told":         {zmq.ROUTER, zmq.DEALER, zmq.WithRouterMandatory(true), named, func(from, _ *zmq.Socket) error { return from.Set(zmq.WithRouterMandatory(false)) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				from := open(t, c.from, c.opt, zmq.WithSendHWM(1))
				to := open(t, c.to, zmq.WithRecvHWM(1))
				if err := c.name(to); err != nil {
					t.Fatal(err)
				}
				connect(t, to, bind(t, from, "inproc://free"))
				for from.TrySend([]byte("X"), []byte("body")) == nil {
				}
				sent := make(chan error, 1)
				go func() { sent <- from.Send(t.Context(), []byte("X"), []byte("body")) }()
				synctest.Wait()
				if err := c.free(from, to); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				select {
				case err := <-sent:
					if err != nil {
						t.Error(err)
					}
				default:
					t.Error("it still waits")
				}
			})
		})
	}
}

// TestPollSeesAnOption: who polls a REQ that may not send is told when it may.
func TestPollSeesAnOption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, rep := open(t, zmq.REQ), open(t, zmq.REP)
		connect(t, req, bind(t, rep, "inproc://poll"))
		say(t, req, "asked")
		polled := make(chan error, 1)
		go func() {
			_, err := zmq.Poll(t.Context(), zmq.PollItem{Socket: req, Want: zmq.CanSend})
			polled <- err
		}()
		synctest.Wait()
		if err := req.Set(zmq.WithReqRelaxed(true)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case err := <-polled:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("it still waits")
		}
	})
}

// TestMsgsEndWithContext: though messages wait, Msgs yields no more of them when its
// context has ended, and none is lost.
func TestMsgsEndWithContext(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, bind(t, pull, "inproc://msgs"))
	for _, text := range []string{"a", "b", "c"} {
		say(t, push, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []error
	for _, err := range pull.Msgs(ctx) {
		got = append(got, err)
		cancel()
	}
	if len(got) != 2 || got[0] != nil || !errors.Is(got[1], context.Canceled) {
		t.Errorf("it yielded %v", got)
	}
	expectHeard(t, pull, "b")
	expectHeard(t, pull, "c")
}

// answered is a REQ that waits for nothing but to receive its reply.
func answered(t *testing.T) (req, rep *zmq.Socket) {
	t.Helper()
	req, rep = open(t, zmq.REQ, zmq.WithReqRelaxed(true), zmq.WithReqCorrelate(true)), open(t, zmq.REP)
	connect(t, rep, bind(t, req, "inproc://answered"))
	say(t, req, "question")
	expectHeard(t, rep, "question")
	say(t, rep, "answer")
	return req, rep
}

// TestReplyOutlivesWhatIsNotSent: a reply that came is dropped for the next request, not
// for a question whether one could be sent, nor for one that can't.
func TestReplyOutlivesWhatIsNotSent(t *testing.T) {
	req, rep := answered(t)
	if err := req.MaySend([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := rep.Close(); err != nil {
		t.Fatal(err)
	}
	if err := req.TrySend([]byte("x")); !errors.Is(err, zmq.ErrAgain) {
		t.Errorf("without a peer TrySend says %v", err)
	}
	expectHeard(t, req, "answer")
}

// TestReplyGivenBackIsOld: a reply that a Chan took and gave back is not that to the
// next request.
func TestReplyGivenBackIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, rep := answered(t)
		ctx, cancel := context.WithCancel(t.Context())
		_ = req.Chan(ctx) // nobody reads it
		synctest.Wait()
		cancel()
		synctest.Wait()
		say(t, req, "next")
		expectHeard(t, rep, "next")
		say(t, rep, "its answer")
		expectHeard(t, req, "its answer")
	})
}

// TestSetsAtOnce: of two that set options at once, neither undoes the other's.
func TestSetsAtOnce(t *testing.T) {
	for range 3000 {
		s := zmq.NewRouter()
		var both sync.WaitGroup
		for _, o := range []zmq.Option{zmq.WithRouterMandatory(true), zmq.WithRecvTimeout(0)} {
			both.Go(func() {
				if err := s.Set(o); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		if err := s.TrySend([]byte("nobody"), []byte("x")); !errors.Is(err, zmq.ErrNoPeer) {
			t.Errorf("TrySend says %v", err)
		}
		if _, err := s.Recv(t.Context()); !errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("Recv says %v", err)
		}
		s.Close()
		if t.Failed() {
			return
		}
	}
}

// TestSubscribersInverted: with inverted matching WaitSubscribers counts those that get
// a topic, which are those that have not asked for it.
func TestSubscribersInverted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pub, sub := open(t, zmq.PUB, zmq.WithInvertMatching(true)), open(t, zmq.SUB, zmq.WithInvertMatching(true))
		connect(t, sub, bind(t, pub, "inproc://inverted"))
		if err := sub.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		if err := pub.WaitSubscribers(soon(t), "b", 1); err != nil {
			t.Error(err)
		}
		if err := pub.WaitSubscribers(soon(t), "a", 1); err == nil {
			t.Error("a goes to nobody, and somebody is there for it")
		}
	})
}
