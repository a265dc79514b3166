// Package zmqtest gives tests connected sockets and faulty links in memory.
//
// [Pair] makes two sockets that are connected already. [NewLink] makes a network
// of one wire, which a test delays, freezes and cuts; sockets reach for each other
// over it by zmq.WithDialer and zmq.Socket.ServeListener.
//
// Nothing here leaves the process, and time is that of package time alone, so
// all of it works inside of testing/synctest, where minutes of heartbeats and
// back-off pass at once. Sockets of a test that runs there must be made there.
//
// A test that calls Pair or NewLink is checked for leaks: it fails if goroutines
// that were started from then on, by the goroutine that made the call or by
// those that descend from it, still run some seconds after its cleanups. Tests
// that run in parallel are told apart. The check goes by labels of runtime/pprof and
// sets those of the calling goroutine.
package zmqtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// patience bounds what takes no time unless it is broken.
const patience = 10 * time.Second

// Pair returns two connected sockets. They speak ZMTP over a connection in
// memory, as over tcp: with a handshake, heartbeats and identities. x is on the
// connecting side. A SUB or XSUB has subscribed to nothing yet; after Subscribe,
// [zmq.Socket.WaitSubscribers] of its publisher says when it counts.
//
// Options go to both sockets, or to the one whose type knows them. A pair that is
// not legal and an option that fits neither end the test. The sockets are closed
// when the test ends, without linger, and the connection is not made again when
// it is lost.
func Pair(t testing.TB, a, b zmq.Type, opts ...zmq.Option) (x, y *zmq.Socket) {
	t.Helper()
	checkLeaks(t)
	forX, forY := fitting(t, a, opts), fitting(t, b, opts)
	for i, opt := range opts {
		if !forX[i] && !forY[i] {
			_, err := zmq.New(a, opt)
			t.Fatalf("zmqtest: an option fits neither %v nor %v: %v", a, b, err)
		}
	}
	x, y = newSocket(t, a, opts, forX), newSocket(t, b, opts, forY)
	near, far := newLink().connect()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	accepted := make(chan error, 1)
	go accept(ctx, y, far, accepted)
	err := x.Attach(ctx, near, zmq.Connected)
	if err = errors.Join(err, <-accepted); err != nil {
		t.Fatalf("zmqtest: no pair of %v and %v: %v", a, b, err)
	}
	return x, y
}

func accept(ctx context.Context, s *zmq.Socket, c *end, result chan<- error) {
	result <- s.Attach(ctx, c, zmq.Accepted)
}

// fitting says which options a type of socket knows, by giving them to one.
func fitting(t testing.TB, typ zmq.Type, opts []zmq.Option) []bool {
	t.Helper()
	fits := make([]bool, len(opts))
	s := newSocket(t, typ, nil, nil)
	defer closeNow(s)
	for i, opt := range opts {
		fits[i] = !errors.Is(s.Set(opt), zmq.ErrNotSupported)
	}
	return fits
}

// newSocket makes a socket that lives as long as the test.
func newSocket(t testing.TB, typ zmq.Type, opts []zmq.Option, fits []bool) *zmq.Socket {
	t.Helper()
	var own []zmq.Option
	for i, opt := range opts {
		if fits[i] {
			own = append(own, opt)
		}
	}
	s, err := zmq.New(typ, own...)
	if err != nil {
		t.Fatal("zmqtest:", err)
	}
	t.Cleanup(func() { closeNow(s) })
	return s
}

// closeNow closes a socket and drops what it has not sent.
func closeNow(s *zmq.Socket) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(ctx) // it tells that messages were dropped, or that the test has closed it
}
