package pipe

import "testing"

// toldReader counts how often it is told.
type toldReader struct{ times int }

func (r *toldReader) Readable(*Pipe) { r.times++ }

// TestTellLate tells a reader that may have gone since the message was put.
func TestTellLate(t *testing.T) {
	var pool Pool
	q := NewQueue(nil, &pool, 0, false)
	var first, second toldReader
	p := &Pipe{}
	q.SetReader(&first, p)
	if !q.Put(nil, [][]byte{{1}}) {
		t.Fatal("the first message asks for nobody to be told")
	}
	q.TellLate()
	if first.times != 1 {
		t.Errorf("told %d times, want once", first.times)
	}
	q.Detach()
	q.TellLate() // nobody is there
	if tell := q.SetReader(&second, p); !tell {
		t.Error("the next reader is not told of what waits")
	}
	q.TellLate()
	if first.times != 1 || second.times != 1 {
		t.Errorf("told %d and %d times, want once each", first.times, second.times)
	}
	if q.Begin(&second); q.phase == told {
		t.Fatal("the reader did not begin")
	}
	q.TellLate() // it is at it
	if second.times != 1 {
		t.Errorf("told %d times while it took", second.times)
	}
}
