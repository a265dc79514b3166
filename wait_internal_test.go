package zmq

import "testing"

// TestWaitersPassOn: a waiter that was woken while it helped itself wakes the
// next one, and one that comes back goes before those who came later.
func TestWaitersPassOn(t *testing.T) {
	var q waiters
	first, second := q.enter(false), q.enter(false)
	q.wake()
	q.leave(first) // it was woken, and did not need it
	if len(second.ch) != 1 {
		t.Fatal("the next one sleeps on")
	}
	<-second.ch
	q.leave(second)
	if q.any() || len(q.list) != 0 {
		t.Fatal("somebody is still queued")
	}

	late := q.enter(false)
	again := q.enter(true)
	q.wake()
	if len(again.ch) != 1 || len(late.ch) != 0 {
		t.Error("who came back is behind who came later")
	}
	q.leave(late)
	if len(q.list) != 0 {
		t.Error("who left is still queued")
	}
}

// TestWaitersLeave: who leaves without being woken takes no wake-up along.
func TestWaitersLeave(t *testing.T) {
	var q waiters
	first, second := q.enter(false), q.enter(false)
	q.leave(first)
	if len(second.ch) != 0 {
		t.Error("a wake-up out of nothing")
	}
	q.wakeAll()
	if len(second.ch) != 1 || q.any() {
		t.Error("wakeAll left somebody")
	}
}
