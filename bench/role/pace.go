package role

import (
	"encoding/binary"

	"github.com/phimq/zmq"
	"golang.org/x/sys/unix"
)

// tick is how far apart bursts are, in nanoseconds.
const tick = 100_000

// pace sends so many messages a second, the share of a tick at each tick, when
// it is their time, whether or not the earlier ones have arrived. Their age
// counts from that time.
func (w *work) pace() error {
	s, err := w.openAttached(zmq.PUSH)
	if err != nil {
		return err
	}
	if err := s.WaitReady(w.ctx, 1); err != nil {
		return err
	}
	b := make([]byte, w.size)
	w.begin()
	w.result.Began = w.now()
	due := w.result.Began
	for i := uint64(1); w.result.Count < w.count; i, due = i+1, due+tick {
		if due > w.now() {
			until := unix.NsecToTimespec(due)
			_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil)
		}
		end := min(w.count, i*tick/1000*w.rate/1_000_000)
		for ; w.result.Count < end; w.result.Count++ {
			w.fill(b, w.result.Count)
			binary.NativeEndian.PutUint64(b[8:], uint64(due))
			if err := s.Send(w.ctx, b); err != nil {
				return err
			}
		}
	}
	w.closeAll()
	w.end()
	return nil
}

// timed receives what pace sends.
func (w *work) timed() error {
	s, err := w.openAttached(zmq.PULL)
	if err != nil {
		return err
	}
	e, h := &receiver{work: w, s: s}, new(histogram)
	w.begin()
	for n := range w.count {
		f, err := e.receive()
		if err != nil {
			return err
		}
		if n == 0 {
			w.used = cpuTime()
		}
		if err := w.check(f, n); err != nil {
			return err
		}
		h.record(w.now() - int64(binary.NativeEndian.Uint64(f[8:])))
	}
	w.result.Ended, w.result.Count = w.now(), w.count
	w.end()
	h.fill(&w.result)
	return nil
}
