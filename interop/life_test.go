package interop

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// lifeCases are about connections that come, go, and fall silent.
func lifeCases() []testCase {
	return []testCase{
		{"heartbeat/alive", leftWays, heartbeatAlive},
		{"heartbeat/frozen", []way{tcpLeft, tcpRight, ipcLeft}, heartbeatFrozen},
		{"heartbeat/TTL of the frozen", []way{tcpLeft, ipcRight}, heartbeatTTL},
		{"reconnect/the queue survives", leftWays, queueSurvives},
		{"reconnect/half a batch is written", leftWays, halfBatch},
		{"reconnect/half a message is written", leftWays, halfMessage},
		{"reconnect/subscriptions again", allWays, subscriptionsAgain},
		{"reconnect/requests go on", leftWays, requestsGoOn},
		{"linger/nobody there yet", leftWays, lingerForPeer},
		{"linger/slow receiver", allWays, lingerForSlow},
		{"linger/unread replies", allWays, lingerUnread},
		{"linger/none", leftWays, lingerNot},
		{"disconnect", leftWays, disconnect},
		{"unbind", leftWays, unbind},
		{"MAXMSGSIZE", leftWays, maxMessageSize},
		{"endpoint/abstract ipc", oneWay, abstractIPC},
		{"endpoint/IPv6", oneWay, ipv6},
		{"endpoint/in use", oneWay, endpointInUse}, // libzmq takes an ipc path over from whoever has bound it
	}
}

// heartbeatAlive: a peer that answers is not given up.
func heartbeatAlive(r *rig) {
	left := r.socket(r.left, "PAIR", "heartbeat_ivl=20", "heartbeat_timeout=2000")
	right := r.socket(r.right, "PAIR", "heartbeat_ivl=30", "heartbeat_ttl=2000")
	r.link(left, right)
	if frames, err := left.Recv(patience / 50); err != errAgain {
		r.Errorf("heartbeats come to the user: %q, %v", frames, err)
	}
	left.send("still")
	right.want("still")
	right.send("here")
	left.want("here")
	for _, s := range []*sock{left, right} {
		if n, err := s.Count(ended); n > 0 || err != nil {
			r.Errorf("%s has lost %d connections (%v), wants none", s.what, n, err)
		}
	}
}

// heartbeatFrozen: who falls silent is noticed, and welcome when it is back.
func heartbeatFrozen(r *rig) {
	p := r.spawn(r.right)
	left := r.socket(r.left, "DEALER", "heartbeat_ivl=100", "heartbeat_timeout=800", "linger=0")
	right := r.socketOf(p, r.right.name, "DEALER", "linger=0")
	r.link(left, right)
	r.freeze(p, left, 900*time.Millisecond)
	r.back(p, left, right)
}

// heartbeatTTL: who announces how long it may be silent is held to it.
func heartbeatTTL(r *rig) {
	p := r.spawn(r.right)
	left := r.socket(r.left, "DEALER", "linger=0")
	right := r.socketOf(p, r.right.name, "DEALER", "heartbeat_ivl=100", "heartbeat_ttl=900", "linger=0")
	r.link(left, right)
	// The first PING has the TTL; it comes within the interval.
	if _, err := left.Recv(patience / 50); err != errAgain {
		r.Errorf("a PING comes to the user: %v", err)
	}
	r.freeze(p, left, 900*time.Millisecond)
	r.back(p, left, right)
}

// freeze stops a process and waits until s has noticed.
func (r *rig) freeze(p *process, s *sock, after time.Duration) {
	r.Helper()
	if n, err := s.Count(ended); n > 0 || err != nil {
		r.Fatalf("%s has lost %d connections (%v), wants none yet", s.what, n, err)
	}
	begin := time.Now()
	r.ok(p.Freeze())
	s.wait(ended, 1)
	r.Logf("%s noticed after %v, is to after %v", s.what, time.Since(begin), after)
}

// back lets the process go on: both come together again.
func (r *rig) back(p *process, left, right *sock) {
	r.Helper()
	r.ok(p.Thaw())
	right.wait(ended, 1)
	left.wait(peers, 1)
	right.wait(peers, 1)
	left.send("welcome")
	right.want("welcome")
	right.send("thanks")
	left.want("thanks")
}

// queueSurvives: what was sent while the peer was dead comes to its successor.
func queueSurvives(r *rig) {
	p, left := r.spawn(r.right), r.socket(r.left, "PUSH")
	right := r.socketOf(p, r.right.name, "PULL")
	endpoint := right.bind(r.free())
	left.connect(endpoint)
	r.linked(left, right)
	left.send("before")
	right.want("before")
	for round := 1; round <= 3; round++ {
		p.Kill()
		left.wait(ended, round)
		left.sendRun(0, 500, 100)
		p = r.spawn(r.right)
		right = r.socketOf(p, r.right.name, "PULL")
		right.bind(endpoint)
		right.wantRun(0, 500)
	}
}

// halfBatch: a peer that dies under load takes along only what it and the
// kernel had. Its successor gets what follows, and nothing that came before.
func halfBatch(r *rig) {
	const size, rounds, each, lost = 8 << 10, 8, 500, 128
	narrow := []string{"sndbuf=4096", "rcvbuf=4096", "rcvhwm=1"}
	left, endpoint := r.socket(r.left, "PUSH", append(narrow, "sndhwm=0")...), r.later()
	left.connect(endpoint)
	left.sendRun(0, 2*rounds*each, size)
	last := -1
	for round := range rounds {
		p := r.spawn(r.right)
		right := r.socketOf(p, r.right.name, "PULL", narrow...)
		right.bind(endpoint)
		numbers, err := right.RecvRun(patience, each)
		right.fail("receive a run", err)
		if len(numbers) < each {
			r.Fatalf("%s received %d messages of %d", right.what, len(numbers), each)
		}
		if first := int(numbers[0]); first <= last || first > last+lost {
			r.Fatalf("%s received %d first, its predecessor %d last", right.what, first, last)
		}
		last = int(numbers[0]) + each - 1
		if got := int(numbers[each-1]); got != last {
			r.Fatalf("%s received %d messages, of which the last is %d, wants %d", right.what, each, got, last)
		}
		p.Kill()
		left.wait(ended, round+1)
	}
}

// halfMessage: a message that the kernel has not taken whole is not lost.
func halfMessage(r *rig) {
	p, left := r.spawn(r.right), r.socket(r.left, "PUSH", "linger=0")
	right := r.socketOf(p, r.right.name, "PULL")
	endpoint := right.bind(r.free())
	left.connect(endpoint)
	r.linked(left, right)
	r.ok(p.Freeze())
	left.sendRun(0, 3, 10<<20)
	p.Kill()
	left.wait(ended, 1)
	right = r.socketOf(r.spawn(r.right), r.right.name, "PULL")
	right.bind(endpoint)
	first := 0
	if r.left.name == libzmq {
		first = 1 // libzmq's loses it
	}
	right.wantRun(first, 3-first)
}

// subscriptionsAgain: a publisher's successor learns what is wanted.
func subscriptionsAgain(r *rig) {
	sub := r.socket(r.left, "SUB")
	var p *process
	var pub *sock
	restart := func() {
		p = r.spawn(r.right)
		pub = r.socketOf(p, r.right.name, "XPUB")
	}
	restart()
	endpoint := r.link(sub, pub)
	sub.set("subscribe", "a", "b", "cancelled")
	sub.set("unsubscribe", "cancelled")
	pub.skipTo("\x00cancelled")
	for round := 1; round <= 3; round++ {
		pub.send("a", fmt.Sprint(round))
		pub.send("cancelled", "no")
		pub.send("b", fmt.Sprint(round))
		sub.want("a", fmt.Sprint(round))
		sub.want("b", fmt.Sprint(round))
		p.Kill()
		sub.wait(ended, round)
		restart()
		if r.flip {
			pub.bind(endpoint)
		} else {
			pub.connect(endpoint)
		}
		sub.wait(shaken, round+1) // libzmq's subscribes again when it is called
		got := map[string]bool{pub.recv()[0]: true, pub.recv()[0]: true}
		if !got["\x01a"] || !got["\x01b"] {
			r.Fatalf("the new publisher was told %v, wants a and b", got)
		}
		pub.wantNone()
	}
}

// requestsGoOn: a lost answer does not stop a relaxed REQ.
func requestsGoOn(r *rig) {
	p := r.spawn(r.right)
	req, rep := r.socket(r.left, "REQ", "req_relaxed=1", "req_correlate=1"), r.socketOf(p, r.right.name, "REP")
	endpoint := rep.bind(r.free())
	req.connect(endpoint)
	for round := 1; round <= 3; round++ {
		req.send("answered")
		rep.want("answered")
		rep.send("yes")
		req.want("yes")
		req.send("lost")
		rep.want("lost")
		p.Kill()
		req.wait(ended, round)
		p = r.spawn(r.right)
		rep = r.socketOf(p, r.right.name, "REP")
		rep.bind(endpoint)
	}
}

func lingerForPeer(r *rig) {
	left, right, endpoint := r.socket(r.left, "PUSH"), r.socket(r.right, "PULL"), r.later()
	left.connect(endpoint)
	left.sendRun(0, 500, 1000)
	left.fail("close", left.Close(patience))
	right.bind(endpoint)
	right.wantRun(0, 500)
	right.wait(ended, 1)
}

// lingerForSlow: what was sent before the close arrives, however slow the
// receiver is.
func lingerForSlow(r *rig) {
	left, right := r.socket(r.left, "PUSH", withMark("10000")...), r.socket(r.right, "PULL", withMark(r.slowMark())...)
	r.link(left, right)
	left.sendRun(0, more, chunk)
	left.fail("close", left.Close(patience))
	right.wantRun(0, more)
	right.wait(ended, 1)
}

// lingerUnread: nor does it matter that the closing side has not received all
// that was sent to it.
func lingerUnread(r *rig) {
	left, right := r.socket(r.left, "PAIR", withMark("10000", "rcvhwm=1")...), r.socket(r.right, "PAIR", withMark(r.slowMark(), "sndhwm=1000")...)
	r.link(left, right)
	right.sendRun(0, 500, chunk)
	left.sendRun(0, more, chunk)
	left.fail("close", left.Close(patience))
	right.wantRun(0, more)
	right.wait(ended, 1)
}

// slowMark is the high-water mark of a slow receiver. libzmq's, while it is
// full, takes the close of an ipc peer for an error, and drops what the kernel
// has for it.
func (r *rig) slowMark() string {
	if r.right.name == libzmq && r.transport == "ipc" {
		return "0"
	}
	return "10"
}

func lingerNot(r *rig) {
	left, fresh, endpoint := r.socket(r.left, "PUSH", "reconnect_ivl=1000"), r.socket(r.left, "PUSH"), r.later()
	left.connect(endpoint)
	left.sendRun(0, 500, 1000)
	left.fail("close", left.Close(0))
	right := r.socket(r.right, "PULL")
	right.bind(endpoint)
	fresh.connect(endpoint)
	fresh.send("fresh")
	right.want("fresh")
}

func disconnect(r *rig) {
	left, a, b := r.socket(r.left, "PUSH"), r.socket(r.right, "PULL"), r.socket(r.right, "PULL")
	first, second := a.bind(r.free()), b.bind(r.free())
	left.connect(first)
	r.linked(left, a)
	left.sendRun(0, 100, 1000)
	left.fail("disconnect", left.Disconnect(first))
	a.wantRun(0, 100)
	left.connect(second)
	left.sendRun(0, 100, 100)
	b.wantRun(0, 100)
	left.wait(shaken, 2) // libzmq's goes when it is called
	a.wait(ended, 1)
	left.connect(first)
	a.wait(shaken, 2)
}

func unbind(r *rig) {
	left, right := r.socket(r.left, "PULL"), r.socket(r.right, "PUSH", "reconnect_ivl=10")
	endpoint := left.bind(r.free())
	right.connect(endpoint)
	r.linked(left, right)
	right.send("before")
	left.want("before")
	left.fail("unbind", left.Unbind(endpoint))
	successor := r.socket(r.left, "PULL")
	r.bindAgain(successor, endpoint)
	other := r.socket(r.right, "PUSH")
	other.connect(endpoint)
	other.send("to the successor")
	successor.want("to the successor")
}

// bindAgain binds what another socket is about to leave.
func (r *rig) bindAgain(s *sock, endpoint string) {
	r.Helper()
	const tries = 1000
	for i := 0; ; i++ {
		_, err := s.Bind(endpoint)
		if err == nil {
			return
		}
		if i == tries {
			s.fail("bind "+endpoint, err)
		}
		s.Recv(patience / tries) // some time
	}
}

// maxMessageSize: who sends more than is allowed is cut off, and no more.
func maxMessageSize(r *rig) {
	left, right := r.socket(r.left, "PULL", "maxmsgsize=1000"), r.socket(r.right, "PUSH")
	r.link(left, right)
	fits := strings.Repeat("x", 1000)
	right.send(fits)
	right.send("a", fits, "b")
	left.want(fits)
	left.want("a", fits, "b")
	for round, size := range []int{1001, 100_000} {
		right.send(strings.Repeat("y", size))
		left.wait(ended, round+1)
		right.wait(ended, round+1)
		right.wait(peers, 1)
		right.send(fits)
		left.want(fits)
	}
}

func abstractIPC(r *rig) {
	endpoint := fmt.Sprintf("ipc://@zmq-interop-%d", os.Getpid())
	for range 2 { // the name is free again at once
		left, right := r.socket(r.left, "PAIR"), r.socket(r.right, "PAIR")
		r.bindAgain(left, endpoint)
		right.connect(endpoint)
		right.send("abstract")
		left.want("abstract")
		left.send("indeed")
		right.want("indeed")
		left.Close(0)
		left.settle()
	}
}

func ipv6(r *rig) {
	left, right := r.socket(r.left, "PAIR", "ipv6=1"), r.socket(r.right, "PAIR", "ipv6=1")
	endpoint := left.bind("tcp://[::1]:*")
	if !strings.HasPrefix(endpoint, "tcp://[::1]:") {
		r.Errorf("%s is bound to %s", left.what, endpoint)
	}
	right.connect(endpoint)
	right.send("six")
	left.want("six")
	left.send("four and two")
	right.want("four and two")
}

func endpointInUse(r *rig) {
	left, right := r.socket(r.left, "PULL"), r.socket(r.right, "PULL")
	endpoint := left.bind(r.free())
	if _, err := right.Bind(endpoint); err == nil || !strings.Contains(strings.ToLower(err.Error()), "address already in use") {
		r.Errorf("%s binds what is in use: %v", right.what, err)
	}
}
