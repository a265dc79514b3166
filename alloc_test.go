//go:build !race

package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/phimq/zmq"
)

// sending are the ways of sending that must not allocate.
var sending = []struct {
	name string
	send func(ctx context.Context, s *zmq.Socket, m *zmq.Msg, frames [][]byte) error
}{
	{"Send", func(ctx context.Context, s *zmq.Socket, _ *zmq.Msg, frames [][]byte) error {
		return s.Send(ctx, frames...)
	}},
	{"Send, frame by frame", func(ctx context.Context, s *zmq.Socket, _ *zmq.Msg, frames [][]byte) error {
		if len(frames) == 2 { // the list is the compiler's, and must stay on the stack
			return s.Send(ctx, frames[0], frames[1])
		}
		return s.Send(ctx, frames[0])
	}},
	{"TrySend", func(_ context.Context, s *zmq.Socket, _ *zmq.Msg, frames [][]byte) error { return s.TrySend(frames...) }},
	{"SendMsg", func(ctx context.Context, s *zmq.Socket, m *zmq.Msg, frames [][]byte) error {
		m.Frames = append(m.Frames[:0], frames...)
		return s.SendMsg(ctx, m)
	}},
}

// TestDoNotAllocate holds small messages to no allocation at all, once sockets
// and messages have grown to their work: one at a time and in bursts.
func TestDoNotAllocate(t *testing.T) {
	for _, types := range [][2]zmq.Type{{zmq.PUSH, zmq.PULL}, {zmq.DEALER, zmq.ROUTER}, {zmq.PUB, zmq.SUB}, {zmq.PAIR, zmq.PAIR}, {zmq.REQ, zmq.REP}} {
		for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://alloc"} {
			for _, way := range sending {
				t.Run(types[0].String()+"/"+bind[:3]+"/"+way.name, func(t *testing.T) {
					for _, burst := range []int{1, 100} {
						if types[0] == zmq.REQ && burst > 1 {
							continue // speaks in turn
						}
						e := newExchange(t, types, bind)
						e.burst, e.send = burst, way.send
						for range 100 {
							e.run()
						}
						if n := testing.AllocsPerRun(100, e.run); n > 0 {
							t.Errorf("bursts of %d messages there, and back where there is one: %v allocations a burst, want 0", burst, n)
						}
						if e.err != nil {
							t.Fatal(e.err)
						}
					}
				})
			}
		}
	}
}

// TestRecvAllocatesOnce holds Send and Recv of one frame below 64 KiB to one
// allocation. On inproc, a large message is the receiver's without a copy.
func TestRecvAllocatesOnce(t *testing.T) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://alloc"} {
		t.Run(bind[:3], func(t *testing.T) {
			for _, size := range []int{0, 64, 233, 1 << 10, 8 << 10, 30 << 10, 40 << 10, 1<<16 - 1} {
				if bind[:3] == "inp" && size > 32<<10 {
					continue
				}
				e := newExchange(t, [2]zmq.Type{zmq.PUSH, zmq.PULL}, bind)
				payload := make([]byte, size)
				run := func() {
					e.note(e.from.Send(e.ctx, payload))
					m, err := e.to.Recv(e.ctx)
					if e.note(err); len(m.Frames) != 1 || len(m.Frames[0]) != size {
						t.Fatalf("received %d octets, sent %d", m.Size(), size)
					}
				}
				for range 100 {
					run()
				}
				if n := testing.AllocsPerRun(100, run); n > 1 {
					t.Errorf("%d octets: %v allocations, want 1", size, n)
				}
				if e.err != nil {
					t.Fatal(e.err)
				}
				if err := errors.Join(e.from.Close(), e.to.Close()); err != nil { // the name of inproc is free again
					t.Fatal(err)
				}
			}
		})
	}
}

// TestLargeDoNotAllocate holds Send and RecvInto of large frames to none.
func TestLargeDoNotAllocate(t *testing.T) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://alloc"} {
		t.Run(bind[:3], func(t *testing.T) {
			e := newExchange(t, [2]zmq.Type{zmq.PUSH, zmq.PULL}, bind)
			e.frames, e.burst, e.send = [][]byte{make([]byte, 100<<10)}, 1, sending[0].send
			for range 100 {
				e.run()
			}
			if n := testing.AllocsPerRun(100, e.run); n > 0 {
				t.Errorf("%v allocations, want 0", n)
			}
			if e.err != nil {
				t.Fatal(e.err)
			}
		})
	}
}

// TestAllocDoesNotAllocate fills one Msg again and again: small ones, and large
// ones, which are handed over.
func TestAllocDoesNotAllocate(t *testing.T) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://alloc"} {
		for _, size := range []int{8, 1 << 10, 100 << 10} {
			t.Run(fmt.Sprint(bind[:3], size), func(t *testing.T) {
				e := newExchange(t, [2]zmq.Type{zmq.PUSH, zmq.PULL}, bind)
				e.burst = 1
				n := byte(0)
				e.send = func(ctx context.Context, s *zmq.Socket, m *zmq.Msg, _ [][]byte) error {
					b := m.Alloc(size)
					n++
					b[0], b[len(b)-1] = n, n
					return s.SendMsg(ctx, m)
				}
				run := func() {
					e.run()
					if f := e.in.Frames; len(f) != 1 || len(f[0]) != size || f[0][0] != n || f[0][size-1] != n {
						t.Fatalf("message %d came as %d octets", n, e.in.Size())
					}
				}
				for range 100 {
					run()
				}
				if n := testing.AllocsPerRun(100, run); n > 0 {
					t.Errorf("%v allocations, want 0", n)
				}
				if e.err != nil {
					t.Fatal(e.err)
				}
			})
		}
	}
}

// exchange is two joined sockets: one sends a burst, which the other answers
// if its pattern has answers.
type exchange struct {
	ctx     context.Context
	from    *zmq.Socket
	to      *zmq.Socket
	answers bool
	burst   int
	send    func(ctx context.Context, s *zmq.Socket, m *zmq.Msg, frames [][]byte) error
	frames  [][]byte
	out, in zmq.Msg
	err     error
}

func newExchange(t *testing.T, types [2]zmq.Type, bind string) *exchange {
	t.Helper()
	domain := zmq.WithDomain(zmq.NewDomain())
	from, err := zmq.New(types[0], domain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { from.Close() })
	to, err := zmq.New(types[1], domain)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { to.Close() })
	if to.Type() == zmq.SUB {
		err = to.Subscribe("")
	}
	b, errBind := to.Bind(bind)
	if err := errors.Join(err, errBind); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(from.Connect(b.Endpoint()), from.WaitReady(t.Context(), 1), to.WaitReady(t.Context(), 1))
	if err == nil && from.Type() == zmq.PUB {
		err = from.WaitSubscribers(t.Context(), "", 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	answers := from.Type() == zmq.DEALER || from.Type() == zmq.REQ
	return &exchange{ctx: t.Context(), from: from, to: to, answers: answers, frames: [][]byte{make([]byte, 64)}}
}

func (e *exchange) run() {
	for range e.burst {
		e.note(e.send(e.ctx, e.from, &e.out, e.frames))
	}
	for range e.burst {
		e.note(e.to.RecvInto(e.ctx, &e.in))
		if e.answers {
			e.note(e.send(e.ctx, e.to, &e.out, e.in.Frames))
		}
	}
	if e.answers {
		for range e.burst {
			e.note(e.from.RecvInto(e.ctx, &e.in))
		}
	}
}

func (e *exchange) note(err error) {
	if err != nil && e.err == nil {
		e.err = err
	}
}
