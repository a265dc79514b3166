package peering

import (
	"cmp"
	"slices"
	"time"
)

// The sources of requests.
const (
	clients = iota
	brokers
)

// route gives requests to workers and peers while there are any that are free.
// Clients and peers are asked by turns, so that neither starves. It reports
// whether there may be more.
func (l *loop) route() bool {
	for range batch {
		if !l.routeFrom(l.turn) {
			l.turn = 1 - l.turn
			if !l.routeFrom(l.turn) {
				return false
			}
		}
		l.turn = 1 - l.turn
	}
	return true
}

// routeFrom routes one request of a source. Those of peers go to workers only:
// one hop is the limit.
func (l *loop) routeFrom(source int) bool {
	if l.crew.free.Len() == 0 && (source == brokers || l.roomiest() == nil) {
		return false
	}
	r := l.held[source]
	if l.held[source] = nil; r == nil {
		if r = l.receive(source); r == nil {
			return false
		}
	}
	if l.give(r) || source == clients && l.forward(r) {
		return true
	}
	l.held[source] = r
	return false
}

// receive takes the next good request of a source, nil if there is none.
func (l *loop) receive(source int) *request {
	for !l.draining {
		socket := l.localfe
		if source == brokers {
			socket = l.cloudfe
		}
		m, err := socket.TryRecv()
		if err != nil {
			return nil
		}
		if r := l.parse(source, m.Frames); r != nil {
			return r
		}
		l.count(Malformed, "")
	}
	return nil
}

// parse reads a request, nil if it is malformed or of a broker that is no peer.
func (l *loop) parse(source int, frames [][]byte) *request {
	r := &request{}
	if source == brokers {
		r.from, frames = string(frames[0]), frames[1:]
		if l.peers[r.from] == nil {
			return nil
		}
	}
	var ok bool
	if r.envelope, r.body, ok = splitEnvelope(frames); !ok {
		return nil
	}
	return r
}

// give hands a request to the free worker that has waited longest.
func (l *loop) give(r *request) bool {
	for {
		id, ok := l.crew.pick()
		if !ok {
			return false
		}
		if l.localbe.TrySend(concat([][]byte{[]byte(id), {}}, r.prefix(), r.body)...) != nil {
			l.dismiss(id) // it is gone
			continue
		}
		r.body = nil
		l.crew.busy[id] = r
		l.count(Taken, r.from)
		return true
	}
}

// forward hands a request to the peer with the most free workers.
func (l *loop) forward(r *request) bool {
	for {
		p := l.roomiest()
		if p == nil {
			return false
		}
		number := l.sent.number()
		if l.cloudbe.TrySend(concat([][]byte{[]byte(p.Name)}, numbered(number), r.body)...) != nil {
			p.away = true // it is not connected, or does not read
			continue
		}
		p.capacity--
		r.body = nil
		l.sent.add(r, number, p, time.Now().Add(l.conf.Patience))
		l.count(Forwarded, p.Name)
		return true
	}
}

// answer hands a reply to who asked. A client or a peer that is gone, or does not
// read, gets none.
func (l *loop) answer(r *request, body [][]byte) {
	socket := l.localfe
	if r.from != "" {
		socket = l.cloudfe
	}
	if socket.TrySend(concat(r.prefix(), body)...) != nil {
		l.lost(r)
		return
	}
	l.count(Answered, r.from)
}

func (l *loop) lost(r *request) { l.count(Lost, r.from) }

// count counts an event and tells of it.
func (l *loop) count(kind EventKind, peer string) {
	switch kind {
	case Taken:
		l.stats.Taken++
	case Forwarded:
		l.stats.Forwarded++
	case Answered:
		l.stats.Answered++
	case Lost:
		l.stats.Lost++
	case Late:
		l.stats.Late++
	case Malformed:
		l.stats.Malformed++
	}
	l.observe(Event{Kind: kind, Peer: peer})
}

func (l *loop) observe(e Event) {
	if l.conf.Observe != nil {
		l.conf.Observe(e)
	}
}

// snapshot is the statistics now.
func (l *loop) snapshot() Stats {
	s := l.stats
	s.Workers, s.Capacity = len(l.crew.rest)+len(l.crew.busy), l.crew.free.Len()
	s.InHand = len(l.crew.busy) + l.sent.len()
	for _, p := range l.peers {
		s.Peers = append(s.Peers, PeerStatus{Name: p.Name, Capacity: p.capacity, Heard: p.heard, InHand: p.inHand})
	}
	slices.SortFunc(s.Peers, func(a, b PeerStatus) int { return cmp.Compare(a.Name, b.Name) })
	return s
}
