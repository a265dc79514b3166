package pipe

import "testing"

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestBegin: only who was told may take, and only one at a time.
func TestBegin(t *testing.T) {
	r := newRig(t, 0, false)
	if r.q.Begin(r.ear) {
		t.Error("the reader begins at a queue that is empty")
	}
	r.put("a")
	if r.q.Begin(&ear{}) {
		t.Error("somebody begins who is not the reader")
	}
	if !r.q.Begin(r.ear) {
		t.Fatal("the reader may not begin")
	}
	if r.q.Begin(r.ear) {
		t.Error("a second one begins")
	}
	release(r.q.Take(r.ear, nil, 1<<20))
	r.put("b")
	if r.ear.told != 1 {
		t.Error("the reader is told of what it will find")
	}
	release(r.q.Take(r.ear, nil, 1<<20))
	if n := len(r.q.Take(r.ear, nil, 1<<20)); n != 0 {
		t.Fatalf("took %d", n)
	}
	r.put("c")
	if r.ear.told != 2 || !r.q.Begin(r.ear) {
		t.Error("the reader is not told after it has rested")
	}
}

// TestDetachWaitsForTheTaker: nobody else may take before the one whose
// connection is gone has put back what it holds.
func TestDetachWaitsForTheTaker(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	if !r.q.Begin(r.ear) {
		t.Fatal("the reader may not begin")
	}
	batch := r.q.Take(r.ear, nil, 1<<20)
	r.q.PutControl([]byte("lost with the connection"))
	settled := r.q.Detach()
	if settled == nil || closed(settled) {
		t.Fatal("Detach does not wait for who takes")
	}
	r.put("b")
	r.q.Untake(batch)
	r.q.Rest()
	if !closed(settled) {
		t.Fatal("who waits for the taker was not woken")
	}
	if r.ear.told != 1 {
		t.Fatal("a reader that is gone was told")
	}
	next := &ear{}
	if !r.q.SetReader(next, nil) || !r.q.Begin(next) {
		t.Fatal("the next reader is not told of what waits")
	}
	batch = r.q.Take(next, nil, 1<<20)
	if got := items(batch); len(got) != 2 || got[0] != "[1:a]" || got[1] != "[1:b]" {
		t.Errorf("took %q", got)
	}
	release(batch)
	r.balanced()
}

func TestDetachOfOneWhoWasTold(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	if r.q.Detach() != nil {
		t.Error("Detach waits for one who has not begun")
	}
	if r.q.Begin(r.ear) {
		t.Error("a reader begins that is gone")
	}
	if !r.q.SetReader(&ear{}, nil) {
		t.Error("the next reader is not told")
	}
}

// TestTakeOfOneWhoIsGone: who finds that it is no longer the reader takes
// nothing, and the next one can begin.
func TestTakeOfOneWhoIsGone(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.q.Begin(r.ear)
	settled := r.q.Detach()
	if n := len(r.q.Take(r.ear, nil, 1<<20)); n != 0 || !closed(settled) {
		t.Errorf("took %d segments; settled: %v", n, closed(settled))
	}
}

func TestEmptied(t *testing.T) {
	r := newRig(t, 0, false)
	if r.q.Emptied() != nil {
		t.Error("an empty queue is waited for")
	}
	r.put("a")
	emptied := r.q.Emptied()
	batch := r.q.Take(r.ear, nil, 1<<20)
	if r.q.Emptied() != emptied || closed(emptied) {
		t.Error("the queue is empty for one who waits, with a batch under way")
	}
	r.q.Untake(batch)
	r.q.Rest()
	if closed(emptied) {
		t.Error("the queue is empty for one who waits, with a batch put back")
	}
	release(r.q.Take(r.ear, nil, 1<<20))
	r.q.Take(r.ear, nil, 1<<20)
	if !closed(emptied) {
		t.Error("who waits until the queue is empty was not woken")
	}
	r.balanced()
}
