package pattern

import (
	"encoding/binary"

	"github.com/phimq/zmq/internal/pipe"
)

// peers finds pipes by identity.
type peers struct {
	c      *Config
	byID   map[string]*pipe.Pipe
	serial uint32
	route  Route
}

func newPeers(c *Config) peers {
	return peers{c: c, byID: map[string]*pipe.Pipe{}, serial: c.Seed, route: Route{Skip: 1}}
}

// named is the receive half of a pattern that says who sent a message: fair
// queueing with an identity in front.
type named struct{ fair }

func (f *named) Next() (*Arrival, Verdict) {
	a, v := f.fair.Next()
	if v == Go {
		a.ID = a.Pipe.ID
	}
	return a, v
}

// generate gives p an identity that no peer can choose. RFC 37 "The Identity
// Property" keeps the first octet 0 for this.
func (r *peers) generate(p *pipe.Pipe) {
	for {
		r.serial++
		id := binary.BigEndian.AppendUint32([]byte{0}, r.serial)
		if _, taken := r.byID[string(id)]; !taken {
			p.ID = id
			return
		}
	}
}

func (r *peers) add(p *pipe.Pipe) {
	r.byID[string(p.ID)] = p
	p.Send.Attached = true
}

func (r *peers) Lost(p *pipe.Pipe) {
	if p.Send.Attached && r.byID[string(p.ID)] == p {
		delete(r.byID, string(p.ID))
	}
	p.Send.Attached = false
}

func (r *peers) Writable(*pipe.Pipe) {}

// router sends to the peer that the first frame names. RFC 28 "The ROUTER
// Socket Type".
type router struct {
	peers
	prober
	named
}

// Attach names the peer: as the user said before the connect, else as it calls
// itself, else by an identity of our own. A second peer of the same name is
// refused, or takes the name over.
func (t *router) Attach(p *pipe.Pipe) bool {
	if !p.Preset {
		p.ID = []byte(p.Peer().Identity)
	}
	if len(p.ID) == 0 {
		t.generate(p)
	}
	if old := t.byID[string(p.ID)]; old != nil {
		if !t.peers.c.RouterHandover {
			return false
		}
		t.Lost(old)
		old.Replaced.Store(true)
		if old.Session != nil {
			old.Session.Hangup(old, pipe.ErrReplaced)
		}
	}
	t.add(p)
	return true
}

func (t *router) Pick(first []byte, n int) (*Route, Verdict) {
	p := t.byID[string(first)]
	if n < 2 {
		p = nil // an address and no message
	}
	t.route.Pipe = p
	switch {
	case n < 2:
		return &t.route, Discard
	case p == nil && t.peers.c.RouterMandatory:
		return nil, NoPeer
	case p == nil:
		return &t.route, Discard
	case !p.Out.Full():
		return &t.route, Go
	case t.peers.c.RouterMandatory:
		return nil, Again
	}
	return &t.route, Discard
}

func (t *router) MaySend(first []byte, n int) Verdict {
	_, v := t.Pick(first, n) // there are no turns
	return v
}

func (t *router) CanSend() bool { return true }

// stream talks to peers that know no ZMTP. Its messages are an identity and
// octets; empty ones tell of a new connection and of its end.
type stream struct {
	peers
	named
}

func (t *stream) Attach(p *pipe.Pipe) bool {
	if len(p.ID) == 0 {
		t.generate(p)
	} else if t.byID[string(p.ID)] != nil {
		return false
	}
	t.add(p)
	return true
}

// Opened tells the user of the connection.
func (t *stream) Opened(p *pipe.Pipe) { t.notify(p) }

// Lost tells the user of its end, unless the user made it. That is the last of it, though
// the connection may go on until what waits is written.
func (t *stream) Lost(p *pipe.Pipe) {
	if p.Send.Attached && !p.Send.Finished {
		t.notify(p)
	}
	t.peers.Lost(p)
	p.In.Mu.Lock()
	p.In.End()
	p.In.Mu.Unlock()
}

func (t *stream) notify(p *pipe.Pipe) {
	if !t.c.StreamNotify {
		return
	}
	p.In.Mu.Lock()
	tell := p.In.PutFramed([]byte{0, 0})
	p.In.Mu.Unlock()
	if tell {
		p.In.Tell()
	}
}

func (t *stream) Pick(first []byte, n int) (*Route, Verdict) {
	p := t.byID[string(first)]
	t.route.Pipe, t.route.Hangup = nil, true
	switch {
	case n < 2:
		return &t.route, Discard
	case p == nil || p.Send.Finished:
		return nil, NoPeer
	case p.Out.Full():
		return nil, Again
	}
	t.route.Pipe = p
	return &t.route, Go
}

func (t *stream) MaySend(first []byte, n int) Verdict {
	_, v := t.Pick(first, n) // there are no turns
	return v
}

func (t *stream) CanSend() bool { return true }
