package majordomo

import (
	"bytes"
	"cmp"
	"container/list"
	"encoding/binary"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/phimq/zmq"
)

// worker is a worker that has registered.
type worker struct {
	id       []byte
	peer     zmq.Peer
	version  Version
	extended bool // it knows tickets
	credit   int  // how many requests it runs at once
	service  *service
	running  []*job

	lastHeard, lastSent time.Duration
	heard, sent         *list.Element
	waiting             *list.Element // nil while it has no room
}

// fromWorker takes a message of MDP/Worker.
func (m *machine) fromWorker(peer zmq.Peer, id []byte, msg *message) {
	w := m.workers[string(id)]
	if w != nil && w.peer != peer { // the same identity over another connection
		m.lose(w, "replaced")
		w = nil
	}
	if w == nil {
		m.fromStranger(peer, id, msg)
		return
	}
	if msg.version != w.version {
		m.expel(w, "changed the version")
		return
	}
	w.lastHeard = m.now
	m.heard.MoveToBack(w.heard)
	switch msg.command {
	case partial, final, failure:
		m.fromHandler(w, msg)
	case heartbeat:
	case drain:
		w.credit = 0
		w.standBack()
	case disconnect:
		m.lose(w, "left")
	default:
		m.expel(w, "unexpected "+msg.command.String())
	}
}

// fromStranger takes a message of a worker that is not registered: READY, or
// what one says that was thought dead or that has outlived another broker.
func (m *machine) fromStranger(peer zmq.Peer, id []byte, msg *message) {
	switch {
	case msg.command == disconnect:
		return
	case m.isOutcast(id, peer):
		return
	case msg.command != ready:
		m.disconnect(peer, id, msg.version, "unexpected "+msg.command.String())
	case managed(msg.service):
		m.disconnect(peer, id, msg.version, "a service of the broker's own: "+msg.service)
	case m.draining:
		m.disconnect(peer, id, msg.version, "the broker ends")
	case len(m.workers) >= m.cfg.MaxWorkers:
		m.disconnect(peer, id, msg.version, "too many workers")
	case m.allowed(peer, OpWork, msg.service) != nil:
		m.disconnect(peer, id, msg.version, "refused")
	default:
		s := m.service(msg.service, true)
		if s == nil {
			m.disconnect(peer, id, msg.version, "too many services")
			return
		}
		m.register(peer, id, msg.version, s)
	}
}

// The metadata properties of the extension.
const (
	propertyExtension = "x-majordomo"        // "1": knows tickets
	propertyCredit    = "x-majordomo-credit" // a worker's: how many requests it runs at once
	extensionVersion  = "1"
	maxCredit         = 10_000
)

func (m *machine) register(peer zmq.Peer, id []byte, v Version, s *service) {
	w := &worker{id: bytes.Clone(id), peer: peer, version: v, credit: 1, service: s, lastHeard: m.now, lastSent: m.now}
	if v == Version02 && peer.Property(propertyExtension) == extensionVersion {
		w.extended = true
		if n, err := strconv.Atoi(peer.Property(propertyCredit)); err == nil && n > 0 {
			w.credit = min(n, maxCredit)
		}
	}
	w.heard, w.sent = m.heard.PushBack(w), m.sent.PushBack(w)
	delete(m.outcasts, string(id))
	m.workers[string(id)] = w
	if s.workers++; s.workers == 1 {
		m.offers++
	}
	m.n.workers.Add(1)
	m.log.info("worker registered", slog.String("service", s.name), slog.String("peer", peer.Address()),
		slog.String("version", v.String()), slog.Int("credit", w.credit))
	m.tell(Event{Kind: EventWorkerReady, Service: s.name, Peer: peer})
	w.standBy()
	m.dispatch(s)
}

// standBy puts the worker behind those that wait, if it has room.
func (w *worker) standBy() {
	switch {
	case len(w.running) >= w.credit:
		w.standBack()
	case w.waiting == nil:
		w.waiting = w.service.waiting.PushBack(w)
	default:
		w.service.waiting.MoveToBack(w.waiting)
	}
}

// standBack takes the worker from those that wait.
func (w *worker) standBack() {
	if w.waiting != nil {
		w.service.waiting.Remove(w.waiting)
		w.waiting = nil
	}
}

// lose forgets a worker. What it had in hand goes to others.
func (m *machine) lose(w *worker, why string) {
	delete(m.workers, string(w.id))
	m.heard.Remove(w.heard)
	m.sent.Remove(w.sent)
	w.standBack()
	s := w.service
	s.workers--
	if s.workers == 0 {
		s.lonely = m.now
		m.offers--
	}
	m.n.workers.Add(-1)
	m.log.info("worker gone", slog.String("service", s.name), slog.String("peer", w.peer.Address()),
		slog.String("why", why), slog.Int("requests", len(w.running)))
	m.tell(Event{Kind: EventWorkerGone, Service: s.name, Peer: w.peer})
	running := w.running
	w.running = nil
	slices.SortFunc(running, func(a, b *job) int { return cmp.Compare(b.number, a.number) })
	for _, j := range running { // the oldest last, so that it is in front
		m.restore(j)
	}
	m.dispatch(s)
	m.prune(s)
}

// expel loses a worker that broke the protocol, and tells it.
func (m *machine) expel(w *worker, why string) {
	m.lose(w, why)
	m.disconnect(w.peer, w.id, w.version, why)
}

// maxOutcasts bounds who is remembered as disconnected.
const maxOutcasts = 10_000

// disconnect answers a worker by DISCONNECT, and then no more. RFC 7 "Opening and
// Closing a Connection".
func (m *machine) disconnect(peer zmq.Peer, id []byte, v Version, why string) {
	if len(m.outcasts) >= maxOutcasts {
		clear(m.outcasts)
	}
	m.outcasts[string(id)] = peer
	m.n.disconnects.Add(1)
	m.log.warn("worker disconnected", slog.String("peer", peer.Address()), slog.String("why", why))
	bye := message{worker: true, version: v, command: disconnect}
	_ = m.put(id, bye.appendWorker) // who is gone needs it no more
}

// isOutcast reports whether this connection was told to go already.
func (m *machine) isOutcast(id []byte, peer zmq.Peer) bool {
	told, ok := m.outcasts[string(id)]
	return ok && told == peer
}

// toWorker sends a command, which counts as a heartbeat. RFC 7 "Heartbeating".
func (m *machine) toWorker(w *worker, msg *message) error {
	w.lastSent = m.now
	m.sent.MoveToBack(w.sent)
	return m.put(w.id, msg.appendWorker)
}

// beat sends a heartbeat. A worker whose connection is gone is lost at once; one
// that does not read is left to its silence.
func (m *machine) beat(w *worker) {
	err := m.toWorker(w, &message{worker: true, version: w.version, command: heartbeat})
	if isGone(err) {
		m.lose(w, "connection lost")
	}
}

// fromHandler takes a reply, or a part of one.
func (m *machine) fromHandler(w *worker, msg *message) {
	j := w.find(msg.address, m.jobs)
	if j == nil {
		m.n.late.Add(1)
		m.expel(w, "reply to no request of its own")
		return
	}
	switch msg.command {
	case partial:
		m.part(j, msg.body)
		return
	case failure:
		e := parseFailure(w.service.name, msg.body)
		if e.Status == statusUnknown { // the broker's own word: a client would ask for ever
			e.Status = statusFailed
		}
		m.fail(j, e)
	default:
		m.finish(j, msg.body)
	}
	w.standBy()
	m.dispatch(w.service)
}

// find returns the request of the worker that an address stands for.
func (w *worker) find(address []byte, jobs map[uint64]*job) *job {
	if w.extended {
		if len(address) < ticketHead {
			return nil
		}
		if j := jobs[binary.BigEndian.Uint64(address)]; j != nil && j.worker == w {
			return j
		}
		return nil
	}
	if len(w.running) == 1 && bytes.Equal(w.running[0].address, address) {
		return w.running[0]
	}
	return nil
}
