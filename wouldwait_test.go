package zmq_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestWouldWait: TrySend and TryRecv never wait, timeouts and contexts end what
// does, each with its own error, and the socket goes on.
func TestWouldWait(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		domain := zmq.WithDomain(zmq.NewDomain())
		for _, typ := range []zmq.Type{zmq.PAIR, zmq.DEALER, zmq.REQ, zmq.PUSH} {
			s := open(t, typ, domain)
			sendsWait(t, s)
		}
		for _, typ := range []zmq.Type{zmq.PAIR, zmq.DEALER, zmq.REP, zmq.ROUTER, zmq.PULL, zmq.SUB, zmq.XSUB, zmq.XPUB, zmq.STREAM} {
			s := open(t, typ, domain)
			receivesWait(t, s)
		}
		a, b := open(t, zmq.PAIR, domain), open(t, zmq.PAIR, domain)
		sendsWait(t, a)
		receivesWait(t, b)
		if err := errors.Join(a.Set(zmq.WithSendTimeout(-1)), b.Set(zmq.WithRecvTimeout(-1))); err != nil {
			t.Fatal(err)
		}
		connect(t, b, bind(t, a, "inproc://a"))
		say(t, a, "one")
		say(t, a, "two")
		expectHeard(t, b, "one")
		expectHeard(t, b, "two")
		expectNone(t, b)
	})
}

// An ending is a context that ends, and its error.
type ending struct {
	ctx  context.Context
	want error
}

func endings(t *testing.T) []ending {
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	canceled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Second, cancel)
	return []ending{{deadline, context.DeadlineExceeded}, {canceled, context.Canceled}, {ended(), context.Canceled}}
}

func sendsWait(t *testing.T, s *zmq.Socket) {
	t.Helper()
	fails(t, s, s.TrySend([]byte("a")), "send", "", zmq.ErrAgain)
	for _, e := range endings(t) {
		err := s.Send(e.ctx, []byte("a"))
		fails(t, s, err, "send", "", e.want)
		if errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("Send: %v is a timeout of the socket's", err)
		}
	}
	if err := s.Set(zmq.WithSendTimeout(time.Second)); err != nil {
		t.Fatal(err)
	}
	m := zmq.MsgFromStrings("a")
	if fails(t, s, s.SendMsg(t.Context(), &m), "send", "", zmq.ErrTimeout); len(m.Frames) != 1 {
		t.Errorf("%s: SendMsg took the message", s.Type())
	}
	fails(t, s, s.TrySend([]byte("a")), "send", "", zmq.ErrAgain)
}

func receivesWait(t *testing.T, s *zmq.Socket) {
	t.Helper()
	_, err := s.TryRecv()
	fails(t, s, err, "recv", "", zmq.ErrAgain)
	for _, e := range endings(t) {
		_, err := s.Recv(e.ctx)
		fails(t, s, err, "recv", "", e.want)
		if errors.Is(err, zmq.ErrTimeout) {
			t.Errorf("Recv: %v is a timeout of the socket's", err)
		}
	}
	if err := s.Set(zmq.WithRecvTimeout(time.Second)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Recv(t.Context())
	fails(t, s, err, "recv", "", zmq.ErrTimeout)
	fails(t, s, s.RecvInto(t.Context(), &zmq.Msg{}), "recv", "", zmq.ErrTimeout)
	n := 0
	for _, err := range s.Msgs(t.Context()) {
		fails(t, s, err, "recv", "", zmq.ErrTimeout)
		if n++; n == 3 {
			break
		}
	}
}

// TestNoSuchPeer: a ROUTER that must route reports what it can't.
func TestNoSuchPeer(t *testing.T) {
	router, dealer := open(t, zmq.ROUTER, zmq.WithRouterMandatory(true)), open(t, zmq.DEALER, zmq.WithRoutingID("d"))
	connect(t, dealer, bind(t, router, "inproc://"+t.Name()))
	for _, id := range []string{"", "nobody", "dd"} {
		fails(t, router, router.TrySend([]byte(id), []byte("a")), "send", "", zmq.ErrNoPeer)
		fails(t, router, router.Send(soon(t), []byte(id), []byte("a")), "send", "", zmq.ErrNoPeer)
	}
	say(t, router, "d", "a")
	expectHeard(t, dealer, "a")
}
