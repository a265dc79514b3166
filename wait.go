package zmq

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq/internal/pipe"
)

// waiter is one blocked call.
type waiter struct {
	ch     chan struct{} // gets one token when it is woken
	queued bool
	timer  *time.Timer // of pace
}

// waiters are the blocked calls of one direction, first come, first woken.
type waiters struct {
	n atomic.Int32 // queued ones, to look without the lock

	mu   sync.Mutex
	list []*waiter
	free []*waiter
}

// enter queues a waiter: behind all others, or before them if it was woken and
// came too late. After it the caller must look once more whether it has to wait
// at all.
func (q *waiters) enter(again bool) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	var w *waiter
	if last := len(q.free) - 1; last >= 0 {
		w, q.free = q.free[last], q.free[:last]
	} else {
		w = &waiter{ch: make(chan struct{}, 1)}
	}
	w.queued = true
	if again {
		q.list = slices.Insert(q.list, 0, w)
	} else {
		q.list = append(q.list, w)
	}
	q.n.Add(1)
	return w
}

// leave takes a waiter back. If it was woken and did not notice, the next one is
// woken in its stead: what it was woken for may be there still, even if it has
// just taken something.
func (q *waiters) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.queued {
		i := slices.Index(q.list, w)
		q.list = slices.Delete(q.list, i, i+1)
		w.queued = false
		q.n.Add(-1)
	} else {
		select {
		case <-w.ch:
			q.wakeLocked()
		default:
		}
	}
	q.free = append(q.free, w)
}

// any reports whether somebody waits.
func (q *waiters) any() bool { return q.n.Load() > 0 }

// wake wakes the first waiter.
func (q *waiters) wake() {
	if !q.any() {
		return
	}
	q.mu.Lock()
	q.wakeLocked()
	q.mu.Unlock()
}

// wakeAll wakes all that wait now.
func (q *waiters) wakeAll() {
	if !q.any() {
		return
	}
	q.mu.Lock()
	for len(q.list) > 0 {
		q.wakeLocked()
	}
	q.mu.Unlock()
}

func (q *waiters) wakeLocked() {
	if len(q.list) == 0 {
		return
	}
	w := q.list[0]
	n := copy(q.list, q.list[1:])
	q.list[n] = nil
	q.list = q.list[:n]
	w.queued = false
	q.n.Add(-1)
	w.ch <- struct{}{}
}

// observers are told when what Ready returns may have changed.
type observers struct {
	now atomic.Pointer[[]func()] // all of them

	mu   sync.Mutex
	user func() // that of OnChange
	list []*func()
}

// block is where a user of the socket waits: until w is woken, ctx or the time
// is over, or the socket is closed. An infinite wait has a negative limit.
func (s *Socket) block(ctx context.Context, w *waiter, deadline *time.Timer) error {
	var over <-chan time.Time
	if deadline != nil {
		over = deadline.C
	}
	select {
	case <-w.ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
		return ErrTimeout
	case <-s.done:
		return ErrClosed
	}
}

// oneLook is less than what a look takes. It bounds look by count as well, for where
// time stands still as long as somebody is awake.
const oneLook = 10 * time.Nanosecond

// look waits awake until something comes in or w is woken, for as long as WithSpin and
// the limit of the call say: to sleep and to be woken takes longer than many an answer.
// It reports whether it is worth to try again.
func (s *Socket) look(ctx context.Context, w *waiter, limit time.Duration) bool {
	spin := time.Duration(s.spin.Load()) * time.Microsecond
	if limit >= 0 {
		spin = min(spin, limit)
	}
	start := time.Now()
	for n := spin / oneLook; n > 0 && time.Since(start) < spin; n-- {
		if s.arrivals.n.Load() > 0 || len(w.ch) > 0 {
			return true
		}
		if s.isClosed() || ctx.Err() != nil {
			return false
		}
		runtime.Gosched()
	}
	return false
}

// patience is how long a sender that is paced waits for a peer that takes nothing.
const patience = 2 * time.Millisecond

// errPaced says that a message was sent, and that the sender should now let the
// peer catch up.
var errPaced = errors.New("sent, and the peer is behind")

// pace waits, after a message was sent, while much of what was sent still lies
// in the queue and the peer is at it. A stream then stays within the processor's
// cache. A peer that takes nothing is waited for once: then the queue fills up to
// its mark.
func (s *Socket) pace(ctx context.Context) {
	if d := s.sendTimeout(); d >= 0 && d < patience {
		return
	}
	w := s.sendWait.enter(false)
	s.group.Help()
	if s.paced(false) {
		if w.timer == nil {
			w.timer = time.NewTimer(patience)
		} else {
			w.timer.Reset(patience)
		}
		select {
		case <-w.ch:
		case <-ctx.Done():
		case <-s.done:
		case <-w.timer.C:
			s.paced(true)
		}
		w.timer.Stop()
	}
	s.sendWait.leave(w)
	// What it was woken for may be room, for which others wait.
	s.send.mu.Lock()
	if s.sendWait.any() && s.pattern.CanSend() {
		s.sendWait.wake()
	}
	s.send.mu.Unlock()
}

// paced reports whether the peer is still behind; stalled says that it took
// nothing for a while.
func (s *Socket) paced(stalled bool) bool {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	q := s.send.behind
	if stalled && q != nil {
		q.Stall()
	}
	return q != nil && q.Paced(pipe.SendPace)
}

// wakeSenders wakes who may send now that a pipe has got room or is gone: the
// first who waits, or all of them where each waits for a pipe of its own.
func (s *Socket) wakeSenders() {
	if s.typ == ROUTER || s.typ == STREAM || s.fanner != nil {
		s.sendWait.wakeAll()
		return
	}
	s.sendWait.wake()
}

// limit starts the timer of a timeout option; nil for none.
func limit(d time.Duration) *time.Timer {
	if d < 0 {
		return nil
	}
	return time.NewTimer(d)
}
