package pattern

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/trie"
)

const (
	cancelOctet    = 0 // first octet of a message that cancels a subscription
	subscribeOctet = 1 // first octet of a message that subscribes
)

// xpub distributes to those who subscribed. It tells its user of
// subscriptions if it is an XPUB, and hides them if it is a PUB. RFC 29 "The
// XPUB Socket Type", RFC 29 "The PUB Socket Type".
type xpub struct {
	dist
	c     *Config
	tells bool

	topics trie.Map[*pipe.Pipe] // who wants what
	asked  trie.Map[*pipe.Pipe] // with XPubManual: who asked for what

	news  []news // for the user, oldest first
	heard int    // news[:heard] are delivered
	told  int    // octets of the subscriptions in the rest
	last  *pipe.Pipe

	arrival Arrival
}

// news is a message for the user of an XPUB.
type news struct {
	frames  [][]byte
	from    *pipe.Pipe
	message bool // not a subscription
	octets  int  // of the topic
	manual  bool
}

func (t *xpub) Attach(p *pipe.Pipe) bool {
	t.attach(p)
	return true
}

// Opened greets a new subscriber. What the peer of the connection before had
// subscribed to stands until the new one says its first subscription.
func (t *xpub) Opened(p *pipe.Pipe) {
	p.Send.Stale = !p.Inproc // which has no connection before
	if t.c.XPubWelcome != nil {
		greet(p, pipe.AppendFramed(nil, [][]byte{t.c.XPubWelcome}))
	}
}

// Lost unsubscribes for a subscriber that is gone. RFC 29 "The XPUB Socket
// Type": the user is told as if it had done so itself.
func (t *xpub) Lost(p *pipe.Pipe) {
	t.dist.Lost(p)
	t.forget(p)
	if t.last == p {
		t.last = nil
	}
}

func (t *xpub) forget(p *pipe.Pipe) {
	if t.c.XPubManual {
		t.asked.RemoveOwner(p, func(topic []byte, _ bool) {
			t.tell(p, cancelOctet, topic) // of each peer, as of its requests
		})
		t.topics.RemoveOwner(p, nil)
		return
	}
	t.topics.RemoveOwner(p, func(topic []byte, last bool) {
		if last || t.c.XPubVerboser {
			t.tell(p, cancelOctet, topic)
		}
	})
}

// Match returns the subscribers that a message goes to. RFC 29 "The PUB
// Socket Type": the start of the first frame is compared, octet by octet.
func (t *xpub) Match(first []byte) ([]*pipe.Pipe, Verdict) {
	t.matched = t.topics.AppendMatches(t.matched[:0], first)
	t.unique()
	if t.c.InvertMatching {
		t.invert()
	}
	if t.c.XPubNoDrop {
		for _, p := range t.matched {
			if p.Out.Full() {
				return nil, Again
			}
		}
	}
	return t.matched, Go
}

func (t *xpub) Pick([]byte, int) (*Route, Verdict) { return nil, Unsupported }
func (t *xpub) Writable(*pipe.Pipe)                {}
func (t *xpub) CanSend() bool                      { return true }

func (t *xpub) MaySend(first []byte, _ int) Verdict {
	_, v := t.Match(first)
	return v
}

// Arrived works off subscriptions at once, whether or not the user receives.
func (t *xpub) Arrived(p *pipe.Pipe) {
	for p.Head() {
		switch p.HeadKind() {
		case pipe.Subscribe:
			t.change(p, p.HeadTopic(), true)
		case pipe.Cancel:
			t.change(p, p.HeadTopic(), false)
		default:
			t.message(p)
		}
		p.Advance()
	}
}

// message takes a subscription in the form of older peers, RFC 23 "The
// Publish-Subscribe Pattern", or a message for the user.
func (t *xpub) message(p *pipe.Pipe) {
	first, more := p.HeadFirst()
	if !more && len(first) > 0 && first[0] <= subscribeOctet {
		t.change(p, first[1:], first[0] == subscribeOctet)
		return
	}
	// A PUB has no use for it. An XPUB's user who does not receive must not
	// cost memory without end.
	if t.tells && p.Recv.Unread < t.c.RecvMark {
		p.Recv.Unread++
		t.news = append(t.news, news{frames: p.Load(nil, 0), from: p, message: true})
	}
}

func (t *xpub) change(p *pipe.Pipe, topic []byte, add bool) {
	if p.Send.Index == 0 {
		return // lost meanwhile
	}
	if p.Send.Stale {
		p.Send.Stale = false
		t.forget(p)
	}
	wants := &t.topics
	if t.c.XPubManual {
		wants = &t.asked
	}
	if add {
		if t.exceeds(p, wants, topic) {
			return
		}
		first, _ := wants.Add(topic, p)
		if first || t.c.XPubVerbose || t.c.XPubVerboser || t.c.XPubManual {
			t.tell(p, subscribeOctet, topic)
		}
		return
	}
	last, found := wants.Remove(topic, p)
	if last || (found && t.c.XPubVerboser) || t.c.XPubManual {
		t.tell(p, cancelOctet, topic)
	}
}

// exceeds ends the connection of a subscriber that asks for too much.
func (t *xpub) exceeds(p *pipe.Pipe, wants *trie.Map[*pipe.Pipe], topic []byte) bool {
	n, octets := wants.OwnerLen(p)
	if n < t.c.MaxTopics && octets+len(topic) <= t.c.MaxTopicBytes {
		return false
	}
	if p.Session != nil {
		p.Session.Hangup(p, errTooManyTopics)
	}
	return true
}

// tell puts a subscription before the user of an XPUB. A peer that subscribes
// and cancels without end, while the user does not receive, is bounded by the
// same limits as its subscriptions.
func (t *xpub) tell(p *pipe.Pipe, octet byte, topic []byte) {
	if !t.tells || len(t.news)-t.heard >= t.c.MaxTopics || t.told+len(topic) > t.c.MaxTopicBytes {
		return
	}
	t.told += len(topic)
	message := append([]byte{octet}, topic...)
	t.news = append(t.news, news{frames: [][]byte{message}, from: p, octets: len(topic), manual: t.c.XPubManual})
}

func (t *xpub) Readable(*pipe.Pipe) {}

func (t *xpub) MayRecv() Verdict {
	switch {
	case !t.tells:
		return Unsupported
	case t.heard == len(t.news):
		return Again
	}
	return Go
}

func (t *xpub) Next() (*Arrival, Verdict) {
	if v := t.MayRecv(); v != Go {
		return nil, v
	}
	n := &t.news[t.heard]
	t.arrival.Pipe, t.arrival.Frames = n.from, n.frames
	if n.manual {
		t.last = n.from
	}
	if n.message {
		n.from.Recv.Unread--
	}
	t.told -= n.octets
	*n = news{}
	if t.heard++; t.heard > len(t.news)/2 {
		// What is delivered must not grow without end while something always waits.
		k := copy(t.news, t.news[t.heard:])
		clear(t.news[k:])
		t.news, t.heard = t.news[:k], 0
	}
	return &t.arrival, Go
}

// Subscribe answers, with XPubManual, the subscription that was received
// last: the topic, which may be another one, is set for that subscriber.
func (t *xpub) Subscribe(topic []byte, add bool) (tell []*pipe.Pipe, found bool) {
	if t.last == nil || t.last.Send.Index == 0 {
		return nil, false
	}
	if add {
		t.topics.Add(topic, t.last)
		return nil, true
	}
	_, found = t.topics.Remove(topic, t.last)
	return nil, found
}

// Subscribers returns how many peers would get a message with this topic.
func (t *xpub) Subscribers(topic []byte) int {
	t.matched = t.topics.AppendMatches(t.matched[:0], topic)
	t.unique()
	if t.c.InvertMatching {
		t.invert()
	}
	return len(t.matched)
}
