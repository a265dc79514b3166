package pipe

import (
	"sync"
	"sync/atomic"

	"github.com/phimq/zmq/internal/wire"
)

// Reader is told that a queue which it had emptied holds something again.
type Reader interface {
	// Readable is called once for each time that p's queue was found empty by
	// its reader and then filled. It must not block, and must not touch the
	// queue: the caller may hold the queue's lock.
	Readable(p *Pipe)
}

// Writer is told that a queue which was full has room again.
type Writer interface {
	// Writable is called with the queue's lock held.
	Writable(p *Pipe)
}

// phase says who knows of what lies in a queue.
type phase uint8

const (
	idle   phase = iota // empty, and its reader knows that
	told                // the reader was told and has not begun
	taking              // the reader is at it until it finds the queue empty
)

// Queue carries whole messages one way, from those who put to one who takes.
// Its storage is framed octets, which stay valid from one connection to the
// next. All fields are guarded by *Mu, which for a queue that users put into
// is the send mutex of their socket, so that a message costs one lock.
type Queue struct {
	Mu   *sync.Mutex
	own  sync.Mutex
	pool *Pool

	segs    []Seg
	head    int    // segs[:head] are taken
	cur     *Buf   // chunk being filled, nil while there is nothing
	curFrom int    // where the open run begins in cur
	curN    int    // messages of the open run
	chunk   int    // size of the next chunk
	control []byte // command frames that go before anything else

	held     int          // messages put and not yet counted as read
	bytes    int          // octets put and not yet taken
	mark     atomic.Int32 // high-water mark in messages; 0: none
	full     bool
	paced    int  // its writer waits until less octets lie there; 0: it does not
	stalled  bool // its reader took nothing for a while, and the writer need not wait
	conflate bool
	phase    phase
	closed   bool
	count    Count

	reader     Reader
	readerPipe *Pipe
	writer     Writer
	writerPipe *Pipe
	emptied    chan struct{} // closed when the queue is found empty
	settled    chan struct{} // closed when the reader stops taking
}

// Count is what a queue has seen since it was made.
type Count struct {
	Messages uint64 // put
	Bytes    uint64 // octets put, as they are framed
	Refused  uint64 // messages that found it full
	Replaced uint64 // messages that a later one replaced, when it conflates
	Dropped  uint64 // messages that waited when it was closed
}

// NewQueue returns a queue whose high-water mark is mark messages (0: none).
// A nil mu gives the queue a lock of its own. A conflating queue keeps the
// last message only.
func NewQueue(mu *sync.Mutex, pool *Pool, mark int, conflate bool) *Queue {
	q := &Queue{Mu: mu, pool: pool, conflate: conflate}
	q.mark.Store(int32(mark))
	if mu == nil {
		q.Mu = &q.own
	}
	return q
}

// SetReader names who takes from the queue. It reports whether the reader has
// to be told at once, because something lies there already.
func (q *Queue) SetReader(r Reader, p *Pipe) (tell bool) {
	q.reader, q.readerPipe = r, p
	return r != nil && q.wake()
}

// SetWriter names who is told when a full queue has room again.
func (q *Queue) SetWriter(w Writer, p *Pipe) { q.writer, q.writerPipe = w, p }

// SetMark changes the high-water mark.
func (q *Queue) SetMark(mark int) {
	q.mark.Store(int32(mark))
	if q.full && !q.Full() {
		q.roomLocked()
	}
}

// Full reports whether the mark is reached, and remembers that somebody
// was refused, so that the writer will be told of room.
func (q *Queue) Full() bool {
	if q.closed {
		return true
	}
	mark := int(q.mark.Load())
	q.full = mark > 0 && q.held >= mark && !q.conflate
	return q.full
}

const (
	// SendPace is how many octets lie in a queue before a sender that can wait
	// does: more than that has left the processor's cache by the time it is
	// written, and to fetch it again costs more than all else that is done with it.
	SendPace = 512 << 10
	// RecvPace is how many lie there before a connection's reader waits. It is more,
	// as the collector of garbage runs the more often the less a process holds.
	RecvPace = 4 << 20
)

// Paced reports whether bound octets or more lie there and the reader is at it. The
// writer will then be told when less does.
func (q *Queue) Paced(bound int) bool {
	q.paced = 0
	if q.bytes >= bound && !q.stalled && !q.closed && q.reader != nil {
		q.paced = bound
	}
	return q.paced > 0
}

// Due reports whether n octets or more lie there and the reader, which knows, has
// not begun to take them.
func (q *Queue) Due(n int) bool { return q.bytes >= n && q.phase == told }

// Stall says that the reader took nothing for a while: until it does, nobody is
// paced, and the queue takes what its mark allows.
func (q *Queue) Stall() { q.stalled = true }

// Refuse counts a message that was dropped because the queue is full.
func (q *Queue) Refuse() { q.count.Refused++ }

// Count returns what the queue has seen.
func (q *Queue) Count() Count { return q.count }

// Empty reports whether nothing waits to be taken.
func (q *Queue) Empty() bool { return q.head == len(q.segs) && q.curN == 0 }

// Len returns how many messages count against the mark, and Bytes how many
// octets wait to be taken.
func (q *Queue) Len() int { return q.held }

// Bytes returns how many octets wait to be taken.
func (q *Queue) Bytes() int { return q.bytes }

// wake reports whether the reader has to be told; if so, the caller must
// either call Tell or begin to take in its stead.
func (q *Queue) wake() (tell bool) {
	if q.phase != idle || q.reader == nil || (q.Empty() && len(q.control) == 0) {
		return false
	}
	q.phase = told
	return true
}

// Tell wakes the reader after a Put that asked for it. The lock is held since,
// or the reader is one that never changes.
func (q *Queue) Tell() { q.reader.Readable(q.readerPipe) }

// TellLate is Tell for who has let the lock go since the Put: the reader may be
// gone, and the next one was told when it came.
func (q *Queue) TellLate() {
	q.Mu.Lock()
	r, p := q.reader, q.readerPipe
	due := r != nil && q.phase == told
	q.Mu.Unlock()
	if due {
		r.Readable(p)
	}
}

// Put appends one message: prefix, which is framed already and carries MORE
// on each frame, then frames. The octets are copied. It reports whether the
// reader has to be told.
func (q *Queue) Put(prefix []byte, frames [][]byte) (tell bool) {
	if len(frames) == 1 && len(prefix) == 0 && q.cur != nil && !q.conflate {
		// The short road: one frame for which there is room.
		body := frames[0]
		size := len(body) + wire.MaxHeader
		if b := q.cur.B; size <= cap(b)-len(b) && size < LargeMessage {
			q.cur.B = wire.AppendFrame(b, 0, body)
			return q.putDone(1, len(q.cur.B)-len(b))
		}
	}
	size := len(prefix) + FramedSize(frames)
	if size >= LargeMessage {
		return q.PutParts(CopyParts(q.pool.Get(size), prefix, frames))
	}
	q.room(size)
	b := append(q.cur.B, prefix...)
	if len(frames) == 1 {
		b = wire.AppendFrame(b, 0, frames[0])
	} else {
		b = AppendFramed(b, frames)
	}
	q.cur.B = b
	return q.putDone(1, size)
}

// PutFramed appends one message that is framed already. The octets are copied.
func (q *Queue) PutFramed(message []byte) (tell bool) {
	q.room(len(message))
	q.cur.B = append(q.cur.B, message...)
	return q.putDone(1, len(message))
}

const (
	// firstChunk is the memory that a queue begins with: most hold a message or two.
	firstChunk = 4 << 10
	// chunkGrowth is how much larger the next one is when it was not enough.
	chunkGrowth = 4
)

// shrink makes the next chunk smaller if little of this one was used.
func (q *Queue) shrink() {
	if q.chunk > firstChunk && len(q.cur.B) < q.chunk/(2*chunkGrowth) {
		q.chunk /= chunkGrowth
	}
}

// room makes cur a chunk that has room for size more octets.
func (q *Queue) room(size int) {
	if q.conflate {
		q.count.Replaced += q.drop()
	}
	if q.cur != nil && cap(q.cur.B)-len(q.cur.B) < size {
		q.seal()
		q.cur.Release()
		q.cur = nil
		q.chunk = min(q.chunk*chunkGrowth, ChunkSize)
	}
	if q.cur == nil {
		q.chunk = max(q.chunk, firstChunk)
		q.cur, q.curFrom = q.pool.Get(max(q.chunk, size)), 0
	}
}

func (q *Queue) putDone(n, size int) (tell bool) {
	q.curN += n
	q.add(n, size)
	return q.phase == idle && q.wake()
}

// add counts n messages that were put.
func (q *Queue) add(n, size int) {
	q.held += n
	q.bytes += size
	if n > 0 { // not a change of a subscription
		q.count.Messages += uint64(n)
		q.count.Bytes += uint64(size)
	}
}

// PutParts appends one message by reference. The queue owns the frames from
// here on; buf is what they lie in, with one hold handed over. Of a buf that is
// far too large they are copied.
func (q *Queue) PutParts(parts [][]byte, buf *Buf) (tell bool) {
	if buf != nil && !q.closed && FramedSize(parts) < buf.size/copyShare {
		defer buf.Release()
		return q.Put(nil, parts)
	}
	return q.putParts(Seg{Kind: Parts, N: 1, Parts: parts, Buf: buf})
}

// PutShared is PutParts for frames that lie in other queues too, so that no
// receiver may be given them to keep.
func (q *Queue) PutShared(parts [][]byte, buf *Buf) (tell bool) {
	return q.putParts(Seg{Kind: Parts, N: 1, Parts: parts, Buf: buf, Shared: true})
}

func (q *Queue) putParts(s Seg) (tell bool) {
	if q.conflate {
		q.count.Replaced += q.drop()
	}
	return q.PutSeg(s)
}

// copyShare is the part of a buffer below which a run is copied out of it.
const copyShare = 16

// Conflate makes the queue keep the last message only. Nobody takes from it yet.
func (q *Queue) Conflate() {
	q.conflate = true
	if q.held < 2 {
		return
	}
	q.seal()
	last := q.segs[len(q.segs)-1]
	q.segs = q.segs[:len(q.segs)-1]
	q.count.Replaced += q.drop() + uint64(last.N-1)
	if last.Kind == Run {
		last.N, last.B = 1, LastMessage(last.B)
	}
	q.segs, q.held, q.bytes = append(q.segs, last), 1, last.Size()
}

// PutRun appends a run of whole messages that lie in buf. A run that
// continues the one before extends it. The queue takes a hold of its own, or
// copies a short run.
func (q *Queue) PutRun(buf *Buf, run []byte, n int) (tell bool) {
	switch {
	case q.closed:
		return false
	case q.conflate:
		return q.putLast(buf, run, n)
	case len(run) < cap(buf.B)/copyShare:
		// A few messages must not keep all of buf from being used again.
		return q.putCopy(run, n)
	}
	if last := len(q.segs) - 1; last >= q.head && q.curN == 0 {
		s := &q.segs[last]
		if s.Kind == Run && s.Buf == buf && continues(s.B, run) {
			s.B = s.B[:len(s.B)+len(run)]
			s.N += n
			q.add(n, len(run))
			return q.wake()
		}
	}
	return q.putRun(buf, run, n)
}

// putRun appends a run as a segment of its own. It is apart because of its stack:
// see reader.loop of package session.
//
//go:noinline
func (q *Queue) putRun(buf *Buf, run []byte, n int) (tell bool) {
	buf.Hold()
	return q.PutSeg(Seg{Kind: Run, N: n, B: run, Buf: buf})
}

// putCopy appends a run of whole messages. The octets are copied.
func (q *Queue) putCopy(run []byte, n int) (tell bool) {
	q.room(len(run))
	q.cur.B = append(q.cur.B, run...)
	return q.putDone(n, len(run))
}

// putLast puts the last message of a run in place of all that waits.
func (q *Queue) putLast(buf *Buf, run []byte, n int) (tell bool) {
	last := LastMessage(run)
	q.count.Messages += uint64(n - 1)
	q.count.Bytes += uint64(len(run) - len(last))
	q.count.Replaced += q.drop() + uint64(n-1)
	if len(last) < cap(buf.B)/copyShare {
		return q.putCopy(last, 1)
	}
	return q.putRun(buf, last, 1)
}

// continues reports whether b begins in memory where a ends.
func continues(a, b []byte) bool {
	return cap(a) > len(a) && len(b) > 0 && &a[:len(a)+1][len(a)] == &b[0]
}

// PutTopic appends a change of a subscription. It does not count against the
// mark: a subscription is never dropped. Without a reader there is no connection to
// tell, and the next one is told all by Renew.
func (q *Queue) PutTopic(kind Kind, topic []byte) (tell bool) {
	if q.reader == nil {
		return false
	}
	return q.PutSeg(Seg{Kind: kind, B: topic})
}

// PutSeg appends a segment.
func (q *Queue) PutSeg(s Seg) (tell bool) {
	if q.closed {
		s.Release()
		return false
	}
	q.seal()
	q.segs = append(q.segs, s)
	q.add(s.N, s.Size())
	return q.wake()
}

// PutFront puts segments before all that waits.
func (q *Queue) PutFront(segs ...Seg) (tell bool) {
	q.seal()
	for i := range segs {
		q.add(segs[i].N, segs[i].Size())
	}
	q.segs = append(segs[:len(segs):len(segs)], q.segs[q.head:]...)
	q.head = 0
	return q.wake()
}

// PutControl appends command frames that go before anything else.
func (q *Queue) PutControl(frames []byte) (tell bool) {
	if q.closed {
		return false
	}
	q.control = append(q.control, frames...)
	return q.wake()
}

// PutGreeting is PutControl for a framed message, which is counted as one.
func (q *Queue) PutGreeting(message []byte) (tell bool) {
	if !q.closed {
		q.count.Messages++
		q.count.Bytes += uint64(len(message))
	}
	return q.PutControl(message)
}

// ControlLen returns the octets of the commands that wait.
func (q *Queue) ControlLen() int { return len(q.control) }

// seal closes the open run and makes it a segment.
//
//go:noinline
func (q *Queue) seal() {
	if q.curN == 0 {
		return
	}
	q.cur.Hold()
	q.segs = append(q.segs, Seg{Kind: Run, N: q.curN, B: q.cur.B[q.curFrom:], Buf: q.cur})
	q.curFrom, q.curN = len(q.cur.B), 0
}

// drop drops what waits and returns how many messages that were.
func (q *Queue) drop() (n uint64) {
	q.seal()
	for i := q.head; i < len(q.segs); i++ {
		n += uint64(q.segs[i].N)
		q.held -= q.segs[i].N
		q.segs[i].Release()
	}
	q.segs, q.head, q.bytes = q.segs[:0], 0, 0
	return n
}

// CopyParts copies the frames of a framed prefix, then frames, to buf, which
// has room for them.
func CopyParts(buf *Buf, prefix []byte, frames [][]byte) ([][]byte, *Buf) {
	parts := buf.List()
	b := buf.B
	put := func(f []byte) {
		from := len(b)
		b = append(b, f...)
		parts = append(parts, b[from:len(b):len(b)])
	}
	for len(prefix) > 0 {
		_, head, body := header(prefix)
		put(prefix[head : head+body])
		prefix = prefix[head+body:]
	}
	for _, f := range frames {
		put(f)
	}
	buf.B = b
	return parts, buf
}
