package majordomo

import (
	"container/list"
	"errors"
	"hash/maphash"
	"log/slog"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

// job is a request that the broker has in hand.
type job struct {
	number   uint64
	service  *service
	body     [][]byte
	size     int    // as sizeOf has it
	address  []byte // the client as plain workers see it
	askers   []asker
	key      *answer // nil without a key
	arrived  time.Duration
	deadline time.Duration // 0: none
	tries    int           // how often it was given to a worker
	parted   bool          // a part of the reply went out

	worker *worker // nil while it is queued
	at     int     // its place in worker.running
}

// asker is who wants the reply.
type asker struct {
	client   *client
	version  Version
	extended bool
	number   uint64 // the client's own, if extended
	broken   bool   // a part of the reply did not reach it: what follows is no reply
}

// client is a client with requests in hand.
type client struct {
	id   []byte
	jobs int
	open map[uint64]*job // those with tickets, by the client's own number
}

// service is a name with workers or with requests that wait.
type service struct {
	name    string
	limits  Limits
	workers int
	lonely  time.Duration // since when there is no worker
	waiting list.List     // of *worker with room, who waits longest in front
	queue   fairQueue
}

// service returns the service of a name; nil if there are too many. Those that a
// worker offers and those that are only asked for are counted apart: nobody who makes
// up names keeps a worker out.
func (m *machine) service(name string, offered bool) *service {
	s := m.services[name]
	switch {
	case offered && (s == nil || s.workers == 0) && m.offers >= m.cfg.MaxServices:
		return nil
	case !offered && s == nil && len(m.services)-m.offers >= m.cfg.MaxServices:
		return nil
	case s == nil:
		s = m.newService(name)
	}
	return s
}

func (m *machine) newService(name string) *service {
	s := &service{name: name, limits: m.cfg.limits(name), lonely: m.now}
	m.services[name] = s
	return s
}

// prune forgets a service that nobody offers and nobody wants.
func (m *machine) prune(s *service) {
	if s.workers == 0 && s.queue.n == 0 {
		delete(m.services, s.name)
	}
}

// fromClient takes a message of MDP/Client.
func (m *machine) fromClient(peer zmq.Peer, id []byte, msg *message) {
	if msg.command == pending {
		m.fromWaiting(id, msg)
		return
	}
	if msg.command != request {
		m.malformed(peer, id, errors.Join(errMalformed, errors.New(msg.command.String()+" from a client")))
		return
	}
	m.n.requests.Add(1)
	a := asker{version: msg.version, extended: msg.extended, number: msg.ticket.number}
	op := OpCall
	if managed(msg.service) {
		op = OpManage
	}
	if err := m.allowed(peer, op, msg.service); err != nil {
		m.refuse(id, a, msg.service, statusRefused, "refused")
		return
	}
	take := m.admit
	if op == OpManage {
		take = m.inform
	}
	if status, text := take(id, a, msg); status != 0 {
		m.n.overflows.Add(1)
		m.log.warn("request refused", slog.String("service", msg.service), slog.String("peer", peer.Address()),
			slog.String("why", text))
		m.tell(Event{Kind: EventOverflow, Service: msg.service, Peer: peer})
		m.refuse(id, a, msg.service, status, text)
	}
}

// fromWaiting tells a client that waits whether its request is in hand. If it is
// not, either the reply has crossed the question, or the request was lost: the
// client knows which.
func (m *machine) fromWaiting(id []byte, msg *message) {
	m.n.repeats.Add(1)
	a := asker{version: msg.version, extended: msg.extended, number: msg.ticket.number}
	if c := m.clients[string(id)]; c != nil && c.open[a.number] != nil {
		m.reply(id, a, msg.service, pending, nil)
		return
	}
	m.refuse(id, a, msg.service, statusUnknown, "no such request in hand")
}

// admit takes a request in, or says why not.
func (m *machine) admit(id []byte, a asker, msg *message) (status int, text string) {
	a.client = m.clients[string(id)]
	if a.client == nil {
		a.client = &client{id: slices.Clone(id)}
	}
	if a.extended && a.client.open[a.number] != nil && m.again(id, a, a.client.open[a.number]) {
		return 0, ""
	}
	if a.client.jobs >= m.cfg.ClientRequests {
		return statusBusy, "too many requests of this client"
	}
	sum := uint64(0)
	if msg.ticket.key != "" {
		sum = m.sum(msg.body)
		if known := m.keys[keyOf(msg.service, msg.ticket.key)]; known != nil {
			return m.repeat(id, a, known, sum)
		}
	}
	if m.draining {
		return statusBusy, "the broker ends"
	}
	s := m.service(msg.service, false)
	if s == nil {
		return statusBusy, "too many services"
	}
	size := sizeOf(msg.body)
	if s.queue.n >= s.limits.Requests || s.queue.size+size > s.limits.Bytes {
		m.prune(s)
		return statusBusy, "too many requests of this service"
	}
	j := &job{service: s, body: msg.body, size: size, address: a.client.id, arrived: m.now}
	if msg.ticket.left > 0 {
		j.deadline = m.now + msg.ticket.left
	}
	if msg.ticket.key != "" {
		if err := m.keep(j, msg.ticket.key, sum); err != nil {
			m.log.warn("store", slog.Any("error", err))
			m.prune(s)
			return statusBusy, "the request can't be stored"
		}
	}
	m.enter(j)
	m.ask(j, a)
	m.dispatch(s)
	return 0, ""
}

// again serves a client that asks what it has asked before. It has lost the parts of
// the reply that it was sent, so it gets them again. Where they are not kept, it is
// forgotten that it waits, and the answer is no: the request is a new one.
func (m *machine) again(id []byte, a asker, j *job) bool {
	m.n.repeats.Add(1)
	i := slices.IndexFunc(j.askers, func(b asker) bool { return b.client == a.client && b.number == a.number && b.extended })
	switch {
	case !j.parted:
	case j.key == nil || j.key.large:
		m.release(a)
		j.askers = slices.Delete(j.askers, i, i+1)
		return false
	default:
		j.askers[i].broken = !m.replay(id, a, j.key)
	}
	m.reply(id, a, j.service.name, pending, nil)
	return true
}

// enter numbers a job and queues it.
func (m *machine) enter(j *job) {
	m.last++
	j.number = m.last
	m.jobs[j.number] = j
	m.enqueue(j, false)
}

func (m *machine) enqueue(j *job, front bool) {
	j.service.queue.put(j, front)
	m.queued++
	m.n.queued.Add(1)
}

// maxAskers bounds who waits for one keyed request; who asked first is forgotten
// first and has to ask again.
const maxAskers = 16

// ask notes who wants the reply.
func (m *machine) ask(j *job, a asker) {
	if len(j.askers) == maxAskers {
		m.release(j.askers[0])
		j.askers = slices.Delete(j.askers, 0, 1)
	}
	j.askers = append(j.askers, a)
	c := a.client
	m.clients[string(c.id)] = c // now: it may have been the first asker's, and gone with it
	c.jobs++
	if a.extended {
		if c.open == nil {
			c.open = map[uint64]*job{}
		}
		c.open[a.number] = j
	}
}

// release forgets that somebody waits.
func (m *machine) release(a asker) {
	c := a.client
	c.jobs--
	if a.extended {
		delete(c.open, a.number)
	}
	if c.jobs == 0 {
		delete(m.clients, string(c.id))
	}
}

// sum is a checksum of a body, to tell requests of one key apart.
func (m *machine) sum(body [][]byte) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	for _, f := range body {
		var size [8]byte
		for i := range size {
			size[i] = byte(len(f) >> (8 * i))
		}
		_, _ = h.Write(size[:]) // never fails
		_, _ = h.Write(f)
	}
	return h.Sum64()
}

// frameCost is what a frame takes beside its octets: the slice that points to it,
// and about what the allocator rounds up. Without it empty frames were free.
const frameCost = 32

func sizeOf(frames [][]byte) int {
	n := frameCost * len(frames)
	for _, f := range frames {
		n += len(f)
	}
	return n
}
