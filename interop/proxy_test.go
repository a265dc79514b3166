package interop

import (
	"encoding/binary"
	"strings"
)

// proxyCases steer a proxy of the right side by its control socket: both
// implementations have to do the same, and to count the same.
func proxyCases() []testCase {
	return []testCase{
		{"proxy/control of a streamer", allWays, streamerControl},
		{"proxy/control of a queue", allWays, queueControl},
		{"proxy/statistics under load", leftWays, statisticsUnderLoad},
	}
}

// counters are what STATISTICS is answered by: messages and octets received at
// the front, sent at the front, received at the back, sent at the back.
type counters [8]uint64

// A steered proxy.
type steered struct {
	r    *rig
	wire *sock // the other end of its control socket
	stop func() error
}

func (r *rig) steer(front, back *sock) *steered {
	r.Helper()
	control, far := r.socket(r.right, "PAIR"), r.socket(r.left, "PAIR")
	r.link(far, control)
	stop, err := r.right.shared.Proxy(front.peer, back.peer, control.peer)
	r.ok(err)
	return &steered{r, far, stop}
}

// statistics asks for the counters. When they come, all commands before are
// done.
func (p *steered) statistics() (c counters) {
	p.r.Helper()
	p.wire.send("STATISTICS")
	frames := p.wire.recv()
	if len(frames) != len(c) || len(strings.Join(frames, "")) != 8*len(c) {
		p.r.Fatalf("STATISTICS is answered by %q", frames)
	}
	for i, f := range frames {
		c[i] = binary.NativeEndian.Uint64([]byte(f))
	}
	return c
}

func (p *steered) counted(when string, want counters) {
	p.r.Helper()
	if got := p.statistics(); got != want {
		p.r.Fatalf("%s: the counters are %d, want %d", when, got, want)
	}
}

// terminate ends the proxy.
func (p *steered) terminate() {
	p.r.Helper()
	p.wire.send("TERMINATE")
	p.r.ok(p.stop())
}

// streamer is a proxy from a PUSH to a PULL.
func (r *rig) streamer(options ...string) (from, to *sock, p *steered) {
	from, front := r.socket(r.left, "PUSH", options...), r.socket(r.right, "PULL", options...)
	to, back := r.socket(r.left, "PULL", options...), r.socket(r.right, "PUSH", options...)
	r.link(from, front)
	r.link(to, back)
	return from, to, r.steer(front, back)
}

func streamerControl(r *rig) {
	const size = 1 + 2 + 100 // of three frames
	from, to, p := r.streamer()
	p.counted("at first", counters{})
	from.sendRun(0, 500, 100, "a", "bc")
	to.wantRun(0, 500)
	all := counters{500, 500 * size, 0, 0, 0, 0, 500, 500 * size}
	p.counted("after 500 messages of three frames", all)

	p.wire.send("PAUSE")
	p.counted("paused", all)
	from.sendRun(500, 100, 100, "a", "bc")
	to.nothing()
	p.counted("with messages before it", all)
	p.wire.send("PAUSE")
	p.counted("paused twice", all)
	to.nothing()

	p.wire.send("RESUME")
	to.wantRun(500, 100)
	all = counters{600, 600 * size, 0, 0, 0, 0, 600, 600 * size}
	p.counted("resumed", all)
	p.wire.send("PAUSE")
	p.counted("paused again", all)
	p.terminate()
	from.send("late")
	to.nothing()
}

// nothing comes, though there was time for it.
func (s *sock) nothing() {
	s.r.Helper()
	if frames, err := s.Recv(patience / 100); err == nil {
		s.r.Fatalf("%s: received %.200q, wants nothing", s.what, texts(frames))
	} else if err != errAgain {
		s.fail("recv", err)
	}
}

func queueControl(r *rig) {
	req, front := r.named(r.left, "REQ", "q"), r.socket(r.right, "ROUTER")
	rep, back := r.socket(r.left, "REP"), r.socket(r.right, "DEALER")
	r.link(req, front)
	r.link(rep, back)
	p := r.steer(front, back)
	const n, asked, answered = 50, 1 + 0 + 3, 1 + 0 + 7 // identity, delimiter, body
	for range n {
		req.send("ask")
		rep.want("ask")
		rep.send("answer!")
		req.want("answer!")
	}
	p.counted("after 50 round trips", counters{n, n * asked, n, n * answered, n, n * answered, n, n * asked})
	p.wire.send("PAUSE")
	p.statistics()
	req.send("ask")
	rep.nothing()
	p.wire.send("RESUME")
	rep.want("ask")
	rep.send("answer!")
	req.want("answer!")
	p.terminate()
}

// statisticsUnderLoad: at each moment the counters fit each other, they never
// go back, and in the end nothing is missing.
func statisticsUnderLoad(r *rig) {
	const n, size = 20_000, 2 + 30
	from, to, p := r.streamer("sndhwm=0", "rcvhwm=0")
	from.sendRun(0, n, 30, "ab")
	var last counters
	for last[6] < n {
		c := p.statistics()
		if c[0] < c[6] || c[0] < last[0] || c[6] < last[6] || c[1] != size*c[0] || c[7] != size*c[6] || c[2]+c[3]+c[4]+c[5] != 0 {
			r.Fatalf("the counters are %d after %d", c, last)
		}
		last = c
	}
	to.wantRun(0, n)
	p.counted("when all is there", counters{n, n * size, 0, 0, 0, 0, n, n * size})
	p.terminate()
}
