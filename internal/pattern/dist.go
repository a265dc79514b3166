package pattern

import "github.com/phimq/zmq/internal/pipe"

// dist distributes a message to all pipes, or to those that match.
type dist struct {
	pipes   []*pipe.Pipe
	matched []*pipe.Pipe
	stamp   uint64
}

func (d *dist) attach(p *pipe.Pipe) {
	d.pipes = append(d.pipes, p)
	p.Send.Index = len(d.pipes)
}

func (d *dist) Lost(p *pipe.Pipe) {
	i, last := p.Send.Index-1, len(d.pipes)-1
	if i < 0 {
		return
	}
	d.pipes[i] = d.pipes[last]
	d.pipes[i].Send.Index = i + 1
	d.pipes[last] = nil
	d.pipes = d.pipes[:last]
	p.Send.Index = 0
}

// unique leaves each of matched once.
func (d *dist) unique() {
	if len(d.matched) < 2 {
		return
	}
	d.stamp++
	n := 0
	for _, p := range d.matched {
		if p.Send.Mark != d.stamp {
			p.Send.Mark = d.stamp
			d.matched[n] = p
			n++
		}
	}
	d.matched = d.matched[:n]
}

// invert makes matched those that it was not.
func (d *dist) invert() {
	d.stamp++
	for _, p := range d.matched {
		p.Send.Mark = d.stamp
	}
	d.matched = d.matched[:0]
	for _, p := range d.pipes {
		if p.Send.Mark != d.stamp {
			d.matched = append(d.matched, p)
		}
	}
}
