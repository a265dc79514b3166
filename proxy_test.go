package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// A relay is a proxy under test with the sockets around it, all of one domain.
type relay struct {
	testing.TB
	domain *zmq.Domain
	done   chan error
}

func newRelay(t testing.TB) *relay {
	return &relay{TB: t, domain: zmq.NewDomain(), done: make(chan error, 1)}
}

func (r *relay) open(typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	r.Helper()
	return open(r, typ, append(opts, zmq.WithDomain(r.domain))...)
}

// meets opens a socket that is connected to another one of the relay.
func (r *relay) meets(s *zmq.Socket, typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	r.Helper()
	endpoint, err := s.Option("last_endpoint")
	if err != nil {
		r.Fatal(err)
	}
	if endpoint == "" {
		endpoint = bind(r, s, fmt.Sprintf("inproc://%p", s))
	}
	peer := r.open(typ, opts...)
	connect(r, peer, endpoint)
	return peer
}

// start begins to proxy. It ends with the test.
func (r *relay) start(front, back *zmq.Socket, opts ...zmq.ProxyOption) {
	r.startIn(r.Context(), front, back, opts...)
}

func (r *relay) startIn(ctx context.Context, front, back *zmq.Socket, opts ...zmq.ProxyOption) {
	go func() { r.done <- zmq.Proxy(ctx, front, back, opts...) }()
}

// ends wants the proxy to return an error.
func (r *relay) ends(want error) {
	r.Helper()
	select {
	case err := <-r.done:
		if !errors.Is(err, want) {
			r.Errorf("the proxy returned %v, want %v", err, want)
		}
	case <-time.After(patience):
		r.Fatal("the proxy does not end")
	}
}

// tells steers the proxy by a REQ, and returns the answer.
func (r *relay) tells(ctl *zmq.Socket, command string) []string {
	r.Helper()
	say(r, ctl, command)
	return hear(r, ctl)
}

// counters are what STATISTICS says.
func (r *relay) counters(ctl *zmq.Socket) (c [8]uint64) {
	r.Helper()
	answer := r.tells(ctl, "STATISTICS")
	if len(answer) != len(c) {
		r.Fatalf("STATISTICS has %d frames: %q", len(answer), answer)
	}
	for i, frame := range answer {
		if len(frame) != 8 {
			r.Fatalf("counter %d is %q", i, frame)
		}
		c[i] = binary.NativeEndian.Uint64([]byte(frame))
	}
	return c
}

// TestProxyPairs: messages pass between every two socket types that go
// together, whichever is called the front.
func TestProxyPairs(t *testing.T) {
	for _, c := range []struct {
		front, back zmq.Type
		from, to    zmq.Type // who speaks at the front, who listens at the back
		both        bool     // and answers
	}{
		{zmq.ROUTER, zmq.DEALER, zmq.REQ, zmq.REP, true},
		{zmq.ROUTER, zmq.DEALER, zmq.DEALER, zmq.DEALER, false},
		{zmq.PULL, zmq.PUSH, zmq.PUSH, zmq.PULL, false},
		{zmq.XSUB, zmq.XPUB, zmq.PUB, zmq.SUB, false},
		{zmq.SUB, zmq.PUB, zmq.XPUB, zmq.XSUB, false},
		{zmq.REP, zmq.REQ, zmq.REQ, zmq.REP, true},
		{zmq.PAIR, zmq.PAIR, zmq.PAIR, zmq.PAIR, true},
		{zmq.DEALER, zmq.PAIR, zmq.DEALER, zmq.PAIR, true},
		{zmq.PULL, zmq.PUB, zmq.PUSH, zmq.SUB, false},
	} {
		for _, swapped := range []bool{false, true} {
			t.Run(fmt.Sprint(c.front, " ", c.back, " ", swapped), func(t *testing.T) {
				r := newRelay(t)
				front, back := r.open(c.front), r.open(c.back)
				from, to := r.meets(front, c.from), r.meets(back, c.to)
				ctx, cancel := context.WithCancel(t.Context())
				if swapped {
					r.startIn(ctx, back, front)
				} else {
					r.startIn(ctx, front, back)
				}
				r.subscribe(front, from, to)
				for i := range 3 {
					say(t, from, "a", fmt.Sprint(i))
					got := hear(t, to)
					if len(got) < 2 || got[len(got)-1] != fmt.Sprint(i) || got[len(got)-2] != "a" {
						t.Fatalf("received %q", got)
					}
					if c.both {
						say(t, to, "b", fmt.Sprint(i))
						expectHeard(t, from, "b", fmt.Sprint(i))
					}
				}
				cancel()
				r.ends(context.Canceled)
			})
		}
	}
}

// subscribe lets what takes subscriptions pass everything.
func (r *relay) subscribe(front, from, to *zmq.Socket) {
	r.Helper()
	if front.Type() == zmq.SUB {
		if err := front.Subscribe(""); err != nil {
			r.Fatal(err)
		}
	}
	if to.Type() == zmq.SUB || to.Type() == zmq.XSUB {
		if err := to.Subscribe("a"); err != nil {
			r.Fatal(err)
		}
	}
	if from.Type() == zmq.PUB || from.Type() == zmq.XPUB {
		awaitSubscribers(r, from, "a", 1)
	}
}

// TestProxyRefuses: sockets between which nothing could pass.
func TestProxyRefuses(t *testing.T) {
	r := newRelay(t)
	s := map[zmq.Type]*zmq.Socket{}
	for _, typ := range []zmq.Type{zmq.PULL, zmq.PUSH, zmq.PUB, zmq.SUB, zmq.PAIR} {
		s[typ] = r.open(typ)
	}
	for name, do := range map[string]func() error{
		"two receivers":        func() error { return zmq.Proxy(t.Context(), s[zmq.PULL], s[zmq.SUB]) },
		"two senders":          func() error { return zmq.Proxy(t.Context(), s[zmq.PUSH], s[zmq.PUB]) },
		"a receiver twice":     func() error { return zmq.Proxy(t.Context(), s[zmq.PULL], s[zmq.PULL]) },
		"a sender twice":       func() error { return zmq.Proxy(t.Context(), s[zmq.PUSH], s[zmq.PUSH]) },
		"capture that is deaf": func() error { return zmq.Proxy(t.Context(), s[zmq.PULL], s[zmq.PUSH], zmq.ProxyCapture(s[zmq.SUB])) },
		"control that is mute": func() error { return zmq.Proxy(t.Context(), s[zmq.PULL], s[zmq.PUSH], zmq.ProxyControl(s[zmq.PUB])) },
	} {
		var failed *zmq.OpError
		if err := do(); !errors.Is(err, zmq.ErrNotSupported) || !errors.As(err, &failed) || failed.Op != "proxy" {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := zmq.NewPull(zmq.WithRecvHWM(-1))
	defer bad.Close()
	if err := zmq.Proxy(t.Context(), bad, s[zmq.PUSH]); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a bad socket: %v", err)
	}
}

// TestProxyOneSocketTwice: it sends back what it receives.
func TestProxyOneSocketTwice(t *testing.T) {
	for typ, peer := range map[zmq.Type]zmq.Type{
		zmq.ROUTER: zmq.DEALER, zmq.DEALER: zmq.DEALER, zmq.PAIR: zmq.PAIR, zmq.REP: zmq.REQ,
	} {
		t.Run(typ.String(), func(t *testing.T) {
			r := newRelay(t)
			s := r.open(typ)
			far := r.meets(s, peer)
			r.start(s, s)
			for i := range 10 {
				say(t, far, "echo", fmt.Sprint(i))
				expectHeard(t, far, "echo", fmt.Sprint(i))
			}
			s.Close()
			r.ends(zmq.ErrClosed)
		})
	}
}

// TestProxyCapture: the capture sees what passes, both ways, in order.
func TestProxyCapture(t *testing.T) {
	for capture, tap := range map[zmq.Type]zmq.Type{
		zmq.PUSH: zmq.PULL, zmq.PUB: zmq.SUB, zmq.PAIR: zmq.PAIR, zmq.DEALER: zmq.DEALER,
	} {
		t.Run(capture.String(), func(t *testing.T) {
			r := newRelay(t)
			front, back, copies := r.open(zmq.PAIR), r.open(zmq.PAIR), r.open(capture)
			from, to, ear := r.meets(front, zmq.PAIR), r.meets(back, zmq.PAIR), r.meets(copies, tap)
			if tap == zmq.SUB {
				if err := ear.Subscribe(""); err != nil {
					t.Fatal(err)
				}
			}
			r.start(front, back, zmq.ProxyCapture(copies))
			for i := range 5 {
				say(t, from, "ask", fmt.Sprint(i))
				expectHeard(t, to, "ask", fmt.Sprint(i))
				expectHeard(t, ear, "ask", fmt.Sprint(i))
				say(t, to, "answer")
				expectHeard(t, from, "answer")
				expectHeard(t, ear, "answer")
			}
		})
	}
}

// TestProxyControl: what each command does and answers, and libzmq's eight counters.
func TestProxyControl(t *testing.T) {
	r := newRelay(t)
	front, back, control := r.open(zmq.PAIR), r.open(zmq.PAIR), r.open(zmq.REP)
	from, to, ctl := r.meets(front, zmq.PAIR), r.meets(back, zmq.PAIR), r.meets(control, zmq.REQ)
	r.start(front, back, zmq.ProxyControl(control))
	if got := r.counters(ctl); got != [8]uint64{} {
		t.Errorf("at first the counters are %d", got)
	}
	for range 7 {
		say(t, from, "abc", "de")
		expectHeard(t, to, "abc", "de")
	}
	for range 2 {
		say(t, to, "x")
		expectHeard(t, from, "x")
	}
	for _, command := range []string{"PAUSE", "PAUSE", "nonsense", "", "RESUME", "RESUME"} {
		if got := r.tells(ctl, command); len(got) != 1 || got[0] != "" {
			t.Errorf("%q is answered by %q", command, got)
		}
	}
	// Messages and octets received and sent at the front, then at the back.
	if got, want := r.counters(ctl), [8]uint64{7, 35, 2, 2, 2, 2, 7, 35}; got != want {
		t.Errorf("the counters are %d, want %d", got, want)
	}
	if got := r.tells(ctl, "TERMINATE"); len(got) != 1 || got[0] != "" {
		t.Errorf("TERMINATE is answered by %q", got)
	}
	r.ends(nil)
	say(t, from, "later")
	expectHeard(t, front, "later") // the sockets are open
}

// TestProxyControlTypes: a PAIR is answered STATISTICS alone, a PULL and a SUB nothing.
func TestProxyControlTypes(t *testing.T) {
	for control, steering := range map[zmq.Type]zmq.Type{zmq.PAIR: zmq.PAIR, zmq.PULL: zmq.PUSH, zmq.SUB: zmq.PUB} {
		t.Run(control.String(), func(t *testing.T) {
			r := newRelay(t)
			s := r.open(control)
			ctl := r.meets(s, steering)
			if control == zmq.SUB {
				if err := s.Subscribe(""); err != nil {
					t.Fatal(err)
				}
			}
			r.start(r.open(zmq.PULL), r.open(zmq.PUSH), zmq.ProxyControl(s))
			for _, command := range []string{"PAUSE", "STATISTICS", "RESUME"} {
				say(t, ctl, command)
			}
			if control == zmq.PAIR {
				if got := hear(t, ctl); len(got) != 8 {
					t.Errorf("the first answer is %q", got)
				}
			}
			say(t, ctl, "TERMINATE")
			r.ends(nil)
			if control == zmq.PAIR {
				expectNone(t, ctl)
			}
		})
	}
}

// TestProxyPaused: when PAUSE is answered nothing passes any more, not even a
// message that the proxy could not get rid of before; nothing is lost by it,
// and nothing captured twice.
func TestProxyPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		front, back, control := r.open(zmq.PULL), r.open(zmq.PUSH), r.open(zmq.REP)
		from, ctl := r.meets(front, zmq.PUSH), r.meets(control, zmq.REQ)
		capture := r.open(zmq.PUSH)
		ear := r.meets(capture, zmq.PULL)
		r.start(front, back, zmq.ProxyControl(control), zmq.ProxyCapture(capture))
		say(t, from, "0") // which nobody takes yet
		synctest.Wait()
		r.tells(ctl, "PAUSE")
		to := r.meets(back, zmq.PULL)
		say(t, from, "1")
		synctest.Wait()
		expectNone(t, to)
		if got, want := r.counters(ctl), [8]uint64{1, 1, 0, 0, 0, 0, 0, 0}; got != want {
			t.Errorf("while it is paused the counters are %d, want %d", got, want)
		}
		r.tells(ctl, "RESUME")
		for _, want := range []string{"0", "1"} {
			expectHeard(t, to, want)
			expectHeard(t, ear, want)
		}
		r.tells(ctl, "PAUSE")
		say(t, from, "2")
		synctest.Wait()
		expectNone(t, to)
		expectNone(t, ear)
		r.tells(ctl, "TERMINATE") // while it is paused
		r.ends(nil)
		expectHeard(t, front, "2")
	})
}

// TestProxyStatisticsUnderLoad: at every moment no more was sent than received,
// octets fit messages, and at the end nothing is missing.
func TestProxyStatisticsUnderLoad(t *testing.T) {
	r := newRelay(t)
	front, back, control := r.open(zmq.PULL), r.open(zmq.PUSH), r.open(zmq.REP)
	from, to, ctl := r.meets(front, zmq.PUSH), r.meets(back, zmq.PULL), r.meets(control, zmq.REQ)
	r.start(front, back, zmq.ProxyControl(control))
	const n = 20000
	go func() {
		for range n {
			if from.Send(t.Context(), []byte("four"), []byte("five5")) != nil {
				return
			}
		}
	}()
	go func() {
		for range n {
			if _, err := to.Recv(t.Context()); err != nil {
				return
			}
		}
	}()
	looks := 0
	for sent := uint64(0); sent < n; looks++ {
		if looks%10 == 3 {
			r.tells(ctl, "PAUSE")
			if before, after := r.counters(ctl), r.counters(ctl); before != after {
				t.Fatalf("paused, the counters go from %d to %d", before, after)
			}
			r.tells(ctl, "RESUME")
		}
		c := r.counters(ctl)
		if c[0] < c[6] || c[6] < sent || c[1] != 9*c[0] || c[7] != 9*c[6] || c[2]+c[3]+c[4]+c[5] != 0 {
			t.Fatalf("the counters are %d after %d", c, sent)
		}
		sent = c[6]
	}
	if looks == 0 {
		t.Error("nobody looked at the counters")
	}
}
