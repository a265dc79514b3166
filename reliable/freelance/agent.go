package freelance

import (
	"container/list"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phimq/zmq"
)

// request is a request without a reply.
type request struct {
	number uint64
	body   [][]byte
	reply  chan zmq.Msg // has room for one

	asked []*peer // over the connection that each has now
	due   time.Time
	queue *list.List // where it stands: agent.unsent, asked or idle
	place *list.Element
}

// agent owns the socket and the table of servers. All of it belongs to the
// goroutine in run.
type agent struct {
	conf   ClientConfig
	box    *mailbox
	socket *zmq.Socket
	table  table
	closed bool
	stats  Stats

	last     uint64 // number of the last request
	requests map[uint64]*request
	unsent   *list.List // nobody was asked; the oldest first
	asked    *list.List // somebody was; who is due first stands first
	idle     *list.List // everybody who lives was asked: nothing to do but wait
}

func newAgent(conf ClientConfig, box *mailbox, socket *zmq.Socket) *agent {
	a := &agent{
		conf: conf, box: box, socket: socket, table: newTable(conf.TTL), last: firstNumber(),
		requests: map[uint64]*request{}, unsent: list.New(), asked: list.New(), idle: list.New(),
	}
	socket.OnChange(box.nudge)
	return a
}

// run works until the client is closed. Its timer is tickless: it is set for
// what is due next.
func (a *agent) run() {
	defer a.socket.Close()
	defer a.box.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		more := a.receive()
		for _, do := range a.box.take() {
			do(a)
		}
		if a.closed {
			return
		}
		now := time.Now()
		for _, p := range a.table.expired(now) {
			a.expire(p)
		}
		a.ping(now)
		a.dispatch(now)
		if more {
			continue
		}
		timer.Reset(a.next(now).Sub(now))
		select {
		case <-a.box.wake:
		case <-timer.C:
		}
	}
}

// batch is how many messages are received before the agent looks at the rest of
// its work.
const batch = 256

// receive takes what servers sent. It reports whether there may be more.
func (a *agent) receive() bool {
	for range batch {
		m, err := a.socket.TryRecv()
		if err != nil {
			return false
		}
		if p := a.table.all[string(m.Frames[0])]; p != nil {
			a.answer(p, m)
		}
	}
	return true
}

// answer works off a message from a server: a pong or a reply. Both show that
// it lives.
func (a *agent) answer(p *peer, m zmq.Msg) {
	frames := m.Frames[1:]
	number, body, ok := parseReply(frames)
	if !ok && !isCommand(frames, pong) {
		a.stats.Malformed++
		return
	}
	p.heard = time.Now()
	p.pingAt = p.heard.Add(a.conf.Ping)
	if !a.table.isLive(p) && p.up {
		a.table.enter(p)
		a.wakeIdle()
	}
	if !ok {
		return
	}
	q := a.requests[number]
	if q == nil || !slices.Contains(q.asked, p) {
		a.stats.Late++
		return
	}
	a.forget(q)
	a.stats.Replies++
	m.Frames = body
	q.reply <- m
}

// begin takes a request on.
func (a *agent) begin(q *request) {
	a.last++
	a.stats.Requests++
	q.number = a.last
	a.requests[q.number] = q
	a.stand(q, a.unsent)
}

// forget ends a request that was answered or given up.
func (a *agent) forget(q *request) {
	delete(a.requests, q.number)
	for _, p := range q.asked {
		p.waiting--
	}
	q.asked = nil
	a.stand(q, nil)
}

// stand moves a request to the end of a queue, or out of all.
func (a *agent) stand(q *request, to *list.List) {
	if q.queue != nil {
		q.queue.Remove(q.place)
	}
	if q.queue = to; to != nil {
		q.place = to.PushBack(q)
	}
}

// hurry makes a request due at once.
func (a *agent) hurry(q *request) {
	q.due = time.Time{}
	q.queue.Remove(q.place)
	q.queue, q.place = a.asked, a.asked.PushFront(q)
}

// wakeIdle gives those that have nobody to ask another look.
func (a *agent) wakeIdle() {
	for a.idle.Len() > 0 {
		a.hurry(a.idle.Front().Value.(*request))
	}
}

// dispatch sends requests that are new, or whose server was lost or is silent.
func (a *agent) dispatch(now time.Time) {
	for e := a.unsent.Front(); e != nil; e = a.unsent.Front() {
		if !a.ask(e.Value.(*request), now) {
			break // for want of a server or of room; so it is for the others
		}
	}
	for e := a.asked.Front(); e != nil; e = a.asked.Front() {
		q := e.Value.(*request)
		if now.Before(q.due) {
			break
		}
		a.table.demote(q.asked[len(q.asked)-1])
		if a.ask(q, now) {
			a.stats.Retries++
		} else {
			a.stand(q, a.idle)
		}
	}
}

// ask gives a request to the first server that lives and was not asked. It
// reports false if there is none.
func (a *agent) ask(q *request, now time.Time) bool {
	for _, p := range slices.Clone(a.table.live) {
		if !slices.Contains(q.asked, p) && a.send(p, slices.Concat([][]byte{appendSequence(nil, q.number)}, q.body)) {
			p.waiting++
			q.asked = append(q.asked, p)
			q.due = now.Add(a.conf.Try)
			a.stand(q, a.asked)
			return true
		}
	}
	return false
}

// send queues a message for a server, if it is connected and there is room.
func (a *agent) send(p *peer, frames [][]byte) bool {
	err := a.socket.TrySend(slices.Concat([][]byte{[]byte(p.endpoint)}, frames)...)
	if errors.Is(err, zmq.ErrNoPeer) {
		a.drop(p)
		p.up = false
	}
	return err == nil
}

// ping asks those servers for a sign of life that were silent for a while, and
// those whose connection is new. RFC 10 "Server Reliability".
func (a *agent) ping(now time.Time) {
	for _, p := range a.table.all {
		if now.Before(p.pingAt) {
			continue
		}
		p.pingAt = now.Add(a.conf.Ping)
		if a.send(p, [][]byte{[]byte(ping)}) {
			p.up = true
		}
	}
}

// next returns when something is due.
func (a *agent) next(now time.Time) time.Time {
	next := a.table.due(now.Add(time.Hour))
	if e := a.asked.Front(); e != nil && e.Value.(*request).due.Before(next) {
		next = e.Value.(*request).due
	}
	return next
}

// expire takes a silent server out of those that live. What it was asked is
// asked elsewhere too; if it wakes up, its replies are still good.
func (a *agent) expire(p *peer) {
	a.table.leave(p)
	for _, q := range a.requests {
		if q.queue == a.asked && slices.Contains(q.asked, p) {
			a.hurry(q)
		}
	}
}

// drop takes a server out of those that live whose connection is lost: no reply
// can come over it. What it was asked is asked elsewhere.
func (a *agent) drop(p *peer) {
	a.table.leave(p)
	for _, q := range a.requests {
		i := slices.Index(q.asked, p)
		if i < 0 {
			continue
		}
		p.waiting--
		if q.asked = slices.Delete(q.asked, i, i+1); len(q.asked) == 0 {
			a.stand(q, a.unsent)
		}
	}
}

// connect adds a server. It is known by its endpoint, whatever it calls itself:
// so none can take the name of another.
func (a *agent) connect(endpoint string) error {
	if a.table.all[endpoint] != nil {
		return nil
	}
	if endpoint == "" {
		return fmt.Errorf("%w: no endpoint", zmq.ErrInvalid)
	}
	if err := a.socket.Set(zmq.WithConnectRoutingID(endpoint)); err != nil {
		return err
	}
	if err := a.socket.Connect(endpoint); err != nil {
		return err
	}
	resolved, err := a.socket.Option("last_endpoint")
	if err != nil {
		return err
	}
	a.table.add(&peer{endpoint: endpoint, resolved: resolved})
	return nil
}

func (a *agent) disconnect(endpoint string) error {
	p := a.table.all[endpoint]
	if p == nil {
		return zmq.ErrNotFound
	}
	a.drop(p)
	delete(a.table.all, endpoint)
	return a.socket.Disconnect(endpoint)
}

// disconnected works off that a connection is lost.
func (a *agent) disconnected(e zmq.Event) {
	if p := a.table.lost(e); p != nil {
		a.drop(p)
		p.up = false
	}
}
