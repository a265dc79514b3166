package zmq

import (
	"context"

	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
)

// The road of a message outward: Send, trySend, deliver or fanOut, the pipe's
// queue, and then whoever writes: the sender itself or the flusher.

// Send sends one message of one or more frames, whole. It copies: the caller
// keeps its memory. What it does when the message can't go out now is the
// socket type's: REQ, DEALER, PUSH and PAIR wait, until ctx or the time of
// WithSendTimeout is over; PUB, XPUB, XSUB, ROUTER and REP drop. An error means
// that nothing was sent.
func (s *Socket) Send(ctx context.Context, frames ...[]byte) error {
	return s.sendError(s.sendAny(ctx, frames, nil, 0))
}

// sendKind says more of a message that is sent.
type sendKind uint8

const (
	sendReserved sendKind = 1 << iota // by Request, which the socket is reserved for
	sendHeld                          // the caller flushes, later but before it waits
)

// sendAny is Send, or SendMsg with m.
func (s *Socket) sendAny(ctx context.Context, frames [][]byte, m *Msg, kind sendKind) error {
	err := s.trySend(frames, m, kind)
	if err == nil {
		return nil
	}
	if err == ErrAgain { //nolint:errorlint // trySend returns it bare
		err = s.waitSend(ctx, frames, m, kind)
	}
	if err == errPaced { //nolint:errorlint // likewise
		s.pace(ctx)
		return nil
	}
	return err
}

// SendMsg sends a message and takes its memory: m is empty when it succeeds
// and untouched when it fails. Large messages are not copied. A sender that has
// no message yet gets the memory for it from [Msg.Alloc].
func (s *Socket) SendMsg(ctx context.Context, m *Msg) error {
	m.mem.From(&s.domain.pool)
	return s.sendError(s.sendAny(ctx, m.Frames, m, 0))
}

// TrySend is Send that never waits: it fails with ErrAgain instead.
func (s *Socket) TrySend(frames ...[]byte) error {
	err := s.trySend(frames, nil, 0)
	if err == errPaced { //nolint:errorlint // trySend returns it bare
		return nil
	}
	return s.sendError(err)
}

func (s *Socket) sendError(err error) error {
	if err == nil {
		return nil
	}
	return s.opError("send", "", err)
}

// waitSend tries again whenever there may be room.
func (s *Socket) waitSend(ctx context.Context, frames [][]byte, m *Msg, kind sendKind) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	deadline := limit(s.sendTimeout())
	if deadline != nil {
		defer deadline.Stop()
	}
	for again := false; ; again = true {
		w := s.sendWait.enter(again)
		err := s.trySend(frames, m, kind)
		if err == ErrAgain { //nolint:errorlint // trySend returns it bare
			s.group.Help()
			err = s.trySend(frames, m, kind)
		}
		if err == ErrAgain { //nolint:errorlint // trySend returns it bare
			if err = s.block(ctx, w, deadline); err == nil {
				s.sendWait.leave(w)
				continue
			}
		}
		s.sendWait.leave(w)
		return err
	}
}

// trySend sends or says why not, without waiting. With m, memory is taken.
func (s *Socket) trySend(frames [][]byte, m *Msg, kind sendKind) error {
	if len(frames) == 0 {
		return s.emptyMessage()
	}
	if s.coupled == nil {
		flush, err := s.pickAndPut(frames, m, kind)
		if flush != nil {
			flush.Flush()
		}
		return err
	}
	s.recv.mu.Lock()
	s.splice()
	if s.wouldSend(frames, kind) {
		s.coupled.Prepare() // a reply that waits is dropped for a request that goes out, not for one that does not
	}
	flush, err := s.pickAndPut(frames, m, kind)
	if s.typ == REQ && (err == nil || err == errPaced) { //nolint:errorlint // pickAndPut returns it bare
		s.recv.back = nil // replies to requests before
	}
	s.recv.mu.Unlock()
	if flush != nil {
		flush.Flush()
	}
	if err == nil || err == errPaced { //nolint:errorlint // pickAndPut returns it bare
		s.changed() // now it may receive
	}
	return err
}

// wouldSend reports whether a message would go out now. The receive mutex is held, so
// that it is still so afterwards.
func (s *Socket) wouldSend(frames [][]byte, kind sendKind) bool {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	return !s.send.closed && s.send.reserved == (kind&sendReserved != 0) && s.pattern.MaySend(frames[0], len(frames)) == pattern.Go
}

// pickAndPut lets the pattern choose and puts the message there. It returns
// who must flush, once all locks are released.
func (s *Socket) pickAndPut(frames [][]byte, m *Msg, kind sendKind) (pipe.Flusher, error) {
	s.send.mu.Lock()
	if s.send.closed {
		s.send.mu.Unlock()
		return nil, s.dead()
	}
	if s.send.reserved != (kind&sendReserved != 0) {
		s.send.mu.Unlock()
		return nil, ErrState
	}
	if s.fanner != nil {
		return nil, s.fanOut(frames, m)
	}
	route, verdict := s.pattern.Pick(frames[0], len(frames))
	if verdict != pattern.Go {
		if verdict == pattern.Discard {
			if kind&sendHeld != 0 && route.Pipe != nil { // it may be full of what is held
				s.send.mu.Unlock()
				return nil, ErrAgain
			}
			s.discard(route)
		}
		s.send.mu.Unlock()
		return nil, s.refusal(verdict, m)
	}
	flush := s.deliver(route, frames[route.Skip:], m, kind)
	if s.sendWait.any() && s.pattern.CanSend() {
		s.sendWait.wake()
	}
	var err error
	if q := route.Pipe.Out; route.Alone && q.Paced(pipe.SendPace) {
		s.send.behind, err = q, errPaced
	}
	s.send.mu.Unlock()
	return flush, err
}

// discard counts a message that is dropped. The send mutex is held.
func (s *Socket) discard(route *pattern.Route) {
	if p := route.Pipe; p != nil && !p.Out.Closed() {
		p.Out.Refuse()
	} else {
		s.send.noPeer++
	}
}

// deliver puts a message into one pipe. It returns who must flush, if the
// sender is to write itself. The send mutex is held.
func (s *Socket) deliver(route *pattern.Route, frames [][]byte, m *Msg, kind sendKind) pipe.Flusher {
	p, q := route.Pipe, route.Pipe.Out
	if route.Hangup && emptyFrames(frames) {
		p.Send.Finished = true
		if p.Session != nil {
			p.Session.Finish(p)
		}
		m.taken()
		return nil
	}
	var tell bool
	if parts, buf, ok := m.handOver(route.Prefix, route.Skip); ok {
		tell = q.PutParts(parts, buf)
	} else {
		tell = q.Put(route.Prefix, frames)
		m.taken()
	}
	switch {
	case !tell:
		return nil
	case s.typ == PAIR && p.Inproc:
		return lateTell{q} // it may be a PUSH, which works off at once what comes, under locks of its own
	case p.Link != nil && (s.prompt || kind&sendHeld != 0 || p.Link.Quiet()):
		return p.Link
	}
	q.Tell()
	return nil
}

// lateTell tells a neighbour when the sender has released its locks.
type lateTell struct{ q *pipe.Queue }

// Quiet is true: a neighbour is told at once.
func (lateTell) Quiet() bool { return true }

// Flush tells it.
func (t lateTell) Flush() { t.q.TellLate() }

// fanOut sends a message to all pipes that the pattern matches: for many it is framed
// once. The send mutex is held, and released.
func (s *Socket) fanOut(frames [][]byte, m *Msg) error {
	if s.typ == XSUB && len(frames) == 1 && len(frames[0]) > 0 && frames[0][0] <= 1 {
		s.send.mu.Unlock()
		err := s.subscribe(frames[0][1:], frames[0][0] == 1)
		if err == nil {
			m.taken()
		}
		return err
	}
	pipes, verdict := s.fanner.Match(frames[0])
	if verdict != pattern.Go {
		s.send.mu.Unlock()
		return s.refusal(verdict, m)
	}
	var later []*pipe.Pipe
	var behind []pipe.Flusher // the flusher has not come to them
	if pipe.FramedSize(frames) >= pipe.LargeMessage {
		later = s.fanOutLarge(pipes, frames, m)
	} else {
		var framed []byte
		if len(pipes) > 1 {
			s.send.scratch = pipe.AppendFramed(s.send.scratch[:0], frames)
			framed = s.send.scratch
		}
		for _, p := range pipes {
			if p.Out.Full() {
				p.Out.Refuse()
			} else if put(p.Out, frames, framed) {
				later = s.tell(later, p)
			} else if p.Link != nil && p.Out.Due(fanShare) {
				behind = append(behind, p.Link)
			}
		}
		m.taken()
	}
	s.send.mu.Unlock()
	for _, p := range later {
		p.Out.TellLate()
	}
	for _, link := range behind {
		link.Flush()
	}
	return nil
}

// put puts a copy of frames, which for many queues are framed once.
func put(q *pipe.Queue, frames [][]byte, framed []byte) (tell bool) {
	if framed == nil {
		return q.Put(nil, frames)
	}
	return q.PutFramed(framed)
}

// fanShare is how many octets wait for one of many when the sender writes them
// itself: one flusher would fall behind, and what waits would leave the cache.
const fanShare = 32 << 10

// fanOutLarge puts one copy of a large message into all pipes.
func (s *Socket) fanOutLarge(pipes []*pipe.Pipe, frames [][]byte, m *Msg) (later []*pipe.Pipe) {
	parts, buf, ok := m.handOver(nil, 0)
	if !ok {
		parts, buf = pipe.CopyParts(s.domain.pool.Get(pipe.FramedSize(frames)), nil, frames)
		m.taken()
	}
	for _, p := range pipes {
		if p.Out.Full() {
			p.Out.Refuse()
			continue
		}
		if buf != nil {
			buf.Hold()
		}
		if p.Out.PutShared(parts, buf) {
			later = s.tell(later, p)
		}
	}
	buf.Release()
	return later
}

// tell tells a pipe's reader at once, unless that reader works off what comes
// in at once, under locks of its own: then it is told after the mutex.
func (s *Socket) tell(later []*pipe.Pipe, p *pipe.Pipe) []*pipe.Pipe {
	if s.typ == XSUB && p.Inproc {
		return append(later, p)
	}
	p.Out.Tell()
	return later
}

// refusal turns a verdict into what Send returns.
func (s *Socket) refusal(v pattern.Verdict, m *Msg) error {
	switch v {
	case pattern.Discard:
		m.taken()
		return nil
	case pattern.Again:
		return ErrAgain
	case pattern.NoPeer:
		return ErrNoPeer
	case pattern.State:
		return ErrState
	default:
		return ErrNotSupported
	}
}

// taken empties a message that was sent. A list of frames that the caller made stays as
// it is, and so does that of the message that this one is a copy of.
func (m *Msg) taken() {
	if m == nil {
		return
	}
	m.Frames = m.mem.Taken(m.Frames)
	m.RoutingID, m.Group, m.peer = 0, "", nil
}

// handOver gives the memory of a large message away, as the parts of a
// segment: prefix is framed and goes in front, the first skip frames are left
// out. It reports false when the message has to be copied. It takes no frames:
// those of Send would leave the caller's stack for that.
func (m *Msg) handOver(prefix []byte, skip int) (parts [][]byte, buf *pipe.Buf, ok bool) {
	if m == nil || pipe.FramedSize(m.Frames[skip:]) < pipe.LargeMessage {
		return nil, nil, false
	}
	if buf, ok = m.mem.MoveLoan(); !ok {
		return nil, nil, false
	}
	switch {
	case len(prefix) > 0:
		parts, _ = pipe.CopyParts(&pipe.Buf{}, prefix, nil)
	case buf.Alone():
		parts = buf.List()
	}
	parts = append(parts, m.Frames[skip:]...) // m's own list stays here: it may be the caller's, or a copy's
	m.Frames = m.mem.Emptied(m.Frames)
	m.RoutingID, m.Group, m.peer = 0, "", nil
	return parts, buf, true
}

func emptyFrames(frames [][]byte) bool {
	for _, f := range frames {
		if len(f) > 0 {
			return false
		}
	}
	return true
}
