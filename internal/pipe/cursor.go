package pipe

// cursor is the place of the socket in what its peer sent. It is guarded by
// the socket's receive mutex.
type cursor struct {
	got    []Seg // taken from In
	at     int   // segment of got that holds the head message
	off    int   // where the head message begins in a run
	left   int   // messages left in the run, the head included
	end    int   // where the head message ends in a run; 0: not known yet
	unread int   // messages read and not yet reported to In
	due    int   // unread at which In is told

	conflate bool // In's
}

// Head reports whether there is a message to receive. It takes what has come
// in when what it had is used up; when there is nothing, In is idle and will
// tell of the next message.
func (p *Pipe) Head() bool {
	if p.at < len(p.got) && !p.conflate {
		return true
	}
	return p.refill()
}

func (p *Pipe) refill() bool {
	q := p.In
	if q.conflate {
		p.conflate = true
		return p.headConflated()
	}
	q.Mu.Lock()
	p.due = (int(q.mark.Load()) + 1) / 2
	if p.due == 0 {
		p.due = noMark
	}
	if p.unread > 0 {
		q.Read(p.unread)
		p.unread = 0
	}
	p.got = q.TakeAll(p.got)
	q.Mu.Unlock()
	p.at = 0
	p.enter()
	return len(p.got) > 0
}

// headConflated prefers what has come since to what was taken before.
func (p *Pipe) headConflated() bool {
	q := p.In
	q.Mu.Lock()
	defer q.Mu.Unlock()
	if q.Empty() && p.at < len(p.got) {
		return true
	}
	for ; p.at < len(p.got); p.at++ {
		q.count.Replaced += uint64(p.got[p.at].N)
		q.Read(p.got[p.at].N)
		p.got[p.at].Release()
	}
	p.got, p.at = q.TakeAll(p.got), 0
	p.enter()
	return len(p.got) > 0
}

// enter makes the first message of the segment at hand the head.
func (p *Pipe) enter() {
	p.off, p.end = 0, 0
	if p.at < len(p.got) {
		p.left = p.got[p.at].N
	}
}

// HeadKind returns the kind of the segment that holds the head.
func (p *Pipe) HeadKind() Kind { return p.got[p.at].Kind }

// HeadTopic returns the topic of a Subscribe or Cancel at the head.
func (p *Pipe) HeadTopic() []byte { return p.got[p.at].B }

// HeadFirst returns the first frame of the head message, and whether more
// frames follow.
func (p *Pipe) HeadFirst() (frame []byte, more bool) {
	s := &p.got[p.at]
	if s.Kind == Parts {
		return s.Parts[0], len(s.Parts) > 1
	}
	flags, head, body := header(s.B[p.off:])
	from := p.off + head
	return s.B[from : from+body : from+body], flags&1 != 0
}

// AppendHead appends the frames of the head message, which stay valid until
// Advance is called.
func (p *Pipe) AppendHead(frames [][]byte) [][]byte {
	s := &p.got[p.at]
	if s.Kind == Parts {
		return append(frames, s.Parts...)
	}
	for f := range Frames(s.B[p.off:]) {
		frames = append(frames, f)
	}
	return frames
}

// Advance leaves the head message behind.
func (p *Pipe) Advance() {
	s := &p.got[p.at]
	if s.Kind == Run {
		if p.end == 0 {
			p.end = p.off + MessageLen(s.B[p.off:])
		}
		p.off, p.end = p.end, 0
	}
	if s.N > 0 {
		p.unread++
	}
	if p.left--; p.left <= 0 {
		s.Release()
		p.at++
		p.enter()
	}
	if p.unread >= p.due {
		p.report()
	}
}

// noMark is when to report to a queue without a mark before it is empty: never.
const noMark = 1 << 30

// report counts what was read, so that the other end may put more: at the
// latest when half of the mark was read.
func (p *Pipe) report() {
	p.In.Mu.Lock()
	p.In.Read(p.unread)
	p.unread = 0
	p.In.Mu.Unlock()
}

// SetRecvMark changes the high-water mark of In. What was read and not yet
// counted may be all that a lower mark allows, and is counted first: else In
// could be empty and yet full. Only who receives from p may call it.
func (p *Pipe) SetRecvMark(mark int) {
	p.report()
	p.In.Mu.Lock()
	p.In.SetMark(mark)
	p.In.Mu.Unlock()
}

// Waiting returns the messages of In that were not received, and the octets
// that they take. The lock of In is held as well.
func (p *Pipe) Waiting() (messages, octets int) {
	octets = p.In.bytes
	for i := p.at; i < len(p.got); i++ {
		octets += p.got[i].Size()
	}
	return p.In.held - p.unread, octets - p.off
}

// Drop leaves all that was taken behind.
func (p *Pipe) Drop() {
	for ; p.at < len(p.got); p.at++ {
		p.got[p.at].Release()
	}
	p.got, p.at = nil, 0
}
