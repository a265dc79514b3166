package zmq_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/phimq/zmq"
)

// TestAllocKeepsMessagesApart: memory of Alloc is one message's until that is sent
// or filled again, whatever is done with copies of it.
func TestAllocKeepsMessagesApart(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	bound, err := pull.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Connect(bound.Endpoint()); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{100, 50 << 10} {
		fill := func(m *zmq.Msg, c byte) {
			b := m.Alloc(size)
			for i := range b {
				b[i] = c
			}
		}
		holds := func(m *zmq.Msg, c byte) {
			t.Helper()
			if len(m.Frames) != 1 || len(m.Frames[0]) != size || bytes.Count(m.Frames[0], []byte{c}) != size {
				t.Fatalf("not %d times %q", size, c)
			}
		}
		var m, in zmq.Msg
		for round := range 3 { // the first learns where large memory comes from
			fill(&m, 'a')
			fill(&m, 'b') // instead
			other := m
			fill(&other, 'o')
			holds(&m, 'b')
			if err := errors.Join(push.SendMsg(t.Context(), &m), push.SendMsg(t.Context(), &other)); err != nil {
				t.Fatal(err)
			}
			fill(&m, 'c') // while they are on their way
			fill(&other, 'd')
			for _, c := range []byte{'b', 'o'} {
				if err := pull.RecvInto(t.Context(), &in); err != nil {
					t.Fatal(err)
				}
				holds(&in, c)
			}
			holds(&m, 'c')
			holds(&other, 'd')
			if round == 1 { // a message that was filled, and then receives
				if err := push.SendMsg(t.Context(), &other); err != nil {
					t.Fatal(err)
				}
				if err := pull.RecvInto(t.Context(), &m); err != nil {
					t.Fatal(err)
				}
				holds(&m, 'd')
			}
		}
	}
}

// TestCopiedBackMessage: a message that takes the place of its original again has
// nothing to give back that was given back already.
func TestCopiedBackMessage(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	bound, err := pull.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Connect(bound.Endpoint()); err != nil {
		t.Fatal(err)
	}
	const size = 100 << 10
	var m, in zmq.Msg
	for c := range byte(20) {
		copy(m.Alloc(size), bytes.Repeat([]byte{c}, size))
		saved := m
		if err := push.SendMsg(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
		m = saved
		m.Alloc(size)[0] = 'z' // memory of its own, not of what is on its way
		kept := in
		if err := pull.RecvInto(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(in.Frames[0], []byte{c}) != size {
			t.Fatalf("message %d was overwritten", c)
		}
		if c%2 == 1 {
			in = kept
		}
	}
}
