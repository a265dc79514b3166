package main

import (
	"errors"
	"runtime"

	"github.com/phimq/zmq"
)

func (w *worker) endpoint(a *actor) string { return w.s.randomEndpoint(w.rand, a.slot.family) }

// room reports whether a socket may have one more end, and counts it.
func (a *actor) room() bool {
	if a.ends.Add(1) > maxEnds {
		a.ends.Add(-1)
		return false
	}
	return true
}

func (w *worker) bind(a *actor) error {
	if !a.room() {
		return notFoundIsFine(w.unbind(a))
	}
	_, err := a.s.Bind(w.endpoint(a))
	if err != nil {
		a.ends.Add(-1)
	}
	return err
}

// binding uses what Bind returns.
func (w *worker) binding(a *actor) error {
	b, err := a.s.Bind(w.endpoint(a))
	if err != nil {
		return err
	}
	for range w.rand.IntN(20) {
		runtime.Gosched()
	}
	_, _ = b.Addr(), b.Endpoint()
	return b.Close()
}

func (w *worker) unbind(a *actor) error { return a.less(a.s.Unbind(w.endpoint(a))) }

func (w *worker) connect(a *actor) error {
	if !a.room() {
		return notFoundIsFine(w.disconnect(a))
	}
	err := a.s.Connect(w.endpoint(a))
	if err != nil {
		a.ends.Add(-1)
	}
	return err
}

func (w *worker) disconnect(a *actor) error { return a.less(a.s.Disconnect(w.endpoint(a))) }

// less counts an end that was taken back.
func (a *actor) less(err error) error {
	if err == nil {
		a.ends.Add(-1)
	}
	return err
}

func notFoundIsFine(err error) error {
	if errors.Is(err, zmq.ErrNotFound) {
		return nil
	}
	return err
}

// message is one that the socket's pattern can do something with.
func (w *worker) message(a *actor) [][]byte {
	r := w.rand
	var frames [][]byte
	switch a.slot.typ {
	case zmq.STREAM:
		size := r.IntN(2000)
		return [][]byte{a.anyID(r), octets[:size]} // size 0 ends the connection
	case zmq.XSUB:
		if r.IntN(4) == 0 {
			return [][]byte{append([]byte{byte(r.IntN(2))}, w.topic()...)}
		}
		frames = append(frames, []byte(w.topic()))
	case zmq.PUB, zmq.XPUB:
		frames = append(frames, []byte(w.topic()))
	case zmq.ROUTER:
		frames = append(frames, a.anyID(r))
		if r.IntN(3) > 0 {
			frames = append(frames, nil)
		}
	case zmq.DEALER:
		if r.IntN(3) > 0 {
			frames = append(frames, nil)
		}
	}
	return appendBody(r, frames)
}

var topics = []string{"", "a", "ab", "abc", "b", "long topic of a subscription"}

func (w *worker) topic() string { return topics[w.rand.IntN(len(topics))] }

func (w *worker) send(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	return a.s.Send(ctx, w.message(a)...)
}

func (w *worker) trySend(a *actor) error { return a.s.TrySend(w.message(a)...) }

func (w *worker) sendMsg(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	m := zmq.NewMsg(w.message(a)...)
	before := len(m.Frames)
	err := a.s.SendMsg(ctx, &m)
	if err == nil && len(m.Frames) != 0 || err != nil && len(m.Frames) != before {
		w.s.failf("%s SendMsg: %d frames of %d are left, the error is %v", a.slot.typ, len(m.Frames), before, err)
	}
	return err
}

func (w *worker) recv(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	m, err := a.s.Recv(ctx)
	return w.check(a, &m, err)
}

func (w *worker) tryRecv(a *actor) error {
	m, err := a.s.TryRecv()
	return w.check(a, &m, err)
}

func (w *worker) recvInto(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	return w.check(a, &w.into, a.s.RecvInto(ctx, &w.into))
}

func (w *worker) msgs(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	left := w.rand.IntN(10)
	for m, err := range a.s.Msgs(ctx) {
		if err = w.check(a, &m, err); err != nil && !errors.Is(err, zmq.ErrTimeout) || left == 0 {
			return err
		}
		left--
	}
	return zmq.ErrClosed
}

// check looks at what was received, and reads all that can be asked of it.
func (w *worker) check(a *actor, m *zmq.Msg, err error) error {
	if err != nil {
		return err
	}
	if len(m.Frames) == 0 {
		w.s.failf("%s received a message without a frame", a.slot.typ)
		return nil
	}
	_, _, _ = m.String(), m.Size(), m.Property("Socket-Type")
	switch a.slot.typ {
	case zmq.STREAM:
		if len(m.Frames) != 2 {
			w.s.failf("STREAM received %d frames", len(m.Frames))
		}
		a.learn(m.Frames[0])
		return nil
	case zmq.ROUTER:
		a.learn(m.Frames[0])
	}
	if err := checkBody(m.Frames); err != nil {
		w.s.failf("%s received a bad message from %s at %s: %w", a.slot.typ, m.Peer().Type(), m.Peer().Endpoint(), err)
	}
	return nil
}

func (w *worker) subscribe(a *actor) error   { return a.s.Subscribe(w.topic()) }
func (w *worker) unsubscribe(a *actor) error { return a.s.Unsubscribe(w.topic()) }
func (w *worker) set(a *actor) error         { return a.s.Set(randomOption(w.rand)) }

func (w *worker) option(a *actor) error {
	_, err := a.s.Option(optionValues[w.rand.IntN(len(optionValues))].name)
	return err
}

func (w *worker) ready(a *actor) error {
	if n := a.s.Peers(); n < 0 {
		w.s.failf("%s has %d peers", a.slot.typ, n)
	}
	a.s.Ready()
	return nil
}

// onChange watches a socket as an event loop would.
func (w *worker) onChange(a *actor) error {
	if w.rand.IntN(3) == 0 {
		a.s.OnChange(nil)
		return nil
	}
	changed := make(chan struct{}, 1)
	a.s.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	ctx, cancel := w.moment()
	defer cancel()
	select {
	case <-changed:
		a.s.Ready()
	case <-ctx.Done():
	}
	return nil
}

func (w *worker) waitReady(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	return a.s.WaitReady(ctx, w.rand.IntN(4))
}

func (w *worker) waitSubscribers(a *actor) error {
	ctx, cancel := w.moment()
	defer cancel()
	return a.s.WaitSubscribers(ctx, w.topic(), w.rand.IntN(3))
}

// renew puts a new socket into the place of a, which the caller closes. Others
// may go on using it.
func (w *worker) renew(a *actor) {
	w.old = a
	if fresh := w.s.newActor(w.rand, a.slot); !a.slot.actor.CompareAndSwap(a, fresh) {
		_ = fresh.s.Close() // another worker was faster
	}
}

func (w *worker) close(a *actor) error {
	w.renew(a)
	return a.s.Close()
}

func (w *worker) closeAsync(a *actor) error {
	w.renew(a)
	a.s.CloseAsync()
	return nil
}

func (w *worker) shutdown(a *actor) error {
	w.renew(a)
	ctx, cancel := w.moment()
	defer cancel()
	return a.s.Shutdown(ctx)
}

func (w *worker) closeTwice(a *actor) error {
	w.renew(a)
	both := make(chan error, 1)
	go func() { both <- a.s.Close() }()
	return errors.Join(a.s.Close(), <-both)
}
