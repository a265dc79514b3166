package majordomo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// stage drives a machine by hand: what it sends is kept, by identity.
type stage struct {
	t    testing.TB
	m    *machine
	now  time.Time
	sent map[string][][]string
	gone map[string]bool // who has no connection
	full map[string]bool // who does not read
}

func newStage(t testing.TB, cfg BrokerConfig) *stage {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg, err := cfg.filled()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{t: t, now: time.Unix(1e9, 0), sent: map[string][][]string{}, gone: map[string]bool{}, full: map[string]bool{}}
	s.m = newMachine(cfg, func(frames [][]byte) error {
		id := string(frames[0])
		if s.gone[id] {
			return zmq.ErrNoPeer
		}
		if s.full[id] {
			return zmq.ErrAgain
		}
		s.sent[id] = append(s.sent[id], strs(frames[1:]))
		return nil
	}, s.now)
	s.m.unread = func(int) map[string]bool { return s.full }
	return s
}

// after lets time pass in steps of a wait, as the broker does.
func (s *stage) after(d time.Duration) {
	for d > 0 {
		step := min(d, max(s.m.wait(), time.Millisecond))
		s.jump(step)
		d -= step
	}
}

// jump lets the clock jump.
func (s *stage) jump(d time.Duration) {
	s.now = s.now.Add(d)
	s.m.clock(s.now)
	s.m.tick()
	s.check()
}

func (s *stage) from(id string, frames ...string) {
	m := zmq.MsgFromStrings(append([]string{id}, frames...)...)
	s.m.receive(zmq.Peer{}, m.Frames)
	s.check()
}

// got returns what was sent to a peer since the last call, heartbeats left out.
func (s *stage) got(id string) (messages [][]string) {
	for _, f := range s.sent[id] {
		if !isHeartbeat(f) {
			messages = append(messages, f)
		}
	}
	delete(s.sent, id)
	return messages
}

// check holds what is always true.
func (s *stage) check() {
	s.t.Helper()
	if err := s.m.sound(); err != nil {
		s.t.Fatal(err)
	}
}

// sound says which invariant is broken.
func (m *machine) sound() error {
	queued, running, jobsOfClients, offers := 0, 0, 0, 0
	for name, s := range m.services {
		if s.queue.n > 0 && s.waiting.Len() > 0 {
			return fmt.Errorf("%s: %d requests and %d workers wait for each other", name, s.queue.n, s.waiting.Len())
		}
		if s.queue.n == 0 && (s.queue.size != 0 || len(s.queue.lines) != 0 || s.queue.turns.Len() != 0) {
			return fmt.Errorf("%s: an empty queue of %d octets and %d lines", name, s.queue.size, len(s.queue.lines))
		}
		queued += s.queue.n
		if s.workers > 0 {
			offers++
		}
	}
	for id, w := range m.workers {
		if id != string(w.id) || len(w.running) > 0 && len(w.running) > max(w.credit, 1) && w.credit > 0 {
			return fmt.Errorf("worker %x runs %d with credit %d", id, len(w.running), w.credit)
		}
		for i, j := range w.running {
			if j.worker != w || j.at != i || m.jobs[j.number] != j {
				return fmt.Errorf("worker %x: a lost request", id)
			}
		}
		if (w.waiting != nil) != (len(w.running) < w.credit) {
			return fmt.Errorf("worker %x runs %d of %d, waiting %t", id, len(w.running), w.credit, w.waiting != nil)
		}
		running += len(w.running)
	}
	for _, c := range m.clients {
		jobsOfClients += c.jobs
	}
	askers := 0
	for _, j := range m.jobs {
		for _, a := range j.askers {
			if m.clients[string(a.client.id)] != a.client || a.extended && a.client.open[a.number] != j {
				return fmt.Errorf("client %x: a lost asker", a.client.id)
			}
			askers++
		}
	}
	cached := 0
	for _, a := range m.keys {
		cached += a.size
	}
	switch {
	case cached != m.cached || cached > m.cfg.ReplyCacheBytes:
		return fmt.Errorf("%d octets of replies are kept, %d are counted", cached, m.cached)
	case offers != m.offers:
		return fmt.Errorf("%d services have a worker, %d are counted", offers, m.offers)
	case queued != m.queued || queued+running != len(m.jobs):
		return fmt.Errorf("%d queued (%d counted), %d running, %d jobs", queued, m.queued, running, len(m.jobs))
	case m.heard.Len() != len(m.workers) || m.sent.Len() != len(m.workers):
		return errors.New("the lists of workers differ")
	case jobsOfClients != askers:
		return fmt.Errorf("clients wait for %d, jobs have %d askers", jobsOfClients, askers)
	case m.n.workers.Load() != int64(len(m.workers)) || m.n.queued.Load() != int64(queued):
		return errors.New("the counters differ")
	}
	return nil
}

// A clock that jumps kills nobody: not by a leap forward, as after a suspend,
// and not by one back.
func TestClockJumps(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp1.ready("tea")...)
	s.from("c", mdp1.client(request, "tea", "please")...)
	for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour, 365 * 24 * time.Hour} {
		s.jump(jump)
		if len(s.m.workers) != 1 || len(s.m.jobs) != 1 {
			t.Fatalf("a jump of %v: %d workers, %d jobs", jump, len(s.m.workers), len(s.m.jobs))
		}
		s.from("w", mdp1.worker(heartbeat)...)
	}
	s.after(7400 * time.Millisecond)
	if len(s.m.workers) != 1 {
		t.Error("dead too early")
	}
	s.after(200 * time.Millisecond)
	if len(s.m.workers) != 0 {
		t.Error("silence is not noticed after jumps")
	}
}

// A worker whose connection is gone when it is given a request is lost, and the
// request goes on.
func TestConnectionGoneAtDispatch(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	for i := range 50 {
		s.from(fmt.Sprint("w", i), mdp1.ready("tea")...)
		s.gone[fmt.Sprint("w", i)] = i < 49
	}
	s.from("c", mdp1.client(request, "tea", "please")...)
	if got := s.got("w49"); len(got) != 1 || len(s.m.workers) != 1 {
		t.Errorf("%q, %d workers", got, len(s.m.workers))
	}
}

// Requests that come back stand before those that came later, in their order.
func TestRequeuedInOrder(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	for i := range 3 {
		s.from(fmt.Sprint("w", i), mdp1.ready("tea")...)
	}
	for i := range 6 {
		s.from("c", mdp1.client(request, "tea", fmt.Sprint(i))...)
	}
	for i := range 3 {
		s.from(fmt.Sprint("w", 2-i), mdp1.worker(disconnect)...)
	}
	var order []string
	s.from("x", mdp1.ready("tea")...)
	for range 6 {
		request := s.got("x")[0]
		order = append(order, request[5])
		s.from("x", mdp1.worker(final, "c", "", "done")...)
	}
	if want := []string{"0", "1", "2", "3", "4", "5"}; !equal(order, want) {
		t.Errorf("%q, want %q", order, want)
	}
}

// Strangers who say the wrong thing are told once, and the memory of them is
// bounded.
func TestOutcastsAreBounded(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	for i := range maxOutcasts + 10 {
		s.from(fmt.Sprint(i), mdp1.worker(heartbeat)...)
		s.from(fmt.Sprint(i), mdp1.worker(heartbeat)...)
		if got := s.got(fmt.Sprint(i)); len(got) != 1 {
			t.Fatalf("%d: %q", i, got)
		}
	}
	if n := len(s.m.outcasts); n > maxOutcasts {
		t.Errorf("%d outcasts", n)
	}
}

// The log has at most so many warnings a second.
func TestLogIsLimited(t *testing.T) {
	n := &notes{}
	l := limitedLog{log: n.logger()}
	for range 1000 {
		l.warn("rubbish")
	}
	if got := bytes.Count(n.b.Bytes(), []byte("rubbish")); got < warningsPerSecond || got > 5*warningsPerSecond {
		t.Errorf("%d warnings", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, d := range []dialect{mdp1, mdp2} {
		for _, m := range append(d.dropped(), d.ready("tea"), d.worker(request, "c", "", "b"), d.worker(final, "c", "", "b"),
			d.worker(heartbeat), d.worker(disconnect), d.client(request, "tea", "b"), d.client(final, "tea", "b")) {
			f.Add(pack(m))
		}
	}
	t := ticket{number: 7, left: time.Second, key: "k"}
	f.Add(pack([]string{headerClient2, "\x81", "tea", string(t.encode()), "b"}))
	f.Add(pack([]string{headerClient2, "\x85", "tea", string(t.encode())}))
	f.Add(pack([]string{headerWorker2, "\x88"}))
	f.Fuzz(func(t *testing.T, packed []byte) {
		frames := unpack(packed)
		m, err := parse(frames)
		if err != nil {
			if !errors.Is(err, errMalformed) && !errors.Is(err, errForeign) {
				t.Error(err)
			}
			return
		}
		// What was understood says the same when it is written again.
		var again [][]byte
		if m.worker {
			again = m.appendWorker(nil)
		} else {
			again = m.appendClient(nil)
		}
		if !slices.EqualFunc(frames, again, bytes.Equal) {
			t.Errorf("%q became %q", frames, again)
		}
	})
}

// pack and unpack write frames as one text: length (1), frame.
func pack(frames []string) (b []byte) {
	for _, f := range frames {
		b = append(append(b, byte(len(f))), f...)
	}
	return b
}

func unpack(b []byte) (frames [][]byte) {
	for len(b) > 0 {
		n := min(int(b[0]), len(b)-1)
		frames = append(frames, b[1:1+n])
		b = b[1+n:]
	}
	return frames
}

// FuzzMachine plays peers that say anything at any time, and holds the broker's
// invariants. Who sends well-formed requests is never given what is not a reply
// to one of them.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 0, 1, 4, 2, 0, 1, 1, 9, 200})
	f.Add([]byte{0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 9, 255, 9, 255, 9, 255, 9, 255})
	f.Add([]byte{0, 12, 24, 1, 13, 25, 2, 14, 26, 3, 15, 27, 4, 16, 28, 5, 17, 29, 6, 18, 30, 7, 19, 31, 8, 20, 32})
	f.Fuzz(func(t *testing.T, script []byte) {
		s := newStage(t, BrokerConfig{
			MaxServices: 4, MaxWorkers: 4, ClientRequests: 6, ReplyCache: 3 * time.Second, ReplyCacheBytes: 64,
			Limits: Limits{Requests: 5, Bytes: 200, Expiry: 4 * time.Second, Tries: 2},
		})
		for len(script) > 0 && len(script) < 4096 {
			script = s.play(script)
		}
		s.after(time.Minute) // all workers silent, all requests expired
		if n := len(s.m.workers) + len(s.m.jobs) + len(s.m.clients) + len(s.m.services) + len(s.m.keys); n != 0 {
			t.Errorf("%d things are left after a minute of silence", n)
		}
	})
}

// play does one step of a script and returns the rest.
func (s *stage) play(script []byte) (rest []byte) {
	step, rest := script[0], script[1:]
	who := fmt.Sprint("p", step>>5)
	d := dialect(1 + step>>4&1)
	service := []string{"tea", "coffee", "milk", "mmi.service"}[step>>3&3]
	address := fmt.Sprint("p", step>>2&7)
	switch step % 12 {
	case 0:
		s.from(who, d.ready(service)...)
	case 1, 2:
		s.from(who, d.client(request, service, "body")...)
	case 3:
		s.from(who, d.worker(final, address, "", "reply")...)
	case 4:
		s.from(who, mdp2.worker(partial, address, "", "part")...)
	case 5:
		s.from(who, d.worker([]command{heartbeat, disconnect}[step>>4&1])...)
	case 6:
		s.from(who, headerWorker2, "\x88")
	case 7:
		s.gone[who] = !s.gone[who]
	case 8, 9:
		if len(rest) > 0 {
			t := ticket{number: uint64(rest[0] & 7), left: time.Duration(rest[0]>>3&3) * time.Second}
			if rest[0]&64 != 0 {
				t.key = "key"
			}
			s.from(who, headerClient2, []string{"\x81", "\x85"}[step&1], service, string(t.encode()), fmt.Sprint(rest[0]>>7))
			rest = rest[1:]
		}
	case 10:
		if len(rest) > 0 {
			s.jump(time.Duration(int8(rest[0])) * 100 * time.Millisecond)
			rest = rest[1:]
		}
	case 11:
		n := min(len(rest), 40)
		var frames []string
		for _, f := range unpack(rest[:n]) {
			frames = append(frames, string(f))
		}
		s.from(who, frames...)
		rest = rest[n:]
	}
	return rest
}

// A worker that knows tickets gets as many requests as it has credit, answers in
// any order, and each reply finds its request.
func TestCredit(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp2.ready("tea")...)
	s.grant("w", 3)
	for i := range 5 {
		s.from(fmt.Sprint("c", i), mdp1.client(request, "tea", fmt.Sprint(i))...)
	}
	got := s.got("w")
	if len(got) != 3 {
		t.Fatalf("%q", got)
	}
	for i := 2; i >= 0; i-- {
		address, body := got[i][2], got[i][4]
		if n := binary.BigEndian.Uint64([]byte(address)); n != uint64(i+1) {
			t.Errorf("number %d", n)
		}
		s.from("w", mdp2.worker(final, address, "", "reply to", body)...)
		want := mdp1.client(final, "tea", "reply to", fmt.Sprint(i))
		if reply := s.got(fmt.Sprint("c", i)); len(reply) != 1 || !equal(reply[0], want) {
			t.Errorf("%q", reply)
		}
	}
	s.from("w", mdp2.worker(final, got[0][2], "", "once more")...)
	if len(s.m.workers) != 0 {
		t.Error("a second reply is taken")
	}
}

// A worker cannot say that the broker has lost a request.
func TestWorkerSaysUnknown(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp2.ready("tea")...)
	s.grant("w", 1)
	s.from("c", extended1.client(request, "tea", "please")...)
	s.from("w", mdp2.worker(failure, s.got("w")[0][2], "", "410", "no")...)
	if got := s.got("c"); len(got) != 1 || !equal(got[0], extended1.client(failure, "tea", "500", "no")) {
		t.Errorf("%q", got)
	}
}

// numbered is what a client says, and hears, who gives its requests a number.
type numbered struct {
	number uint64
	key    string
}

func (n numbered) client(c command, service string, body ...string) []string {
	m := message{version: Version02, extended: true, command: c, service: service, ticket: ticket{number: n.number, key: n.key}}
	return append(strs(m.appendClient(nil)), body...)
}

// extended1 asks a request without a key.
var extended1 = numbered{number: 1}

// grant makes a worker one that knows tickets, as register reads it from the
// metadata of the connection.
func (s *stage) grant(id string, credit int) {
	w := s.m.workers[id]
	w.extended, w.credit = true, credit
	w.standBy()
}

// After a leap back, silence is noticed as ever.
func TestClockJumpsBack(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp1.ready("tea")...)
	s.jump(-48 * time.Hour)
	s.after(7600 * time.Millisecond)
	if len(s.m.workers) != 0 {
		t.Error("silence is not noticed")
	}
}

// The same for those that one worker had in hand.
func TestRequeuedInOrderFromOneWorker(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp2.ready("tea")...)
	s.grant("w", 3)
	for i := range 4 {
		s.from("c", mdp1.client(request, "tea", fmt.Sprint(i))...)
	}
	s.from("w", mdp2.worker(disconnect)...)
	s.from("x", mdp1.ready("tea")...)
	for i := range 4 {
		if got := s.got("x")[0][5]; got != fmt.Sprint(i) {
			t.Errorf("request %s, want %d", got, i)
		}
		s.from("x", mdp1.worker(final, "c", "", "done")...)
	}
}

// A worker cannot answer what another one has in hand.
func TestTicketOfAnother(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	for _, id := range []string{"w", "thief"} {
		s.from(id, mdp2.ready("tea")...)
		s.grant(id, 3)
	}
	s.from("c", mdp1.client(request, "tea", "please")...)
	address := s.got("w")[0][2]
	s.from("thief", mdp2.worker(final, address, "", "forged")...)
	if got := s.got("thief"); len(got) != 1 || !equal(got[0], mdp2.worker(disconnect)) || len(s.got("c")) != 0 {
		t.Errorf("%q", got)
	}
	s.from("w", mdp2.worker(final, address, "", "true")...)
	if got := s.got("c"); len(got) != 1 || !equal(got[0], mdp1.client(final, "tea", "true")) {
		t.Errorf("%q", got)
	}
}

// Each request waits its own time, however long the service is without a worker.
func TestExpiryIsOfTheRequest(t *testing.T) {
	s := newStage(t, BrokerConfig{Limits: Limits{Expiry: 10 * time.Second}})
	s.from("c", mdp1.client(request, "tea", "first")...)
	s.after(8 * time.Second)
	s.from("c", mdp1.client(request, "tea", "second")...)
	s.after(4 * time.Second)
	if len(s.m.jobs) != 1 {
		t.Errorf("%d requests wait, want the second", len(s.m.jobs))
	}
	s.after(8 * time.Second)
	if len(s.m.jobs) != 0 {
		t.Error("the second waits for ever")
	}
}

// A broker that ends tells its workers.
func TestGoodbye(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	s.from("w", mdp1.ready("tea")...)
	s.m.goodbye()
	if got := s.got("w"); len(got) != 1 || !equal(got[0], mdp1.worker(disconnect)) {
		t.Errorf("%q", got)
	}
}
