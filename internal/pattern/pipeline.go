package pattern

import "github.com/phimq/zmq/internal/pipe"

// push sends to its peers in turn. RFC 30 "The PUSH Socket Type".
type push struct {
	balanced
	deaf
}

func (t *push) Attach(p *pipe.Pipe) bool { t.attach(p); return true }
func (t *push) Opened(*pipe.Pipe)        {}
func (t *push) Lost(p *pipe.Pipe)        { t.lost(p) }

// Arrived drops what a peer should not have sent.
func (t *push) Arrived(p *pipe.Pipe) { dropAll(p) }

// pull receives from its peers in turn. RFC 30 "The PULL Socket Type".
type pull struct {
	mute
	fair
}

func (t *pull) Attach(*pipe.Pipe) bool { return true }
func (t *pull) Opened(*pipe.Pipe)      {}
func (t *pull) Lost(*pipe.Pipe)        {}

// dealer does both. RFC 28 "The DEALER Socket Type".
type dealer struct {
	balanced
	fair
	prober
}

func (t *dealer) Attach(p *pipe.Pipe) bool { t.attach(p); return true }
func (t *dealer) Lost(p *pipe.Pipe)        { t.lost(p) }

// pair talks to one peer only. RFC 31 "The PAIR Socket Type".
type pair struct {
	balanced
	fair
}

// Attach refuses a second peer.
func (t *pair) Attach(p *pipe.Pipe) bool {
	if len(t.pipes) > 0 {
		return false
	}
	t.attach(p)
	return true
}
func (t *pair) Opened(*pipe.Pipe) {}
func (t *pair) Lost(p *pipe.Pipe) { t.lost(p) }

// dropAll drops all that came in.
func dropAll(p *pipe.Pipe) {
	for p.Head() {
		p.Advance()
	}
}
