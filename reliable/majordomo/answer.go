package majordomo

import (
	"container/list"
	"encoding/binary"
	"fmt"
	"iter"
	"time"
)

// Store keeps requests that have a key, so that they outlive the broker: what
// All yields is queued when the broker begins. A reply to such a request goes to
// whoever asks with its key, now or while the reply is in the cache. The broker
// calls one method at a time and waits for it, also for the end of All.
type Store interface {
	// Put keeps a request. When it returns, the broker may crash.
	Put(r StoredRequest) error
	// Delete forgets a request that was answered or given up.
	Delete(service, key string) error
	// All yields what was put and not deleted, in any order.
	All() iter.Seq2[StoredRequest, error]
}

// StoredRequest is a request as a [Store] keeps it.
type StoredRequest struct {
	Service, Key string
	Body         [][]byte
	Expires      time.Time // zero: never
}

// answer is what is known of a key: the request is in hand, or it was answered
// and the answer is in the cache.
type answer struct {
	service, key string
	sum          uint64
	job          *job // nil once it is answered
	parts        []part
	size         int
	large        bool // more than is kept: parts has nothing
	until        time.Duration
	element      *list.Element // its place in the cache
}

// part is one message of a reply.
type part struct {
	command command
	body    [][]byte
}

func keyOf(service, key string) string { return service + "\x00" + key }

// keep notes the key of a request, and stores the request.
func (m *machine) keep(j *job, key string, sum uint64) error {
	if m.cfg.Store != nil {
		r := StoredRequest{Service: j.service.name, Key: key, Body: j.body}
		if j.deadline != 0 {
			r.Expires = m.wall.Add(j.deadline - m.now)
		}
		if err := m.cfg.Store.Put(r); err != nil {
			return err
		}
	}
	m.know(j, key, sum)
	return nil
}

func (m *machine) know(j *job, key string, sum uint64) {
	j.key = &answer{service: j.service.name, key: key, sum: sum, job: j}
	m.keys[keyOf(j.service.name, key)] = j.key
}

// repeat serves a request whose key is known: it waits with the first one, or
// gets the answer again.
func (m *machine) repeat(id []byte, a asker, known *answer, sum uint64) (status int, text string) {
	if known.sum != sum {
		return statusConflict, "the key belongs to another request"
	}
	m.n.repeats.Add(1)
	if known.large { // it can't be told from the beginning
		return statusBusy, "the reply to this key is under way to somebody else"
	}
	if !m.replay(id, a, known) {
		return statusInterrupted, noRoom
	}
	if known.job != nil {
		m.ask(known.job, a)
		m.reply(id, a, known.service, pending, nil)
	} else {
		m.n.cacheHits.Add(1)
	}
	return 0, ""
}

// replay sends what is known of a reply, and reports whether all of it was sent.
func (m *machine) replay(id []byte, a asker, known *answer) bool {
	for _, p := range known.parts {
		if !m.reply(id, a, known.service, p.command, p.body) {
			return false
		}
	}
	return true
}

// note keeps a part of the reply to a request with a key, unless all that came of it is
// more than the cache may hold beside the other replies in hand.
func (m *machine) note(j *job, c command, body [][]byte) {
	a := j.key
	if a == nil || a.large {
		return
	}
	size := sizeOf(body)
	a.size += size
	m.cached += size
	if a.size <= m.cfg.ReplyCacheBytes {
		m.forgetAnswers()
	}
	if m.cached > m.cfg.ReplyCacheBytes || len(a.parts) == maxParts {
		m.cached -= a.size
		a.parts, a.size, a.large = nil, 0, true
		return
	}
	a.parts = append(a.parts, part{c, body})
}

// maxParts bounds the parts of a reply that are kept.
const maxParts = 10_000

// settle ends a request with a key: a reply goes into the cache, anything else
// is forgotten, so that the next asking is a new request.
func (m *machine) settle(j *job, replied bool) {
	a := j.key
	if a == nil {
		return
	}
	if m.cfg.Store != nil {
		if err := m.cfg.Store.Delete(a.service, a.key); err != nil {
			m.log.warn("store", errorAttr(err))
		}
	}
	a.job = nil
	if !replied || m.cfg.ReplyCache <= 0 || a.large {
		m.cached -= a.size
		delete(m.keys, keyOf(a.service, a.key))
		return
	}
	a.until = m.now + m.cfg.ReplyCache
	a.element = m.cache.PushBack(a)
	m.forgetAnswers()
}

// forgetAnswers drops what is too old, and the oldest where it is too much.
func (m *machine) forgetAnswers() {
	for e := m.cache.Front(); e != nil; e = m.cache.Front() {
		a := e.Value.(*answer)
		if a.until > m.now && m.cached <= m.cfg.ReplyCacheBytes && m.cache.Len() <= maxAnswers {
			return
		}
		m.cache.Remove(e)
		m.cached -= a.size
		delete(m.keys, keyOf(a.service, a.key))
	}
}

// maxAnswers bounds the cache where replies are small.
const maxAnswers = 1_000_000

// load queues what the store has kept.
func (m *machine) load() error {
	if m.cfg.Store == nil {
		return nil
	}
	var expired []StoredRequest
	for r, err := range m.cfg.Store.All() {
		if err != nil {
			return fmt.Errorf("majordomo: store: %w", err)
		}
		if !r.Expires.IsZero() && !r.Expires.After(m.wall) {
			expired = append(expired, StoredRequest{Service: r.Service, Key: r.Key})
			continue
		}
		s := m.services[r.Service]
		if s == nil { // no limit here: what is stored was within one, offered or not
			s = m.newService(r.Service)
		}
		j := &job{service: s, body: r.Body, size: sizeOf(r.Body), arrived: m.now}
		if !r.Expires.IsZero() {
			j.deadline = m.now + r.Expires.Sub(m.wall)
		}
		m.know(j, r.Key, m.sum(r.Body))
		j.address = binary.BigEndian.AppendUint64(nil, m.last+1)
		m.enter(j)
	}
	for _, r := range expired { // now that All is over
		if err := m.cfg.Store.Delete(r.Service, r.Key); err != nil {
			return fmt.Errorf("majordomo: store: %w", err)
		}
	}
	return nil
}
