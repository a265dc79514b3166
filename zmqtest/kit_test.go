package zmqtest_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// patience bounds what takes no time unless it is broken.
const patience = 30 * time.Second

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func send(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	msg := zmq.MsgFromStrings(frames...)
	if err := s.SendMsg(within(t), &msg); err != nil {
		t.Fatal(err)
	}
}

// expect wants this message next.
func expect(t testing.TB, s *zmq.Socket, frames ...string) {
	t.Helper()
	if got := recv(t, s); !slices.Equal(got, frames) {
		t.Fatalf("%v received %q, want %q", s.Type(), got, frames)
	}
}

func recv(t testing.TB, s *zmq.Socket) []string {
	t.Helper()
	msg, err := s.Recv(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var frames []string
	for _, f := range msg.Frames {
		frames = append(frames, string(f))
	}
	return frames
}

// exchange sends what a socket of x's type says to one of y's, and the answer
// if there is one.
func exchange(t testing.TB, x, y *zmq.Socket) {
	t.Helper()
	switch x.Type() {
	case zmq.PULL, zmq.SUB, zmq.XSUB, zmq.REP, zmq.ROUTER:
		if y.Type() != zmq.ROUTER { // which waits for the first word itself
			x, y = y, x
		}
	}
	switch {
	case x.Type() == zmq.PUB, x.Type() == zmq.XPUB:
		if err := y.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		if err := x.WaitSubscribers(within(t), "a", 1); err != nil {
			t.Fatal(err)
		}
		send(t, x, "a", "b")
		expect(t, y, "a", "b")
	case x.Type() == zmq.PUSH:
		send(t, x, "a", "b")
		expect(t, y, "a", "b")
	case x.Type() == zmq.ROUTER: // and y as well: by the identities that options gave
		send(t, x, "y", "a")
		expect(t, y, "x", "a")
		send(t, y, "x", "b")
		expect(t, x, "y", "b")
	case y.Type() == zmq.ROUTER:
		send(t, x, "a")
		got := recv(t, y)
		send(t, y, append(got[:len(got)-1], "b")...)
		expect(t, x, "b")
	case x.Type() == zmq.DEALER && y.Type() == zmq.REP:
		send(t, x, "", "a")
		expect(t, y, "a")
		send(t, y, "b")
		expect(t, x, "", "b")
	default:
		send(t, x, "a")
		expect(t, y, "a")
		send(t, y, "b")
		expect(t, x, "b")
	}
}

// A fake stands in for a test that may fail.
type fake struct {
	testing.TB
	name     string
	cleanups []func()
	errors   []string
}

func (f *fake) Helper()              {}
func (f *fake) Name() string         { return f.name }
func (f *fake) Failed() bool         { return len(f.errors) > 0 }
func (f *fake) Cleanup(func_ func()) { f.cleanups = append(f.cleanups, func_) }

func (f *fake) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

func (f *fake) Fatal(args ...any) { f.Fatalf("%s", fmt.Sprintln(args...)) }

// run runs a test in a goroutine of its own, as package testing does, with its
// cleanups, and returns what it complains of.
func run(t *testing.T, test func(t testing.TB)) string {
	f := &fake{TB: t, name: t.Name()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range slices.Backward(f.cleanups) {
				cleanup()
			}
		}()
		test(f)
	}()
	<-done
	return strings.Join(f.errors, "\n")
}

func newSocket(t testing.TB, typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	t.Helper()
	s, err := zmq.New(typ, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// join connects x to y over a link, and waits until both know.
func join(t testing.TB, link *zmqtest.Link, x, y *zmq.Socket) {
	t.Helper()
	if err := y.ServeListener(link.Listener()); err != nil {
		t.Fatal(err)
	}
	if err := x.Connect("tcp://server:5555"); err != nil {
		t.Fatal(err)
	}
	ready(t, x, y)
}

func ready(t testing.TB, sockets ...*zmq.Socket) {
	t.Helper()
	for _, s := range sockets {
		if err := s.WaitReady(within(t), 1); err != nil {
			t.Fatal(err)
		}
	}
}
