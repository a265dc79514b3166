package freelance

import (
	"cmp"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

// peer is a server as the agent knows it.
type peer struct {
	endpoint string // its identity
	resolved string // its endpoint as events have it
	local    string // our side of its connection
	rank     uint64 // who has the lower one is asked first
	up       bool   // a message can be queued for it
	heard    time.Time
	pingAt   time.Time
	waiting  int
}

// table is the servers, and which of them live.
type table struct {
	ttl    time.Duration
	all    map[string]*peer // by endpoint
	live   []*peer          // by rank
	ranks  uint64           // that were given
	change chan struct{}    // closed when live changes
}

func newTable(ttl time.Duration) table {
	return table{ttl: ttl, all: map[string]*peer{}, change: make(chan struct{})}
}

func (t *table) isLive(p *peer) bool { return slices.Contains(t.live, p) }

// add adds a server behind the others.
func (t *table) add(p *peer) {
	t.all[p.endpoint] = p
	t.last(p)
}

// last gives a server the last rank.
func (t *table) last(p *peer) {
	t.ranks++
	p.rank = t.ranks
}

// enter puts a server that answered to those that live.
func (t *table) enter(p *peer) {
	i, _ := slices.BinarySearchFunc(t.live, p, func(a, b *peer) int { return cmp.Compare(a.rank, b.rank) })
	t.live = slices.Insert(t.live, i, p)
	t.changed()
}

// leave takes a server out of those that live. When it is back it comes last.
func (t *table) leave(p *peer) {
	if i := slices.Index(t.live, p); i >= 0 {
		t.live = slices.Delete(t.live, i, i+1)
		t.last(p)
		t.changed()
	}
}

// demote lets the others go before a server that kept us waiting, if it is the
// first.
func (t *table) demote(p *peer) {
	if len(t.live) > 1 && t.live[0] == p {
		t.live = append(t.live[1:], p)
		t.last(p)
	}
}

func (t *table) changed() {
	close(t.change)
	t.change = make(chan struct{})
}

// connected makes the agent ping the server of a connection that is new, unless
// it did so in the moment between the connection and the event.
func (t *table) connected(e zmq.Event) {
	for _, p := range t.all {
		if p.resolved != e.Endpoint {
			continue
		}
		if p.local = e.Local; !p.up {
			p.pingAt = time.Time{}
		}
	}
}

// lost finds the server of a connection that is lost. The end of an older
// connection than its own does not count.
func (t *table) lost(e zmq.Event) *peer {
	for _, p := range t.all {
		if p.resolved == e.Endpoint && p.local == e.Local {
			return p
		}
	}
	return nil
}

// expired are the servers that live no more. RFC 10 "Server Reliability".
func (t *table) expired(now time.Time) (list []*peer) {
	for _, p := range t.live {
		if now.Sub(p.heard) >= t.ttl {
			list = append(list, p)
		}
	}
	return list
}

// due returns when the next server is to be pinged or expires.
func (t *table) due(next time.Time) time.Time {
	for _, p := range t.all {
		if p.pingAt.Before(next) {
			next = p.pingAt
		}
	}
	for _, p := range t.live {
		if at := p.heard.Add(t.ttl); at.Before(next) {
			next = at
		}
	}
	return next
}

func (t *table) list() []Status {
	list := make([]Status, 0, len(t.all))
	for _, p := range t.live {
		list = append(list, p.row(true))
	}
	for _, p := range t.all {
		if !t.isLive(p) {
			list = append(list, p.row(false))
		}
	}
	slices.SortFunc(list[len(t.live):], func(a, b Status) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	return list
}

func (p *peer) row(live bool) Status {
	return Status{Endpoint: p.endpoint, Connected: p.up, Live: live, LastAnswer: p.heard, Waiting: p.waiting}
}
