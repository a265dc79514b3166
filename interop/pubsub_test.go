package interop

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// pubsubCases are about subscriptions.
func pubsubCases() []testCase {
	return []testCase{
		{"topics/10,000", allWays, tenThousandTopics},
		{"topics/prefixes", allWays, prefixes},
		{"topics/counted", allWays, countedTopics},
		{"topics/cancelled by death", leftWays, cancelledByDeath},
		{"XPUB_VERBOSE", allWays, xpubVerbose},
		{"XPUB_VERBOSER", allWays, xpubVerboser},
		{"XPUB_MANUAL", allWays, xpubManual},
		{"XPUB_WELCOME_MSG", allWays, xpubWelcome},
		{"INVERT_MATCHING", allWays, invertMatching},
		{"XSUB speaks upstream", allWays, upstream},
		{"proxy/PUB-XSUB-XPUB-XSUB-XPUB-SUB", allWays, forwarderChain},
	}
}

func topicName(i int) string { return fmt.Sprintf("topic.%05d.", i) }

func tenThousandTopics(r *rig) {
	pub, sub := r.socket(r.left, "PUB", "sndhwm=0"), r.socket(r.right, "SUB", "rcvhwm=0", "sndhwm=0") // libzmq's SUB drops subscriptions beyond SNDHWM
	r.link(pub, sub)
	var even []string
	for i := 0; i < 20000; i += 2 {
		even = append(even, topicName(i))
	}
	sub.set("subscribe", even...)
	flow(pub, sub, even[len(even)-1])
	random := rand.New(rand.NewPCG(1, 2))
	var wanted []string
	for range 1000 {
		i := random.IntN(20000)
		pub.send(topicName(i)+"x", "body")
		if i%2 == 0 {
			wanted = append(wanted, topicName(i)+"x")
		}
	}
	for _, topic := range wanted {
		sub.want(topic, "body")
	}
	sub.set("unsubscribe", even...)
	sub.set("subscribe", "end")
	flow(pub, sub, "end")
	for i := range 100 {
		pub.send(topicName(2*i), "cancelled")
	}
	pub.send("end.")
	sub.want("end.")
}

func prefixes(r *rig) {
	xpub, xsub := r.socket(r.left, "XPUB"), r.socket(r.right, "XSUB")
	r.link(xpub, xsub)
	for _, topic := range []string{"", "a", "ab", "\x00\xff"} {
		xsub.subscribe(xpub, topic)
		for _, first := range []string{"", "a", "ab", "abc", "b", "\x00", "\x00\xff\x00"} {
			if len(first) >= len(topic) && first[:len(topic)] == topic {
				xpub.send(first, "matches")
				xsub.want(first, "matches")
			} else {
				xpub.send(first, "no match")
			}
		}
		xsub.unsubscribe(xpub, topic)
	}
}

// countedTopics: two subscriptions need two cancellations.
func countedTopics(r *rig) {
	pub, sub := r.socket(r.left, "XPUB"), r.socket(r.right, "SUB")
	r.link(pub, sub)
	sub.set("subscribe", "twice", "twice")
	pub.want("\x01twice")
	sub.set("unsubscribe", "twice")
	sub.set("subscribe", "mark1")
	pub.want("\x01mark1") // no cancellation came before it
	pub.send("twice", "once more")
	sub.want("twice", "once more")
	sub.set("unsubscribe", "twice")
	pub.want("\x00twice")
	pub.send("twice", "no more")
	pub.send("mark1")
	sub.want("mark1")
}

// cancelledByDeath: who goes is unsubscribed by its publisher.
func cancelledByDeath(r *rig) {
	pub, a, b := r.socket(r.left, "XPUB"), r.socket(r.right, "SUB"), r.socket(r.right, "SUB")
	r.link(pub, a)
	r.link(pub, b)
	a.subscribe(pub, "both")
	b.set("subscribe", "both", "b's")
	pub.want("\x01b's")
	a.subscribe(pub, "a's")
	a.Close(0)
	pub.want("\x00a's")
	b.Close(0)
	got := []string{pub.recv()[0], pub.recv()[0]}
	slices.Sort(got)
	if !slices.Equal(got, []string{"\x00b's", "\x00both"}) {
		r.Errorf("received %q", got)
	}
}

func xpubVerbose(r *rig) {
	pub, a, b := r.socket(r.left, "XPUB", "xpub_verbose=1"), r.socket(r.right, "SUB"), r.socket(r.right, "SUB")
	r.link(pub, a)
	r.link(pub, b)
	a.set("subscribe", "topic")
	pub.want("\x01topic")
	b.set("subscribe", "topic")
	pub.want("\x01topic")
	a.set("unsubscribe", "topic") // only the last one is told
	b.set("unsubscribe", "topic")
	pub.want("\x00topic")
	pub.wantNone()
}

func xpubVerboser(r *rig) {
	pub, a, b := r.socket(r.left, "XPUB", "xpub_verboser=1"), r.socket(r.right, "SUB"), r.socket(r.right, "SUB")
	r.link(pub, a)
	r.link(pub, b)
	for _, s := range []*sock{a, b} {
		s.set("subscribe", "topic")
		pub.want("\x01topic")
	}
	for _, s := range []*sock{a, b} {
		s.set("unsubscribe", "topic")
		pub.want("\x00topic")
	}
}

// xpubManual: the application gives each peer what it likes.
func xpubManual(r *rig) {
	pub, a, b := r.socket(r.left, "XPUB", "xpub_manual=1"), r.socket(r.right, "XSUB"), r.socket(r.right, "XSUB")
	r.link(pub, a)
	r.link(pub, b)
	a.send("\x01A")
	pub.want("\x01A")
	pub.set("subscribe", "for a")
	b.send("\x01A")
	pub.want("\x01A")
	pub.set("subscribe", "for b")
	pub.send("A", "nobody's")
	pub.send("for a", "1")
	pub.send("for b", "2")
	a.want("for a", "1")
	b.want("for b", "2")
	a.send("\x00A")
	pub.want("\x00A")
	pub.set("unsubscribe", "for a")
	pub.send("for a", "nobody's")
	pub.send("for b", "3")
	b.want("for b", "3")
	a.send("\x01B")
	pub.want("\x01B")
	pub.set("subscribe", "")
	pub.send("x", "4")
	a.want("x", "4")
}

func xpubWelcome(r *rig) {
	pub := r.socket(r.left, "XPUB", "xpub_welcome_msg=WELCOME")
	sub, deaf := r.socket(r.right, "SUB"), r.socket(r.right, "SUB")
	sub.set("subscribe", "W")
	deaf.set("subscribe", "topic")
	r.link(pub, sub)
	sub.want("WELCOME")
	pub.want("\x01W")
	r.link(pub, deaf)
	pub.want("\x01topic")
	pub.send("topic", "first")
	deaf.want("topic", "first")
	pub.set("xpub_welcome_msg", "")
	late := r.socket(r.right, "SUB")
	late.set("subscribe", "W")
	r.link(pub, late)
	flow(pub, late, "W")
}

func invertMatching(r *rig) {
	pub, sub := r.socket(r.left, "XPUB", "invert_matching=1"), r.socket(r.right, "SUB", "invert_matching=1")
	r.link(pub, sub)
	sub.subscribe(pub, "no")
	pub.send("not this")
	pub.send("yes", "this")
	sub.want("yes", "this")
}

func upstream(r *rig) {
	pub, sub := r.socket(r.left, "XPUB"), r.socket(r.right, "XSUB")
	r.link(pub, sub)
	sub.send("hello", "publisher")
	pub.want("hello", "publisher")
	sub.send("\x02 is no subscription")
	pub.want("\x02 is no subscription")
	sub.send("")
	pub.want("")
}

func forwarderChain(r *rig) {
	pub, front := r.socket(r.left, "PUB", "sndhwm=0"), r.socket(r.right, "XSUB", "rcvhwm=0")
	back, front2 := r.socket(r.right, "XPUB", "sndhwm=0"), r.socket(r.left, "XSUB", "rcvhwm=0")
	back2, sub := r.socket(r.left, "XPUB", "sndhwm=0"), r.socket(r.right, "SUB", "rcvhwm=0")
	r.link(pub, front)
	r.link(front2, back)
	r.link(back2, sub)
	r.proxy(r.right, front, back)
	r.proxy(r.left, front2, back2)
	sub.set("subscribe", "topic")
	flow(pub, sub, "topic")
	pub.send("other")
	pub.sendRun(0, 1000, 100, "topic")
	sub.wantRun(0, 1000)
	sub.set("unsubscribe", "topic")
	sub.set("subscribe", "end")
	flow(pub, sub, "end")
	pub.send("topic", "cancelled")
	pub.send("end.")
	sub.want("end.")
}
