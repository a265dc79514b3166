package pipe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// FuzzQueue drives a queue and its naive model side by side: one side puts,
// the other takes as a connection's writer does, or receives as a socket does.
func FuzzQueue(f *testing.F) {
	for _, mode := range []byte{0, 1, 2, 3, 4, 5} {
		f.Add(mode, []byte("0123456789abcdefghijklmnopqrstuvwxyz"))
		f.Add(mode, []byte("00000tttuuurrrrrrrppppptuuuuuuuttttt"))
		f.Add(mode, []byte("\x00\x10\x20\x30\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x00\x08\x08\x09\x01\x02\x02\x0a\x0b"))
	}
	f.Fuzz(func(t *testing.T, mode byte, ops []byte) {
		if len(ops) > 400 {
			return
		}
		conflate := mode&1 != 0
		m := &model{rig: newRig(t, int(mode>>1&1)*5, conflate), conflate: conflate}
		if mode&4 == 0 {
			m.receives(ops)
		} else {
			m.writes(ops)
		}
		m.end()
	})
}

// model is what a queue should be: a list.
type model struct {
	*rig
	conflate bool
	waiting  []string // as items writes them, commands left out
	control  string
	messages int // put so far

	batch []Seg    // of the writer
	taken []string // what the batch holds

	got  []string // of the receiver: taken, and not yet received
	lent [][]byte
	want string // what lent has to be
	mem  Memory
}

// next makes the next message; its size depends on what.
func (m *model) next(what byte) []string {
	m.messages++
	sizes := []int{0, 3, 100, 300, lendFrom, LargeMessage, ChunkSize / 2, ChunkSize + 1}
	frames := []string{fmt.Sprint(m.messages), strings.Repeat(string('a'+what%26), sizes[what&7])}
	return frames[what>>3&1:]
}

// put puts something. It reports false if op means something else.
func (m *model) puts(op byte) bool {
	frames := m.next(op >> 4)
	item := shown(octets(frames))
	switch op & 15 {
	case 0, 1:
		m.put(frames...)
	case 2:
		m.parts(false, frames...)
	case 3:
		m.parts(true, frames...)
	case 4:
		other := []string{"before", fmt.Sprint(op)}
		m.run(other, frames)
		if !m.conflate {
			m.waiting = append(m.waiting, shown(octets(other)))
		}
	case 5:
		m.q.PutTopic(Subscribe, []byte(frames[0]))
		m.waiting = append(m.waiting, "+"+frames[0])
		return true
	default:
		m.messages--
		return false
	}
	if m.conflate {
		m.waiting = nil
	}
	m.waiting = append(m.waiting, item)
	return true
}

// receives drives the queue as the in-queue of a socket.
func (m *model) receives(ops []byte) {
	for _, op := range ops {
		if m.puts(op) {
			m.awake()
			continue
		}
		if !m.head() {
			continue
		}
		want := m.got[0]
		if kind := m.p.HeadKind(); kind == Subscribe {
			if got := "+" + string(m.p.HeadTopic()); got != want {
				m.t.Fatalf("received %q, want %.80q", got, want)
			}
		} else if op&1 == 0 {
			m.same(m.p.Load(nil, 0), want)
		} else {
			m.stillLent()
			m.lent = m.p.LoadInto(m.lent, &m.mem, nil, 0)
			m.want = want
			m.stillLent()
		}
		m.p.Advance()
		m.got = m.got[1:]
	}
}

// head looks for a message in the queue and in the model.
func (m *model) head() bool {
	if len(m.got) == 0 || (m.conflate && len(m.waiting) > 0) {
		m.got, m.waiting = m.waiting, nil
	}
	if found := m.p.Head(); found != (len(m.got) > 0) {
		m.t.Fatalf("a message is there: %v, want %v", found, len(m.got) > 0)
	}
	return len(m.got) > 0
}

func (m *model) same(got [][]byte, want string) {
	m.t.Helper()
	if shown(got) != want {
		m.t.Fatalf("%.80s, want %.80s", shown(got), want)
	}
}

// stillLent wants the message that was received last unspoilt.
func (m *model) stillLent() {
	m.t.Helper()
	if m.want != "" {
		m.same(m.lent, m.want)
	}
}

// awake wants that the reader is told, or at it, whenever something waits.
func (m *model) awake() {
	m.t.Helper()
	if !m.q.Empty() && m.q.phase == idle && m.q.reader != nil {
		m.t.Fatal("something waits and the reader does not know")
	}
}

// writes drives the queue as the out-queue of a connection.
func (m *model) writes(ops []byte) {
	for _, op := range ops {
		if m.puts(op) {
			m.awake()
			continue
		}
		switch op & 15 {
		case 6:
			m.q.PutControl([]byte{'p'})
			m.control += "p"
		case 7:
			m.renews()
		case 8, 9, 10:
			m.takes(int(op) << 8)
		case 11:
			m.fails(int(op >> 4))
		case 12:
			m.front()
		}
		m.awake()
		m.sizes()
	}
}

// takes gives the batch back as written and takes the next one.
func (m *model) takes(max int) {
	release(m.batch)
	m.batch = m.q.Take(m.ear, m.batch[:0], max)
	got := items(m.batch)
	if m.control != "" {
		if len(got) == 0 || got[0] != "!"+m.control {
			m.t.Fatalf("took %.80q, want commands %q first", got, m.control)
		}
		got, m.control = got[1:], ""
	}
	if len(got) > len(m.waiting) || !slices.Equal(got, m.waiting[:len(got)]) {
		m.t.Fatalf("took %.80q of %.80q", got, m.waiting)
	}
	if len(got) == 0 && len(m.waiting) > 0 {
		m.t.Fatal("took nothing, with something there")
	}
	m.taken, m.waiting = got, m.waiting[len(got):]
}

// fails puts all but the first segments of the batch back and connects anew.
func (m *model) fails(written int) {
	written = min(written, len(m.batch))
	gone := len(items(m.batch[:written]))
	if len(m.batch) > 0 && m.batch[0].Kind == Control {
		gone = max(gone, 1) - 1
	}
	release(m.batch[:written])
	settled := m.q.Detach()
	m.q.Untake(m.batch[written:])
	m.q.Rest()
	if settled != nil && !closed(settled) {
		m.t.Fatal("who waits for the taker was not woken")
	}
	if m.q.SetReader(m.ear, m.p) {
		m.q.Tell()
	}
	var back []string
	for _, item := range m.taken[gone:] {
		if item[0] == '[' && (!m.conflate || len(m.waiting) == 0) {
			back = append(back, item)
		}
	}
	m.waiting = append(back, m.waiting...)
	m.batch, m.taken, m.control = nil, nil, ""
}

func (m *model) renews() {
	m.q.Renew([][]byte{[]byte("renewed")})
	kept := []string{"+renewed"}
	for _, item := range m.waiting {
		if item[0] == '[' {
			kept = append(kept, item)
		}
	}
	m.waiting = kept
}

func (m *model) front() {
	m.q.PutFront(Seg{Kind: Run, N: 1, B: []byte{0, 0}})
	m.waiting = append([]string{"[0:]"}, m.waiting...)
}

// sizes wants the counts to agree with what waits.
func (m *model) sizes() {
	m.t.Helper()
	n := 0
	for _, item := range m.waiting {
		if item[0] == '[' {
			n++
		}
	}
	if m.q.Len() != n || m.q.Empty() != (len(m.waiting) == 0) {
		m.t.Fatalf("the queue has %d messages (empty: %v), want %d", m.q.Len(), m.q.Empty(), n)
	}
	if (m.q.Bytes() == 0) != (len(m.waiting) == 0) && !slices.Contains(m.waiting, "+") {
		m.t.Fatalf("%d octets wait in %d items", m.q.Bytes(), len(m.waiting))
	}
}

// end closes the queue and wants all memory back.
func (m *model) end() {
	m.stillLent()
	release(m.batch)
	m.p.Drop()
	m.q.Close()
	m.mem.Reuse()
	m.balanced()
}
