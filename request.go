package zmq

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
)

// requests are the calls of Request that wait for their replies.
type requests struct {
	mu      sync.Mutex
	started bool
	last    uint32
	waiting map[uint32]chan Msg
	late    uint64 // replies that nobody waits for any more, or never did; in Stats
}

// Request sends a request and waits for its reply, on a REQ or DEALER. Many
// goroutines may do so at once on one socket, and a reply that never comes
// blocks nobody: ctx ends the wait. In front of the body go a request id of
// four octets and the empty delimiter, as REQ_CORRELATE has it, so any REP can
// answer, and any ROUTER that returns the envelope.
//
// From the first Request on, Send and Recv fail with ErrState on this socket.
// Late and unknown replies are dropped, which [Drops] counts. Nothing is sent
// again. WithSendTimeout bounds the sending, nothing but ctx the wait.
func (s *Socket) Request(ctx context.Context, frames ...[]byte) (Msg, error) {
	m, err := s.request(ctx, frames)
	if err != nil {
		return Msg{}, s.opError("request", "", err)
	}
	return m, nil
}

func (s *Socket) request(ctx context.Context, frames [][]byte) (Msg, error) {
	switch {
	case s.bad != nil:
		return Msg{}, s.bad
	case s.typ != REQ && s.typ != DEALER:
		return Msg{}, fmt.Errorf("%w: Request is for REQ and DEALER", ErrNotSupported)
	case len(frames) == 0:
		return Msg{}, s.emptyMessage()
	case ctx.Err() != nil:
		return Msg{}, ctx.Err()
	}
	id, reply, err := s.beginRequest()
	if err != nil {
		return Msg{}, err
	}
	defer s.endRequest(id, reply)
	envelope := append([][]byte{binary.BigEndian.AppendUint32(nil, id), {}}, frames...)
	if err := s.sendAny(ctx, envelope, nil, sendReserved); err != nil {
		return Msg{}, err
	}
	select {
	case m := <-reply:
		return m, nil
	case <-ctx.Done():
		return Msg{}, ctx.Err()
	case <-s.done:
		return Msg{}, ErrClosed
	}
}

// beginRequest takes a number, and the whole socket with the first one.
func (s *Socket) beginRequest() (id uint32, reply chan Msg, err error) {
	r := &s.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.started {
		s.reserve()
		if !s.group.Start(s.replyLoop) {
			return 0, nil, ErrClosed
		}
		r.started, r.waiting = true, map[uint32]chan Msg{}
		r.last = s.seed
	}
	r.last++
	reply = make(chan Msg, 1)
	r.waiting[r.last] = reply
	return r.last, reply, nil
}

// reserve makes Send and Recv fail, and frees a REQ from its turns.
func (s *Socket) reserve() {
	s.recv.mu.Lock()
	s.send.mu.Lock()
	s.recv.reserved, s.send.reserved = true, true
	s.rules.Requests = true
	s.send.mu.Unlock()
	s.recv.mu.Unlock()
	// Who waits in Send or Recv must not keep the place of who may.
	s.sendWait.wakeAll()
	s.recvWait.wakeAll()
	s.wakeReceiver()
	s.changed()
}

func (s *Socket) endRequest(id uint32, reply <-chan Msg) {
	r := &s.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.waiting, id)
	select {
	case <-reply: // in the moment in which the wait ended
		r.late++
	default:
	}
}

// replyLoop gives each reply to the call that waits for it.
func (s *Socket) replyLoop() {
	for {
		var m Msg
		if err := s.recvAny(s.group.Context(), &m); err != nil {
			return
		}
		s.reply(m)
	}
}

func (s *Socket) reply(m Msg) {
	r := &s.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(m.Frames) > 2 && len(m.Frames[0]) == 4 && len(m.Frames[1]) == 0 {
		if reply, ok := r.waiting[binary.BigEndian.Uint32(m.Frames[0])]; ok {
			m.Frames = m.Frames[2:]
			select {
			case reply <- m:
				return
			default: // answered twice
			}
		}
	}
	r.late++
}
