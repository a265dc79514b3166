package zmq_test

import (
	"bytes"
	"errors"
	"fmt"
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

// TestListOfALargeMessageIsNotTaken: nor is it queued, where what is put into it next
// would take the place of what waits.
func TestListOfALargeMessageIsNotTaken(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, "inproc://large-lists")
	list := make([][]byte, 2)
	body := func(i int) []byte { return bytes.Repeat([]byte{byte('0' + i)}, 40<<10) }
	for i := range 3 {
		list[0], list[1] = []byte{byte('0' + i)}, body(i)
		m := zmq.NewMsg(list...)
		if err := push.SendMsg(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	var m zmq.Msg
	m.Alloc(0)
	for i := 3; i < 6; i++ {
		m.Frames = append(m.Frames[:0], []byte{byte('0' + i)}, body(i))
		saved := m
		if err := push.SendMsg(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
		m = saved // and its list, which is filled again
	}
	bind(t, pull, "inproc://large-lists")
	for i := range 6 {
		if got := hear(t, pull); got[0] != fmt.Sprint(i) || got[1] != string(body(i)) {
			t.Errorf("message %d came as %.10q", i, got)
		}
	}
}

// TestAppendMakesAList: what is appended to a message that was sent goes into the list of
// nobody else.
func TestAppendMakesAList(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, bind(t, pull, "inproc://append"))
	list := [][]byte{[]byte("x"), []byte("y")}
	m := zmq.NewMsg(list...)
	other := m
	for _, want := range []string{"x", "z"} {
		if err := push.SendMsg(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
		if got := hear(t, pull); got[0] != want {
			t.Errorf("%q came, want %s", got, want)
		}
		m.Append([]byte("z"))
	}
	if got := other.String(); got != `["x" "y"]` || string(list[0]) != "x" {
		t.Errorf("another message became %s, and the caller's list %q", got, list)
	}
}

// TestListIsNotTaken: a list of frames that the caller made, and that of a message whose
// copy was sent or filled, can be used again.
func TestListIsNotTaken(t *testing.T) {
	push, pull := open(t, zmq.PUSH), open(t, zmq.PULL)
	connect(t, push, bind(t, pull, "inproc://lists"))
	list := [][]byte{[]byte("a"), []byte("b")}
	var again zmq.Msg
	for range 3 {
		m := zmq.NewMsg(list...)
		if err := push.SendMsg(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, pull, "a", "b")
		again.Frames = list
		if err := push.SendMsg(t.Context(), &again); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, pull, "a", "b")
	}
	again.Alloc(10) // it has a list of its own now
	for range 3 {
		again.Frames = list
		if err := push.SendMsg(t.Context(), &again); err != nil {
			t.Fatal(err)
		}
		again.Frames = list
		if err := pull.RecvInto(t.Context(), &again); err != nil {
			t.Fatal(err)
		}
		if text := again.String(); text != `["a" "b"]` || string(list[0]) != "a" {
			t.Errorf("with a list in its place came %s", text)
		}
	}
	var got zmq.Msg
	for range 3 {
		say(t, push, "a", "b")
		if err := pull.RecvInto(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		other := got
		if err := push.SendMsg(t.Context(), &other); err != nil {
			t.Fatal(err)
		}
		if text := got.String(); text != `["a" "b"]` {
			t.Errorf("its copy was sent, and the message is %s", text)
		}
		expectHeard(t, pull, "a", "b")
	}
}

// TestNewsIsNotTaken is the same for what an XPUB tells its user.
func TestNewsIsNotTaken(t *testing.T) {
	pub, sub := open(t, zmq.XPUB), open(t, zmq.SUB)
	connect(t, sub, bind(t, pub, "inproc://news"))
	news := func(topic string, into *zmq.Msg) {
		if err := sub.Subscribe(topic); err != nil {
			t.Fatal(err)
		}
		if err := pub.RecvInto(t.Context(), into); err != nil {
			t.Fatal(err)
		}
	}
	var first zmq.Msg
	news("a", &first)
	other := first
	news("b", &other)
	list := [][]byte{[]byte("mine")}
	mine := zmq.NewMsg(list...)
	news("c", &mine)
	if first.String() != `[0x0161]` || string(list[0]) != "mine" {
		t.Errorf("the first message is %s, and the list %q", &first, list)
	}
}
