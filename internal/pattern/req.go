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
	prefix  []byte
}

func (t *req) Attach(p *pipe.Pipe) bool { t.attach(p); return true }

// Lost ends sending to p; its answer may have come already.
func (t *req) Lost(p *pipe.Pipe) { t.lost(p) }

func (t *req) Pick([]byte, int) (Route, Verdict) {
	if t.waiting && !t.c.ReqRelaxed && !t.c.Requests {
		return Route{}, State
	}
	p := t.lb.pick()
	if p == nil {
		return Route{}, Again
	}
	if t.c.Requests {
		return Route{Pipe: p}, Go
	}
	// RFC 28 "The REQ Socket Type": an empty delimiter goes in front.
	t.prefix = t.prefix[:0]
	if t.c.ReqCorrelate {
		t.prefix = wire.AppendFrame(t.prefix, wire.FlagMore, binary.BigEndian.AppendUint32(nil, t.id+1))
	}
	t.prefix = wire.AppendFrame(t.prefix, wire.FlagMore, nil)
	return Route{Pipe: p, Prefix: t.prefix}, Go
}

func (t *req) Sent(r Route) {
	t.lb.next()
	if t.c.ReqCorrelate {
		t.id++
	}
	t.waiting, t.asked = true, r.Pipe
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

func (t *req) Next() (Arrival, Verdict) {
	if t.c.Requests {
		if p := t.fq.pick(); p != nil {
			return Arrival{Pipe: p}, Go
		}
		return Arrival{}, Again
	}
	if !t.waiting {
		return Arrival{}, State
	}
	for p := t.fq.pick(); p != nil; p = t.fq.pick() {
		if skip := t.answers(p); skip > 0 {
			return Arrival{Pipe: p, Skip: skip}, Go
		}
		p.Advance()
	}
	return Arrival{}, Again
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

func (t *req) Taken(a Arrival) {
	a.Pipe.Advance()
	t.fq.next()
	t.waiting, t.asked = false, nil
}
