package pattern

import "github.com/phimq/zmq/internal/pipe"

// lb balances the load: each message goes to one pipe, in turn, among those
// that have room.
type lb struct {
	pipes   []*pipe.Pipe
	active  int // pipes[:active] may have room
	current int
}

func (l *lb) attach(p *pipe.Pipe) {
	l.pipes = append(l.pipes, p)
	p.Send.Index = len(l.pipes)
	p.Send.Blocked = true
	l.Writable(p)
	// Turns are in the order of the connections, as far as they are not taken yet.
	for i := p.Send.Index - 1; i > l.current && l.pipes[i-1].Serial > p.Serial; i-- {
		l.swap(i, i-1)
	}
}

func (l *lb) lost(p *pipe.Pipe) {
	if p.Send.Index == 0 {
		return
	}
	if !p.Send.Blocked {
		l.block(p)
	}
	last := len(l.pipes) - 1
	l.swap(p.Send.Index-1, last)
	l.pipes[last] = nil
	l.pipes = l.pipes[:last]
	p.Send.Index = 0
}

// Writable lets p take its turn again.
func (l *lb) Writable(p *pipe.Pipe) {
	if p.Send.Index == 0 || !p.Send.Blocked {
		return
	}
	l.swap(p.Send.Index-1, l.active)
	l.active++
	p.Send.Blocked = false
}

// block takes p out of the turn until it has room.
func (l *lb) block(p *pipe.Pipe) {
	i := p.Send.Index - 1
	l.active--
	l.swap(i, l.active)
	p.Send.Blocked = true
	if l.current >= l.active {
		l.current = 0
	}
}

func (l *lb) swap(i, j int) {
	a, b := l.pipes[i], l.pipes[j]
	l.pipes[i], l.pipes[j] = b, a
	a.Send.Index, b.Send.Index = j+1, i+1
}

// pick returns the pipe whose turn it is, or nil if none has room.
func (l *lb) pick() *pipe.Pipe {
	for l.active > 0 {
		p := l.pipes[l.current]
		if !p.Out.Full() {
			return p
		}
		l.block(p)
	}
	return nil
}

// next passes the turn on.
func (l *lb) next() {
	if l.current++; l.current >= l.active {
		l.current = 0
	}
}

// balanced is the send half of PUSH and DEALER.
type balanced struct {
	lb
	route Route
}

func (b *balanced) Pick([]byte, int) (*Route, Verdict) {
	p := b.pick()
	if p == nil {
		return nil, Again
	}
	b.route.Pipe, b.route.Alone = p, len(b.pipes) == 1
	b.next()
	return &b.route, Go
}

func (b *balanced) MaySend([]byte, int) Verdict { return goOrAgain(b.pick()) }
func (b *balanced) CanSend() bool               { return b.pick() != nil }

// goOrAgain is the verdict where a pipe was found, or none.
func goOrAgain(p *pipe.Pipe) Verdict {
	if p == nil {
		return Again
	}
	return Go
}
