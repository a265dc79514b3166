package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phimq/zmq"
)

// worker does anything to any socket.
type worker struct {
	s     *soak
	name  string
	rand  *rand.Rand
	alive *watched
	into  zmq.Msg // for RecvInto
	old   *actor  // one that was closed
}

func newWorker(s *soak, i int) *worker {
	return &worker{s: s, name: fmt.Sprintf("worker %d", i), rand: s.rand(uint64(i) + 1)}
}

func (w *worker) workLoop() {
	w.alive = w.s.dog.enter(w.name)
	defer w.alive.leave()
	for w.s.ctx.Err() == nil {
		i := pick(w.rand)
		a := w.s.slots[w.rand.IntN(len(w.s.slots))].get()
		if w.old != nil && w.rand.IntN(50) == 0 {
			a = w.old // whose methods must still be safe
		}
		w.alive.beat(actions[i].name + " " + a.slot.typ.String())
		err := actions[i].do(w, a)
		w.s.tally.note(i, err)
		if err != nil && !allowed(err, append(actions[i].errors, zmq.ErrClosed)...) {
			w.s.failf("%s: %s %s: unexpected error: %w", w.name, a.slot.typ, actions[i].name, err)
		}
	}
}

func allowed(err error, list ...error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// action is something that a worker does, how often beside the others, and
// with which errors it may end besides ErrClosed.
type action struct {
	name   string
	weight int
	do     func(w *worker, a *actor) error
	errors []error
}

var (
	sendErrors = []error{zmq.ErrTimeout, zmq.ErrAgain, zmq.ErrNoPeer, zmq.ErrState, zmq.ErrNotSupported, context.DeadlineExceeded}
	recvErrors = []error{zmq.ErrTimeout, zmq.ErrAgain, zmq.ErrState, zmq.ErrNotSupported, context.DeadlineExceeded}
	waitErrors = []error{context.DeadlineExceeded, zmq.ErrNotSupported}
	newsErrors = []error{zmq.ErrNotFound, zmq.ErrNotSupported}
	lateErrors = []error{context.DeadlineExceeded} // of the Shutdown that closed the socket
	actions    = []action{
		{"Bind", 6, (*worker).bind, []error{syscall.EADDRINUSE, zmq.ErrNotSupported}},
		{"Binding", 2, (*worker).binding, []error{syscall.EADDRINUSE, zmq.ErrNotSupported, zmq.ErrNotFound}},
		{"Unbind", 2, (*worker).unbind, []error{zmq.ErrNotFound}},
		{"Connect", 16, (*worker).connect, []error{zmq.ErrInvalid, zmq.ErrNotSupported}},
		{"Disconnect", 3, (*worker).disconnect, []error{zmq.ErrNotFound}},
		{"Send", 60, (*worker).send, sendErrors},
		{"TrySend", 60, (*worker).trySend, sendErrors},
		{"SendMsg", 60, (*worker).sendMsg, sendErrors},
		{"Recv", 50, (*worker).recv, recvErrors},
		{"TryRecv", 50, (*worker).tryRecv, recvErrors},
		{"RecvInto", 50, (*worker).recvInto, recvErrors},
		{"Msgs", 10, (*worker).msgs, recvErrors},
		{"Subscribe", 10, (*worker).subscribe, newsErrors},
		{"Unsubscribe", 3, (*worker).unsubscribe, newsErrors},
		{"Set", 5, (*worker).set, []error{zmq.ErrNotSupported}},
		{"Option", 2, (*worker).option, nil},
		{"Ready", 10, (*worker).ready, nil},
		{"OnChange", 2, (*worker).onChange, nil},
		{"WaitReady", 2, (*worker).waitReady, waitErrors},
		{"WaitSubscribers", 1, (*worker).waitSubscribers, waitErrors},
		{"Close", 2, (*worker).close, lateErrors},
		{"CloseAsync", 1, (*worker).closeAsync, nil},
		{"Shutdown", 1, (*worker).shutdown, lateErrors},
		{"Close twice", 1, (*worker).closeTwice, lateErrors},
	}
)

// pick chooses an action by weight.
func pick(r *rand.Rand) int {
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	n := r.IntN(total)
	for i, a := range actions {
		if n -= a.weight; n < 0 {
			return i
		}
	}
	return 0
}

// tally counts what came of the actions.
type tally struct {
	done, failed [32]atomic.Int64
}

func (t *tally) note(action int, err error) {
	if err == nil {
		t.done[action].Add(1)
	} else {
		t.failed[action].Add(1)
	}
}

func (t *tally) total() (n int64) {
	for i := range actions {
		n += t.done[i].Load() + t.failed[i].Load()
	}
	return n
}

func (t *tally) String() string {
	var b strings.Builder
	for i, a := range actions {
		fmt.Fprintf(&b, "soak: %-16s %8d done %8d refused\n", a.name, t.done[i].Load(), t.failed[i].Load())
	}
	return b.String()
}

// moment is how long a call may wait.
func (w *worker) moment() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Duration(w.rand.IntN(30))*time.Millisecond)
}
