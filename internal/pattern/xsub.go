package pattern

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/trie"
)

// xsub receives what it subscribed to. A SUB filters again what it gets; an
// XSUB leaves that to its user, and can send to publishers. RFC 29 "The SUB
// Socket Type", RFC 29 "The XSUB Socket Type".
type xsub struct {
	dist
	fq
	c       *Config
	filters bool
	topics  trie.Set
	arrival Arrival
}

func (t *xsub) Attach(p *pipe.Pipe) bool {
	t.attach(p)
	return true
}

// Opened subscribes anew: a publisher knows nothing of the connection before.
func (t *xsub) Opened(p *pipe.Pipe) {
	topics := make([][]byte, 0, t.topics.Len())
	for topic := range t.topics.All() {
		topics = append(topics, append([]byte(nil), topic...))
	}
	p.Out.Renew(topics)
}

// Subscribe counts subscriptions: publishers are told of each, and of the
// last cancellation of a topic.
func (t *xsub) Subscribe(topic []byte, add bool) (tell []*pipe.Pipe, found bool) {
	if add {
		t.topics.Add(topic)
		return t.pipes, true
	}
	last, found := t.topics.Remove(topic)
	if last {
		return t.pipes, found
	}
	return nil, found
}

// Match sends a message of an XSUB to every publisher. RFC 29 "The XSUB
// Socket Type".
func (t *xsub) Match([]byte) ([]*pipe.Pipe, Verdict) {
	if t.filters {
		return nil, Unsupported
	}
	return t.pipes, Go
}

func (t *xsub) Pick([]byte, int) (*Route, Verdict) { return nil, Unsupported }
func (t *xsub) Writable(*pipe.Pipe)                {}
func (t *xsub) CanSend() bool                      { return !t.filters }

func (t *xsub) MaySend(first []byte, _ int) Verdict {
	_, v := t.Match(first)
	return v
}

func (t *xsub) Next() (*Arrival, Verdict) {
	v := t.MayRecv()
	if v != Go {
		return nil, v
	}
	t.next()
	return &t.arrival, Go
}

func (t *xsub) MayRecv() Verdict {
	for p := t.pick(); p != nil; p = t.pick() {
		if t.wants(p) {
			t.arrival.Pipe = p
			return Go
		}
		p.Advance()
	}
	return Again
}

// wants reports whether the head message is for the user. A publisher may send
// more than was asked for.
func (t *xsub) wants(p *pipe.Pipe) bool {
	if kind := p.HeadKind(); kind == pipe.Subscribe || kind == pipe.Cancel {
		return false
	}
	if !t.filters || t.topics.Everything() && !t.c.InvertMatching {
		return true
	}
	first, _ := p.HeadFirst()
	return t.topics.Match(first) != t.c.InvertMatching
}
