package role

import (
	"github.com/phimq/zmq"
)

// Warm is how many requests go before those that are measured.
const Warm = 500

func (w *work) req() error {
	s, err := w.openAttached(zmq.REQ)
	if err != nil {
		return err
	}
	out, in := w.sender(s), &receiver{work: w, s: s}
	return w.roundTrips(func(n uint64) error {
		if err := out.send(n); err != nil {
			return err
		}
		f, err := in.receive()
		if err != nil {
			return err
		}
		return w.check(f, n)
	})
}

// roundTrips asks one after the other and keeps how long each answer took.
func (w *work) roundTrips(ask func(n uint64) error) error {
	h := new(histogram)
	for n := range Warm + w.count {
		if n == Warm {
			w.begin()
			w.result.Began, w.result.Sum = w.now(), 0
		}
		before := w.now()
		if err := ask(n); err != nil {
			return err
		}
		if n >= Warm {
			h.record(w.now() - before)
		}
	}
	w.result.Ended, w.result.Count = w.now(), w.count
	w.end()
	h.fill(&w.result)
	return nil
}

func (w *work) rep() error { return w.echo(zmq.REP, Warm) }

func (w *work) router() error { return w.echo(zmq.ROUTER, 0) }

// echo sends messages back as they came, whatever is in front of them.
func (w *work) echo(t zmq.Type, warm uint64) error {
	s, err := w.openAttached(t)
	if err != nil {
		return err
	}
	e := &receiver{work: w, s: s}
	w.begin()
	for n := range warm + w.count {
		f, err := e.receive()
		if err != nil {
			return err
		}
		if err := w.check(f, n); err != nil {
			return err
		}
		if err := s.Send(w.ctx, e.m.Frames...); err != nil {
			return err
		}
		if n == warm {
			w.begin()
		}
	}
	w.closeAll()
	w.end()
	w.result.Count = w.count
	return nil
}

// dealer keeps a window of messages on their way.
func (w *work) dealer() error {
	s, err := w.openAttached(zmq.DEALER)
	if err != nil {
		return err
	}
	if err := s.WaitReady(w.ctx, 1); err != nil {
		return err
	}
	out, in := w.sender(s), &receiver{work: w, s: s}
	w.begin()
	w.result.Began = w.now()
	sent := min(uint64(w.window), w.count)
	for n := range sent {
		if err := out.send(n); err != nil {
			return err
		}
	}
	for n := range w.count {
		f, err := in.receive()
		if err != nil {
			return err
		}
		if err := w.check(f, n); err != nil {
			return err
		}
		if sent == w.count {
			continue
		}
		if err := out.send(sent); err != nil {
			return err
		}
		sent++
	}
	w.result.Ended, w.result.Count = w.now(), w.count
	w.end()
	return nil
}

// proxy passes messages until its input ends: "queue" is ROUTER and DEALER, else
// PULL and PUSH.
func (w *work) proxy() error {
	types := [2]zmq.Type{zmq.PULL, zmq.PUSH}
	if w.kind == "queue" {
		types = [2]zmq.Type{zmq.ROUTER, zmq.DEALER}
	}
	var endpoints []string
	for _, t := range types {
		s, err := w.open(t)
		if err != nil {
			return err
		}
		b, err := s.Bind(w.bind)
		if err != nil {
			return err
		}
		endpoints = append(endpoints, b.Endpoint())
	}
	w.begin()
	ended := make(chan error, 1)
	go w.proxyLoop(ended)
	if err := w.ready(endpoints...); err != nil {
		return err
	}
	if err := w.waitEnd(); err != nil {
		return err
	}
	w.end()
	w.closeAll()
	<-ended
	return nil
}

func (w *work) proxyLoop(ended chan<- error) {
	ended <- zmq.Proxy(w.ctx, w.sockets[0], w.sockets[1])
}
