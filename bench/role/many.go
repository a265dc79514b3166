package role

import (
	"errors"
	"time"

	"github.com/phimq/zmq"
)

// settle is how long a process with many connections is left alone before its
// memory is looked at.
const settle = 200 * time.Millisecond

// hub is a ROUTER that answers one message of each peer, and then looks at its
// memory.
func (w *work) hub() error {
	w.result.Resident[0] = resident()
	s, err := w.open(zmq.ROUTER)
	if err != nil {
		return err
	}
	w.begin()
	if err := w.attach(s); err != nil {
		return err
	}
	e := &receiver{work: w, s: s}
	w.unordered = true
	for range w.peers {
		f, err := e.receive()
		if err != nil {
			return err
		}
		if err := w.check(f, 0); err != nil {
			return err
		}
		if err := s.Send(w.ctx, e.m.Frames...); err != nil {
			return err
		}
	}
	w.result.Count = uint64(w.peers)
	w.end()
	time.Sleep(settle)
	w.result.Resident[1] = resident()
	return nil
}

// storm is some DEALERs that connect at once, send a message and wait for the
// answer. They stay until the input ends.
func (w *work) storm() error {
	for range w.peers {
		if _, err := w.open(zmq.DEALER); err != nil {
			return err
		}
	}
	if err := w.ready(); err != nil {
		return err
	}
	w.begin()
	w.result.Began = w.now()
	b := make([]byte, w.size)
	for i, s := range w.sockets {
		w.fill(b, uint64(i))
		if err := errors.Join(s.Connect(w.at), s.Send(w.ctx, b)); err != nil {
			return err
		}
	}
	e := &receiver{work: w}
	for i, s := range w.sockets {
		e.s = s
		f, err := e.receive()
		if err != nil {
			return err
		}
		if err := w.check(f, uint64(i)); err != nil {
			return err
		}
	}
	w.result.Ended, w.result.Count = w.now(), uint64(w.peers)
	w.end()
	return nil
}

// refusals is how often in a row, 10 ms apart, a full queue is tried again.
const refusals = 30

// flood sends until nothing more is taken, count messages at most, and looks at
// its memory.
func (w *work) flood() error {
	s, err := w.openAttached(zmq.PUSH, zmq.WithLinger(0))
	if err != nil {
		return err
	}
	if err := s.WaitReady(w.ctx, 1); err != nil {
		return err
	}
	b := make([]byte, w.size)
	w.result.Resident[0], w.result.Began = resident(), w.now()
	for refused := 0; w.result.Count < w.count && refused < refusals; {
		w.fill(b, w.result.Count)
		switch err := s.TrySend(b); {
		case err == nil:
			w.result.Count++
			refused = 0
		case errors.Is(err, zmq.ErrAgain):
			refused++
			time.Sleep(10 * time.Millisecond)
		default:
			return err
		}
	}
	w.result.Ended = w.now()
	w.result.Resident[1] = resident()
	return nil
}

// idle is a PULL that nobody receives from, until its input ends.
func (w *work) idle() error {
	w.result.Resident[0] = resident()
	if _, err := w.openAttached(zmq.PULL); err != nil {
		return err
	}
	if err := w.waitEnd(); err != nil {
		return err
	}
	w.result.Resident[1] = resident()
	return nil
}
