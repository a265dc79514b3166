package zmq

import (
	"context"
	"iter"

	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
)

// The road of a message inward: a connection's reader puts it into the pipe's
// in-queue and calls readable once for a batch; Recv splices such pipes into
// the pattern, which chooses, and loads the message.

// Recv receives one message, whole, in memory that belongs to the caller. It
// waits until ctx or the time of WithRecvTimeout is over. A cancelled Recv
// loses no message. A peer that goes away is no error.
func (s *Socket) Recv(ctx context.Context) (Msg, error) {
	var m Msg
	err := s.recvMsg(ctx, &m, nil)
	return m, err
}

// recvAny is Recv on a socket that is reserved for Request.
func (s *Socket) recvAny(ctx context.Context, m *Msg) error {
	err := s.tryRecv(m, nil, true)
	if err == ErrAgain { //nolint:errorlint // tryRecv returns it bare
		err = s.waitRecv(ctx, m, nil, true)
	}
	return err
}

// RecvInto is Recv that fills m again, in m's own memory: it does not allocate
// once m has grown to its work. The frames are valid until the next RecvInto
// with the same Msg.
func (s *Socket) RecvInto(ctx context.Context, m *Msg) error { return s.recvMsg(ctx, m, &m.mem) }

// TryRecv is Recv that never waits: it fails with ErrAgain instead.
func (s *Socket) TryRecv() (Msg, error) {
	var m Msg
	if err := s.tryRecv(&m, nil, false); err != nil {
		return Msg{}, s.opError("recv", "", err)
	}
	return m, nil
}

// Msgs receives in a loop. When ctx ends it yields the context's error once
// and stops; Close stops it without an error; a receive timeout yields
// ErrTimeout and goes on. Leaving the loop loses no message.
func (s *Socket) Msgs(ctx context.Context) iter.Seq2[Msg, error] {
	return func(yield func(Msg, error) bool) {
		for {
			if err := ctx.Err(); err != nil {
				yield(Msg{}, err)
				return
			}
			m, err := s.Recv(ctx)
			switch {
			case err == nil:
			case ctx.Err() != nil && contextError(ctx, err):
				yield(Msg{}, ctx.Err())
				return
			case s.isClosed():
				return
			case !isTimeout(err):
				yield(Msg{}, err)
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (s *Socket) recvMsg(ctx context.Context, m *Msg, mem *pipe.Memory) error {
	err := s.tryRecv(m, mem, false)
	if err == ErrAgain { //nolint:errorlint // tryRecv returns it bare
		err = s.waitRecv(ctx, m, mem, false)
	}
	return s.recvError(err)
}

func (s *Socket) recvError(err error) error {
	if err == nil {
		return nil
	}
	return s.opError("recv", "", err)
}

// waitRecv tries again whenever there may be a message.
func (s *Socket) waitRecv(ctx context.Context, m *Msg, mem *pipe.Memory, reserved bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	d := s.recvTimeout()
	if reserved {
		d = -1
	}
	deadline := limit(d)
	if deadline != nil {
		defer deadline.Stop()
	}
	for again := false; ; again = true {
		w := s.recvWait.enter(again)
		err := s.tryRecv(m, mem, reserved)
		if err == ErrAgain { //nolint:errorlint // tryRecv returns it bare
			s.group.Help() // it may wait for the answer to what it has just sent
			if s.spin.Load() > 0 && !again && s.look(ctx, w, d) {
				err = s.tryRecv(m, mem, reserved)
			}
		}
		if err == ErrAgain { //nolint:errorlint // tryRecv returns it bare
			if err = s.block(ctx, w, deadline); err == nil {
				s.recvWait.leave(w)
				continue
			}
		}
		s.recvWait.leave(w)
		return err
	}
}

// tryRecv receives or says why not, without waiting: into mem, which is m's, or
// with nil into new memory. They are told apart so that the Msg of a Recv, of
// which nobody keeps a pointer, needs no allocation.
func (s *Socket) tryRecv(m *Msg, mem *pipe.Memory, reserved bool) error {
	s.recv.mu.Lock()
	if s.recv.closed {
		s.recv.mu.Unlock()
		return s.dead()
	}
	if s.recv.reserved != reserved {
		s.recv.mu.Unlock()
		return ErrState
	}
	if len(s.recv.back) > 0 {
		s.takeBack(m, mem)
		s.recv.mu.Unlock()
		return nil
	}
	s.splice()
	a, verdict := s.pattern.Next()
	if verdict != pattern.Go {
		s.recv.mu.Unlock()
		return s.refusal(verdict, nil)
	}
	s.load(m, a, mem)
	if s.recvWait.any() && s.pattern.MayRecv() != pattern.Again {
		s.recvWait.wake()
	}
	s.recv.mu.Unlock()
	if s.coupled != nil {
		s.changed() // now it may send
		s.sendWait.wake()
	}
	return nil
}

// takeBack receives a message that was given back. The receive mutex is held.
func (s *Socket) takeBack(m *Msg, mem *pipe.Memory) {
	if mem != nil {
		mem.Reuse()
	}
	m.Frames, m.peer = s.recv.back[0].Frames, s.recv.back[0].peer
	s.recv.back = s.recv.back[1:]
}

// splice gives the pipes that have got something to the pattern. The receive
// mutex is held.
func (s *Socket) splice() {
	if s.arrivals.n.Load() == 0 {
		return
	}
	s.arrivals.mu.Lock()
	list := s.arrivals.list
	s.arrivals.list, s.arrivals.spare = s.arrivals.spare[:0], nil
	s.arrivals.n.Store(0)
	s.arrivals.mu.Unlock()
	for i, p := range list {
		s.pattern.Readable(p)
		list[i] = nil
	}
	s.arrivals.mu.Lock()
	s.arrivals.spare = list
	s.arrivals.mu.Unlock()
}

// load fills m with what the pattern chose, and leaves that behind.
func (s *Socket) load(m *Msg, a *pattern.Arrival, mem *pipe.Memory) {
	switch {
	case a.Frames != nil:
		if mem != nil {
			mem.Reuse()
		}
		m.Frames = a.Frames
	case mem != nil:
		m.Frames = a.Pipe.TakeInto(m.Frames, mem, a.ID, a.Skip)
	default:
		m.Frames = a.Pipe.Load(a.ID, a.Skip)
		a.Pipe.Advance()
	}
	m.peer = a.Pipe.Peer()
}

// readable is called by the reader of a connection, or by an inproc peer, when
// p's in-queue holds something again.
func (s *Socket) readable(p *pipe.Pipe) {
	if s.arriver != nil {
		s.arrived(p)
		return
	}
	s.arrivals.mu.Lock()
	s.arrivals.list = append(s.arrivals.list, p)
	s.arrivals.n.Add(1)
	s.arrivals.mu.Unlock()
	// A neighbour on inproc holds the lock of the queue that bring would take from.
	if f := s.passer.Load(); f == nil || p.Inproc || f.bring() {
		s.wakeReceiver()
	}
	s.changed()
}

// arrived lets the pattern work off what came in at once.
func (s *Socket) arrived(p *pipe.Pipe) {
	s.recv.mu.Lock()
	s.send.mu.Lock()
	s.arriver.Arrived(p)
	s.send.mu.Unlock()
	s.recv.mu.Unlock()
	s.wakeReceiver()
	if s.fanner != nil {
		s.wakeSenders() // who was waited for may want no more
	}
	s.peersChanged()
}

// wakeReceiver wakes who waits for a message: a receiver, and the loop of a proxy.
func (s *Socket) wakeReceiver() {
	if f := s.passer.Load(); f != nil {
		select {
		case f.left.ch <- struct{}{}:
		default:
		}
	}
	s.recvWait.wake()
}
