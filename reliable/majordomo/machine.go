package majordomo

import (
	"container/list"
	"hash/maphash"
	"log/slog"
	"strings"
	"time"

	"github.com/phimq/zmq"
)

// machine is all that a broker knows. It does no I/O, has no clock and starts no
// goroutine: it is told the time and what came, and calls send and unread. One
// goroutine owns it.
type machine struct {
	cfg  BrokerConfig
	send func(frames [][]byte) error // the first frame is the identity; never waits
	// unread are the identities of those for whom more octets wait.
	unread func(octets int) map[string]bool
	log    *limitedLog
	tell   func(Event)
	n      *counters

	wall time.Time     // when it was told the time last
	now  time.Duration // time that has passed, without the jumps of the clock

	services map[string]*service
	offers   int                // services with a worker
	workers  map[string]*worker // by identity
	heard    list.List          // of *worker: who was silent longest is in front
	sent     list.List          // of *worker: to whom nothing was sent longest is in front
	outcasts map[string]zmq.Peer

	last     uint64 // the number of the last job
	jobs     map[uint64]*job
	clients  map[string]*client // those with jobs
	queued   int                // jobs that wait for a worker
	sweepAt  time.Duration      // when they are looked through again
	keys     map[string]*answer // by service and key
	cache    list.List          // of *answer: those that are complete, the oldest in front
	cached   int                // their octets, and those of parts in hand
	seed     maphash.Seed
	draining bool

	informed int             // octets of answers about the broker since behind was found
	behind   map[string]bool // who gets no such answers
	lookAt   time.Duration   // when they are looked at again, if there are any

	frames [][]byte // for put, used again
}

func newMachine(cfg BrokerConfig, send func([][]byte) error, now time.Time) *machine {
	m := &machine{
		cfg: cfg, send: send, log: &limitedLog{log: cfg.Logger}, tell: cfg.Observe, n: &counters{}, wall: now,
		services: map[string]*service{}, workers: map[string]*worker{}, outcasts: map[string]zmq.Peer{},
		jobs: map[uint64]*job{}, clients: map[string]*client{}, keys: map[string]*answer{}, seed: maphash.MakeSeed(),
	}
	if m.tell == nil {
		m.tell = func(Event) {}
	}
	return m
}

// clock tells the time. What the machine waits for is told at least once a
// heartbeat, so a larger step means that the process or the machine stood still,
// or that the clock was set: nobody is to die of that.
func (m *machine) clock(now time.Time) {
	step := now.Sub(m.wall)
	m.wall = now
	if step > 2*m.cfg.Heartbeat {
		if len(m.workers)+len(m.jobs) > 0 {
			m.log.warn("time jumped", slog.Duration("by", step))
		}
		step = m.cfg.Heartbeat
	}
	m.now += max(0, step)
}

// lease is how long a worker may be silent. RFC 7 "Heartbeating".
func (m *machine) lease() time.Duration { return time.Duration(m.cfg.Liveness) * m.cfg.Heartbeat }

// sweepEvery is how often requests that wait are looked through.
const sweepEvery = time.Second

// wait is how long nothing is to be done, at most a heartbeat.
func (m *machine) wait() time.Duration {
	wait := m.cfg.Heartbeat
	if m.queued > 0 {
		wait = min(wait, m.sweepAt-m.now)
	}
	if e := m.heard.Front(); e != nil {
		wait = min(wait, e.Value.(*worker).lastHeard+m.lease()-m.now)
	}
	if e := m.sent.Front(); e != nil {
		wait = min(wait, e.Value.(*worker).lastSent+m.cfg.Heartbeat-m.now)
	}
	return max(0, wait)
}

// tick does what is due.
func (m *machine) tick() {
	for e := m.heard.Front(); e != nil; e = m.heard.Front() {
		w := e.Value.(*worker)
		if w.lastHeard+m.lease() > m.now {
			break
		}
		m.lose(w, "silent")
	}
	for e := m.sent.Front(); e != nil; e = m.sent.Front() {
		w := e.Value.(*worker)
		if w.lastSent+m.cfg.Heartbeat > m.now {
			break
		}
		m.beat(w)
	}
	m.sweep()
	m.forgetAnswers()
	if len(m.behind) > 0 && m.now >= m.lookAt {
		m.lookBehind()
	}
}

// receive takes what a ROUTER received: the identity is in front.
func (m *machine) receive(peer zmq.Peer, frames [][]byte) {
	id := frames[0]
	msg, err := parse(frames[1:])
	switch {
	case err != nil:
		m.malformed(peer, id, err)
	case msg.worker:
		m.fromWorker(peer, id, &msg)
	default:
		m.fromClient(peer, id, &msg)
	}
}

// malformed drops a message. A worker that sends such is not trusted any more.
// RFC 7 "Opening and Closing a Connection".
func (m *machine) malformed(peer zmq.Peer, id []byte, err error) {
	m.n.malformed.Add(1)
	m.log.warn("message dropped", slog.String("peer", peer.Address()), slog.Any("error", err))
	m.tell(Event{Kind: EventMalformed, Peer: peer, Err: err})
	if w := m.workers[string(id)]; w != nil && w.peer == peer {
		m.expel(w, "malformed message")
	}
}

// put sends frames to a peer.
func (m *machine) put(id []byte, add func(frames [][]byte) [][]byte) error {
	m.frames = add(append(m.frames[:0], id))
	err := m.send(m.frames)
	clear(m.frames)
	return err
}

// allowed asks the access hook.
func (m *machine) allowed(peer zmq.Peer, op Op, service string) error {
	if m.cfg.Access == nil {
		return nil
	}
	err := m.cfg.Access(peer, op, service)
	if err != nil {
		m.n.refused.Add(1)
		m.log.warn("access refused", slog.String("peer", peer.Address()), slog.String("op", string(op)),
			slog.String("service", service), slog.Any("error", err))
		m.tell(Event{Kind: EventRefused, Service: service, Peer: peer, Err: err})
	}
	return err
}

// managed reports whether a service is the broker's own. RFC 8 "Namespace".
func managed(service string) bool { return strings.HasPrefix(service, "mmi.") }

// goodbye tells every worker that the broker ends, so that they look for
// another one at once.
func (m *machine) goodbye() {
	for _, w := range m.workers {
		bye := message{worker: true, version: w.version, command: disconnect}
		_ = m.put(w.id, bye.appendWorker) // who is gone needs it no more
	}
}
