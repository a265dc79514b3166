package zmq

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/phimq/zmq/internal/pipe"
)

// flow is one way through a proxy.
type flow struct {
	from, to *Socket
	m        Msg
	held     bool // m is received and not passed on
	captured bool // and the capture has it

	proxy *proxy
	// mu guards what is above and below, but for what the proxy guards. The loop holds it,
	// except when it waits for messages: meanwhile who brings them passes them on.
	mu   sync.Mutex
	more atomic.Bool // somebody brought messages while somebody else had mu
	left waiter      // the loop, that waits for what is left to it

	gathers bool           // may hold back what it can write together with what comes next
	run     int            // messages passed on since there was none at hand
	octets  int            // theirs
	behind  []pipe.Flusher // they have something to write that is held back

	received, sent Traffic // guarded by the proxy's mutex; octets of frames alone
}

func (f *flow) possible() bool { return f.from.canRecv() && f.to.canSend() }

// maxHeld is how many messages are passed on before what waits is written: where
// they come one by one that is soon, and the rest of a stream is gathered as ever.
const maxHeld = 128

// receive takes the next message. Before it waits for one, all that it held back
// is written.
func (f *flow) receive(turn context.Context) error {
	err := f.from.tryRecv(&f.m, &f.m.mem, false)
	if err == ErrAgain { //nolint:errorlint // tryRecv returns it bare
		f.flush()
		f.run, f.octets = 0, 0
		if f.from.passer.Load() != f {
			return f.from.RecvInto(turn, &f.m)
		}
		err = f.rest(turn)
	}
	return f.from.recvError(err)
}

// send passes the message on. The first of those at hand are held back: to write
// them together costs the peer one wake-up.
func (f *flow) send(turn context.Context, size int) error {
	f.run++
	f.octets += size
	if !f.gathers || f.run > maxHeld || f.octets > fanShare {
		f.flush()
		return f.to.SendMsg(turn, &f.m)
	}
	err := f.put()
	if err == ErrAgain { //nolint:errorlint // put returns it bare
		f.flush()
		return f.to.SendMsg(turn, &f.m)
	}
	if err == errPaced { //nolint:errorlint // likewise
		f.flush()
		f.to.pace(turn)
		return nil
	}
	return f.to.sendError(err)
}

// put queues the message where it goes, to be written by flush.
func (f *flow) put() error {
	f.m.mem.From(&f.to.domain.pool)
	flush, err := f.to.pickAndPut(f.m.Frames, &f.m, sendHeld)
	if flush != nil {
		f.behind = append(f.behind, flush)
	}
	return err
}

// flush writes what was held back.
func (f *flow) flush() {
	for i, b := range f.behind {
		b.Flush()
		f.behind[i] = nil
	}
	f.behind = f.behind[:0]
}

// undeliverable reports whether a message is dropped rather than that it ends the proxy:
// no peer may do that.
func undeliverable(err error) bool { return errors.Is(err, ErrNoPeer) || errors.Is(err, ErrTooLarge) }

// Who brings messages to a proxy, a connection's reader, passes them on itself: to
// wake another goroutine, and with it often another thread, costs more than all else
// that a proxy does with a message. What needs a wait is left to the proxy's loop.

// open lets who brings messages pass them on, and returns what ends that. A STREAM tells
// of a connection that comes or goes while it holds the locks that bring needs.
func (f *flow) open() (end func()) {
	if !f.gathers || f.from.typ == STREAM || !f.from.passer.CompareAndSwap(nil, f) {
		return func() {}
	}
	return func() {
		f.from.passer.Store(nil)
		f.from.recvWait.wakeAll() // who came too late has woken nobody
	}
}

// maxRounds is how often who brings messages looks for those of others: its own
// connection waits meanwhile.
const maxRounds = 8

// bring passes on what has come, in the goroutine that brought it, without waiting for
// anything. It reports whether somebody has to be woken for what is left.
func (f *flow) bring() (left bool) {
	for range maxRounds {
		f.more.Store(true)
		if !f.mu.TryLock() {
			f.from.recvWait.wake() // the loop may have it, and wait for room: others need not
			return false           // who has it looks once more
		}
		f.more.Store(false)
		left = f.passSome()
		f.mu.Unlock()
		if left || !f.more.Load() {
			return left
		}
	}
	return true
}

// passSome passes on what is at hand, as much as may be held back, and writes it. It
// reports whether anything is left for the loop: the rest, what the other side has no
// room for, or an error, which the loop will find as well.
func (f *flow) passSome() (left bool) {
	if f.held {
		return true
	}
	f.run, f.octets, left = 0, 0, true
	for f.run < maxHeld && f.octets <= fanShare {
		if err := f.from.tryRecv(&f.m, &f.m.mem, false); err != nil {
			left = err != ErrAgain //nolint:errorlint // tryRecv returns it bare
			break
		}
		if !f.passHere() {
			break
		}
	}
	f.flush()
	return left
}

// passHere passes on the message that was received last, if that needs no wait. It
// reports whether to go on.
func (f *flow) passHere() bool {
	size := f.m.Size()
	f.proxy.count(&f.received, size)
	f.run++
	f.octets += size
	switch err := f.put(); {
	case err == nil, err == errPaced: //nolint:errorlint // put returns it bare
		f.proxy.count(&f.sent, size)
		return err == nil
	case undeliverable(err):
		return true
	}
	f.held = true
	return false
}

// rest waits until there is a message that nobody else passes on. Then f holds it, or
// has it in m.
func (f *flow) rest(turn context.Context) error {
	f.from.group.Help()
	for {
		f.more.Store(false)
		if err := f.from.tryRecv(&f.m, &f.m.mem, false); err != ErrAgain { //nolint:errorlint // tryRecv returns it bare
			return err
		}
		var err error
		f.mu.Unlock()
		if !f.more.Load() {
			err = f.from.block(turn, &f.left, nil)
		}
		f.mu.Lock()
		if err != nil || f.held {
			return err
		}
	}
}
