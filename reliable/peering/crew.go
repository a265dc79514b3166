package peering

import (
	"container/list"
	"slices"

	"github.com/phimq/zmq"
)

// A request is on its way through the broker.
type request struct {
	from     string   // the peer that it came from; "" for a client
	envelope [][]byte // client, ..., ""
	body     [][]byte // until it is given to somebody
}

// prefix is what stands in front of the body at a worker.
func (r *request) prefix() [][]byte {
	if r.from == "" {
		return r.envelope
	}
	return concat([][]byte{[]byte(r.from)}, r.envelope)
}

// crew is the workers of the cluster.
type crew struct {
	free *list.List               // of string: identities, who has waited longest first
	rest map[string]*list.Element // the places of the free ones
	busy map[string]*request      // what the others work at
}

func newCrew() crew {
	return crew{free: list.New(), rest: map[string]*list.Element{}, busy: map[string]*request{}}
}

// knows reports whether a worker has said READY.
func (c *crew) knows(id string) bool { return c.rest[id] != nil || c.busy[id] != nil }

// enter makes a worker free.
func (c *crew) enter(id string) {
	if c.rest[id] == nil {
		c.rest[id] = c.free.PushBack(id)
	}
}

// pick takes the free worker that has waited longest.
func (c *crew) pick() (id string, ok bool) {
	front := c.free.Front()
	if front == nil {
		return "", false
	}
	id = c.free.Remove(front).(string)
	delete(c.rest, id)
	return id, true
}

// leave forgets a worker. It returns what the worker was at.
func (c *crew) leave(id string) *request {
	if place := c.rest[id]; place != nil {
		c.free.Remove(place)
		delete(c.rest, id)
	}
	r := c.busy[id]
	delete(c.busy, id)
	return r
}

// all are the identities of the workers.
func (c *crew) all() []string {
	list := make([]string, 0, len(c.rest)+len(c.busy))
	for id := range c.rest {
		list = append(list, id)
	}
	for id := range c.busy {
		list = append(list, id)
	}
	return list
}

// fromWorker works off READY or a reply.
func (l *loop) fromWorker(m zmq.Msg) {
	id, reply, ok := parseWorker(m.Frames)
	switch {
	case !ok:
		l.count(Malformed, "")
	case reply == nil:
		if !l.crew.knows(id) {
			l.observe(Event{Kind: WorkerReady})
		}
		if r := l.crew.leave(id); r != nil { // it began anew
			l.lost(r)
		}
		l.crew.enter(id)
	default:
		r := l.crew.busy[id]
		if r == nil {
			l.count(Late, "")
			return
		}
		delete(l.crew.busy, id)
		l.crew.enter(id)
		prefix := r.prefix()
		if len(reply) <= len(prefix) || !slices.EqualFunc(reply[:len(prefix)], prefix, slices.Equal[[]byte]) {
			l.count(Malformed, "")
			l.lost(r)
			return
		}
		l.answer(r, reply[len(prefix):])
	}
}

// sweepWorkers forgets the workers that are not connected any more.
func (l *loop) sweepWorkers() {
	l.sweep = false
	if len(l.crew.rest)+len(l.crew.busy) == 0 {
		return
	}
	connected := map[string]bool{}
	for _, p := range l.localbe.Stats().Peers {
		connected[string(p.RoutingID)] = connected[string(p.RoutingID)] || p.Connected
	}
	for _, id := range l.crew.all() {
		if !connected[id] {
			l.dismiss(id)
		}
	}
}

// dismiss forgets a worker, and what it was at is lost.
func (l *loop) dismiss(id string) {
	r := l.crew.leave(id)
	l.observe(Event{Kind: WorkerGone})
	if r != nil {
		l.lost(r)
	}
}
