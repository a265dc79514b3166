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
}

func newPeers(c *Config) peers {
	return peers{c: c, byID: map[string]*pipe.Pipe{}, serial: c.Seed}
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
	fq
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
		if old.Session != nil {
			old.Session.Hangup(old, nil)
		}
	}
	t.add(p)
	return true
}

func (t *router) Pick(first []byte, n int) (Route, Verdict) {
	if n < 2 {
		return Route{}, Discard // an address and no message
	}
	p := t.byID[string(first)]
	switch {
	case p == nil && t.peers.c.RouterMandatory:
		return Route{}, NoPeer
	case p == nil:
		return Route{}, Discard
	case !p.Out.Full():
		return Route{Pipe: p, Skip: 1}, Go
	case t.peers.c.RouterMandatory:
		return Route{}, Again
	}
	return Route{Pipe: p}, Discard
}

func (t *router) Sent(Route)    {}
func (t *router) CanSend() bool { return true }

func (t *router) Next() (Arrival, Verdict) {
	if p := t.pick(); p != nil {
		return Arrival{Pipe: p, ID: p.ID}, Go
	}
	return Arrival{}, Again
}

func (t *router) Taken(a Arrival) {
	a.Pipe.Advance()
	t.next()
}

// stream talks to peers that know no ZMTP. Its messages are an identity and
// octets; empty ones tell of a new connection and of its end.
type stream struct {
	peers
	fq
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

// Lost tells the user of its end, unless the user made it.
func (t *stream) Lost(p *pipe.Pipe) {
	if p.Send.Attached && !p.Send.Finished {
		t.notify(p)
	}
	t.peers.Lost(p)
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

func (t *stream) Pick(first []byte, n int) (Route, Verdict) {
	p := t.byID[string(first)]
	switch {
	case n < 2:
		return Route{}, Discard
	case p == nil:
		return Route{}, NoPeer
	case p.Out.Full():
		return Route{}, Again
	}
	return Route{Pipe: p, Skip: 1, Hangup: true}, Go
}

func (t *stream) Sent(Route)    {}
func (t *stream) CanSend() bool { return true }

func (t *stream) Next() (Arrival, Verdict) {
	if p := t.pick(); p != nil {
		return Arrival{Pipe: p, ID: p.ID}, Go
	}
	return Arrival{}, Again
}

func (t *stream) Taken(a Arrival) {
	a.Pipe.Advance()
	t.next()
}
