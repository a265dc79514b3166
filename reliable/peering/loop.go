package peering

import (
	"cmp"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

// loop owns the six sockets and all that is known of workers and peers. It
// belongs to the goroutine in run.
type loop struct {
	conf Config
	box  *mailbox

	localfe, localbe *zmq.Socket
	cloudfe, cloudbe *zmq.Socket
	statefe, statebe *zmq.Socket

	crew  crew
	peers map[string]*peer
	sent  sent
	held  [2]*request // by source: was received and could not be given to anybody
	turn  int         // the source that is asked first

	stats  Stats
	told   int       // the capacity that the peers know
	tellAt time.Time // when they are told again
	sweep  bool      // a worker may be gone

	draining bool
	drained  chan struct{} // closed when all is settled
	settled  bool
	closed   bool
}

func newLoop(conf Config, box *mailbox) (*loop, error) {
	l := &loop{conf: conf, box: box, crew: newCrew(), peers: map[string]*peer{}, sent: newSent(), drained: make(chan struct{})}
	var err error
	open := func(t zmq.Type, own ...zmq.Option) *zmq.Socket {
		options := []zmq.Option{
			zmq.WithHeartbeat(conf.Interval), zmq.WithHeartbeatTimeout(3 * conf.Interval), zmq.WithReconnectMax(2 * conf.Interval),
		}
		s, failed := zmq.New(t, slices.Concat(options, conf.Options, own)...)
		err = cmp.Or(err, failed)
		return s
	}
	mandatory, name := zmq.WithRouterMandatory(true), zmq.WithRoutingID(conf.Name)
	l.localfe = open(zmq.ROUTER, mandatory)
	l.localbe = open(zmq.ROUTER, mandatory, zmq.WithEvents(l.workerEvent))
	l.cloudfe = open(zmq.ROUTER, mandatory, name)
	// Nothing is queued for a peer that is away: it would be stale.
	l.cloudbe = open(zmq.ROUTER, mandatory, name, zmq.WithImmediate(true), zmq.WithEvents(l.peerEvent))
	l.statefe = open(zmq.SUB)
	l.statebe = open(zmq.PUB)
	if err == nil {
		err = l.statefe.Subscribe("")
	}
	if err != nil {
		l.closeSockets()
		return nil, err
	}
	for _, s := range []*zmq.Socket{l.localfe, l.localbe, l.cloudfe, l.cloudbe, l.statefe} {
		s.OnChange(box.nudge)
	}
	return l, nil
}

func (l *loop) closeSockets() {
	for _, s := range []*zmq.Socket{l.localfe, l.localbe, l.cloudfe, l.cloudbe, l.statefe, l.statebe} {
		if s != nil {
			s.Close()
		}
	}
}

// workerEvent makes the loop look for workers that are gone.
func (l *loop) workerEvent(e zmq.Event) {
	if e.Kind == zmq.EventDisconnected {
		l.box.post(func(l *loop) { l.sweep = true })
	}
}

// peerEvent makes the loop try the peers again that could not be sent to.
func (l *loop) peerEvent(e zmq.Event) {
	if e.Kind == zmq.EventHandshakeSucceeded {
		l.box.post(func(l *loop) {
			for _, p := range l.peers {
				p.away = false
			}
		})
	}
}

// batch is how many messages of one socket are worked off before the others get
// their turn.
const batch = 256

// run works until the broker is closed: first replies, which free workers, then
// what the peers tell, then requests.
func (l *loop) run() {
	defer l.closeSockets()
	defer l.box.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		moreReplies := each(l.localbe, l.fromWorker)
		more := moreReplies
		more = each(l.cloudbe, l.fromPeer) || more
		more = each(l.statefe, l.fromState) || more
		for _, do := range l.box.take() {
			do(l)
		}
		if l.closed {
			return
		}
		now := time.Now()
		l.expire(now)
		if l.sweep && !moreReplies { // what a worker said before it went counts
			l.sweepWorkers()
		}
		more = l.route() || more
		l.tell(now)
		l.settle()
		if more {
			continue
		}
		timer.Reset(l.next().Sub(now))
		select {
		case <-l.box.wake:
		case <-timer.C:
		}
	}
}

// each works off a batch of what a socket has received. It reports whether there
// may be more.
func each(s *zmq.Socket, work func(zmq.Msg)) bool {
	for range batch {
		m, err := s.TryRecv()
		if err != nil {
			return false
		}
		work(m)
	}
	return true
}

// next returns when something is due.
func (l *loop) next() time.Time {
	next := l.tellAt
	if at, ok := l.sent.due(); ok && at.Before(next) {
		next = at
	}
	return next
}

// tell broadcasts the capacity when it has changed, and at each interval.
func (l *loop) tell(now time.Time) {
	capacity := l.capacity()
	if capacity == l.told && now.Before(l.tellAt) {
		return
	}
	if !now.Before(l.tellAt) {
		l.sweep = true // over inproc nobody tells of workers that are gone
	}
	changed := capacity != l.told
	l.told, l.tellAt = capacity, now.Add(l.conf.Interval)
	_ = l.statebe.TrySend(stateMessage(l.conf.Name, capacity)...) // a PUB drops where it can't send
	if changed {
		l.observe(Event{Kind: Capacity, N: capacity})
	}
}

// capacity is what the peers may count on.
func (l *loop) capacity() int {
	if l.draining {
		return 0
	}
	return l.crew.free.Len()
}

// expire gives up the replies that peers owe for too long, and the capacity of
// peers that have fallen silent.
func (l *loop) expire(now time.Time) {
	for _, r := range l.sent.expired(now) {
		l.lost(r)
	}
	for _, p := range l.peers {
		if p.repeats && p.capacity > 0 && now.Sub(p.heard) > 3*l.conf.Interval {
			p.capacity = 0
			l.observe(Event{Kind: PeerSilent, Peer: p.Name})
		}
	}
}

// drain takes no more requests. The channel is closed when none is in hand.
func (l *loop) drain() <-chan struct{} {
	l.draining = true
	return l.drained
}

// settle tells who waits for the drain.
func (l *loop) settle() {
	if !l.draining || l.settled || l.held != [2]*request{} || len(l.crew.busy)+l.sent.len() > 0 {
		return
	}
	l.settled = true
	close(l.drained)
}
