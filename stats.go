package zmq

import (
	"time"

	"github.com/phimq/zmq/internal/pipe"
)

// Stats is what a socket has done, and what waits in it.
type Stats struct {
	Type Type
	// Peers are the peers that have a queue now, connected or not.
	Peers []PeerStats
	// Sent, Received and Dropped count since the socket was made, peers that
	// are gone included.
	Sent, Received Traffic
	Dropped        Drops
}

// PeerStats is the part of one peer.
type PeerStats struct {
	Peer      Peer
	Endpoint  string // the user's endpoint that the peer belongs to
	RoutingID []byte // the identity that a ROUTER or STREAM knows it by
	Connected bool
	// Connects counts handshakes: more than one means reconnects.
	Connects int
	// Sent is what was queued for the peer, Received what came from it.
	Sent, Received Traffic
	// SendQueue is what no write has begun with yet, or, on inproc, what the
	// peer has not received; it reports that in batches. RecvQueue is what was
	// not received here.
	SendQueue, RecvQueue Queued
	Dropped              Drops
	// RoundTrip is the time from the last PING that was answered to its
	// answer; 0 without heartbeats.
	RoundTrip time.Duration
}

// Traffic counts messages and their octets, frame headers included.
type Traffic struct{ Messages, Bytes uint64 }

func (t *Traffic) add(c pipe.Count) {
	t.Messages += c.Messages
	t.Bytes += c.Bytes
}

// Queued is what waits in a queue.
type Queued struct{ Messages, Bytes int }

// Drops counts messages that nobody will receive, by reason. Those of
// QueueFull and NoPeer never were in a queue: they are not in Traffic. The
// others are.
type Drops struct {
	QueueFull uint64 // the queue had reached its high-water mark
	Replaced  uint64 // a later message took their place (CONFLATE)
	NoPeer    uint64 // no such peer: ROUTER without WithRouterMandatory, REP whose requester is gone
	PeerGone  uint64 // they waited for a peer that went away
	Late      uint64 // received, and no Request waited for them, or no longer
}

// Total returns the sum of all reasons.
func (d Drops) Total() uint64 { return d.QueueFull + d.Replaced + d.NoPeer + d.PeerGone + d.Late }

// add counts what a pipe dropped. On inproc its in-queue is the out-queue of
// the peer, who counts for itself.
func (d *Drops) add(p *pipe.Pipe, out, in pipe.Count) {
	d.QueueFull += out.Refused
	d.Replaced += out.Replaced
	d.PeerGone += out.Dropped
	if !p.Inproc {
		d.Replaced += in.Replaced
	}
}

// Stats returns what the socket has done and what waits in it. The numbers of
// one queue are taken at one moment, those of different queues one after the
// other.
func (s *Socket) Stats() Stats {
	st := Stats{Type: s.typ}
	s.mu.Lock()
	st.Sent, st.Received, st.Dropped = s.past.sent, s.past.received, s.past.dropped
	connected := make(map[*pipe.Pipe]bool, len(s.pipes))
	for p, c := range s.pipes {
		connected[p] = c
	}
	s.mu.Unlock()
	s.send.mu.Lock()
	st.Dropped.NoPeer = s.send.noPeer
	s.send.mu.Unlock()
	s.requests.mu.Lock()
	st.Dropped.Late = s.requests.late
	s.requests.mu.Unlock()
	for p, c := range connected {
		peer := s.peerStats(p)
		peer.Connected = c
		st.Sent.Messages += peer.Sent.Messages
		st.Sent.Bytes += peer.Sent.Bytes
		st.Received.Messages += peer.Received.Messages
		st.Received.Bytes += peer.Received.Bytes
		st.Dropped.QueueFull += peer.Dropped.QueueFull
		st.Dropped.Replaced += peer.Dropped.Replaced
		st.Dropped.PeerGone += peer.Dropped.PeerGone
		st.Peers = append(st.Peers, peer)
	}
	return st
}

func (s *Socket) peerStats(p *pipe.Pipe) PeerStats {
	ps := PeerStats{Peer: Peer{p.Peer()}, Endpoint: p.Endpoint, RoundTrip: time.Duration(p.RoundTrip.Load())}
	s.send.mu.Lock()
	out := p.Out.Count()
	ps.SendQueue = Queued{p.Out.Len(), p.Out.Bytes()}
	ps.Connects = p.Connects
	if s.typ == ROUTER || s.typ == STREAM {
		ps.RoutingID = append([]byte{}, p.ID...)
	}
	s.send.mu.Unlock()
	ps.Sent.add(out)
	s.recv.mu.Lock()
	p.In.Mu.Lock()
	in := p.In.Count()
	ps.RecvQueue.Messages, ps.RecvQueue.Bytes = p.Waiting()
	p.In.Mu.Unlock()
	s.recv.mu.Unlock()
	ps.Received.add(in)
	ps.Dropped.add(p, out, in)
	return ps
}

// past is what peers that are gone have left in the statistics.
type past struct {
	sent, received Traffic
	dropped        Drops
}

// bury adds a pipe that is gone.
func (s *Socket) bury(p *pipe.Pipe, out, in pipe.Count) {
	s.past.sent.add(out)
	s.past.received.add(in)
	s.past.dropped.add(p, out, in)
}
