package pipe

import (
	"bytes"
	"fmt"
	"testing"
)

// An ear counts what a queue tells its reader and its writer.
type ear struct {
	told int
	room int
}

func (e *ear) Readable(*Pipe) { e.told++ }
func (e *ear) Writable(*Pipe) { e.room++ }

// A rig is a queue with someone at each end, and its memory.
type rig struct {
	t    testing.TB
	pool *Pool
	q    *Queue
	p    *Pipe // whose In is q
	ear  *ear
}

func newRig(t testing.TB, mark int, conflate bool) *rig {
	t.Helper()
	r := &rig{t: t, pool: &Pool{}, ear: &ear{}}
	r.q = NewQueue(nil, r.pool, mark, conflate)
	r.p = &Pipe{In: r.q}
	r.q.SetReader(r.ear, r.p)
	r.q.SetWriter(r.ear, r.p)
	return r
}

// put puts one message of frames and tells the reader if it has to be told.
func (r *rig) put(frames ...string) {
	if r.q.Put(nil, octets(frames)) {
		r.q.Tell()
	}
}

// run puts a run as a connection's reader does.
func (r *rig) run(messages ...[]string) {
	size := 0
	for _, frames := range messages {
		size += FramedSize(octets(frames))
	}
	buf := r.pool.Get(max(size, ChunkSize))
	for _, frames := range messages {
		buf.B = AppendFramed(buf.B, octets(frames))
	}
	if r.q.PutRun(buf, buf.B[:len(buf.B):len(buf.B)], len(messages)) {
		r.q.Tell()
	}
	buf.Release()
}

// parts puts one message by reference, in memory of the pool's.
func (r *rig) parts(shared bool, frames ...string) {
	list := octets(frames)
	parts, buf := CopyParts(r.pool.Get(FramedSize(list)), nil, list)
	put := r.q.PutParts
	if shared {
		put = r.q.PutShared
	}
	if put(parts, buf) {
		r.q.Tell()
	}
}

// recv receives the head message, "" if there is none.
func (r *rig) recv() string {
	if !r.p.Head() {
		return ""
	}
	got := shown(r.p.Load(nil, 0))
	r.p.Advance()
	return got
}

// expect receives messages and wants these, in the form that shown gives them.
func (r *rig) expect(want ...string) {
	r.t.Helper()
	for _, w := range want {
		if got := r.recv(); got != w {
			r.t.Fatalf("received %.100s, want %.100s", got, w)
		}
	}
}

// balanced wants that all memory was given back.
func (r *rig) balanced() {
	r.t.Helper()
	if n := r.pool.Lent(); n != 0 {
		r.t.Fatalf("%d octets were not given back", n)
	}
}

func octets(frames []string) [][]byte {
	list := make([][]byte, len(frames))
	for i, f := range frames {
		list[i] = []byte(f)
	}
	return list
}

// shown writes frames so that two messages look the same only if they are.
func shown(frames [][]byte) string {
	var b bytes.Buffer
	for _, f := range frames {
		fmt.Fprintf(&b, "[%d:%s]", len(f), f)
	}
	return b.String()
}

// items writes what segments hold, one entry for a message, a topic, or
// commands.
func items(segs []Seg) (list []string) {
	for _, s := range segs {
		switch s.Kind {
		case Run:
			n := 0
			for run := s.B; len(run) > 0; run = run[MessageLen(run):] {
				var frames [][]byte
				for f := range Frames(run) {
					frames = append(frames, f)
				}
				list = append(list, shown(frames))
				n++
			}
			if n != s.N {
				list = append(list, fmt.Sprintf("(a run of %d messages says that it has %d)", n, s.N))
			}
		case Parts:
			list = append(list, shown(s.Parts))
		case Subscribe:
			list = append(list, "+"+string(s.B))
		case Cancel:
			list = append(list, "-"+string(s.B))
		case Control:
			list = append(list, "!"+string(s.B))
		}
	}
	return list
}

func release(segs []Seg) {
	for i := range segs {
		segs[i].Release()
	}
}
