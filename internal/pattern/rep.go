package pattern

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// rep answers one request at a time. RFC 28 "The REP Socket Type".
type rep struct {
	fq
	owed     *pipe.Pipe // who waits for the reply; kept after it is gone
	envelope []byte     // framed, with the delimiter
}

func (t *rep) Prepare()                 {}
func (t *rep) Attach(p *pipe.Pipe) bool { p.Send.Attached = true; return true }
func (t *rep) Opened(*pipe.Pipe)        {}
func (t *rep) Lost(p *pipe.Pipe)        { p.Send.Attached = false }
func (t *rep) Writable(*pipe.Pipe)      {}
func (t *rep) CanSend() bool            { return t.owed != nil }

// Pick sends the reply to whoever asked, or drops it if that peer is gone or
// does not read: RFC 28 "The REP Socket Type" forbids to block.
func (t *rep) Pick([]byte, int) (Route, Verdict) {
	if t.owed == nil {
		return Route{}, State
	}
	if !t.owed.Send.Attached || t.owed.Out.Full() {
		return Route{Pipe: t.owed}, Discard
	}
	return Route{Pipe: t.owed, Prefix: t.envelope}, Go
}

func (t *rep) Sent(Route) { t.owed = nil }

func (t *rep) Next() (Arrival, Verdict) {
	if t.owed != nil {
		return Arrival{}, State
	}
	for p := t.pick(); p != nil; p = t.pick() {
		if skip := t.unwrap(p); skip > 0 {
			return Arrival{Pipe: p, Skip: skip}, Go
		}
		p.Advance() // no delimiter, or nothing behind it
	}
	return Arrival{}, Again
}

// unwrap keeps the envelope of the head message and returns its frames, or 0
// if the message is malformed.
func (t *rep) unwrap(p *pipe.Pipe) (skip int) {
	var room [8][]byte
	frames := p.AppendHead(room[:0])
	t.envelope = t.envelope[:0]
	for i, f := range frames[:len(frames)-1] {
		t.envelope = wire.AppendFrame(t.envelope, wire.FlagMore, f)
		if len(f) == 0 {
			return i + 1
		}
	}
	return 0
}

func (t *rep) Taken(a Arrival) {
	a.Pipe.Advance()
	t.next()
	t.owed = a.Pipe
}
