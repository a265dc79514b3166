package majordomo

import (
	"errors"
	"log/slog"

	"github.com/phimq/zmq"
)

// The way of a job: dispatch, give, and then finish, fail or expire; or restore,
// and again from the start.

// dispatch gives what is queued to who waits: the worker that was used least
// recently, the clients in turn.
func (m *machine) dispatch(s *service) {
	for s.queue.n > 0 && s.waiting.Len() > 0 {
		w := s.waiting.Front().Value.(*worker)
		if w.lastHeard+m.lease() <= m.now {
			m.lose(w, "silent") // which dispatches what is left
			return
		}
		j := s.queue.take()
		m.queued--
		m.n.queued.Add(-1)
		if j.deadline != 0 && j.deadline <= m.now {
			m.expire(j, statusExpired, "its time was over")
			continue
		}
		if err := m.give(w, j); err != nil {
			m.enqueue(j, true)
			m.lose(w, "connection lost")
			return
		}
	}
}

// give hands a job to a worker.
func (m *machine) give(w *worker, j *job) error {
	msg := message{worker: true, version: w.version, command: request, address: j.address, body: j.body}
	if w.extended {
		t := ticket{number: j.number}
		if j.deadline != 0 {
			t.left = j.deadline - m.now
		}
		if j.key != nil {
			t.key = j.key.key
		}
		msg.address = t.encode()
	}
	if err := m.toWorker(w, &msg); err != nil {
		return err
	}
	j.worker, j.at = w, len(w.running)
	j.tries++
	w.running = append(w.running, j)
	w.standBy()
	m.tell(Event{Kind: EventDispatched, Service: j.service.name, Peer: w.peer, Took: m.now - j.arrived})
	return nil
}

// restore queues a job again whose worker is gone.
func (m *machine) restore(j *job) {
	j.worker = nil
	switch {
	case j.parted:
		m.expire(j, statusInterrupted, "the worker is gone and had begun to reply")
	case j.tries >= j.service.limits.Tries:
		m.expire(j, statusFailed, "its workers died")
	default:
		m.n.requeued.Add(1)
		m.tell(Event{Kind: EventRequeued, Service: j.service.name})
		m.enqueue(j, true)
	}
}

// sweep expires what has waited too long.
func (m *machine) sweep() {
	if m.queued == 0 || m.now < m.sweepAt {
		return
	}
	m.sweepAt = m.now + sweepEvery
	for _, s := range m.services {
		forlorn := s.workers == 0 && m.now-s.lonely >= s.limits.Expiry
		for _, j := range s.queue.takeIf(func(j *job) bool {
			return j.deadline != 0 && j.deadline <= m.now || forlorn && m.now-j.arrived >= s.limits.Expiry
		}) {
			m.queued--
			m.n.queued.Add(-1)
			if j.deadline != 0 && j.deadline <= m.now {
				m.expire(j, statusExpired, "its time was over")
			} else {
				m.expire(j, statusNoService, "no worker offers the service")
			}
		}
		m.prune(s)
	}
}

// expire gives a job up.
func (m *machine) expire(j *job, status int, text string) {
	m.n.expired.Add(1)
	m.tell(Event{Kind: EventExpired, Service: j.service.name, Took: m.now - j.arrived})
	m.log.debug("request given up", slog.String("service", j.service.name), slog.String("why", text))
	for _, a := range j.askers {
		m.refuse(a.client.id, a, j.service.name, status, text)
	}
	m.forget(j)
	m.settle(j, false)
}

// part sends a part of a reply on. Who misses one gets no more: the rest would look
// like the whole.
func (m *machine) part(j *job, body [][]byte) {
	j.parted = true
	m.note(j, partial, body)
	for i := range j.askers {
		a := &j.askers[i]
		if a.version == Version02 && !a.broken {
			a.broken = !m.reply(a.client.id, *a, j.service.name, partial, body)
		}
	}
}

// noRoom is what a client is told that missed a part of a reply.
const noRoom = "a part of the reply found no room"

// finish sends the reply on.
func (m *machine) finish(j *job, body [][]byte) {
	m.n.replies.Add(1)
	m.tell(Event{Kind: EventReplied, Service: j.service.name, Peer: j.worker.peer, Took: m.now - j.arrived})
	for _, a := range j.askers {
		if a.broken {
			m.refuse(a.client.id, a, j.service.name, statusInterrupted, noRoom)
		} else {
			m.reply(a.client.id, a, j.service.name, final, body)
		}
	}
	m.note(j, final, body)
	m.forget(j)
	m.settle(j, true)
}

// fail tells that the handler has failed. Who knows no FAILURE gets an empty
// reply, so that it does not wait for ever.
func (m *machine) fail(j *job, e *CallError) {
	m.n.failures.Add(1)
	m.tell(Event{Kind: EventFailed, Service: j.service.name, Peer: j.worker.peer, Took: m.now - j.arrived, Err: e})
	for _, a := range j.askers {
		if a.extended {
			m.refuse(a.client.id, a, j.service.name, e.Status, e.Text)
		} else if !a.broken {
			m.reply(a.client.id, a, j.service.name, final, [][]byte{nil})
		}
	}
	m.forget(j)
	m.settle(j, false)
}

// forget takes a job out of all lists but the queue.
func (m *machine) forget(j *job) {
	delete(m.jobs, j.number)
	for _, a := range j.askers {
		m.release(a)
	}
	if w := j.worker; w != nil {
		last := w.running[len(w.running)-1]
		w.running[j.at], last.at = last, j.at
		w.running[len(w.running)-1] = nil
		w.running = w.running[:len(w.running)-1]
	}
}

// refuse tells a client that knows FAILURE that there will be no reply. Others
// learn it by their own patience, as RFC 7 has no word for it.
func (m *machine) refuse(id []byte, a asker, service string, status int, text string) {
	if a.extended {
		m.reply(id, a, service, failure, failureBody(status, text))
	}
}

// reply sends to a client. One that is gone, or does not read, asks again. It
// reports whether the client was sent it.
func (m *machine) reply(id []byte, a asker, service string, c command, body [][]byte) bool {
	msg := message{version: a.version, extended: a.extended, command: c, service: service, body: body}
	msg.ticket.number = a.number
	err := m.put(id, msg.appendClient)
	if err != nil {
		m.n.undelivered.Add(1)
		m.log.debug("reply dropped", slog.String("service", service), slog.Any("error", err))
	}
	return err == nil
}

// isGone reports whether a peer has no connection any more.
func isGone(err error) bool { return errors.Is(err, zmq.ErrNoPeer) }
