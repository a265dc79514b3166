package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// ear opens a PAIR that hears a monitor at an endpoint, and monitors s.
func (r *relay) ear(s *zmq.Socket, mask zmq.EventKind, version int) *zmq.Socket {
	r.Helper()
	const endpoint = "inproc://monitor"
	if err := s.Monitor(endpoint, mask, version); err != nil {
		r.Fatal(err)
	}
	pair := r.open(zmq.PAIR)
	connect(r, pair, endpoint)
	return pair
}

// A note is an event as a monitor tells of it.
type note struct {
	kind          zmq.EventKind
	values        []uint64
	local, remote string
}

// v1 reads a message of version 1.
func v1(t testing.TB, s *zmq.Socket) (kind zmq.EventKind, value uint32, endpoint string) {
	t.Helper()
	m := hear(t, s)
	if len(m) != 2 || len(m[0]) != 6 {
		t.Fatalf("the message is %q", m)
	}
	first := []byte(m[0])
	return zmq.EventKind(binary.NativeEndian.Uint16(first)), binary.NativeEndian.Uint32(first[2:]), m[1]
}

// v2 reads a message of version 2.
func v2(t testing.TB, s *zmq.Socket) (n note) {
	t.Helper()
	m := hear(t, s)
	number := func(i int) uint64 {
		if i >= len(m) || len(m[i]) != 8 {
			t.Fatalf("frame %d of %q is no number", i, m)
		}
		return binary.NativeEndian.Uint64([]byte(m[i]))
	}
	n.kind = zmq.EventKind(number(0))
	for i := range int(number(1)) {
		n.values = append(n.values, number(2+i))
	}
	if len(m) != 4+len(n.values) {
		t.Fatalf("the message has %d frames: %q", len(m), m)
	}
	n.local, n.remote = m[len(m)-2], m[len(m)-1]
	return n
}

// TestMonitorV1: two frames for each event, and MONITOR_STOPPED last.
func TestMonitorV1(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	ear := r.ear(pull, zmq.EventsAll, 1)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	if _, err := r.open(zmq.PULL).Bind(endpoint); err == nil {
		t.Fatal("bound twice")
	}
	if kind, value, at := v1(t, ear); kind != zmq.EventListening || value == 0 || at != endpoint {
		t.Errorf("the first event is %s, %d, %s", kind, value, at)
	}
	push := r.open(zmq.PUSH)
	connect(t, push, endpoint)
	for _, want := range []zmq.EventKind{zmq.EventAccepted, zmq.EventHandshakeSucceeded} {
		if kind, _, at := v1(t, ear); kind != want || at != endpoint {
			t.Errorf("the event is %s at %s, want %s", kind, at, want)
		}
	}
	push.Close()
	if kind, _, at := v1(t, ear); kind != zmq.EventDisconnected || at != endpoint {
		t.Errorf("the event is %s at %s", kind, at)
	}
	pull.Close()
	if kind, _, at := v1(t, ear); kind != zmq.EventClosed || at != endpoint {
		t.Errorf("the event is %s at %s", kind, at)
	}
	if kind, value, at := v1(t, ear); kind != zmq.EventMonitorStopped || value != 0 || at != "" {
		t.Errorf("the last event is %s, %d, %q", kind, value, at)
	}
	expectNone(t, ear)
}

// TestMonitorV2: values and both ends have frames of their own.
func TestMonitorV2(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	push := r.open(zmq.PUSH)
	ear := r.ear(push, zmq.EventsAll|zmq.EventPipesStats, 2)
	connect(t, push, endpoint)
	if n := v2(t, ear); n.kind != zmq.EventConnectDelayed || !slices.Equal(n.values, []uint64{0}) || n.local != "" || n.remote != endpoint {
		t.Errorf("the first event is %+v", n)
	}
	connected := v2(t, ear)
	if connected.kind != zmq.EventConnected || connected.values[0] == 0 || connected.remote != endpoint ||
		!strings.HasPrefix(connected.local, "tcp://127.0.0.1:") {
		t.Errorf("the second event is %+v", connected)
	}
	if n := v2(t, ear); n.kind != zmq.EventHandshakeSucceeded || n.local != connected.local || n.remote != endpoint {
		t.Errorf("the third event is %+v", n)
	}
	push.MonitorPipes()
	if n := v2(t, ear); n.kind != zmq.EventPipesStats || !slices.Equal(n.values, []uint64{0, 0}) || n.remote != endpoint {
		t.Errorf("the statistics are %+v", n)
	}
	if _, err := push.Bind(endpoint); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatal(err)
	}
	want := note{zmq.EventBindFailed, []uint64{uint64(syscall.EADDRINUSE)}, endpoint, ""}
	if n := v2(t, ear); fmt.Sprint(n) != fmt.Sprint(want) {
		t.Errorf("the failed bind is %+v, want %+v", n, want)
	}
}

// TestMonitorOfAnEnd: what the socket itself ends is told by MONITOR_STOPPED alone, though
// the peer does not let go.
func TestMonitorOfAnEnd(t *testing.T) {
	r := newRelay(t)
	dealer := r.open(zmq.DEALER)
	ear := r.ear(dealer, zmq.EventDisconnected|zmq.EventMonitorStopped, 2)
	bind(t, dealer, "tcp://127.0.0.1:*")
	p := dialWire(t, dealer)
	p.handshake("DEALER")
	awaitPeers(t, dealer, 1)
	say(t, dealer, "x")
	p.expectMsg("x")
	dealer.Close()
	if n := v2(t, ear); n.kind != zmq.EventMonitorStopped {
		t.Errorf("the event is %+v", n)
	}
}

// TestMonitorPipesCounts: what is to be sent comes first, then what is to be received.
func TestMonitorPipesCounts(t *testing.T) {
	r := newRelay(t)
	s := r.open(zmq.DEALER)
	peer := r.meets(s, zmq.DEALER)
	ear := r.ear(s, zmq.EventPipesStats, 2)
	for range 3 {
		say(t, s, "out")
	}
	say(t, peer, "in")
	s.MonitorPipes()
	if n := v2(t, ear); !slices.Equal(n.values, []uint64{3, 1}) {
		t.Errorf("the statistics are %+v", n)
	}
}

// TestMonitorMask: it tells what it was asked for; without MONITOR_STOPPED it
// just falls silent.
func TestMonitorMask(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	ear := r.ear(pull, zmq.EventClosed, 1)
	bind(t, pull, "tcp://127.0.0.1:*")
	pull.Close()
	if kind, _, _ := v1(t, ear); kind != zmq.EventClosed {
		t.Errorf("the event is %s", kind)
	}
	expectNone(t, ear)
}

// TestMonitorStops: by an empty endpoint, or by another monitor, which may be
// at the same endpoint; each says that it has stopped.
func TestMonitorStops(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	first := r.ear(pull, zmq.EventsAll, 1)
	second := r.ear(pull, zmq.EventsAll, 2)
	if kind, _, _ := v1(t, first); kind != zmq.EventMonitorStopped {
		t.Errorf("the first monitor says %s", kind)
	}
	bind(t, pull, "tcp://127.0.0.1:*")
	if n := v2(t, second); n.kind != zmq.EventListening {
		t.Errorf("the second monitor says %+v", n)
	}
	for range 2 { // there may be none
		if err := pull.Monitor("", 0, 1); err != nil {
			t.Error(err)
		}
	}
	if n := v2(t, second); n.kind != zmq.EventMonitorStopped {
		t.Errorf("the second monitor says %+v", n)
	}
	bind(t, pull, "tcp://127.0.0.1:*")
	expectNone(t, first)
	expectNone(t, second)
	bind(t, r.open(zmq.PAIR), "inproc://monitor") // the name is free
}

// TestMonitorOfNobody: a receiver that comes late hears what was before; one
// that never comes holds nobody up.
func TestMonitorOfNobody(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	if err := pull.Monitor("inproc://monitor", zmq.EventsAll, 1); err != nil {
		t.Fatal(err)
	}
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	ear := r.open(zmq.PAIR)
	connect(t, ear, "inproc://monitor")
	if kind, _, at := v1(t, ear); kind != zmq.EventListening || at != endpoint {
		t.Errorf("the first event is %s at %s", kind, at)
	}
	other := r.open(zmq.PULL)
	if err := other.Monitor("inproc://other", zmq.EventsAll, 2); err != nil {
		t.Fatal(err)
	}
	bind(t, other, "tcp://127.0.0.1:*")
	other.Close()
}

// TestMonitorLost: what a slow receiver has no room for is counted, and the
// last event still comes.
func TestMonitorLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		s := r.open(zmq.PAIR)
		r.meets(s, zmq.PAIR)
		ear := r.ear(s, zmq.EventPipesStats|zmq.EventsLost|zmq.EventMonitorStopped, 2)
		events := func(n int) {
			for range n {
				s.MonitorPipes()
				synctest.Wait()
			}
		}
		hears := func(n int) {
			t.Helper()
			for range n {
				if e := v2(t, ear); e.kind != zmq.EventPipesStats {
					t.Fatalf("the event is %+v", e)
				}
			}
		}
		lost := func(n uint64) {
			t.Helper()
			if e := v2(t, ear); e.kind != zmq.EventsLost || e.values[0] != n {
				t.Fatalf("the event is %+v, want %d lost", e, n)
			}
		}
		events(1700)
		hears(1000)
		expectNone(t, ear)
		events(1)
		lost(700)
		hears(1)
		expectNone(t, ear)
		events(1300)
		s.Close()
		hears(1000)
		lost(300)
		if e := v2(t, ear); e.kind != zmq.EventMonitorStopped {
			t.Errorf("the last event is %+v", e)
		}
		expectNone(t, ear)
	})
}

// TestMonitorRefuses: what is no monitor, and an endpoint that is taken.
func TestMonitorRefuses(t *testing.T) {
	r := newRelay(t)
	bind(t, r.open(zmq.PAIR), "inproc://taken")
	pull, closed := r.open(zmq.PULL), r.open(zmq.PULL)
	closed.Close()
	bad := zmq.NewPull(zmq.WithRecvHWM(-1))
	defer bad.Close()
	for name, c := range map[string]struct {
		s        *zmq.Socket
		endpoint string
		mask     zmq.EventKind
		version  int
		want     error
	}{
		"tcp":             {pull, "tcp://127.0.0.1:*", zmq.EventsAll, 1, zmq.ErrInvalid},
		"nonsense":        {pull, "monitor", zmq.EventsAll, 1, zmq.ErrInvalid},
		"no name":         {pull, "inproc://", zmq.EventsAll, 1, zmq.ErrInvalid},
		"taken":           {pull, "inproc://taken", zmq.EventsAll, 1, syscall.EADDRINUSE},
		"version 0":       {pull, "inproc://m", zmq.EventsAll, 0, zmq.ErrInvalid},
		"version 3":       {pull, "inproc://m", zmq.EventsAll, 3, zmq.ErrInvalid},
		"v1 of pipes":     {pull, "inproc://m", zmq.EventPipesStats, 1, zmq.ErrInvalid},
		"a closed socket": {closed, "inproc://m", zmq.EventsAll, 1, zmq.ErrClosed},
		"a bad socket":    {bad, "inproc://m", zmq.EventsAll, 1, zmq.ErrInvalid},
	} {
		var failed *zmq.OpError
		if err := c.s.Monitor(c.endpoint, c.mask, c.version); !errors.Is(err, c.want) || !errors.As(err, &failed) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestMonitorAndDomainShutdown: all that is there ends, in whatever order.
func TestMonitorAndDomainShutdown(t *testing.T) {
	for range 20 {
		r := newRelay(t)
		pull := r.open(zmq.PULL)
		r.ear(pull, zmq.EventsAll, 1)
		bind(t, pull, "tcp://127.0.0.1:*")
		go pull.Monitor("inproc://other", zmq.EventsAll, 2)
		if err := r.domain.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}
}
