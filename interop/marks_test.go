package interop

import (
	"slices"
	"strings"
	"time"
)

// markCases are about high-water marks: what a sender does whose receiver is
// slower than it, or not there.
func markCases() []testCase {
	return []testCase{
		{"HWM/PUSH to nobody", leftWays, func(r *rig) { markWithoutPeer(r, "PUSH", "PULL") }},
		{"HWM/DEALER to nobody", leftWays, func(r *rig) { markWithoutPeer(r, "DEALER", "DEALER") }},
		{"HWM/none", leftWays, noMark},
		{"HWM/PUSH blocks", allWays, func(r *rig) { blocks(r, "PUSH", "PULL") }},
		{"HWM/DEALER blocks", allWays, func(r *rig) { blocks(r, "DEALER", "DEALER") }},
		{"HWM/PAIR blocks", allWays, func(r *rig) { blocks(r, "PAIR", "PAIR") }},
		{"HWM/ROUTER_MANDATORY blocks", allWays, func(r *rig) { blocks(r, "ROUTER", "DEALER", "router_mandatory=1") }},
		{"HWM/XPUB_NODROP blocks", allWays, func(r *rig) { blocks(r, "XPUB", "SUB", "xpub_nodrop=1") }},
		{"HWM/PUSH floods", allWays, func(r *rig) { floods(r, "PUSH", "PULL") }},
		{"HWM/DEALER floods", allWays, func(r *rig) { floods(r, "DEALER", "ROUTER") }},
		{"HWM/ROUTER drops", allWays, routerDrops},
		{"HWM/PUB drops for the slow", allWays, pubDrops},
		{"CONFLATE/sender", leftWays, conflatingSender},
		{"CONFLATE/receiver", allWays, conflatingReceiver},
		{"IMMEDIATE", leftWays, immediate},
		{"not IMMEDIATE", leftWays, notImmediate},
	}
}

// small are buffers that leave the work to the queues.
var small = []string{"sndbuf=65536", "rcvbuf=65536"}

func withMark(mark string, options ...string) []string {
	return slices.Concat(small, []string{"sndhwm=" + mark, "rcvhwm=" + mark}, options)
}

const (
	chunk = 16 << 10 // octets of a message that fills buffers
	more  = 2000     // of them do not fit into any
)

func markWithoutPeer(r *rig, from, to string) {
	left, endpoint := r.socket(r.left, from, "sndhwm=10"), r.later()
	left.connect(endpoint)
	sent, err := left.SendRun(0, 0, 100, 100)
	left.fail("send a run", err)
	if sent != 10 {
		r.Errorf("%s took %d messages, wants 10", left.what, sent)
	}
	right := r.socket(r.right, to)
	right.bind(endpoint)
	right.wantRun(0, sent)
}

func noMark(r *rig) {
	left, endpoint := r.socket(r.left, "PUSH", "sndhwm=0"), r.later()
	left.connect(endpoint)
	sent, err := left.SendRun(0, 0, 20000, 100)
	left.fail("send a run", err)
	if sent != 20000 {
		r.Errorf("%s took %d messages, wants 20000", left.what, sent)
	}
	right := r.socket(r.right, "PULL", "rcvhwm=0")
	right.bind(endpoint)
	right.wantRun(0, sent)
}

// to is what goes before a message from s.
func (s *sock) to(peer *sock) []string {
	if s.kind == "ROUTER" {
		return []string{peer.id}
	}
	return nil
}

// blocks: the sender waits, and nothing is lost or out of order.
func blocks(r *rig, from, to string, options ...string) {
	left, right := r.socket(r.left, from, withMark("10", options...)...), r.named(r.right, to, "right", withMark("10")...)
	r.link(left, right)
	if to == "SUB" {
		right.subscribe(left, "")
	}
	sent, err := left.SendRun(patience/100, 0, more, chunk, octets(left.to(right))...)
	left.fail("send a run", err)
	if sent == more {
		r.Fatalf("%s sent %d messages to one who does not receive, wants that it waits", left.what, sent)
	}
	if err := left.Send(0, octets(append(left.to(right), "one more"))...); err != errAgain {
		r.Errorf("%s, with full queues: %v, wants %v", left.what, err, errAgain)
	}
	right.wantRun(0, sent)
	left.sendRun(sent, 10, chunk, left.to(right)...)
	right.wantRun(sent, 10)
}

// floods: both work at once, through narrow queues.
func floods(r *rig, from, to string) {
	left, right := r.socket(r.left, from, withMark("10")...), r.socket(r.right, to, withMark("10")...)
	r.link(left, right)
	const n = 5000
	result := make(chan error, 1)
	go func() {
		sent, err := left.SendRun(patience, 0, n, 200)
		if err == nil && sent < n {
			err = errAgain
		}
		result <- err
	}()
	right.wantRun(0, n)
	left.fail("send a run", <-result)
}

// routerDrops: a ROUTER does not wait for a peer that does not receive.
func routerDrops(r *rig) {
	left, right := r.socket(r.left, "ROUTER", withMark("100")...), r.named(r.right, "DEALER", "right", withMark("100")...)
	r.link(left, right)
	left.sendRun(0, more, chunk, "right")
	right.wantSome(more)
	left.until(right, "right")
}

// pubDrops: who is slow loses messages, who is not gets all.
func pubDrops(r *rig) {
	// libzmq's sender learns only every millisecond what was received.
	pub := r.socket(r.left, "XPUB", withMark("1000")...)
	slow, fast := r.socket(r.right, "SUB", withMark("100")...), r.socket(r.right, "SUB", "rcvhwm=0")
	for i, sub := range []*sock{slow, fast} {
		r.link(pub, sub)
		sub.set("subscribe", "", strings.Repeat("own", i+1))
		pub.skipTo("\x01" + strings.Repeat("own", i+1))
	}
	for first := 0; first < more; first += 20 {
		pub.sendRun(first, 20, chunk)
		fast.wantRun(first, 20)
	}
	slow.wantSome(more)
	pub.until(slow)
}

// wantSome receives what was not dropped: less than n, in order, each once.
func (s *sock) wantSome(n int) {
	s.r.Helper()
	numbers, err := s.RecvRun(patience/40, n)
	s.fail("receive a run", err)
	if len(numbers) == 0 || len(numbers) == n {
		s.r.Errorf("%s: received %d messages of %d, wants some", s.what, len(numbers), n)
	}
	for i := 1; i < len(numbers); i++ {
		if numbers[i] <= numbers[i-1] {
			s.r.Fatalf("%s: received %d after %d", s.what, numbers[i], numbers[i-1])
		}
	}
}

// until sends one number until it arrives: the road is free again.
func (s *sock) until(to *sock, prefix ...string) {
	s.r.Helper()
	const mark, tries = 1 << 40, 1000
	for range tries {
		s.sendRun(mark, 1, 8, prefix...)
		numbers, err := to.RecvRun(patience/tries, 1)
		to.fail("receive", err)
		if len(numbers) > 0 && numbers[0] == mark {
			return
		}
	}
	s.r.Fatalf("%s does not get through to %s any more", s.what, to.what)
}

func conflatingSender(r *rig) {
	left, right, endpoint := r.socket(r.left, "PUSH", "conflate=1"), r.socket(r.right, "PULL"), r.later()
	left.connect(endpoint)
	for _, body := range []string{"1", "2", "3"} {
		left.send(body)
	}
	right.bind(endpoint)
	right.want("3")
	left.send("4")
	right.want("4")
}

func conflatingReceiver(r *rig) {
	left, right := r.socket(r.left, "PUSH"), r.socket(r.right, "PULL", "conflate=1")
	r.link(left, right)
	left.sendRun(0, 1000, 8)
	for last, end := -1, time.Now().Add(patience); last < 999; {
		numbers, err := right.RecvRun(patience/100, 1)
		right.fail("receive", err)
		if len(numbers) == 0 && time.Now().After(end) {
			r.Fatalf("the last message was %d, wants 999", last)
		}
		for _, n := range numbers {
			if int(n) <= last {
				r.Fatalf("received %d after %d", n, last)
			}
			last = int(n)
		}
	}
	left.send("next")
	right.want("next")
}

// immediate: nothing is queued for who is not connected.
func immediate(r *rig) {
	left, right, endpoint := r.socket(r.left, "PUSH", "immediate=1"), r.socket(r.right, "PULL"), r.later()
	left.connect(endpoint)
	if err := left.trySend("nobody is there"); err != errAgain {
		r.Errorf("%s sends to nobody: %v, wants %v", left.what, err, errAgain)
	}
	r.link(left, right)
	left.sendRun(0, 100, 8)
	right.wantRun(0, 100)
	late := r.socket(r.right, "PULL")
	late.bind(endpoint)
	r.linked(left, late)
	left.sendRun(0, 2, 8)
	for _, s := range []*sock{right, late} {
		if numbers, err := s.RecvRun(patience, 1); err != nil || len(numbers) != 1 || numbers[0] > 1 {
			r.Errorf("%s received %v, %v", s.what, numbers, err)
		}
	}
}

// notImmediate: a share is queued for who is not connected yet.
func notImmediate(r *rig) {
	left, right, endpoint := r.socket(r.left, "PUSH"), r.socket(r.right, "PULL"), r.later()
	left.connect(endpoint)
	r.link(left, right)
	left.sendRun(0, 100, 8)
	late := r.socket(r.right, "PULL")
	late.bind(endpoint)
	var all []uint64
	for _, s := range []*sock{right, late} {
		numbers, err := s.RecvRun(patience, 50)
		s.fail("receive a run", err)
		if !slices.IsSorted(numbers) {
			r.Errorf("%s received %v", s.what, numbers)
		}
		all = append(all, numbers...)
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 100 {
		r.Errorf("received %v", all)
	}
}
