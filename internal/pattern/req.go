package pattern

import (
	"encoding/binary"

	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// req asks one peer at a time and waits for its answer. RFC 28 "The REQ
// Socket Type".
type req struct {
	prober
	lb
	fq
	c       *Config
	id      uint32 // of the last request, with ReqCorrelate
	waiting bool   // for the reply
	asked   *pipe.Pipe
	route   Route
	arrival Arrival
}

func (t *req) Attach(p *pipe.Pipe) bool { t.attach(p); return true }

// Lost ends sending to p; its answer may have come already.
func (t *req) Lost(p *pipe.Pipe) { t.lost(p) }

func (t *req) MaySend([]byte, int) Verdict {
	if t.waiting && !t.c.ReqRelaxed && !t.c.Requests {
		return State
	}
	return goOrAgain(t.lb.pick())
}

func (t *req) Pick(first []byte, n int) (*Route, Verdict) {
	if v := t.MaySend(first, n); v != Go {
		return nil, v
	}
	r := &t.route
	r.Pipe, r.Prefix = t.lb.pick(), r.Prefix[:0]
	if t.c.ReqCorrelate {
		t.id++
	}
	if !t.c.Requests {
		// RFC 28 "The REQ Socket Type": an empty delimiter goes in front.
		if t.c.ReqCorrelate {
			r.Prefix = wire.AppendFrame(r.Prefix, wire.FlagMore, binary.BigEndian.AppendUint32(nil, t.id))
		}
		r.Prefix = wire.AppendFrame(r.Prefix, wire.FlagMore, nil)
	}
	t.lb.next()
	t.waiting, t.asked = true, r.Pipe
	return r, Go
}

// Prepare drops what came in before the request: it can't be the answer.
func (t *req) Prepare() {
	if t.c.Requests || (t.waiting && !t.c.ReqRelaxed) {
		return
	}
	for p := t.fq.pick(); p != nil; p = t.fq.pick() {
		dropAll(p)
	}
}

func (t *req) CanSend() bool {
	return (!t.waiting || t.c.ReqRelaxed || t.c.Requests) && t.lb.pick() != nil
}

func (t *req) Next() (*Arrival, Verdict) {
	v := t.MayRecv()
	if v != Go {
		return nil, v
	}
	t.fq.next()
	t.waiting, t.asked = false, nil
	return &t.arrival, Go
}

func (t *req) MayRecv() Verdict {
	if !t.waiting && !t.c.Requests {
		return State
	}
	for p := t.fq.pick(); p != nil; p = t.fq.pick() {
		t.arrival = Arrival{Pipe: p}
		if t.c.Requests {
			return Go
		}
		if t.arrival.Skip = t.answers(p); t.arrival.Skip > 0 {
			return Go
		}
		p.Advance()
	}
	return Again
}

// answers returns how many frames of the head message are envelope, or 0 if
// it does not answer the last request.
func (t *req) answers(p *pipe.Pipe) (skip int) {
	if p != t.asked {
		return 0
	}
	var room [4][]byte
	frames := p.AppendHead(room[:0])
	if t.c.ReqCorrelate {
		if len(frames[0]) != 4 || binary.BigEndian.Uint32(frames[0]) != t.id {
			return 0
		}
		skip++
	}
	if len(frames) < skip+2 || len(frames[skip]) != 0 {
		return 0
	}
	return skip + 1
}
