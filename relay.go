package zmq

import (
	"context"
	"errors"
)

// Who brings messages to a proxy, a connection's reader, passes them on itself: to
// wake another goroutine, and with it often another thread, costs more than all else
// that a proxy does with a message.

// open lets who brings messages pass them on, and returns what ends that.
func (f *flow) open() (end func()) {
	if !f.gathers || !f.from.passer.CompareAndSwap(nil, f) {
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
	again := true
	for rounds := 0; again && !left; rounds++ {
		if rounds == maxRounds {
			return true
		}
		f.more.Store(true)
		if !f.mu.TryLock() {
			return false // who has it looks once more
		}
		f.more.Store(false)
		left = f.passSome()
		f.mu.Unlock()
		again = f.more.Load()
	}
	return left
}

// passSome passes on what is at hand, as much as may be held back, and writes it. It
// reports whether anything is left for the loop: the rest, what the other side has no
// room for, or an error, which the loop will find as well.
func (f *flow) passSome() (left bool) {
	if f.held {
		return true
	}
	f.run, f.octets = 0, 0
	for left = true; f.run < maxHeld && f.octets <= fanShare; {
		err := f.from.tryRecv(&f.m, &f.m.mem, false)
		left = err != ErrAgain //nolint:errorlint // tryRecv returns it bare
		if err != nil || !f.passHere() {
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
	case errors.Is(err, ErrNoPeer), errors.Is(err, ErrTooLarge):
		return true // dropped
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

// wakeReceiver wakes who waits for a message.
func (s *Socket) wakeReceiver() {
	if f := s.passer.Load(); f != nil {
		select {
		case f.left.ch <- struct{}{}:
		default:
		}
	}
	s.recvWait.wake()
}
