package zmq

import (
	"context"
	"fmt"
	"strings"

	"github.com/phimq/zmq/internal/inproc"
	"github.com/phimq/zmq/internal/pattern"
	"github.com/phimq/zmq/internal/pipe"
)

// Ready is what a socket could do now without waiting.
type Ready uint8

const (
	// CanRecv: TryRecv would give a message, or an error other than ErrAgain.
	CanRecv Ready = 1 << iota
	// CanSend: TrySend would take a message. A ROUTER that knows no peer and
	// sockets that drop always can.
	CanSend
)

// Ready returns what the socket could do now. A closed socket could do both:
// it would give an error.
func (s *Socket) Ready() Ready {
	var r Ready
	s.recv.mu.Lock()
	defer s.recv.mu.Unlock()
	if s.recv.closed {
		return CanRecv | CanSend
	}
	s.splice()
	if s.pattern.MayRecv() == pattern.Go || len(s.recv.back) > 0 {
		r |= CanRecv
	}
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if s.pattern.CanSend() {
		r |= CanSend
	}
	return r
}

// MaySend says what TrySend of a message of several frames that begins with
// this one would do now, without sending it: nil, ErrAgain, ErrState out of
// turn, or ErrNoPeer if a ROUTER with WithRouterMandatory, or a STREAM, knows no
// such peer. A message that would be dropped may be sent.
func (s *Socket) MaySend(first []byte) error {
	if s.coupled != nil {
		s.recv.mu.Lock()
		defer s.recv.mu.Unlock()
	}
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	switch {
	case s.send.closed:
		return s.sendError(s.dead())
	case s.send.reserved:
		return s.sendError(ErrState)
	}
	if verdict := s.pattern.MaySend(first, 2); verdict != pattern.Go {
		return s.sendError(s.refusal(verdict, nil))
	}
	return nil
}

// peersChanged wakes those who wait for peers or subscriptions.
func (s *Socket) peersChanged() {
	s.mu.Lock()
	if s.watch != nil {
		close(s.watch)
		s.watch = nil
	}
	s.mu.Unlock()
	s.changed()
}

// WaitReady waits until at least n peers are connected, their handshakes done.
func (s *Socket) WaitReady(ctx context.Context, n int) error {
	return s.opError("wait ready", "", s.waitUntil(ctx, func() bool { return s.Peers() >= n }))
}

// WaitSubscribers waits until at least n peers would receive a message with
// this topic. It is for PUB and XPUB.
func (s *Socket) WaitSubscribers(ctx context.Context, topic string, n int) error {
	x, ok := s.pattern.(interface{ Subscribers(topic []byte) int })
	if !ok && s.bad == nil {
		return s.opError("wait subscribers", "", ErrNotSupported)
	}
	return s.opError("wait subscribers", "", s.waitUntil(ctx, func() bool {
		s.send.mu.Lock()
		defer s.send.mu.Unlock()
		return x.Subscribers([]byte(topic)) >= n
	}))
}

// waitUntil waits for a condition on peers or subscriptions.
func (s *Socket) waitUntil(ctx context.Context, reached func() bool) error {
	for {
		s.mu.Lock()
		if s.watch == nil {
			s.watch = make(chan struct{})
		}
		watch := s.watch
		s.mu.Unlock()
		if s.bad != nil || s.isClosed() {
			return s.dead()
		}
		if reached() {
			return nil
		}
		select {
		case <-watch:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return ErrClosed
		}
	}
}

// Peers returns how many peers are connected.
func (s *Socket) Peers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, connected := range s.pipes {
		if connected {
			n++
		}
	}
	return n
}

// Subscribe asks for messages whose first frame begins with one of topics; an
// empty topic asks for all. Subscriptions are counted: each needs an
// Unsubscribe of its own. On an XPUB with WithXPubManual it answers the
// request that was received last.
func (s *Socket) Subscribe(topics ...string) error { return s.subscribeAll("subscribe", topics, true) }

// Unsubscribe takes subscriptions back. ErrNotFound if there is none.
func (s *Socket) Unsubscribe(topics ...string) error {
	return s.subscribeAll("unsubscribe", topics, false)
}

func (s *Socket) subscribeAll(op string, topics []string, add bool) error {
	for _, topic := range topics {
		if err := s.subscribe([]byte(topic), add); err != nil {
			return s.opError(op, "", fmt.Errorf("%w: topic %q", err, topic))
		}
	}
	return nil
}

// maxTopic is the longest topic, in octets.
const maxTopic = 64 << 10

// subscribe changes a subscription and tells the publishers.
func (s *Socket) subscribe(topic []byte, add bool) error {
	subscriber, ok := s.pattern.(pattern.Subscriber)
	switch {
	case s.bad != nil:
		return s.bad
	case !ok || s.typ == PUB:
		return ErrNotSupported
	case len(topic) > maxTopic:
		return fmt.Errorf("%w: a topic has at most %d octets", ErrTooLarge, maxTopic)
	}
	topic = append([]byte{}, topic...)
	kind := pipe.Subscribe
	if !add {
		kind = pipe.Cancel
	}
	s.recv.mu.Lock()
	s.send.mu.Lock()
	if s.send.closed {
		s.send.mu.Unlock()
		s.recv.mu.Unlock()
		return ErrClosed
	}
	pipes, found := subscriber.Subscribe(topic, add)
	var tell []*pipe.Pipe
	for _, p := range pipes {
		if p.Out.PutTopic(kind, topic) {
			tell = append(tell, p)
		}
	}
	s.send.mu.Unlock()
	s.recv.mu.Unlock()
	for _, p := range tell {
		p.Out.TellLate()
	}
	if s.typ == XPUB {
		s.wakeSenders() // one that was waited for may get no more
		s.peersChanged()
	}
	if !found && s.typ != XSUB {
		return ErrNotFound
	}
	return nil
}

// Set changes options. Those that the table in docs/options.md calls live act
// at once; the others act on later calls of Bind and Connect. The first option
// that is wrong ends it with an error and changes nothing; so do WithDomain,
// WithLogger and WithEvents, with ErrInvalid: a socket is born with those.
// Subscriptions are changed last, one after the other, until one fails.
func (s *Socket) Set(opts ...Option) error {
	s.mu.Lock()
	if s.bad != nil || s.closing {
		s.mu.Unlock()
		return s.opError("set", "", s.dead())
	}
	conf := s.conf
	for _, o := range opts {
		err := o.put(s.typ, &conf)
		if o.birth != "" {
			err = fmt.Errorf("%w: %s is for the constructor", ErrInvalid, o.birth)
		}
		if err != nil {
			s.mu.Unlock()
			return s.opError("set", "", err)
		}
	}
	s.conf = conf
	s.mu.Unlock()
	s.applyRules()
	s.applyMarks()
	s.sendWait.wakeAll() // who waits may have waited for this
	s.recvWait.wakeAll()
	s.peersChanged()
	for _, o := range opts {
		if o.info != nil && o.info.action != nil {
			if err := o.info.action(s, o.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// Option returns the value of an option by name, written as [ParseOption] reads
// it, durations in milliseconds. Besides what can be set there are "type",
// "last_endpoint" and "mechanism". ErrNotFound for an unknown name.
func (s *Socket) Option(name string) (string, error) {
	info := optionByName(name)
	if s.bad != nil {
		return "", s.opError("option", "", s.bad)
	}
	if info == nil {
		return "", s.opError("option", "", fmt.Errorf("%w: %q", ErrNotFound, name))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case info.get != nil:
		return info.format(info.get(&s.conf)), nil
	case name == "type":
		return fmt.Sprint(int(s.typ)), nil
	case name == "last_endpoint":
		return s.last, nil
	case name == "mechanism":
		return map[string]string{"": "0", mechanismPlain: "1", mechanismCurve: "2"}[s.conf.security.mechanism], nil
	}
	return "", s.opError("option", "", fmt.Errorf("%w: %s can't be read", ErrNotSupported, name))
}

// applyRules gives the pattern what the options say.
func (s *Socket) applyRules() {
	s.recv.mu.Lock()
	defer s.recv.mu.Unlock()
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	s.mu.Lock()
	c := s.conf
	s.mu.Unlock()
	s.sendLimit.Store(int64(c.sendTimeout))
	s.recvLimit.Store(int64(c.recvTimeout))
	s.spin.Store(c.spin)
	r := &s.rules
	r.RouterMandatory, r.RouterHandover, r.ProbeRouter = c.mandatory, c.handover, c.probeRouter
	r.ReqRelaxed, r.ReqCorrelate = c.relaxed, c.correlate
	r.XPubVerbose, r.XPubVerboser, r.XPubManual, r.XPubNoDrop = c.verbose, c.verboser, c.manual, c.noDrop
	r.InvertMatching, r.StreamNotify = c.invert, c.streamNotify
	r.XPubWelcome = nil
	if c.welcome != "" {
		r.XPubWelcome = []byte(c.welcome)
	}
	r.RecvMark = int(c.recvHWM)
	if r.RecvMark == 0 {
		r.RecvMark = maxTopics
	}
}

// applyMarks gives the queues of connections their high-water marks.
func (s *Socket) applyMarks() {
	for _, p := range s.allPipes() {
		s.recv.mu.Lock()
		s.send.mu.Lock()
		s.setMarks(p)
		link, joined := p.Session.(*inproc.Link)
		s.send.mu.Unlock()
		s.recv.mu.Unlock()
		if joined {
			link.Remark(s.host)
		}
	}
}

// setMarks gives the queues of one pipe their marks. Both mutexes are held: of two who do
// so at once, the later one has read the later marks.
func (s *Socket) setMarks(p *pipe.Pipe) {
	send, recv, _ := s.host.Marks()
	if !p.Inproc {
		p.SetRecvMark(recv)
	} else if link, joined := p.Session.(*inproc.Link); joined { // who receives from p.Out
		send = sumMarks(send, link.FarMark(s.host))
	}
	p.Out.SetMark(send)
}

func lower(s string) string { return strings.ToLower(s) }
