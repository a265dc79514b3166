package pipe

import (
	"bytes"
	"strings"
	"testing"
)

// sizes are those at which something changes: frame headers, the memory of a
// received message, lending, chunks.
var sizes = []int{0, 1, 40, 41, 104, 105, 232, 233, 255, 256, lendFrom - 1, lendFrom, LargeMessage - 100, LargeMessage, ChunkSize}

// TestLoad receives messages of all sizes and shapes, in both ways, with an
// identity in front and with frames left out.
func TestLoad(t *testing.T) {
	id := []byte("identity")
	for _, size := range sizes {
		body := strings.Repeat("b", size)
		for _, frames := range [][]string{{body}, {"head", body}, {"", "head", body, "tail"}} {
			for _, way := range []string{"put", "parts", "shared", "run"} {
				for skip := range frames {
					for _, id := range [][]byte{nil, id} {
						loads(t, way, frames, id, skip)
					}
				}
			}
		}
	}
}

func loads(t *testing.T, way string, frames []string, id []byte, skip int) {
	t.Helper()
	r := newRig(t, 0, false)
	for range 2 {
		switch way {
		case "put":
			r.put(frames...)
		case "run":
			buf := r.pool.Get(FramedSize(octets(frames)))
			buf.B = AppendFramed(buf.B, octets(frames))
			r.q.PutRun(buf, buf.B, 1)
			buf.Release()
		default:
			r.parts(way == "shared", frames...)
		}
	}
	r.put("last")
	want := octets(frames[skip:])
	if id != nil {
		want = append([][]byte{id}, want...)
	}
	check := func(how string, got [][]byte) {
		t.Helper()
		if shown(got) != shown(want) {
			t.Fatalf("%s of %s, skip %d, id %q: %.80s, want %.80s", how, way, skip, id, shown(got), shown(want))
		}
		for _, f := range got[:len(got)-1] {
			if len(f) != cap(f) {
				t.Fatalf("%s of %s: a frame of %d octets has room for %d: append would spoil the next one", how, way, len(f), cap(f))
			}
		}
	}
	var mem Memory
	var into [][]byte
	r.p.Head()
	into = r.p.LoadInto(into, &mem, id, skip)
	r.p.Advance()
	check("LoadInto", into)
	r.fill(FramedSize(octets(frames)))
	r.p.Head()
	got := r.p.Load(id, skip)
	r.p.Advance()
	check("Load", got)
	r.expect("[4:last]", "")
	check("LoadInto, later", into)
	mem.Reuse()
	r.balanced()
	spoil(r.pool)
	check("Load, later", got)
}

// fill takes memory as a message of size octets does, and writes to it.
func (r *rig) fill(size int) {
	buf := r.pool.Get(size)
	clear(buf.B[:cap(buf.B)])
	buf.Release()
}

// spoil writes over all memory that the pool keeps.
func spoil(pool *Pool) {
	for _, list := range pool.free {
		for _, b := range list {
			clear(b.B[:cap(b.B)])
		}
	}
}

// TestLoadOwnsItsMemory: what Recv gave stays as it is whatever is written to
// the identity or to the frames of another receiver.
func TestLoadOwnsItsMemory(t *testing.T) {
	r := newRig(t, 0, false)
	id := []byte("id")
	body := strings.Repeat("b", LargeMessage)
	for _, into := range []bool{false, true} {
		r.put("head", body)
		r.p.Head()
		var got [][]byte
		if into {
			got = r.p.LoadInto(nil, &Memory{}, id, 0)
		} else {
			got = r.p.Load(id, 0)
		}
		got[0][0] = 'X'
		if id[0] != 'i' {
			t.Fatalf("into %v: the receiver can write to the identity of the pipe", into)
		}
		r.p.Advance()
	}
}

func TestSharedIsNotGivenAway(t *testing.T) {
	body := bytes.Repeat([]byte("b"), LargeMessage)
	for _, into := range []bool{false, true} {
		r := newRig(t, 0, false)
		r.q.PutShared([][]byte{body}, nil)
		r.p.Head()
		var got [][]byte
		if into {
			got = r.p.LoadInto(nil, &Memory{}, nil, 0)
		} else {
			got = r.p.Load(nil, 0)
		}
		got[0][0] = 'X'
		if body[0] != 'b' {
			t.Errorf("into %v: a receiver can write to what other receivers get", into)
		}
	}
}

// TestGivenAwayIsNotRecycled: memory that a receiver keeps must never be
// given out again, and a receiver gets none that is mostly empty.
func TestGivenAwayIsNotRecycled(t *testing.T) {
	r := newRig(t, 0, false)
	r.parts(false, strings.Repeat("b", ChunkSize))
	r.p.Head()
	lent := r.p.got[0].Buf
	got := r.p.Load(nil, 0)
	if &got[0][0] != &lent.B[0] {
		t.Error("a large message was copied")
	}
	r.p.Advance()
	r.balanced()
	if r.pool.Get(ChunkSize) == lent {
		t.Fatal("memory that a receiver keeps was given out again")
	}

	buf := r.pool.Get(ChunkSize)
	buf.B = append(buf.B, strings.Repeat("b", ChunkSize/2)...)
	r.q.PutParts([][]byte{buf.B}, buf)
	r.p.Head()
	if got := r.p.Load(nil, 0); &got[0][0] == &buf.B[0] {
		t.Error("a receiver keeps memory that is half empty")
	}
}

// TestHeldIsNotGivenAway: memory that somebody else reads, or fills, stays.
func TestHeldIsNotGivenAway(t *testing.T) {
	r := newRig(t, 0, false)
	parts, buf := CopyParts(r.pool.Get(ChunkSize), nil, [][]byte{make([]byte, ChunkSize)})
	buf.Hold()
	r.q.PutParts(parts, buf)
	r.p.Head()
	if got := r.p.Load(nil, 0); &got[0][0] == &buf.B[0] {
		t.Error("memory that somebody else holds was given away")
	}
	r.p.Advance()
	buf.Release()
	r.balanced()
}

// TestLoanEnds: what is lent goes back with the next message, and not before.
func TestLoanEnds(t *testing.T) {
	r := newRig(t, 0, false)
	body := strings.Repeat("b", LargeMessage)
	r.put(body)
	r.put(body)
	r.put("small")
	var mem Memory
	var frames [][]byte
	for i, want := range []int{1, 1, 0} {
		r.p.Head()
		frames = r.p.LoadInto(frames, &mem, nil, 0)
		r.p.Advance()
		if got := mem.loan != nil && mem.loan.buf != nil; got != (want == 1) {
			t.Errorf("message %d: lent: %v", i, got)
		}
	}
	r.expect("")
	r.balanced()
}

// TestCopiedMemory: a copy of a Memory can neither free the loan nor write
// over the frames of the original.
func TestCopiedMemory(t *testing.T) {
	r := newRig(t, 0, false)
	body := strings.Repeat("b", LargeMessage)
	r.put(body, "", "")
	r.put("second")
	r.put("third")
	r.p.Head()
	var mem Memory
	frames := r.p.LoadInto(nil, &mem, nil, 0)
	r.p.Advance()
	other := mem
	r.p.Head()
	otherFrames := r.p.LoadInto(frames, &other, nil, 0)
	r.p.Advance()
	if shown(otherFrames) != "[6:second]" || shown(frames) != shown(octets([]string{body, "", ""})) {
		t.Fatalf("the copy has %.40s, the original %.40s", shown(otherFrames), shown(frames))
	}
	if _, ok := (&Memory{owner: &mem, loan: mem.loan}).MoveLoan(); ok {
		t.Error("a copy gives away what it does not own")
	}
	r.p.Head()
	r.p.LoadInto(frames, &mem, nil, 0)
	r.p.Advance()
	r.expect("")
	r.balanced()
}

// TestMoveLoan: a message that was lent can be sent on without a copy, with
// the identity in front; the next message must not write into it.
func TestMoveLoan(t *testing.T) {
	r := newRig(t, 0, false)
	body := strings.Repeat("b", LargeMessage)
	r.put(body)
	r.put(body)
	var mem Memory
	r.p.Head()
	frames := r.p.LoadInto(nil, &mem, []byte("first"), 0)
	r.p.Advance()
	want := shown(frames)
	buf, ok := mem.MoveLoan()
	if !ok {
		t.Fatal("a loan can't be moved")
	}
	out := NewQueue(nil, r.pool, 0, false)
	out.PutParts(frames, buf)
	r.p.Head()
	r.p.LoadInto(nil, &mem, []byte("OTHER"), 0)
	r.p.Advance()
	if got := shown(out.segs[0].Parts); got != want {
		t.Fatalf("what was sent on has become %.40s, was %.40s", got, want)
	}
	out.Close()
	mem.Reuse()
	r.expect("")
	r.balanced()
}

// TestMoveLoanRefuses a message that lies in the message's own memory.
func TestMoveLoanRefuses(t *testing.T) {
	r := newRig(t, 0, false)
	r.put("small")
	r.p.Head()
	var mem Memory
	r.p.LoadInto(nil, &mem, nil, 0)
	if _, ok := mem.MoveLoan(); ok {
		t.Error("memory that will be filled again was given away")
	}
	if _, ok := new(Memory).MoveLoan(); !ok {
		t.Error("a message of the user's can't be given away")
	}
}

// TestLoadBeyondTheClasses: the largest messages lie in memory that the pool
// does not keep.
func TestLoadBeyondTheClasses(t *testing.T) {
	body := strings.Repeat("b", 6<<20)
	for _, way := range []string{"put", "parts", "shared", "run"} {
		loads(t, way, []string{"head", body}, nil, 1)
	}
}
