package peering

import (
	"cmp"
	"container/list"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/phimq/zmq"
)

// peer is another broker, and what it has told.
type peer struct {
	Peer
	capacity int // what it told, less what it was sent since
	told     int
	heard    time.Time
	repeats  bool // it tells more than its changes, so silence means something
	away     bool // it could not be sent to; until it is connected, or tells again
	inHand   int
}

// debt is a reply that a peer owes.
type debt struct {
	request *request
	peer    *peer
	number  string
	until   time.Time
	place   *list.Element
}

// sent is the requests that peers have in hand.
type sent struct {
	last     uint64 // the number of the last one
	byNumber map[string]*debt
	byAge    *list.List
}

// newSent begins to number anywhere: peers may yet answer what a broker of this
// name has sent them before. Half of all numbers are left, so that they never wrap.
func newSent() sent {
	return sent{last: rand.Uint64N(1 << 63), byNumber: map[string]*debt{}, byAge: list.New()}
}

func (s *sent) len() int { return s.byAge.Len() }

// number returns a new one, for a request that is to be sent.
func (s *sent) number() string {
	s.last++
	return strconv.FormatUint(s.last, 10)
}

// numbered is the envelope of a request at a peer. That of the client stays here: a
// late reply would have the same as that to the client's next request.
func numbered(number string) [][]byte { return [][]byte{[]byte(number), {}} }

func (s *sent) add(r *request, number string, p *peer, until time.Time) {
	d := &debt{request: r, peer: p, number: number, until: until}
	d.place = s.byAge.PushBack(d)
	s.byNumber[number] = d
	p.inHand++
}

// take finds the request that a reply of a peer is for.
func (s *sent) take(p *peer, envelope [][]byte) *request {
	d := s.byNumber[string(envelope[0])]
	if d == nil || d.peer != p || len(envelope) != 2 { // as numbered made it
		return nil
	}
	s.remove(d)
	return d.request
}

func (s *sent) remove(d *debt) {
	s.byAge.Remove(d.place)
	d.peer.inHand--
	delete(s.byNumber, d.number)
}

// due returns when the oldest is given up.
func (s *sent) due() (at time.Time, ok bool) {
	front := s.byAge.Front()
	if front == nil {
		return at, false
	}
	return front.Value.(*debt).until, true
}

// expired takes those out whose time is over.
func (s *sent) expired(now time.Time) (list []*request) {
	for at, ok := s.due(); ok && !now.Before(at); at, ok = s.due() {
		d := s.byAge.Front().Value.(*debt)
		s.remove(d)
		list = append(list, d.request)
	}
	return list
}

// of takes those out that a peer has in hand.
func (s *sent) of(p *peer) (list []*request) {
	for e := s.byAge.Front(); e != nil; {
		d := e.Value.(*debt)
		e = e.Next()
		if d.peer == p {
			s.remove(d)
			list = append(list, d.request)
		}
	}
	return list
}

// connect adds a peer.
func (l *loop) connect(p Peer) error {
	switch {
	case p.Name == "" || len(p.Name) > 255 || p.Name[0] == 0 || p.Name == l.conf.Name:
		return fmt.Errorf("%w: a peer's name %q", zmq.ErrInvalid, p.Name)
	case l.peers[p.Name] != nil:
		return fmt.Errorf("%w: a second peer %q", zmq.ErrInvalid, p.Name)
	}
	if p.CloudFE != "" {
		// It is known by our name for it, whatever it calls itself.
		if err := l.cloudbe.Set(zmq.WithConnectRoutingID(p.Name)); err != nil {
			return err
		}
		if err := l.cloudbe.Connect(p.CloudFE); err != nil {
			return err
		}
	}
	if p.StateBE != "" {
		if err := l.statefe.Connect(p.StateBE); err != nil {
			if p.CloudFE != "" {
				_ = l.cloudbe.Disconnect(p.CloudFE) // it was connected a moment ago
			}
			return err
		}
	}
	l.peers[p.Name] = &peer{Peer: p}
	return nil
}

func (l *loop) disconnect(name string) error {
	p := l.peers[name]
	if p == nil {
		return zmq.ErrNotFound
	}
	delete(l.peers, name)
	for _, r := range l.sent.of(p) {
		l.lost(r)
	}
	var err error
	if p.CloudFE != "" {
		err = l.cloudbe.Disconnect(p.CloudFE)
	}
	if p.StateBE != "" {
		err = cmp.Or(err, l.statefe.Disconnect(p.StateBE))
	}
	return err
}

// fromState works off what a peer tells of its capacity.
func (l *loop) fromState(m zmq.Msg) {
	name, capacity, ok := parseState(m.Frames)
	p := l.peers[name]
	if !ok || p == nil {
		l.count(Malformed, "")
		return
	}
	if !p.heard.IsZero() && capacity == p.told {
		p.repeats = true // a broker that tells its changes alone never says a thing twice
	}
	p.told, p.capacity, p.heard, p.away = capacity, capacity, time.Now(), false
	l.observe(Event{Kind: PeerCapacity, Peer: name, N: capacity})
}

// fromPeer works off the reply of a peer.
func (l *loop) fromPeer(m zmq.Msg) {
	p := l.peers[string(m.Frames[0])]
	envelope, body, ok := splitEnvelope(m.Frames[1:])
	if !ok || p == nil {
		l.count(Malformed, "")
		return
	}
	if r := l.sent.take(p, envelope); r != nil {
		l.answer(r, body)
	} else {
		l.count(Late, p.Name)
	}
}

// roomiest is the peer with the most free workers, nil if none has any.
func (l *loop) roomiest() (best *peer) {
	for _, p := range l.peers {
		if p.capacity > 0 && !p.away && (best == nil || p.capacity > best.capacity) {
			best = p
		}
	}
	return best
}
