package role

import (
	"encoding/binary"
	"sync"

	"github.com/phimq/zmq"
)

// push sends count messages over some sockets in turn.
func (w *work) push() error {
	senders := make([]*sender, w.peers)
	for i := range senders {
		s, err := w.open(zmq.PUSH)
		if err != nil {
			return err
		}
		if senders[i] = w.sender(s); i == 0 {
			continue
		}
		if err := s.Connect(w.at); err != nil {
			return err
		}
	}
	if err := w.attach(senders[0].s); err != nil {
		return err
	}
	for _, e := range senders {
		if err := e.s.WaitReady(w.ctx, 1); err != nil {
			return err
		}
	}
	return w.stream(func(n uint64) error { return senders[n%uint64(w.peers)].send(n) })
}

// stream sends count messages and waits until all is written.
func (w *work) stream(send func(n uint64) error) error {
	w.begin()
	w.result.Count, w.result.Began = w.count, w.now()
	for n := range w.count {
		if err := send(n); err != nil {
			return err
		}
	}
	w.closeAll()
	w.end()
	return nil
}

func (w *work) pull() error {
	s, err := w.openAttached(zmq.PULL)
	if err != nil {
		return err
	}
	return w.receiveAll(&receiver{work: w, s: s})
}

// receiveAll takes messages 0 to count-1.
func (w *work) receiveAll(e *receiver) error {
	w.begin()
	for n := range w.count {
		f, err := e.receive()
		if err != nil {
			return err
		}
		if n == 0 {
			w.used = cpuTime()
		}
		if err := w.check(f, w.topic(n)); err != nil {
			return err
		}
	}
	w.result.Ended, w.result.Count = w.now(), w.count
	w.end()
	return nil
}

// topic is the number that message n carries: it repeats where there are topics.
func (w *work) topic(n uint64) uint64 {
	if w.topics > 0 {
		return n % uint64(w.topics)
	}
	return n
}

func topicName(t uint64) string { return string(binary.NativeEndian.AppendUint64(nil, t)) }

// pub publishes when all subscribers have subscribed.
func (w *work) pub() error {
	s, err := w.openAttached(zmq.PUB, zmq.WithXPubNoDrop(true), zmq.WithRecvHWM(0))
	if err != nil {
		return err
	}
	if err := w.waitSubscribers(s); err != nil {
		return err
	}
	e := w.sender(s)
	return w.stream(func(n uint64) error { return e.send(w.topic(n)) })
}

// waitSubscribers waits until every subscription is there, in whatever order they come.
func (w *work) waitSubscribers(s *zmq.Socket) error {
	if w.topics == 0 {
		return s.WaitSubscribers(w.ctx, "", w.peers)
	}
	for t := range w.topics {
		if err := s.WaitSubscribers(w.ctx, topicName(uint64(t)), w.peers); err != nil {
			return err
		}
	}
	return nil
}

// sub is some subscribers, each of which gets every message.
func (w *work) sub() error {
	subs := make([]*receiver, w.peers)
	topics := []string{""}
	if w.topics > 0 {
		topics = topics[:0]
	}
	for t := range w.topics {
		topics = append(topics, topicName(uint64(t)))
	}
	for i := range subs {
		s, err := w.open(zmq.SUB, zmq.WithSendHWM(0))
		if err != nil {
			return err
		}
		if err := s.Subscribe(topics...); err != nil {
			return err
		}
		each := *w // a result of its own
		each.result = Result{}
		if subs[i] = (&receiver{work: &each, s: s}); i == 0 {
			continue
		}
		if err := s.Connect(w.at); err != nil {
			return err
		}
	}
	if err := w.attach(subs[0].s); err != nil {
		return err
	}
	if w.peers == 1 {
		err := subs[0].receiveAll(subs[0])
		w.result = subs[0].result
		return err
	}
	return w.receiveByEach(subs)
}

func (w *work) receiveByEach(subs []*receiver) error {
	var running sync.WaitGroup
	errs := make(chan error, len(subs))
	w.begin()
	for _, e := range subs {
		running.Go(func() { errs <- e.receiveAll(e) })
	}
	running.Wait()
	w.end()
	for _, e := range subs {
		if err := <-errs; err != nil {
			return err
		}
		w.result.Count += e.result.Count
		w.result.Sum += e.result.Sum
		w.result.Ended = max(w.result.Ended, e.result.Ended)
	}
	return nil
}
