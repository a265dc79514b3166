package pipe

import "slices"

// Begin makes r the one who takes. It reports false when r is not, or no
// longer, the reader, when somebody is at it already, or when r was not told.
func (q *Queue) Begin(r Reader) bool {
	if q.phase != told || q.reader != r {
		return false
	}
	q.phase = taking
	return true
}

// Take appends up to max octets of segments to dst, which is empty: at least
// one segment if there is one; a run is never split. What is taken no longer
// counts against the mark. An empty result means that the reader is known to
// be idle again, or that r is no longer the reader.
func (q *Queue) Take(r Reader, dst []Seg, max int) []Seg {
	if q.reader != r {
		q.Rest()
		return dst
	}
	q.phase = taking
	read := 0
	if len(q.control) > 0 {
		dst = append(dst, Seg{Kind: Control, B: q.control})
		q.control = nil
	}
	if q.cur != nil {
		q.seal()
		q.shrink()
		q.cur.Release()
		q.cur = nil
	}
	for size := 0; q.head < len(q.segs); q.head++ {
		s := &q.segs[q.head]
		if n := s.Size(); size > 0 && size+n > max {
			break
		} else {
			size += n
			q.bytes -= n
		}
		read += s.N
		dst = append(dst, *s)
		*s = Seg{}
	}
	if q.head > len(q.segs)/2 {
		// What is taken must not grow without end while something always waits.
		n := copy(q.segs, q.segs[q.head:])
		clear(q.segs[n:])
		q.segs, q.head = q.segs[:n], 0
	}
	if read > 0 {
		q.Read(read)
	}
	if len(dst) == 0 {
		q.Rest()
	}
	q.relax()
	return dst
}

// relax tells a writer that was paced that less lies there.
func (q *Queue) relax() {
	q.stalled = false
	if q.bytes >= q.paced {
		return
	}
	q.paced = 0
	if q.writer != nil && !q.closed {
		q.writer.Writable(q.writerPipe)
	}
}

// Yield ends the taking of r while something waits, as if r had just been told.
// It reports false when there is nothing to leave to others.
func (q *Queue) Yield(r Reader) bool {
	if q.reader != r || q.phase != taking || (q.Empty() && len(q.control) == 0) {
		return false
	}
	q.phase = told
	return true
}

// TakeAll returns all that waits and keeps old's memory for what comes next.
// What is taken counts against the mark until Read is called.
// An empty result means that the reader is known to be idle again.
func (q *Queue) TakeAll(old []Seg) []Seg {
	q.phase = taking
	if q.cur != nil {
		q.seal()
		q.shrink()
		q.cur.Release()
		q.cur = nil
	}
	if q.head == len(q.segs) {
		q.Rest()
		return old[:0]
	}
	if q.head > 0 { // only after a Take, which the same reader never mixes in
		q.segs = append(q.segs[:0], q.segs[q.head:]...)
		q.head = 0
	}
	segs := q.segs
	q.segs, q.bytes = old[:0], 0
	q.relax()
	return segs
}

// Rest ends the taking: the next Put tells the reader again.
func (q *Queue) Rest() {
	q.phase = idle
	if q.Empty() && q.emptied != nil {
		close(q.emptied)
		q.emptied = nil
	}
	if q.settled != nil {
		close(q.settled)
		q.settled = nil
	}
}

// Untake puts segments back that Take gave and that were not delivered. What
// belonged to the lost connection alone is left out.
func (q *Queue) Untake(segs []Seg) {
	back := make([]Seg, 0, len(segs)+len(q.segs)-q.head)
	replaced := q.conflate && !q.Empty()
	for _, s := range segs {
		switch {
		case s.Kind == Control || s.Kind == Subscribe || s.Kind == Cancel:
		case q.closed:
			q.count.Dropped += uint64(s.N)
			s.Release()
		case replaced:
			q.count.Replaced += uint64(s.N)
			s.Release()
		default:
			q.held += s.N
			q.bytes += s.Size()
			back = append(back, s)
		}
	}
	if q.closed {
		return
	}
	q.control = nil
	q.seal()
	q.segs = append(back, q.segs[q.head:]...)
	q.head = 0
}

// Read counts n messages as read. It tells the writer when a full queue has
// room again.
func (q *Queue) Read(n int) {
	q.held -= n
	if mark := int(q.mark.Load()); q.full && (mark == 0 || q.held < mark) {
		q.roomLocked()
	}
}

func (q *Queue) roomLocked() {
	q.full = false
	if q.writer != nil && !q.closed {
		q.writer.Writable(q.writerPipe)
	}
}

// Renew puts a subscription to each of topics before anything else: a new connection
// knows none of them. Changes of subscriptions that wait are replaced.
func (q *Queue) Renew(topics [][]byte) (tell bool) {
	q.dropTopics()
	segs := make([]Seg, 0, len(topics)+len(q.segs)-q.head)
	for _, topic := range topics {
		segs = append(segs, Seg{Kind: Subscribe, B: topic})
		q.bytes += len(topic)
	}
	q.segs, q.head = append(segs, q.segs[q.head:]...), 0
	return q.wake()
}

// dropTopics drops the changes of subscriptions that wait.
func (q *Queue) dropTopics() {
	q.seal()
	kept := slices.DeleteFunc(q.segs[q.head:], func(s Seg) bool {
		drop := s.Kind == Subscribe || s.Kind == Cancel
		if drop {
			q.bytes -= len(s.B)
		}
		return drop
	})
	q.segs = q.segs[:q.head+len(kept)]
}

// Detach takes the reader away, and with it what was for its connection alone. It returns
// a channel that is closed when a taking that is under way has ended; nil if there is none.
func (q *Queue) Detach() <-chan struct{} {
	q.reader = nil
	q.control = nil
	q.dropTopics()
	if q.phase != taking {
		q.Rest()
		return nil
	}
	if q.settled == nil {
		q.settled = make(chan struct{})
	}
	return q.settled
}

// Idle reports whether nothing waits and nobody takes.
func (q *Queue) Idle() bool { return q.phase == idle && q.Empty() }

// Emptied returns a channel that is closed when all was taken and delivered;
// nil if that is so now.
func (q *Queue) Emptied() <-chan struct{} {
	if q.closed || q.Idle() {
		return nil
	}
	if q.emptied == nil {
		q.emptied = make(chan struct{})
	}
	return q.emptied
}

// Close drops what waits and refuses the rest.
func (q *Queue) Close() {
	q.count.Dropped += q.drop()
	q.cur.Release()
	q.cur, q.control = nil, nil
	q.closed = true
	if q.emptied != nil {
		close(q.emptied)
		q.emptied = nil
	}
}

// End refuses what is put from now on. What waits can still be taken.
func (q *Queue) End() { q.closed = true }

// Closed reports whether Close or End was called.
func (q *Queue) Closed() bool { return q.closed }
