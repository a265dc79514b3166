package role

import (
	"fmt"
	"sync"

	"github.com/phimq/zmq"
)

// inproc is some pairs within one process, each a goroutine that sends and one
// that receives.
func (w *work) inproc() error {
	each := w.count / uint64(w.pairs)
	ends := make([]*work, 2*w.pairs)
	for i := range w.pairs {
		endpoint := fmt.Sprintf("inproc://%d", i)
		to, err := w.open(zmq.PULL)
		if err != nil {
			return err
		}
		from, err := w.open(zmq.PUSH)
		if err != nil {
			return err
		}
		if _, err := to.Bind(endpoint); err != nil {
			return err
		}
		if err := from.Connect(endpoint); err != nil {
			return err
		}
		ends[2*i], ends[2*i+1] = w.half(each, from), w.half(each, to)
	}
	if err := w.ready(); err != nil {
		return err
	}
	w.begin()
	w.result.Began = w.now()
	var running sync.WaitGroup
	errs := make(chan error, len(ends))
	for i := range w.pairs {
		out, in := ends[2*i], ends[2*i+1]
		running.Go(func() { errs <- out.sendAll() })
		running.Go(func() { errs <- in.receiveAll(&receiver{work: in, s: in.sockets[0]}) })
	}
	running.Wait()
	w.end()
	for _, e := range ends {
		if err := <-errs; err != nil {
			return err
		}
		w.result.Count += e.result.Count
		w.result.Sum += e.result.Sum
		w.result.Ended = max(w.result.Ended, e.result.Ended)
	}
	return nil
}

// half is one end of a pair, with a result of its own.
func (w *work) half(count uint64, s *zmq.Socket) *work {
	h := *w
	h.count, h.result, h.sockets = count, Result{}, []*zmq.Socket{s}
	return &h
}

func (w *work) sendAll() error {
	e := w.sender(w.sockets[0])
	for n := range w.count {
		if err := e.send(n); err != nil {
			return err
		}
	}
	return nil
}
