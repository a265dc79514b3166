package pattern

import "github.com/phimq/zmq/internal/pipe"

// fq queues fairly: one message of each pipe in turn, among those that have
// something.
type fq struct {
	ready   []*pipe.Pipe
	current int
}

// Readable lets p take its turn.
func (f *fq) Readable(p *pipe.Pipe) {
	if p.Recv.Index == 0 {
		f.ready = append(f.ready, p)
		p.Recv.Index = len(f.ready)
	}
}

// pick returns the pipe whose turn it is, with a message at its head, or nil
// if none has any.
func (f *fq) pick() *pipe.Pipe {
	for len(f.ready) > 0 {
		p := f.ready[f.current]
		if p.Head() {
			return p
		}
		f.remove(p)
	}
	return nil
}

func (f *fq) remove(p *pipe.Pipe) {
	i, last := p.Recv.Index-1, len(f.ready)-1
	f.ready[i] = f.ready[last]
	f.ready[i].Recv.Index = i + 1
	f.ready[last] = nil
	f.ready = f.ready[:last]
	p.Recv.Index = 0
	if f.current >= last {
		f.current = 0
	}
}

// next passes the turn on.
func (f *fq) next() {
	if f.current++; f.current >= len(f.ready) {
		f.current = 0
	}
}

// MayRecv is that of a pattern that lets everything be received.
func (f *fq) MayRecv() Verdict { return goOrAgain(f.pick()) }

// fair is the receive half of PULL, DEALER and PAIR.
type fair struct {
	fq
	arrival Arrival
}

func (f *fair) Next() (*Arrival, Verdict) {
	p := f.pick()
	if p == nil {
		return nil, Again
	}
	f.arrival.Pipe = p
	f.next()
	return &f.arrival, Go
}
