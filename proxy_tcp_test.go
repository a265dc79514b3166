package zmq_test

import (
	"encoding/binary"
	"testing"

	"github.com/phimq/zmq"
)

// TestProxyKeepsNothing: messages that came together leave together, and the last of
// them does not wait for another one, however many they are and however few fit.
func TestProxyKeepsNothing(t *testing.T) {
	for _, mark := range []int{1, 100, 1000} {
		r := newRelay(t)
		front := r.open(zmq.PULL, zmq.WithRecvHWM(mark))
		back := r.open(zmq.PUSH, zmq.WithSendHWM(mark))
		in := r.open(zmq.PUSH)
		connect(r, in, bind(r, front, "tcp://127.0.0.1:*"))
		out := r.open(zmq.PULL, zmq.WithRecvHWM(mark))
		connect(r, out, bind(r, back, "tcp://127.0.0.1:*"))
		r.start(front, back)
		var sent, got uint64
		for _, n := range []uint64{1, 2, 127, 128, 129, 300, 1} {
			for end := sent + n; sent < end; sent++ {
				if err := in.Send(t.Context(), binary.BigEndian.AppendUint64(nil, sent)); err != nil {
					t.Fatal(err)
				}
			}
			for ; got < sent; got++ {
				m, err := out.Recv(t.Context())
				if err != nil || binary.BigEndian.Uint64(m.Frames[0]) != got {
					t.Fatalf("mark %d, message %d of %d: %v, %v", mark, got, sent, m, err)
				}
			}
		}
	}
}

// TestProxyDropsNothingThatFits: a ROUTER, which drops for a peer that is full, has
// written what was held back before it does.
func TestProxyDropsNothingThatFits(t *testing.T) {
	r := newRelay(t)
	front, back := r.open(zmq.ROUTER, zmq.WithSendHWM(100)), r.open(zmq.DEALER)
	client := r.open(zmq.DEALER)
	connect(r, client, bind(r, front, "tcp://127.0.0.1:*"))
	worker := r.open(zmq.ROUTER)
	connect(r, worker, bind(r, back, "tcp://127.0.0.1:*"))
	r.start(front, back)
	for range 20 {
		if err := client.Send(t.Context(), []byte("go")); err != nil {
			t.Fatal(err)
		}
		m, err := worker.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const answers = 128
		for range answers {
			if err := worker.Send(t.Context(), m.Frames...); err != nil {
				t.Fatal(err)
			}
		}
		for i := range answers {
			if _, err := client.Recv(t.Context()); err != nil {
				t.Fatalf("answer %d: %v", i, err)
			}
		}
	}
}

// TestProxyHoldsForNobody: what was passed on does not wait until a REP has its
// answer, or a capture takes more.
func TestProxyHoldsForNobody(t *testing.T) {
	r := newRelay(t)
	front, back := r.open(zmq.REP), r.open(zmq.DEALER)
	req := r.open(zmq.REQ)
	connect(r, req, bind(r, front, "tcp://127.0.0.1:*"))
	rep := r.open(zmq.REP)
	connect(r, rep, bind(r, back, "tcp://127.0.0.1:*"))
	r.start(front, back)
	for range 3 {
		if err := req.Send(t.Context(), nil, []byte("ask")); err != nil {
			t.Fatal(err)
		}
		m, err := rep.Recv(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := rep.Send(t.Context(), m.Frames...); err != nil {
			t.Fatal(err)
		}
		if _, err := req.Recv(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
