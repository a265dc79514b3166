package interop

import "slices"

// legal has each socket type and those that it talks to. RFC 37 "The
// Socket-Type Property".
var legal = map[string][]string{
	"PAIR": {"PAIR"}, "PUSH": {"PULL"}, "PULL": {"PUSH"},
	"PUB": {"SUB", "XSUB"}, "XPUB": {"SUB", "XSUB"}, "SUB": {"PUB", "XPUB"}, "XSUB": {"PUB", "XPUB"},
	"REQ": {"REP", "ROUTER"}, "REP": {"REQ", "DEALER"},
	"DEALER": {"REP", "DEALER", "ROUTER"}, "ROUTER": {"REQ", "DEALER", "ROUTER"},
}

var socketTypes = []string{"PAIR", "PUSH", "PULL", "PUB", "XPUB", "SUB", "XSUB", "REQ", "REP", "DEALER", "ROUTER"}

// pairCases are all pairs of socket types: the legal ones talk, the illegal
// ones do not even finish the handshake.
func pairCases() (cases []testCase) {
	for _, left := range socketTypes {
		for _, right := range socketTypes {
			if slices.Contains(legal[left], right) {
				cases = append(cases, testCase{"legal/" + left + "-" + right, allWays, func(r *rig) { legalPair(r, left, right) }})
			} else {
				cases = append(cases, testCase{"illegal/" + left + "-" + right, []way{tcpLeft, ipcLeft}, func(r *rig) { illegalPair(r, left, right) }})
			}
		}
	}
	return cases
}

func legalPair(r *rig, leftType, rightType string) {
	left, right := r.named(r.left, leftType, "left"), r.named(r.right, rightType, "right")
	r.link(left, right)
	first, second := left, right
	if slices.Contains([]string{"REQ", "PUSH", "SUB", "XSUB"}, rightType) || leftType == "REP" {
		first, second = right, left
	}
	for range 3 {
		switch first.kind {
		case "PUSH":
			first.send("job", "body")
			second.want("job", "body")
		case "SUB", "XSUB":
			follow(first, second)
		default:
			first.send(first.facing(second, "question", "1")...)
			second.want(second.facing(first, "question", "1")...)
			second.send(second.facing(first, "answer", "2")...)
			first.want(first.facing(second, "answer", "2")...)
		}
	}
}

// facing is a message as a socket sends it to its peer or receives it from it.
func (s *sock) facing(to *sock, body ...string) []string {
	switch {
	case s.kind == "ROUTER" && to.kind == "REQ":
		return append([]string{to.id, ""}, body...)
	case s.kind == "ROUTER":
		return append([]string{to.id}, body...)
	case s.kind == "DEALER" && to.kind == "REP":
		return append([]string{""}, body...)
	}
	return body
}

// follow subscribes, gets what it asked for, and cancels.
func follow(sub, pub *sock) {
	sub.subscribe(pub, "topic")
	flow(pub, sub, "topic")
	pub.send("other", "not this")
	pub.send("topic.a", "this")
	sub.want("topic.a", "this")

	sub.unsubscribe(pub, "topic")
	sub.subscribe(pub, "end")
	flow(pub, sub, "end")
	pub.send("topic.a", "no more")
	pub.send("end.", "that's all")
	sub.want("end.", "that's all")
	sub.unsubscribe(pub, "end")
}

// subscribe subscribes as the socket's type does it. An XPUB is told.
func (s *sock) subscribe(pub *sock, topic string) {
	s.r.Helper()
	s.topic(pub, "\x01", "subscribe", topic)
}

func (s *sock) unsubscribe(pub *sock, topic string) {
	s.r.Helper()
	s.topic(pub, "\x00", "unsubscribe", topic)
}

func (s *sock) topic(pub *sock, octet, option, topic string) {
	s.r.Helper()
	if s.kind == "XSUB" {
		s.send(octet + topic)
	} else {
		s.set(option, topic)
	}
	if pub.kind == "XPUB" {
		pub.want(octet + topic)
	}
}

// flow waits until what pub sends with a topic comes to sub: a PUB does not
// say who has subscribed.
func flow(pub, sub *sock, topic string) {
	sub.r.Helper()
	probe, begin := topic+"?", topic+"!"
	const tries = 1000
	for i := 0; ; i++ {
		pub.send(probe)
		frames, err := sub.Recv(patience / tries)
		if err == nil && string(frames[0]) == probe {
			break
		}
		if err == nil {
			sub.r.Fatalf("%s: received %.80q, wants a probe", sub.what, texts(frames))
		}
		if err != errAgain || i == tries {
			sub.fail("wait for the first message with topic "+topic, err)
		}
	}
	pub.send(begin)
	for m := sub.recv(); m[0] != begin; m = sub.recv() {
		if m[0] != probe {
			sub.r.Fatalf("%s: received %.80q, wants a probe", sub.what, m)
		}
	}
}

func illegalPair(r *rig, leftType, rightType string) {
	left, right := r.socket(r.left, leftType), r.socket(r.right, rightType)
	for _, s := range []*sock{left, right} {
		if s.kind == "SUB" {
			s.set("subscribe", "")
		}
	}
	right.connect(left.bind(r.free()))
	left.wait(ended, 1)
	right.wait(ended, 1)
	for _, s := range []*sock{left, right} {
		n, err := s.Count(shaken)
		s.fail("count", err)
		if n > 0 {
			r.Errorf("%s has done the handshake %d times, wants never", s.what, n)
		}
	}
	stray(left, right)
	stray(right, left)
}

// stray sees that nothing crosses.
func stray(from, to *sock) {
	from.Send(0, []byte("stray"), []byte("stray")) // fails or not, by the type
	if frames, err := to.Recv(0); err == nil {
		from.r.Errorf("%s received %q from %s", to.what, texts(frames), from.what)
	}
}
