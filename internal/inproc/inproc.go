// Package inproc joins sockets of one domain by a name: two pipes that share
// their queues, and no connection between them.
package inproc

import (
	"errors"
	"sync"

	"github.com/phimq/zmq/internal/pipe"
)

// ErrInUse says that another socket has bound the name.
var ErrInUse = errors.New("name in use")

// Host is a socket, as its neighbours see it. No method is called with a lock
// of this package's held.
type Host interface {
	pipe.Reader
	// Describe says who this socket is.
	Describe() *pipe.Peer
	// Legal reports whether the socket talks to peers of this type.
	Legal(peerType string) bool
	// Marks returns its high-water marks and whether it conflates.
	Marks() (send, recv int, conflate bool)
	// NewInproc makes a pipe; conflate says that its Out keeps one message.
	NewInproc(endpoint string, connected, conflate bool) *pipe.Pipe
	// Join gives p what it receives from, its neighbour and its link.
	Join(p *pipe.Pipe, in *pipe.Queue, far Host, l *Link)
	// Remark gives p its mark again: the neighbour's part may be another one.
	Remark(p *pipe.Pipe)
	Attach(p *pipe.Pipe) bool
	Opened(p *pipe.Pipe, o pipe.Opening)
	Lost(p *pipe.Pipe)
	// Start runs a goroutine that the socket waits for when it closes.
	Start(loop func()) bool
}

// Registry knows the bound names of a domain, and who waits for one.
type Registry struct {
	mu      sync.Mutex
	bound   map[string]Host
	waiting map[string][]*Link
}

// Link is one connection by name.
type Link struct {
	r         *Registry
	endpoint  string
	connector Host
	late      bool // near takes part from the join on only

	settled chan struct{} // closed when the link is joined or cut
	once    sync.Once     // closes it

	mu     sync.Mutex
	near   *pipe.Pipe // the connector's
	binder Host
	far    *pipe.Pipe // the binder's
	cut    bool
}

// Bind gives a name to a socket and joins those who wait for it.
func (r *Registry) Bind(endpoint string, h Host) error {
	r.mu.Lock()
	if r.bound == nil {
		r.bound = map[string]Host{}
	}
	if _, taken := r.bound[endpoint]; taken {
		r.mu.Unlock()
		return ErrInUse
	}
	r.bound[endpoint] = h
	waiting := r.waiting[endpoint]
	delete(r.waiting, endpoint)
	r.mu.Unlock()
	for _, l := range waiting {
		l.join(h)
	}
	return nil
}

// Bound reports whether a socket has the name.
func (r *Registry) Bound(endpoint string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bound[endpoint] != nil
}

// Unbind frees a name. Who is joined stays joined.
func (r *Registry) Unbind(endpoint string, h Host) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound[endpoint] != h {
		return false
	}
	delete(r.bound, endpoint)
	return true
}

// Connect joins h with the socket that has bound the name, or that will. The
// pipe is there at once, and takes part at once unless late says that h has to
// know its peer first; id is the routing identity that the user chose. It
// reports false if the socket types do not fit.
func (r *Registry) Connect(endpoint string, h Host, id []byte, late bool) (l *Link, ok bool) {
	l = &Link{r: r, endpoint: endpoint, connector: h, late: late, settled: make(chan struct{})}
	r.mu.Lock()
	binder := r.bound[endpoint]
	r.mu.Unlock()
	if binder != nil && !fits(h, binder) {
		return nil, false
	}
	l.near = l.newNear(id)
	if !late && !h.Attach(l.near) {
		l.cut = true // a second peer of a PAIR: libzmq ignores it as well
		l.settle()
		return l, true
	}
	if binder == nil {
		r.mu.Lock()
		if binder = r.bound[endpoint]; binder == nil {
			if r.waiting == nil {
				r.waiting = map[string][]*Link{}
			}
			r.waiting[endpoint] = append(r.waiting[endpoint], l)
		}
		r.mu.Unlock()
	}
	if binder != nil {
		l.join(binder)
	}
	return l, true
}

func fits(a, b Host) bool {
	return a.Legal(b.Describe().Type) && b.Legal(a.Describe().Type)
}

func (l *Link) settle() { l.once.Do(func() { close(l.settled) }) }

// Settled is closed when the link is joined, from when on what was sent is the
// receiver's, or is cut.
func (l *Link) Settled() <-chan struct{} { return l.settled }

// Pipe returns the connector's pipe.
func (l *Link) Pipe() *pipe.Pipe {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.near
}

// Ended reports whether the link was cut.
func (l *Link) Ended() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// neighbour returns who is at the other end of h's, and the pipe there; nil before the
// link is joined.
func (l *Link) neighbour(h Host) (Host, *pipe.Pipe) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h == l.binder {
		return l.connector, l.near
	}
	return l.binder, l.far
}

// FarMark returns the receive mark of h's neighbour, which adds to h's own mark. The link
// is joined.
func (l *Link) FarMark(h Host) int {
	far, _ := l.neighbour(h)
	_, recv, _ := far.Marks()
	return recv
}

// Remark tells h's neighbour that h's receive mark is another one.
func (l *Link) Remark(h Host) {
	if far, p := l.neighbour(h); far != nil {
		far.Remark(p)
	}
}

// join makes the pipe of the binder and lets both take part.
func (l *Link) join(binder Host) {
	defer l.settle()
	if !fits(l.connector, binder) {
		l.connector.Lost(l.Pipe())
		return
	}
	l.renew()
	_, _, conflate := l.connector.Marks()
	_, _, c := binder.Marks()
	conflate = conflate || c
	far := binder.NewInproc(l.endpoint, false, conflate)

	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		return
	}
	l.binder, l.far = binder, far
	near := l.near
	l.mu.Unlock()

	if conflate {
		near.Out.Mu.Lock()
		near.Out.Conflate()
		near.Out.Mu.Unlock()
	}
	binder.Join(far, near.Out, l.connector, l)
	l.connector.Join(near, far.Out, binder, l)
	if (l.late && !l.connector.Attach(near)) || !binder.Attach(far) {
		l.Cut()
		return
	}
	l.connector.Opened(near, pipe.Opening{Reader: binder, ReaderPipe: far, Session: l})
	binder.Opened(far, pipe.Opening{Reader: l.connector, ReaderPipe: near, Session: l})
	binder.Remark(far) // a Set since the join has not found the link
	l.connector.Remark(near)
	if near.Replaced.Load() { // meanwhile, when there was no session to hang up
		l.Cut()
	}
	if l.Ended() { // meanwhile, and perhaps before the pipes took part
		l.connector.Lost(near)
		binder.Lost(far)
	}
}

// newNear makes a pipe of the connector's; id is the name that the user chose for its peer.
func (l *Link) newNear(id []byte) *pipe.Pipe {
	_, _, conflate := l.connector.Marks()
	near := l.connector.NewInproc(l.endpoint, true, conflate)
	near.ID, near.Preset = id, len(id) > 0
	return near
}

// renew makes another pipe for the connector if the name of the first was taken over
// while nobody was there: it takes it back, as a dialer does.
func (l *Link) renew() {
	near := l.Pipe()
	if !near.Replaced.Load() {
		return
	}
	fresh := l.newNear(near.ID)
	l.mu.Lock()
	l.near, l.late = fresh, true
	l.mu.Unlock()
	l.connector.Lost(near)
}

// Cut ends the link on both sides. What was sent can still be received.
func (l *Link) Cut() {
	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		return
	}
	l.cut = true
	near, binder, far := l.near, l.binder, l.far
	l.mu.Unlock()
	l.settle()
	l.r.forget(l)
	l.connector.Lost(near)
	if far != nil {
		binder.Lost(far)
	}
}

func (r *Registry) forget(l *Link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.waiting[l.endpoint]
	for i, other := range list {
		if other == l {
			r.waiting[l.endpoint] = append(list[:i:i], list[i+1:]...)
		}
	}
	if len(r.waiting[l.endpoint]) == 0 {
		delete(r.waiting, l.endpoint)
	}
}

// Hangup cuts the link, in a goroutine of its own: the caller may hold locks.
func (l *Link) Hangup(p *pipe.Pipe, _ error) {
	l.mu.Lock()
	binder := l.binder
	l.mu.Unlock()
	if !l.connector.Start(l.Cut) && binder != nil {
		binder.Start(l.Cut)
	}
}

// Finish cuts the link; nothing is lost by that on inproc.
func (l *Link) Finish(p *pipe.Pipe) { l.Hangup(p, nil) }
