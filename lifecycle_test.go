package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// inprocName is what the lifecycle tests bind on inproc.
const inprocName = "inproc://lifecycle"

// second is what can be bound beside bind.
func second(bind string) string {
	if bind == inprocName {
		return bind + "-2"
	}
	return bind // a free port, a new path
}

// partners are the types that the lifecycle tests join: each with one that
// talks to it.
var partners = map[zmq.Type]zmq.Type{
	zmq.PAIR: zmq.PAIR, zmq.PUB: zmq.SUB, zmq.SUB: zmq.PUB, zmq.REQ: zmq.REP, zmq.REP: zmq.REQ, zmq.DEALER: zmq.ROUTER,
	zmq.ROUTER: zmq.DEALER, zmq.PULL: zmq.PUSH, zmq.PUSH: zmq.PULL, zmq.XPUB: zmq.SUB, zmq.XSUB: zmq.PUB, zmq.STREAM: zmq.STREAM,
}

// eachTypeAndTransport runs a subtest for every socket type on tcp, ipc and
// inproc, with what to bind.
func eachTypeAndTransport(t *testing.T, test func(t *testing.T, typ zmq.Type, bind string)) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", inprocName} {
		for typ := zmq.PAIR; typ <= zmq.STREAM; typ++ {
			if typ == zmq.STREAM && bind == inprocName {
				continue // octets of no protocol need a connection
			}
			t.Run(fmt.Sprintf("%s/%.3s", typ, bind), func(t *testing.T) { test(t, typ, bind) })
		}
	}
}

// joiner makes the sockets of one subtest.
type joiner struct {
	t      *testing.T
	domain *zmq.Domain
}

func (j joiner) socket(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	j.t.Helper()
	s, err := zmq.New(typ, append(opts, zmq.WithDomain(j.domain), zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(0))...)
	if err == nil && (typ == zmq.SUB || typ == zmq.XSUB) {
		err = s.Subscribe("")
	}
	if err != nil {
		j.t.Fatal(err)
	}
	return s
}

// bound makes a socket that is bound, and says where.
func (j joiner) bound(typ zmq.Type, addr string, opts ...zmq.Option) (*zmq.Socket, string) {
	j.t.Helper()
	s := j.socket(typ, opts...)
	b, err := s.Bind(addr)
	if err != nil {
		j.t.Fatal(err)
	}
	return s, b.Endpoint()
}

// swap sends a message from one of two joined sockets to the other, and an
// answer back where the pattern has one.
func swap(ctx context.Context, a, b *zmq.Socket) error {
	switch a.Type() {
	case zmq.PULL, zmq.SUB, zmq.XSUB, zmq.REP, zmq.ROUTER:
		a, b = b, a
	}
	frames := [][]byte{[]byte("lifecycle")}
	switch a.Type() {
	case zmq.PUB, zmq.XPUB:
		if err := a.WaitSubscribers(ctx, "", 1); err != nil {
			return err
		}
	case zmq.STREAM: // hears of the connection first
		hello, err := a.Recv(ctx)
		if err != nil {
			return err
		}
		frames = [][]byte{hello.Frames[0], frames[0]}
	}
	if err := a.Send(ctx, frames...); err != nil {
		return err
	}
	m, err := b.Recv(ctx)
	for b.Type() == zmq.STREAM && err == nil && len(m.Frames[1]) == 0 {
		m, err = b.Recv(ctx) // a connection came or went
	}
	if err != nil {
		return err
	}
	if last := m.Frames[len(m.Frames)-1]; !bytes.Equal(last, []byte("lifecycle")) {
		return fmt.Errorf("%s received %s", b.Type(), m)
	}
	if a.Type() != zmq.REQ && a.Type() != zmq.DEALER {
		return nil
	}
	if err := b.Send(ctx, m.Frames...); err != nil {
		return err
	}
	_, err = a.Recv(ctx)
	return err
}

// TestConnectAndClose connects and closes at least 300 times for each type, 150
// over each transport it has: at once, after the handshake, and after a message.
func TestConnectAndClose(t *testing.T) {
	const cycles = 150
	leak.Check(t)
	eachTypeAndTransport(t, func(t *testing.T, typ zmq.Type, bind string) {
		j := joiner{t, zmq.NewDomain()}
		partner, endpoint := j.bound(partners[typ], bind)
		defer partner.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i := range cycles {
			var err error
			if i%3 == 2 {
				err = j.joinAndSwap(ctx, typ, second(bind))
			} else {
				err = j.joinOnly(ctx, typ, endpoint, i%3)
			}
			if err != nil {
				t.Fatalf("cycle %d: %v", i, err)
			}
		}
		waitAlone(ctx, t, partner)
	})
}

// joinOnly connects a socket, waits for so many peers and closes it.
func (j joiner) joinOnly(ctx context.Context, typ zmq.Type, endpoint string, peers int) error {
	s := j.socket(typ)
	err := s.Connect(endpoint)
	if err == nil {
		err = s.WaitReady(ctx, peers)
	}
	return errors.Join(err, s.Close())
}

// joinAndSwap has a partner of its own: one that still holds a connection of
// the cycle before might send its message there.
func (j joiner) joinAndSwap(ctx context.Context, typ zmq.Type, bind string) error {
	partner, endpoint := j.bound(partners[typ], bind)
	s := j.socket(typ)
	err := s.Connect(endpoint)
	if err == nil {
		err = swap(ctx, s, partner)
	}
	return errors.Join(err, s.Close(), partner.Close())
}

// waitAlone waits until a socket has noticed that its peers have gone.
func waitAlone(ctx context.Context, t *testing.T, s *zmq.Socket) {
	t.Helper()
	changed := make(chan struct{}, 1)
	s.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	for s.Peers() > 0 {
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s keeps %d peers that have gone", s.Type(), s.Peers())
		}
	}
}

// operation is something that goroutines do with a socket until it is closed.
type operation struct {
	name string
	do   func(ctx context.Context, s *zmq.Socket, peer, free string) error
}

// operations are the methods that Close must end, and those that it must not
// harm. peer is bound by a partner, and free by nobody.
var operations = []operation{
	{"Send", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		return s.Send(ctx, []byte("peer"), []byte("body"))
	}},
	{"SendMsg", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		m := zmq.NewMsg([]byte("peer"), make([]byte, 100_000))
		return s.SendMsg(ctx, &m)
	}},
	{"TrySend", func(_ context.Context, s *zmq.Socket, _, _ string) error {
		return s.TrySend([]byte("peer"), []byte("body"))
	}},
	{"Recv", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		_, err := s.Recv(ctx)
		return err
	}},
	{"RecvInto", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		var m zmq.Msg
		return s.RecvInto(ctx, &m)
	}},
	{"TryRecv", func(_ context.Context, s *zmq.Socket, _, _ string) error {
		_, err := s.TryRecv()
		return err
	}},
	{"Msgs", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		for _, err := range s.Msgs(ctx) {
			if err != nil {
				return err
			}
		}
		return zmq.ErrClosed // it stops without an error
	}},
	{"Connect", func(_ context.Context, s *zmq.Socket, peer, _ string) error {
		if err := s.Connect(peer); err != nil {
			return err
		}
		return s.Disconnect(peer)
	}},
	{"Bind", func(_ context.Context, s *zmq.Socket, _, free string) error {
		b, err := s.Bind(free)
		if err != nil {
			return err
		}
		return b.Close()
	}},
	{"WaitReady", func(ctx context.Context, s *zmq.Socket, _, _ string) error { return s.WaitReady(ctx, 1000) }},
	{"WaitSubscribers", func(ctx context.Context, s *zmq.Socket, _, _ string) error {
		return s.WaitSubscribers(ctx, "topic", 1000)
	}},
	{"Subscribe", func(_ context.Context, s *zmq.Socket, _, _ string) error {
		if err := s.Subscribe("topic"); err != nil {
			return err
		}
		return s.Unsubscribe("topic")
	}},
	{"Set", func(_ context.Context, s *zmq.Socket, _, _ string) error {
		return s.Set(zmq.WithSendHWM(1+rand.IntN(10)), zmq.WithRecvHWM(1+rand.IntN(10)))
	}},
}

// untilClosed does an operation until it says that the socket is closed, or
// that it is not for this type. Any error that has no place there is returned.
func (o operation) untilClosed(ctx context.Context, s *zmq.Socket, peer, free string) error {
	for {
		err := o.do(ctx, s, peer, free)
		switch {
		case errors.Is(err, zmq.ErrClosed), errors.Is(err, zmq.ErrNotSupported):
			return nil
		case err == nil, errors.Is(err, zmq.ErrState), errors.Is(err, zmq.ErrAgain), errors.Is(err, zmq.ErrNoPeer):
			runtime.Gosched()
		case o.name == "Bind" && errors.Is(err, syscall.EADDRINUSE):
			runtime.Gosched() // another goroutine has it just now
		case errors.Is(err, zmq.ErrNotFound) && (o.name == "Bind" || o.name == "Connect"):
			// Closed, or taken back, between its two calls.
		case errors.Is(err, zmq.ErrNotFound) && s.Type() == zmq.XPUB && o.name == "Subscribe":
			runtime.Gosched() // there is no request to answer
		default:
			return fmt.Errorf("%s %s: %w", s.Type(), o.name, err)
		}
	}
}

// TestCloseWhileEverythingRuns closes a socket while many goroutines do with
// it whatever there is to do, and a partner sends and receives.
func TestCloseWhileEverythingRuns(t *testing.T) {
	const rounds = 10
	leak.Check(t)
	eachTypeAndTransport(t, func(t *testing.T, typ zmq.Type, bind string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for range rounds {
			closeUnderLoad(ctx, joiner{t, zmq.NewDomain()}, typ, bind)
		}
	})
}

func closeUnderLoad(ctx context.Context, j joiner, typ zmq.Type, bind string) {
	opts := []zmq.Option{zmq.WithLinger(time.Duration(rand.IntN(2)) * 10 * time.Millisecond), zmq.WithSendHWM(5), zmq.WithRecvHWM(5)}
	partner, peer := j.bound(partners[typ], bind, opts...)
	s := j.socket(typ, opts...)
	free := second(bind)
	failed := make(chan error, 2*len(operations)+3)
	var running sync.WaitGroup
	loop := func(o operation, s *zmq.Socket) {
		running.Go(func() { failed <- o.untilClosed(ctx, s, peer, free) })
	}
	if err := s.Connect(peer); err != nil {
		j.t.Fatal(err)
	}
	for _, o := range operations {
		loop(o, s)
		if o.name == "Send" || o.name == "Recv" || o.name == "Connect" {
			loop(o, s)
		}
		if o.name == "Send" || o.name == "Recv" {
			loop(o, partner)
		}
	}
	for range rand.IntN(200) {
		runtime.Gosched()
	}
	var closed sync.WaitGroup
	for _, c := range []*zmq.Socket{s, s, partner} {
		closed.Go(func() { failed <- c.Close() })
	}
	closed.Wait()
	running.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			j.t.Error(err)
		}
	}
}

// TestCloseWakesWhoWaits closes a socket when a call on it waits and nothing
// else in the process could wake it.
func TestCloseWakesWhoWaits(t *testing.T) {
	waits := map[string][]zmq.Type{
		"Send":            {zmq.PAIR, zmq.REQ, zmq.DEALER, zmq.PUSH},
		"SendMsg":         {zmq.PAIR, zmq.REQ, zmq.DEALER, zmq.PUSH},
		"Recv":            {zmq.PAIR, zmq.SUB, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.XPUB, zmq.XSUB, zmq.STREAM},
		"RecvInto":        {zmq.PAIR, zmq.SUB, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.XPUB, zmq.XSUB, zmq.STREAM},
		"Msgs":            {zmq.PAIR, zmq.SUB, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.XPUB, zmq.XSUB, zmq.STREAM},
		"WaitReady":       {zmq.PAIR, zmq.PUB, zmq.SUB, zmq.REQ, zmq.REP, zmq.DEALER, zmq.ROUTER, zmq.PULL, zmq.PUSH, zmq.XPUB, zmq.XSUB, zmq.STREAM},
		"WaitSubscribers": {zmq.PUB, zmq.XPUB},
	}
	for _, o := range operations {
		for _, typ := range waits[o.name] {
			t.Run(fmt.Sprintf("%s/%s", typ, o.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					leak.Check(t)
					s := joiner{t, zmq.NewDomain()}.socket(typ)
					ended := make(chan error, 1)
					go func() { ended <- o.do(t.Context(), s, "", "") }()
					synctest.Wait()
					select {
					case err := <-ended:
						t.Fatalf("did not wait: %v", err)
					default:
					}
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					if err := <-ended; !errors.Is(err, zmq.ErrClosed) {
						t.Errorf("after Close: %v, want ErrClosed", err)
					}
				})
			})
		}
	}
}
