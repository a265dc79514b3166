package interop

import (
	"slices"
	"strings"
)

// messageCases are messages of every shape.
func messageCases() []testCase {
	return []testCase{
		{"message/1,000 parts", allWays, thousandParts},
		{"message/empty frames", allWays, emptyFrames},
		{"message/sizes", allWays, sizes},
		{"message/100 MB", allWays, hundredMegabytes},
		{"message/100 MB to two", leftWays, hundredMegabytesToTwo},
	}
}

func thousandParts(r *rig) {
	left, right := r.socket(r.left, "DEALER"), r.socket(r.right, "DEALER")
	r.link(left, right)
	parts := make([]string, 1000)
	for i := range parts {
		parts[i] = strings.Repeat("x", i)
	}
	left.send(parts...)
	left.send("next")
	right.want(parts...)
	right.want("next")
	right.send(parts...)
	left.want(parts...)
}

func emptyFrames(r *rig) {
	left, right := r.socket(r.left, "PUSH"), r.socket(r.right, "PULL")
	r.link(left, right)
	messages := [][]string{{""}, {"", ""}, {"", "a"}, {"a", ""}, {"", "", "a", "", ""}, slices.Repeat([]string{""}, 100)}
	for _, m := range messages {
		left.send(m...)
	}
	for _, m := range messages {
		right.want(m...)
	}
}

// sizes are those at which a frame's header changes or a buffer is full.
func sizes(r *rig) {
	left, right := r.socket(r.left, "PAIR"), r.socket(r.right, "PAIR")
	r.link(left, right)
	for _, size := range []int{0, 1, 30, 33, 254, 255, 256, 4095, 4096, 8191, 8192, 8193, 65535, 65536, 262143, 262144, 1 << 20} {
		body := strings.Repeat("0123456789abcde\n", size/16+1)[:size]
		left.send(body)
		left.send("behind", body, "it")
		right.want(body)
		right.want("behind", body, "it")
		right.send(body)
		left.want(body)
	}
}

const megabytes = 100 * 1000 * 1000

func hundredMegabytes(r *rig) {
	left, right := r.socket(r.left, "PUSH", "linger=20000"), r.socket(r.right, "PULL")
	r.link(left, right)
	left.large(right)
}

// large sends a large message and what comes behind it.
func (s *sock) large(to ...*sock) {
	s.r.Helper()
	sum, err := s.SendLarge(patience, megabytes)
	s.fail("send 100 MB", err)
	s.send("behind it")
	for _, t := range to {
		sums, err := t.RecvSums(patience)
		t.fail("receive 100 MB", err)
		if !slices.Equal(sums, []string{sum}) {
			s.r.Fatalf("%s: received %q, wants %q", t.what, sums, sum)
		}
		t.want("behind it")
	}
}

func hundredMegabytesToTwo(r *rig) {
	pub := r.socket(r.left, "PUB")
	a, b := r.socket(r.right, "SUB"), r.socket(r.right, "SUB")
	for _, sub := range []*sock{a, b} {
		r.link(pub, sub)
		sub.set("subscribe", "")
		flow(pub, sub, "")
		if sub == b { // a has got b's probes as well
			a.skipTo("!")
		}
	}
	pub.large(a, b)
}

// skipTo drops what comes before a message, and the message.
func (s *sock) skipTo(first string) {
	s.r.Helper()
	for m := s.recv(); m[0] != first; m = s.recv() {
	}
}
