package zmq

import (
	"github.com/phimq/zmq/internal/inproc"
	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
)

// host is the socket as its connections and its neighbours in the domain see
// it. It keeps their methods off the public type.
type host Socket

func (h *host) socket() *Socket { return (*Socket)(h) }

// Readable says that p's in-queue holds something again.
func (h *host) Readable(p *pipe.Pipe) { h.socket().readable(p) }

// Passes reports whether readers pass on themselves what they bring.
func (h *host) Passes() bool { return h.passer.Load() != nil }

// Closing is closed when the socket receives no more.
func (h *host) Closing() <-chan struct{} { return h.done }

// Writable says that p's out-queue has room again. The send mutex is held.
func (h *host) Writable(p *pipe.Pipe) {
	h.pattern.Writable(p)
	h.socket().wakeSenders()
	h.socket().changed()
}

// NewPipe makes a pipe for a connection.
func (h *host) NewPipe(endpoint string, connected, conflate bool) *pipe.Pipe {
	send, recv, _ := h.Marks()
	pool := &h.domain.pool
	p := &pipe.Pipe{Endpoint: endpoint, Connected: connected}
	p.Out = pipe.NewQueue(&h.send.mu, pool, send, conflate)
	p.Out.SetWriter(h, p)
	p.In = pipe.NewQueue(nil, pool, recv, conflate && h.typ != PUB) // a PUB must not miss a subscription
	p.In.SetReader(h, p)
	return p
}

// NewInproc makes a pipe for a neighbour, who brings its in-queue at Join.
func (h *host) NewInproc(endpoint string, connected, conflate bool) *pipe.Pipe {
	send, _, _ := h.Marks()
	pool := &h.domain.pool
	p := &pipe.Pipe{Endpoint: endpoint, Connected: connected, Inproc: true, Serial: h.group.Serial()}
	p.Out = pipe.NewQueue(&h.send.mu, pool, send, conflate)
	p.Out.SetWriter(h, p)
	p.In = pipe.NewQueue(nil, pool, 0, false)
	return p
}

// Join gives an inproc pipe what it receives from, and from whom.
func (h *host) Join(p *pipe.Pipe, in *pipe.Queue, far inproc.Host, l *inproc.Link) {
	peer := far.Describe()
	h.recv.mu.Lock()
	h.send.mu.Lock()
	p.In, p.Session = in, l
	p.SetPeer(peer)
	h.socket().setMarks(p)
	h.send.mu.Unlock()
	h.recv.mu.Unlock()
}

// Remark gives an inproc pipe its mark again.
func (h *host) Remark(p *pipe.Pipe) {
	h.recv.mu.Lock()
	h.send.mu.Lock()
	h.socket().setMarks(p)
	h.send.mu.Unlock()
	h.recv.mu.Unlock()
}

// sumMarks adds the marks of both ends; 0 stands for no mark.
func sumMarks(a, b int) int {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}

// Marks returns the high-water marks and whether the socket conflates.
func (h *host) Marks() (send, recv int, conflate bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return int(h.conf.sendHWM), int(h.conf.recvHWM), h.conf.conflate
}

// Describe says who the socket is.
func (h *host) Describe() *pipe.Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &pipe.Peer{Type: h.typ.String()}
	p.Properties.Set("socket-type", p.Type)
	if h.typ == REQ || h.typ == DEALER || h.typ == ROUTER {
		p.Identity = h.conf.routingID
		p.Properties.Set("identity", p.Identity)
	}
	for i := 0; i+1 < len(h.conf.metadata); i += 2 {
		p.Properties.Set(lower(h.conf.metadata[i]), h.conf.metadata[i+1])
	}
	return p
}

// Legal reports whether the socket talks to neighbours of this type.
func (h *host) Legal(peerType string) bool { return pattern.Joinable(h.typ.String(), peerType) }

// Attach lets p take part.
func (h *host) Attach(p *pipe.Pipe) bool {
	h.recv.mu.Lock()
	h.send.mu.Lock()
	ok := !h.send.closed && !p.Send.Retired && h.pattern.Attach(p)
	if ok {
		h.mu.Lock()
		h.pipes[p] = false
		h.mu.Unlock()
		h.socket().setMarks(p) // a Set since p was made has not found it
	}
	h.send.mu.Unlock()
	h.recv.mu.Unlock()
	if !ok {
		return false
	}
	h.socket().wakeSenders()
	h.socket().changed()
	return true
}

// Opened says that a connection to p's peer is up.
func (h *host) Opened(p *pipe.Pipe, o pipe.Opening) {
	h.recv.mu.Lock()
	h.send.mu.Lock()
	h.pattern.Opened(p)
	tell := p.Open(o)
	h.send.mu.Unlock()
	h.recv.mu.Unlock()
	if tell {
		p.Out.TellLate()
	}
	h.mark(p, true)
}

// Closed says that the connection to p's peer is gone. The channel, if any, is
// closed when who still writes to it has ended.
func (h *host) Closed(p *pipe.Pipe) <-chan struct{} {
	h.mark(p, false)
	h.send.mu.Lock()
	defer h.send.mu.Unlock()
	p.Session, p.Link = nil, nil
	return p.Out.Detach()
}

// mark notes whether p's peer is connected.
func (h *host) mark(p *pipe.Pipe, connected bool) {
	h.mu.Lock()
	if _, known := h.pipes[p]; known {
		h.pipes[p] = connected
	}
	h.mu.Unlock()
	h.socket().peersChanged()
}

// Lost takes p out of the pattern. What came from it can still be received.
func (h *host) Lost(p *pipe.Pipe) {
	h.recv.mu.Lock()
	h.send.mu.Lock()
	h.pattern.Lost(p)
	if p.Inproc && p.Known() {
		p.Out.End()
	} else { // what waits is nobody's
		p.Out.Close()
	}
	out, closed := p.Out.Count(), h.recv.closed
	h.send.mu.Unlock()
	if closed {
		p.Drop()
	}
	p.In.Mu.Lock()
	if p.Inproc {
		p.In.End() // the neighbour puts nothing more, that this count would miss
	}
	in := p.In.Count()
	if closed {
		p.In.Close()
	}
	p.In.Mu.Unlock()
	h.recv.mu.Unlock()
	h.mu.Lock()
	if _, known := h.pipes[p]; known {
		h.socket().bury(p, out, in)
		delete(h.pipes, p)
	}
	h.mu.Unlock()
	h.socket().wakeReceiver() // there may be news for an XPUB
	h.socket().wakeSenders()
	h.socket().peersChanged()
	if p.Inproc && p.Connected {
		h.socket().forgetLinks()
	}
}

// Start runs a goroutine that Close waits for.
func (h *host) Start(loop func()) bool { return h.group.Start(loop) }
