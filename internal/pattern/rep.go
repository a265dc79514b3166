package pattern

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// rep answers one request at a time. RFC 28 "The REP Socket Type".
type rep struct {
	fq
	owed    *pipe.Pipe // who waits for the reply; kept after it is gone
	route   Route      // its prefix is the envelope, with the delimiter
	arrival Arrival
}

func (t *rep) Prepare()                 {}
func (t *rep) Attach(p *pipe.Pipe) bool { p.Send.Attached = true; return true }
func (t *rep) Opened(*pipe.Pipe)        {}
func (t *rep) Lost(p *pipe.Pipe)        { p.Send.Attached = false }
func (t *rep) Writable(*pipe.Pipe)      {}
func (t *rep) CanSend() bool            { return t.owed != nil }

// MaySend lets the reply go to whoever asked, or be dropped if that peer is gone
// or does not read: RFC 28 "The REP Socket Type" forbids to block.
func (t *rep) MaySend([]byte, int) Verdict {
	switch {
	case t.owed == nil:
		return State
	case !t.owed.Send.Attached || t.owed.Out.Full():
		return Discard
	}
	return Go
}

func (t *rep) Pick(first []byte, n int) (*Route, Verdict) {
	v := t.MaySend(first, n)
	if v != State {
		t.route.Pipe, t.owed = t.owed, nil
	}
	return &t.route, v
}

func (t *rep) Next() (*Arrival, Verdict) {
	v := t.MayRecv()
	if v != Go {
		return nil, v
	}
	t.next()
	t.owed = t.arrival.Pipe
	return &t.arrival, Go
}

func (t *rep) MayRecv() Verdict {
	if t.owed != nil {
		return State
	}
	for p := t.pick(); p != nil; p = t.pick() {
		if skip := t.unwrap(p); skip > 0 {
			t.arrival.Pipe, t.arrival.Skip = p, skip
			return Go
		}
		p.Advance() // no delimiter, or nothing behind it
	}
	return Again
}

// unwrap keeps the envelope of the head message and returns its frames, or 0
// if the message is malformed.
func (t *rep) unwrap(p *pipe.Pipe) (skip int) {
	var room [8][]byte
	frames := p.AppendHead(room[:0])
	t.route.Prefix = t.route.Prefix[:0]
	for i, f := range frames[:len(frames)-1] {
		t.route.Prefix = wire.AppendFrame(t.route.Prefix, wire.FlagMore, f)
		if len(f) == 0 {
			return i + 1
		}
	}
	return 0
}
