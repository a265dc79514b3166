package pipe

import (
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func TestQueueIsInOrder(t *testing.T) {
	r := newRig(t, 0, false)
	large := strings.Repeat("L", LargeMessage)
	r.put("a")
	r.put("b", "", "c")
	r.put(large)
	r.parts(false, "d", large)
	r.run([]string{"e"}, []string{"f", "g"})
	r.put("h")
	r.expect("[1:a]", "[1:b][0:][1:c]", "[32768:"+large+"]", "[1:d][32768:"+large+"]", "[1:e]", "[1:f][1:g]", "[1:h]", "")
	r.balanced()
}

// TestQueueTellsOnce: the reader is told when an empty queue is filled, and
// not again before it has found the queue empty.
func TestQueueTellsOnce(t *testing.T) {
	r := newRig(t, 0, false)
	told := func(want int) {
		t.Helper()
		if r.ear.told != want {
			t.Fatalf("the reader was told %d times, want %d", r.ear.told, want)
		}
	}
	r.put("a")
	told(1)
	r.put("b")
	told(1)
	r.expect("[1:a]")
	r.put("c")
	told(1)
	r.expect("[1:b]", "[1:c]")
	r.put("d") // the reader has not looked whether there is more
	told(1)
	r.expect("[1:d]", "")
	r.put("e")
	told(2)
}

func TestQueueTellsALateReader(t *testing.T) {
	var pool Pool
	q := NewQueue(nil, &pool, 0, false)
	if q.Put(nil, octets([]string{"a"})) {
		t.Fatal("a queue without a reader wants it told")
	}
	e := &ear{}
	if !q.SetReader(e, nil) {
		t.Fatal("a reader that comes late is not told of what lies there")
	}
	if q.SetReader(e, nil) {
		t.Fatal("a reader is told twice")
	}
}

func TestMark(t *testing.T) {
	r := newRig(t, 4, false)
	for i := range 4 {
		if r.q.Full() {
			t.Fatalf("full with %d of 4", i)
		}
		r.put("x")
	}
	if !r.q.Full() {
		t.Fatal("not full with 4 of 4")
	}
	r.expect("[1:x]")
	if r.ear.room != 0 {
		t.Error("the writer was told of room before half of the mark was read")
	}
	r.expect("[1:x]")
	if r.ear.room != 1 || r.q.Full() {
		t.Fatalf("with half of the mark read: told of room %d times, want 1", r.ear.room)
	}
	r.expect("[1:x]", "[1:x]", "")
	if r.ear.room != 1 {
		t.Error("the writer was told of room that nobody waits for")
	}
	if r.q.Len() != 0 {
		t.Errorf("%d messages count against the mark of an empty queue", r.q.Len())
	}
}

// TestMarkIsMet: a receiver that has got all is never behind the count so far
// that the sender waits for it in vain.
func TestMarkIsMet(t *testing.T) {
	for mark := 1; mark < 20; mark++ {
		r := newRig(t, mark, false)
		for range 5 * mark {
			for !r.q.Full() {
				r.put("x")
			}
			for r.q.Full() {
				r.expect("[1:x]")
			}
		}
	}
}

func TestSetMarkMakesRoom(t *testing.T) {
	r := newRig(t, 1, false)
	r.put("x")
	if !r.q.Full() {
		t.Fatal("not full")
	}
	r.q.SetMark(2)
	if r.ear.room != 1 {
		t.Error("the writer was not told of the room that a higher mark makes")
	}
	r.q.Full()
	r.put("y")
	r.q.Full()
	r.q.SetMark(0)
	if r.ear.room != 2 || r.q.Full() {
		t.Error("no mark is not room for all")
	}
}

func TestTakeDoesNotCount(t *testing.T) {
	r := newRig(t, 2, false)
	r.put("a")
	r.put("b")
	if !r.q.Full() || !r.q.Begin(r.ear) {
		t.Fatal("not full, or the reader may not begin")
	}
	batch := r.q.Take(r.ear, nil, 1<<20)
	if r.ear.room != 1 || r.q.Full() {
		t.Error("what a writer has taken counts against the mark")
	}
	release(batch)
	if r.q.Take(r.ear, nil, 1<<20) != nil || !r.q.Idle() {
		t.Error("the queue is not idle after all was taken")
	}
	r.balanced()
}

// TestTakeBounds: a batch has at least one segment and is not larger than asked.
func TestTakeBounds(t *testing.T) {
	r := newRig(t, 0, false)
	for range 10 {
		r.parts(false, strings.Repeat("x", LargeMessage))
	}
	for _, max := range []int{1, LargeMessage, 3*LargeMessage + 100} {
		batch := r.q.Take(r.ear, nil, max)
		size := 0
		for i := range batch {
			size += batch[i].Size()
		}
		if len(batch) == 0 || (len(batch) > 1 && size > max) {
			t.Errorf("Take(%d) gave %d segments of %d octets", max, len(batch), size)
		}
		release(batch)
	}
}

// TestBacklogDoesNotGrow: while something always waits, what was taken must
// leave no trace.
func TestBacklogDoesNotGrow(t *testing.T) {
	r := newRig(t, 0, false)
	one := strings.Repeat("x", LargeMessage)
	for range 8 {
		r.parts(false, one)
	}
	var batch []Seg
	for range 10_000 {
		r.parts(false, one)
		batch = r.q.Take(r.ear, batch[:0], 1)
		release(batch)
	}
	if n := cap(r.q.segs) * int(unsafe.Sizeof(Seg{})); n > 16<<10 {
		t.Errorf("a queue of 8 messages keeps %d octets for segments", n)
	}
}

// TestFewMessagesDoNotKeepAChunkEach: what trickles in must not cost more
// than a multiple of itself.
func TestFewMessagesDoNotKeepAChunkEach(t *testing.T) {
	for name, put := range map[string]func(r *rig){
		"runs": func(r *rig) { r.run([]string{"x"}) },
		"parts": func(r *rig) {
			buf := r.pool.Get(ChunkSize)
			buf.B = append(buf.B, 'x')
			r.q.PutParts([][]byte{buf.B[:1:1]}, buf)
		},
	} {
		r := newRig(t, 0, false)
		for range 1000 {
			put(r)
		}
		if n := r.pool.Lent(); n > 2*ChunkSize {
			t.Errorf("%s: 1000 messages of 1 octet keep %d octets", name, n)
		}
		r.q.Close()
		r.balanced()
	}
}

func TestRunIsExtended(t *testing.T) {
	r := newRig(t, 0, false)
	buf := r.pool.Chunk()
	half := AppendFramed(nil, [][]byte{make([]byte, ChunkSize/4)})
	buf.B = append(append(buf.B, half...), half...)
	r.q.PutRun(buf, buf.B[:len(half)], 1)
	r.q.PutRun(buf, buf.B[len(half):], 1)
	if n := len(r.q.segs); n != 1 || r.q.Len() != 2 {
		t.Errorf("two runs that lie side by side make %d segments of %d messages", n, r.q.Len())
	}
	buf.Release()
	r.q.Close()
	r.balanced()
}

func TestControlGoesFirst(t *testing.T) {
	r := newRig(t, 1, false)
	r.put("a")
	r.q.PutControl([]byte("ping"))
	r.q.PutControl([]byte("pong"))
	if n := r.q.ControlLen(); n != 8 {
		t.Errorf("%d octets of commands wait, want 8", n)
	}
	batch := r.q.Take(r.ear, nil, 1<<20)
	if got, want := items(batch), []string{"!pingpong", "[1:a]"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	r.q.PutControl([]byte("late"))
	r.q.Untake(batch) // the connection is lost, and so are its commands
	if got, want := items(r.q.Take(r.ear, nil, 1<<20)), []string{"[1:a]"}; !slices.Equal(got, want) {
		t.Errorf("took %q again, want %q", got, want)
	}
	release(batch)
	r.balanced()
}

func TestUntakePutsBackInFront(t *testing.T) {
	r := newRig(t, 3, false)
	r.put("a")
	r.q.PutTopic(Subscribe, []byte("t"))
	r.put("b")
	batch := r.q.Take(r.ear, nil, 1<<20)
	r.put("c")
	r.q.Untake(batch)
	if r.q.Len() != 3 || !r.q.Full() {
		t.Errorf("%d messages count, want 3", r.q.Len())
	}
	batch = r.q.Take(r.ear, nil, 1<<20)
	if got, want := items(batch), []string{"[1:a]", "[1:b]", "[1:c]"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	release(batch)
	r.balanced()
}

func TestRenewReplacesSubscriptions(t *testing.T) {
	r := newRig(t, 0, false)
	r.q.PutTopic(Subscribe, []byte("old"))
	r.put("a")
	r.q.PutTopic(Cancel, []byte("old"))
	r.q.Renew(octets([]string{"x", "y"}))
	if got, want := items(r.q.Take(r.ear, nil, 1<<20)), []string{"+x", "+y", "[1:a]"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	if r.q.Bytes() != 0 {
		t.Errorf("%d octets wait in an empty queue", r.q.Bytes())
	}
}

// TestTopicsOfNoConnection: a queue without a reader holds no changes of subscriptions.
// The next reader is told all by Renew.
func TestTopicsOfNoConnection(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.q.PutTopic(Subscribe, []byte("old"))
	r.q.Detach()
	r.q.PutTopic(Cancel, []byte("old"))
	r.q.SetReader(r.ear, r.p)
	if got, want := items(r.q.Take(r.ear, nil, 1<<20)), []string{"[1:a]"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	if r.q.Bytes() != 0 {
		t.Errorf("%d octets wait in an empty queue", r.q.Bytes())
	}
}

// TestDetachEmpties: who waits until all is written is told when a connection ends that
// had to write nothing but what was its own.
func TestDetachEmpties(t *testing.T) {
	for name, put := range map[string]func(q *Queue){
		"PING":      func(q *Queue) { q.PutControl([]byte{4, 1, 0}) },
		"SUBSCRIBE": func(q *Queue) { q.PutTopic(Subscribe, []byte("t")) },
	} {
		r := newRig(t, 0, false)
		put(r.q)
		emptied := r.q.Emptied()
		r.q.Detach()
		select {
		case <-emptied:
		default:
			t.Errorf("%s: it still waits", name)
		}
	}
}

func TestPutFront(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.q.PutFront(Seg{Kind: Run, N: 1, B: []byte{0, 0}})
	r.expect("[0:]", "[1:a]", "")
	r.balanced()
}

func TestConflateKeepsTheLast(t *testing.T) {
	r := newRig(t, 3, true)
	for range 10 {
		r.put("old")
		r.parts(false, "old", strings.Repeat("x", LargeMessage))
	}
	r.run([]string{"older"}, []string{"new", "est"})
	if r.q.Full() {
		t.Error("a queue that conflates is full")
	}
	r.expect("[3:new][3:est]", "")
	if c := r.q.Count(); c.Replaced != 21 || c.Messages != 22 {
		t.Errorf("%d messages put and %d replaced, want 22 and 21", c.Messages, c.Replaced)
	}
	r.put("a")
	if !r.p.Head() {
		t.Fatal("no message")
	}
	r.put("b") // supersedes what was taken and not received
	r.expect("[1:b]", "")
	r.balanced()
}

// TestConflateFromNowOn: what waits when a queue begins to conflate is the last message.
func TestConflateFromNowOn(t *testing.T) {
	for name, put := range map[string]func(r *rig){
		"a run":            func(r *rig) { r.put("0"); r.put("1"); r.put("2", "two") },
		"another's run":    func(r *rig) { r.put("0"); r.run([]string{"1"}, []string{"2", "two"}) },
		"a large message":  func(r *rig) { r.put("0"); r.put("1"); r.parts(false, "2", "two") },
		"one message":      func(r *rig) { r.put("2", "two") },
		"what is put then": func(r *rig) { r.put("0"); r.put("1"); r.q.Conflate(); r.put("2", "two") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 10, false)
			put(r)
			n := r.q.Count().Messages
			r.q.Conflate()
			if c := r.q.Count(); r.q.Len() != 1 || c.Messages != n || c.Replaced != n-1 {
				t.Errorf("%d wait, counted %+v", r.q.Len(), c)
			}
			r.expect("[1:2][3:two]", "")
			if r.q.Bytes() != 0 || r.q.Len() > 1 {
				t.Errorf("%d octets and %d messages are left", r.q.Bytes(), r.q.Len())
			}
		})
	}
}

func TestConflateDropsWhatComesBackLate(t *testing.T) {
	r := newRig(t, 0, true)
	r.put("old")
	batch := r.q.Take(r.ear, nil, 1<<20)
	r.put("new")
	r.q.Untake(batch)
	batch = r.q.Take(r.ear, nil, 1<<20)
	if got, want := items(batch), []string{"[3:new]"}; !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
	release(batch)
	r.balanced()
}

func TestCloseDropsAndRefuses(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.parts(true, strings.Repeat("x", LargeMessage))
	batch := r.q.Take(r.ear, nil, 1)
	r.put("b")
	emptied := r.q.Emptied()
	r.q.Close()
	select {
	case <-emptied:
	default:
		t.Error("who waits until the queue is empty was not woken")
	}
	r.q.Untake(batch)
	r.parts(false, strings.Repeat("x", LargeMessage))
	r.run([]string{"x"})
	r.q.PutTopic(Subscribe, []byte("t"))
	if !r.q.Full() || !r.q.Empty() || r.q.Emptied() != nil {
		t.Error("a closed queue takes or holds something")
	}
	if c := r.q.Count(); c.Dropped != 3 {
		t.Errorf("%d messages count as dropped, want 3", c.Dropped)
	}
	r.balanced()
}

func TestEndKeepsWhatWaits(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("a")
	r.q.End()
	if !r.q.Full() || !r.q.Closed() {
		t.Error("an ended queue is not full")
	}
	r.expect("[1:a]", "")
	r.balanced()
}

// TestPace: a writer is told to wait while much lies in a queue whose reader is at
// it, and told of room when less does.
func TestPace(t *testing.T) {
	const pace = SendPace
	r := newRig(t, 0, false)
	big := strings.Repeat("b", pace/4)
	for range 3 {
		r.put(big)
		if r.q.Paced(pace) {
			t.Fatal("paced below the bound")
		}
	}
	r.put(big)
	if !r.q.Paced(pace) {
		t.Fatal("not paced at the bound")
	}
	r.q.Stall()
	if r.q.Paced(pace) {
		t.Fatal("paced by a reader that takes nothing")
	}
	release(r.q.Take(r.ear, nil, pace/4))
	r.put(big)
	if !r.q.Paced(pace) {
		t.Fatal("not paced by a reader that takes again")
	}
	if r.ear.room != 0 {
		t.Fatal("the writer was told of room before there was any")
	}
	release(r.q.Take(r.ear, nil, pace/2))
	if r.ear.room != 1 {
		t.Fatalf("the writer was told of room %d times, want 1", r.ear.room)
	}
	release(r.q.Take(r.ear, nil, pace))
	if r.ear.room != 1 {
		t.Error("a writer that does not wait was told of room")
	}
}

// TestPutPartsOfMemoryBeingFilled: a message that was lent out of a chunk may be sent on
// while the reader of its connection makes the chunk longer. The race detector looks on.
func TestPutPartsOfMemoryBeingFilled(t *testing.T) {
	var pool Pool
	q := NewQueue(nil, &pool, 0, false)
	chunk := pool.Chunk()
	chunk.B = chunk.B[:LargeMessage]
	lent := chunk.B[:LargeMessage:LargeMessage]
	chunk.Hold()
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		for n := range cap(chunk.B) - LargeMessage {
			chunk.B = chunk.B[:LargeMessage+n]
		}
	}()
	for range 100 {
		chunk.Hold()
		q.Mu.Lock()
		q.PutParts([][]byte{lent}, chunk)
		q.Mu.Unlock()
	}
	<-filled
	chunk.Release()
	chunk.Release()
	q.Close()
	if n := pool.Lent(); n != 0 {
		t.Errorf("%d octets were not given back", n)
	}
}
