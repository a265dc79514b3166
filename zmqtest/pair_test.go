package zmqtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

func ExamplePair() {
	_ = func(t *testing.T) { // a test
		push, pull := zmqtest.Pair(t, zmq.PUSH, zmq.PULL)
		if err := push.Send(t.Context(), []byte("job")); err != nil {
			t.Fatal(err)
		}
		msg, err := pull.Recv(t.Context())
		if err != nil || msg.String() != `["job"]` {
			t.Error(msg, err)
		}
	}
}

// legal are the pairs of RFC 37 "The Socket-Type Property".
var legal = [][2]zmq.Type{
	{zmq.REQ, zmq.REP}, {zmq.REQ, zmq.ROUTER}, {zmq.DEALER, zmq.REP}, {zmq.DEALER, zmq.DEALER},
	{zmq.DEALER, zmq.ROUTER}, {zmq.ROUTER, zmq.ROUTER}, {zmq.PUB, zmq.SUB}, {zmq.PUB, zmq.XSUB},
	{zmq.XPUB, zmq.SUB}, {zmq.XPUB, zmq.XSUB}, {zmq.PUSH, zmq.PULL}, {zmq.PAIR, zmq.PAIR},
}

func TestPairs(t *testing.T) {
	for _, types := range legal {
		for _, types := range [][2]zmq.Type{types, {types[1], types[0]}} {
			t.Run(fmt.Sprint(types[0], " ", types[1]), func(t *testing.T) {
				t.Parallel()
				x, y := newPair(t, types)
				exchange(t, x, y)
			})
		}
	}
}

// newPair makes a pair; two ROUTERs know each other by name.
func newPair(t testing.TB, types [2]zmq.Type) (x, y *zmq.Socket) {
	if types != [2]zmq.Type{zmq.ROUTER, zmq.ROUTER} {
		return zmqtest.Pair(t, types[0], types[1])
	}
	link := zmqtest.NewLink(t)
	x = newSocket(t, zmq.ROUTER, zmq.WithDialer(link.Dialer()), zmq.WithRoutingID("x"), zmq.WithRouterMandatory(true))
	y = newSocket(t, zmq.ROUTER, zmq.WithRoutingID("y"), zmq.WithRouterMandatory(true))
	join(t, link, x, y)
	return x, y
}

func TestPairsInSynctest(t *testing.T) {
	for _, types := range legal {
		t.Run(fmt.Sprint(types[0], " ", types[1]), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, y := newPair(t, types)
				exchange(t, x, y)
			})
		})
	}
}

func TestPairOfRouters(t *testing.T) {
	x, y := zmqtest.Pair(t, zmq.ROUTER, zmq.ROUTER, zmq.WithRouterMandatory(true))
	if x.Peers() != 1 || y.Peers() != 1 {
		t.Error(x.Peers(), y.Peers())
	}
}

func TestPairOptions(t *testing.T) {
	x, y := zmqtest.Pair(t, zmq.DEALER, zmq.ROUTER, zmq.WithRoutingID("both"), zmq.WithRouterMandatory(true), zmq.WithSendHWM(7))
	for _, s := range []*zmq.Socket{x, y} {
		if got, err := s.Option("sndhwm"); got != "7" || err != nil {
			t.Error(s.Type(), got, err)
		}
	}
	if got, err := y.Option("router_mandatory"); got != "1" || err != nil {
		t.Error(got, err)
	}
	send(t, x, "a")
	expect(t, y, "both", "a")
}

// TestPairPeer: the connection is one of ZMTP.
func TestPairPeer(t *testing.T) {
	x, y := zmqtest.Pair(t, zmq.PUSH, zmq.PULL, zmq.WithMetadata("X-Name", "a"))
	send(t, x, "a")
	msg, err := y.Recv(within(t))
	if err != nil {
		t.Fatal(err)
	}
	p := msg.Peer()
	if p.Version() != "3.1" || p.Type() != "PUSH" || p.Property("X-Name") != "a" || p.Address() != "link://dialer-1" || p.Endpoint() != "link://listener" {
		t.Error(p.Version(), p.Type(), p.Property("X-Name"), p.Address(), p.Endpoint())
	}
}

func TestPairRefusals(t *testing.T) {
	tests := []struct {
		name string
		a, b zmq.Type
		opts []zmq.Option
		want string
	}{
		{"not legal", zmq.REQ, zmq.PUB, nil, "no pair of REQ and PUB"},
		{"no option of these", zmq.PUSH, zmq.PULL, []zmq.Option{zmq.WithSendHWM(1), zmq.WithRouterMandatory(true)}, "an option fits neither PUSH nor PULL"},
		{"a bad value", zmq.PUSH, zmq.PULL, []zmq.Option{zmq.WithSendHWM(-1)}, "sndhwm"},
		{"no such type", zmq.Type(99), zmq.PULL, nil, "99"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, func(t testing.TB) {
				x, y := zmqtest.Pair(t, tt.a, tt.b, tt.opts...)
				t.Errorf("made %v and %v", x.Type(), y.Type())
			})
			if !strings.Contains(got, tt.want) {
				t.Errorf("it said %q, want %q", got, tt.want)
			}
		})
	}
}

// TestPairIsClosed: at the end of the test, and without linger.
func TestPairIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var x, y *zmq.Socket
		if got := run(t, func(t testing.TB) {
			x, y = zmqtest.Pair(t, zmq.PULL, zmq.PUSH, zmq.WithLinger(-1), zmq.WithRecvHWM(1), zmq.WithSendHWM(1))
			for y.TrySend(make([]byte, 1<<20)) == nil {
				synctest.Wait()
			}
		}); got != "" {
			t.Error(got)
		}
		for _, s := range []*zmq.Socket{x, y} {
			if _, err := s.Bind("inproc://late"); err == nil {
				t.Errorf("%v is not closed", s.Type())
			}
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestPairClosedByTheTest(t *testing.T) {
	x, y := zmqtest.Pair(t, zmq.PAIR, zmq.PAIR)
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	y.CloseAsync()
}
