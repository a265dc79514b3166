package pipe

import "github.com/phimq/zmq/internal/wire"

// lendFrom is the size from which a refilled message borrows the memory that
// its octets were read into. Below it a copy is cheaper than the accounts.
const lendFrom = 8 << 10

// Memory is what a message keeps from one filling to the next. A copy of a
// Memory is not its owner and can free nothing.
type Memory struct {
	owner  *Memory
	last   *[]byte // the last place of the list of frames that m has made
	bytes  []byte
	filled bool  // the frames lie in bytes
	loan   *loan // shared with copies; nil until there is one
	pool   *Pool // where the memory of large messages comes from, once it is known
}

// From says where memory for large messages is to come from.
func (m *Memory) From(pool *Pool) { m.pool = pool }

// Alloc returns one frame of n octets, to be filled: a large one in recycled
// memory that can be handed on, others in memory that m keeps. Frames are what the
// message had before.
func (m *Memory) Alloc(frames [][]byte, n int) [][]byte {
	frames = m.list(frames)
	pool := m.pool
	m.Reuse()
	m.pool = pool
	if n >= LargeMessage && pool != nil {
		buf := pool.Get(n)
		buf.B = buf.B[:n]
		m.lend(buf)
		buf.Release() // m holds it now
		return m.made(append(frames, buf.B[:n:n]))
	}
	if cap(m.bytes) < n {
		m.bytes = make([]byte, 0, n)
	}
	m.filled = true
	return m.made(append(frames, m.bytes[:n:n]))
}

// owns reports whether m has made a list of frames, or what is left of it. Another is
// that of the message that this one is a copy of, or the caller's: it is not ours to fill.
func (m *Memory) owns(frames [][]byte) bool {
	return m.owner == m && cap(frames) > 0 && &frames[:cap(frames)][cap(frames)-1] == m.last
}

// list returns an empty list to be filled.
func (m *Memory) list(frames [][]byte) [][]byte {
	if m.owns(frames) {
		return frames[:0]
	}
	return nil
}

// made notes that m has made the list.
func (m *Memory) made(frames [][]byte) [][]byte {
	if n := cap(frames); n > 0 {
		m.last = &frames[:n][n-1]
	}
	return frames
}

// Append puts frames behind others. A list that is empty may be another's, in which
// that one's frames lie: then m makes its own.
func (m *Memory) Append(frames [][]byte, more ...[]byte) [][]byte {
	if len(frames) > 0 {
		return append(frames, more...)
	}
	if m.owner == nil {
		m.owner = m
	}
	return m.made(append(m.list(frames), more...))
}

// Reuse makes m ready for the next filling: what was lent goes back.
func (m *Memory) Reuse() {
	if m.owner != m {
		*m = Memory{owner: m}
		return
	}
	m.lend(nil)
}

// Taken is Reuse for a message that was sent, and returns the list for the next one's
// frames. One that the caller made is not touched, nor that of the message that this
// one is a copy of.
func (m *Memory) Taken(frames [][]byte) [][]byte {
	frames = m.Emptied(frames)
	if m.owner != nil {
		m.Reuse()
	}
	return frames
}

// Emptied is the list of a message that was sent, for what comes next.
func (m *Memory) Emptied(frames [][]byte) [][]byte {
	switch {
	case m.owns(frames):
		clear(frames) // they must not be kept alive
	case m.owner != nil && m.owner != m:
		return nil
	}
	return frames[:0]
}

// MoveLoan gives the hold on lent memory to the caller, who then owns the
// frames. It reports false when m can't give it: then they must be copied.
func (m *Memory) MoveLoan() (buf *Buf, ok bool) {
	if m.owner != nil && (m.owner != m || m.filled) {
		return nil, false
	}
	// An identity that was put in front of lent frames lies in bytes.
	if m.bytes = nil; m.loan != nil {
		buf, m.loan.buf = m.loan.buf, nil
	}
	return buf, true
}

// Load returns the head message in memory that belongs to the caller: id in
// front if it is not nil, and the first skip frames left out.
func (p *Pipe) Load(id []byte, skip int) [][]byte {
	s := &p.got[p.at]
	if s.Kind == Parts && id == nil && skip == 0 && s.giveAway() {
		return s.Parts
	}
	first, n, size := p.measure(skip)
	if id != nil {
		n++
		size += len(id)
	}
	if n == 1 {
		return oneFrame(first)
	}
	return p.fill(make([][]byte, 0, n), make([]byte, 0, size), id, skip)
}

// giveAway reports whether the parts may go to the receiver for good.
func (s *Seg) giveAway() bool {
	if s.Shared || len(s.Parts) == 0 {
		return false
	}
	if s.Buf == nil {
		return true
	}
	if s.Buf.refs.Load() != 1 {
		return false // whoever else holds it may be filling it: not a look at it before this
	}
	if size := len(s.Buf.B); size == 0 || cap(s.Buf.B)-size > size/classSteps {
		return false
	}
	s.Buf.giveAway()
	s.Buf = nil
	return true
}

// TakeInto is LoadInto and Advance. A message of one frame takes the short road
// while others lie behind it in the run: it is lent. The last of a run is copied
// if it is small, so that a receiver at rest keeps nobody's chunk.
func (p *Pipe) TakeInto(frames [][]byte, mem *Memory, id []byte, skip int) [][]byte {
	if p.left > 1 && p.end == 0 && len(id)+skip == 0 && mem.owns(frames) {
		s := &p.got[p.at]
		flags, head, size := header(s.B[p.off:])
		if from := p.off + head; flags&wire.FlagMore == 0 {
			mem.lend(s.Buf)
			p.off = from + size
			p.left--
			if p.unread++; p.unread >= p.due {
				p.report()
			}
			frames = frames[:1]
			frames[0] = s.B[from:p.off:p.off]
			return frames
		}
	}
	frames = p.LoadInto(frames, mem, id, skip)
	p.Advance()
	return frames
}

// loan is memory that a message has borrowed. A copy of a message that takes the
// place of the original, later, finds here what was given back meanwhile.
type loan struct{ buf *Buf }

// lend makes m hold buf, where its next frames lie, and nothing else.
func (m *Memory) lend(buf *Buf) {
	m.filled = false
	switch {
	case m.loan == nil && buf == nil:
		return
	case m.loan == nil:
		m.loan = &loan{}
	case m.loan.buf == buf:
		return
	}
	m.loan.buf.Release()
	if m.loan.buf = buf; buf != nil {
		buf.Hold()
	}
}

// LoadInto refills a message from the head message: frames and mem are what
// it had before. The frames it returns are valid until the next LoadInto.
func (p *Pipe) LoadInto(frames [][]byte, mem *Memory, id []byte, skip int) [][]byte {
	frames = mem.list(frames)
	mem.Reuse()
	_, n, size := p.measure(skip)
	s := &p.got[p.at]
	if size >= lendFrom && !s.Shared {
		if id != nil {
			mem.bytes = append(mem.bytes[:0], id...)
			frames = append(frames, mem.bytes[:len(id):len(id)])
		}
		mem.lend(s.Buf)
		return mem.made(p.appendSkipping(frames, skip))
	}
	size += len(id)
	if cap(mem.bytes) < size {
		mem.bytes = make([]byte, 0, max(size, 2*cap(mem.bytes)))
	}
	if cap(frames) < n+1 {
		frames = make([][]byte, 0, n+1)
	}
	mem.filled = true
	return mem.made(p.fill(frames, mem.bytes[:0], id, skip))
}

// measure walks the head message without its first skip frames.
func (p *Pipe) measure(skip int) (first []byte, n, size int) {
	s := &p.got[p.at]
	if s.Kind == Parts {
		for _, part := range s.Parts[skip:] {
			size += len(part)
		}
		return s.Parts[skip], len(s.Parts) - skip, size
	}
	for off := p.off; ; {
		flags, head, body := header(s.B[off:])
		from := off + head
		off = from + body
		if skip > 0 {
			skip--
		} else {
			if n == 0 {
				first = s.B[from:off:off]
			}
			n++
			size += body
		}
		if flags&wire.FlagMore == 0 {
			p.end = off
			return first, n, size
		}
	}
}

// fill copies id and the head message without its first skip frames to mem.
func (p *Pipe) fill(frames [][]byte, mem, id []byte, skip int) [][]byte {
	if id != nil {
		mem = append(mem, id...)
		frames = append(frames, mem[:len(mem):len(mem)])
	}
	s := &p.got[p.at]
	if s.Kind == Parts {
		for _, part := range s.Parts[skip:] {
			from := len(mem)
			mem = append(mem, part...)
			frames = append(frames, mem[from:len(mem):len(mem)])
		}
		return frames
	}
	for off := p.off; ; {
		flags, head, body := header(s.B[off:])
		off += head + body
		if skip > 0 {
			skip--
		} else {
			from := len(mem)
			mem = append(mem, s.B[off-body:off]...)
			frames = append(frames, mem[from:len(mem):len(mem)])
		}
		if flags&wire.FlagMore == 0 {
			return frames
		}
	}
}

func (p *Pipe) appendSkipping(frames [][]byte, skip int) [][]byte {
	s := &p.got[p.at]
	if s.Kind == Parts {
		return append(frames, s.Parts[skip:]...)
	}
	for f := range Frames(s.B[p.off:]) {
		if skip > 0 {
			skip--
			continue
		}
		frames = append(frames, f)
	}
	return frames
}
