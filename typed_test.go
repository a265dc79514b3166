package zmq_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

type order struct {
	Item  string
	Count int
}

// TestTyped: values travel as the last frame, others in front of it as they are.
func TestTyped(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	push := r.meets(pull, zmq.PUSH)
	out, in := zmq.Typed[order](push, zmq.JSON), zmq.Typed[order](pull, zmq.JSON)
	if out.Socket() != push || in.Socket() != pull {
		t.Error("the socket below is another one")
	}
	want := order{"tea", 3}
	if err := out.Send(t.Context(), want, []byte("topic"), nil); err != nil {
		t.Fatal(err)
	}
	got, front, err := in.Recv(soon(t))
	if err != nil || got != want || !slices.Equal(texts(front), []string{"topic", ""}) {
		t.Errorf("received %+v, %q, %v", got, front, err)
	}
	if err := out.Send(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	expectHeard(t, pull, `{"Item":"tea","Count":3}`)
}

// TestTypedSendKeepsFront: the caller's frames are the caller's.
func TestTypedSendKeepsFront(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	out := zmq.Typed[int](r.meets(pull, zmq.PUSH), zmq.JSON)
	front := make([][]byte, 1, 4)
	front[0] = []byte("topic")
	spare := front[:2]
	if err := out.Send(t.Context(), 7, front...); err != nil || spare[1] != nil {
		t.Errorf("%v, behind the caller's frames is %q", err, spare[1])
	}
	expectHeard(t, pull, "topic", "7")
}

// TestTypedErrors: what can't be encoded is not sent; what can't be decoded is
// told, with what was in front, and the next one comes.
func TestTypedErrors(t *testing.T) {
	r := newRelay(t)
	pull := r.open(zmq.PULL)
	push := r.meets(pull, zmq.PUSH)
	var failed *zmq.OpError
	err := zmq.Typed[float64](push, zmq.JSON).Send(t.Context(), math.Inf(1))
	if !errors.Is(err, zmq.ErrInvalid) || !errors.As(err, &failed) || failed.Op != "send" {
		t.Errorf("encode: %v", err)
	}
	in := zmq.Typed[int](pull, zmq.JSON)
	say(t, push, "topic", "no number")
	say(t, push, "7")
	_, front, err := in.Recv(soon(t))
	if !errors.Is(err, zmq.ErrInvalid) || !errors.As(err, &failed) || failed.Op != "recv" || len(front) != 1 {
		t.Errorf("decode: %v, %q", err, front)
	}
	if v, _, err := in.Recv(soon(t)); v != 7 || err != nil {
		t.Errorf("and then %d, %v", v, err)
	}
	if _, _, err := in.Recv(ended()); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// TestTypedValues: the loop goes on behind timeouts and what can't be decoded,
// and ends as Msgs does.
func TestTypedValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		pull := r.open(zmq.PULL, zmq.WithRecvTimeout(time.Second))
		push := r.meets(pull, zmq.PUSH)
		in := zmq.Typed[int](pull, zmq.JSON)
		say(t, push, "1")
		say(t, push, "x")
		say(t, push, "2")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var values []int
		var errs []error
		for v, err := range in.Values(ctx) {
			if errs = append(errs, err); err == nil {
				values = append(values, v)
			}
			switch {
			case errors.Is(err, zmq.ErrTimeout) && len(errs) == 4:
				say(t, push, "3")
			case errors.Is(err, zmq.ErrTimeout):
				cancel()
			}
		}
		if !slices.Equal(values, []int{1, 2, 3}) || len(errs) != 7 || !errors.Is(errs[1], zmq.ErrInvalid) || errs[6] != context.Canceled {
			t.Errorf("the values are %d, the errors %v", values, errs)
		}
		say(t, push, "4")
		say(t, push, "5")
		for v := range in.Values(t.Context()) {
			if v != 4 {
				t.Errorf("the value is %d", v)
			}
			break
		}
		expectHeard(t, pull, "5") // leaving the loop lost nothing
		go func() { synctest.Wait(); pull.Close() }()
		for v, err := range in.Values(t.Context()) {
			if err == nil || !errors.Is(err, zmq.ErrTimeout) {
				t.Errorf("while it is closed: %d, %v", v, err)
			}
		}
	})
}

// TestTypedValuesOfABadSocket: its error, once.
func TestTypedValuesOfABadSocket(t *testing.T) {
	for want, s := range map[error]*zmq.Socket{zmq.ErrInvalid: zmq.NewPull(zmq.WithRecvHWM(-1)), zmq.ErrNotSupported: zmq.NewPush()} {
		defer s.Close()
		n := 0
		for _, err := range zmq.Typed[int](s, zmq.JSON).Values(t.Context()) {
			if n++; n > 1 {
				t.Fatal("it goes on")
			}
			if !errors.Is(err, want) {
				t.Errorf("the error is %v", err)
			}
		}
		if n != 1 {
			t.Errorf("the loop ran %d times", n)
		}
	}
}
