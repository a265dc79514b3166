package zmq_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
)

// What RFC 28 to 31 say of queues, for all types that have them.

// small gives the socket small queues, so that a test can fill them.
var small = []zmq.Option{zmq.WithSendHWM(4), zmq.WithRecvHWM(4)}

// oneTwoThree are some messages.
var oneTwoThree = [][]string{{"one"}, {"two"}, {"three"}}

func says(f far, messages ...[]string) {
	for _, m := range messages {
		f.say(m...)
	}
	f.arrived()
}

// testQueuePerPeer: a peer that is slow does not take the room of another.
func testQueuePerPeer(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		s := st.socket(small...)
		a, b := st.comes(s, "a"), st.comes(s, "b")
		if k.sends {
			st.outQueuePerPeer(s, a, b)
		}
		if k.receives {
			// Three of each are more than one queue of four would hold.
			says(a, oneTwoThree...)
			says(b, oneTwoThree...)
			for range 2 * len(oneTwoThree) {
				st.recv(s)
			}
		}
	})
}

func (st *stage) outQueuePerPeer(s *zmq.Socket, a, b far) {
	st.Helper()
	n := st.fillAll(s)
	atB := len(b.rest())
	st.isRoom("the queue to one peer", atB)
	again := st.fill(s, "b")
	st.isRoom("the same beside a full one", again)
	if got := len(b.rest()); got != again {
		st.Fatalf("of %d messages %d were delivered", again, got)
	}
	st.isRoom("the full one", n-atB)
	if got := len(a.rest()); got != n-atB {
		st.Fatalf("of %d messages in the full one %d were delivered", n-atB, got)
	}
}

// isRoom wants n to be what fits into a small queue. On inproc the marks of
// both ends add up. A connection has what it is about to write beside the queue.
func (st *stage) isRoom(what string, n int) {
	st.Helper()
	if n > 8 || n < 4 || n < 8 && st.link == "inproc" {
		st.Fatalf("%s takes %d messages", what, n)
	}
}

// fillAll fills the queues to the peers a and b.
func (st *stage) fillAll(s *zmq.Socket) int {
	st.Helper()
	n := st.fill(s, "a")
	if st.names {
		n += st.fill(s, "b")
	}
	return n
}

// testQueueBeforeConnection: the queue is there before the peer is.
func testQueueBeforeConnection(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		s := st.socket(small...)
		appear := st.reaches(s, "a")
		if k.sends {
			if n := st.fill(s, "a"); n != 4 {
				st.Fatalf("before the connection %d messages are taken, wants 4", n)
			}
		}
		a := appear()
		if k.sends {
			st.hears(a, numbers(0, 4)...)
		}
		if k.receives {
			says(a, oneTwoThree...)
			st.recvs(s, oneTwoThree...)
		}
	})
}

// testQueueOutlivesConnection: what is queued, and what the lost connection has
// not delivered, is there for the next one.
func testQueueOutlivesConnection(t *testing.T, k kind) {
	inBubble(t, k, "pipe", func(st *stage) {
		s := st.socket()
		a := st.comes(s, "a")
		if k.receives {
			says(a, oneTwoThree...)
		}
		if k.sends {
			for _, m := range numbers(0, 3) {
				st.send(s, "a", m...)
			}
		}
		synctest.Wait()
		a.leave()
		synctest.Wait()
		if s.Peers() != 0 {
			st.Fatal("the connection is not lost")
		}
		if k.sends {
			for _, m := range numbers(3, 5) {
				if err := st.try(s, "a", m...); err != nil {
					st.Fatal("without a connection: ", err)
				}
			}
		}
		again := st.accepts("a")
		if k.sends {
			if got := again.rest(); !slices.EqualFunc(got, numbers(0, 5), slices.Equal) {
				st.Fatalf("the next connection got %q", got)
			}
		}
		if k.receives {
			says(again, []string{"four"})
			st.recvs(s, append(oneTwoThree[:3:3], []string{"four"})...)
		}
	})
}

// testQueueOnAccept: there is a queue for a peer when it has come, and not before.
func testQueueOnAccept(t *testing.T, k kind) {
	onLinks(t, k, func(st *stage) {
		s := st.socket(small...)
		st.bind(s)
		switch {
		case k.drops:
			st.send(s, "a", "dropped")
		case k.sends:
			st.refused(s, "a", st.noPeer())
		}
		a := st.comes(s, "a")
		if k.sends {
			for _, m := range numbers(0, 4) {
				if err := st.try(s, "a", m...); err != nil {
					st.Fatal(err)
				}
			}
			st.hears(a, numbers(0, 4)...)
		}
		if k.receives {
			says(a, oneTwoThree...)
			st.recvs(s, oneTwoThree...)
		}
	})
}

// noPeer is what TrySend returns without a peer.
func (st *stage) noPeer() error {
	if st.names {
		return zmq.ErrNoPeer
	}
	return zmq.ErrAgain
}

// testPeerGone: a peer that had come takes its queue along, and with it what it
// did not read. What has come in from it stays, but for a message in part.
func testPeerGone(t *testing.T, k kind) {
	onLinks(t, k, func(st *stage) {
		s := st.socket(zmq.WithSendBuffer(4096))
		a := st.comes(s, "a")
		if k.receives {
			says(a, oneTwoThree...)
		}
		if k.sends {
			// 12 MB are more than kernels keep, and 200 messages no full queue.
			for range 200 {
				if err := st.try(s, "a", strings.Repeat("unread", 10_000)); err != nil {
					st.Fatal(err)
				}
			}
		}
		if raw, ok := a.(*rawFar); ok {
			raw.tears("a frame", "and another")
		} else {
			a.leave()
		}
		st.until(s, "the peer is gone", func() bool { return st.hasNone(s) })
		if k.receives {
			st.recvs(s, oneTwoThree...)
		}
		b := st.comes(s, "a")
		if k.sends {
			st.send(s, "a", "fresh")
			st.send(s, "a", "and last")
			st.hears(b, []string{"fresh"}, []string{"and last"})
		}
		if k.receives {
			says(b, []string{"four"})
			st.recvs(s, []string{"four"})
			expectNone(st, s)
		}
	})
}

// hasNone reports whether the socket has no peer, and no queue to one.
func (st *stage) hasNone(s *zmq.Socket) bool {
	switch {
	case s.Peers() > 0:
		return false
	case st.names:
		return errors.Is(st.try(s, "a", "dropped"), zmq.ErrNoPeer)
	case st.typ == zmq.PUB || st.typ == zmq.XPUB:
		over, cancel := context.WithCancel(context.Background())
		cancel()
		return s.WaitSubscribers(over, "", 1) != nil
	case st.sends && !st.drops:
		return !st.canSend(s)
	}
	return true
}

// testFairQueue: it receives from each peer in turn.
func testFairQueue(t *testing.T, k kind) {
	onLinks(t, k, func(st *stage) {
		const each = 4
		s := st.socket()
		names := []string{"a", "b", "c"}
		for _, name := range names {
			f := st.comes(s, name)
			for i := range each {
				f.say(name, strconv.Itoa(i))
			}
			f.arrived()
		}
		for i := range each {
			var came []string
			for range names {
				_, m := st.recv(s)
				came = append(came, m[0])
				st.same(m[1:], []string{strconv.Itoa(i)})
				if k.byTurns {
					st.send(s, "", "reply")
				}
			}
			slices.Sort(came)
			st.same(came, names)
		}
	})
}

// testUnmodified: messages of all shapes pass as they are.
func testUnmodified(t *testing.T, k kind) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	large := strings.Repeat("0123456789abcdef", 1<<16)
	messages := [][]string{
		{""}, {"", ""}, {"a", ""}, {"", "a"}, {"", "", "a", "", ""}, {string(every)}, {string(every[1:])},
		{large}, {"head", large, "", large[:70_000], "tail"}, slices.Repeat([]string{"many", ""}, 1000), {"\x00"}, {"\x01", "\x00"},
	}
	onLinks(t, k, func(st *stage) {
		s := st.socket()
		a := st.comes(s, "a")
		for _, m := range messages {
			if k.isTopic(m) {
				continue
			}
			if k.receives {
				a.say(m...)
				st.recvs(s, m)
			}
			if k.sends {
				st.send(s, "a", m...)
				st.hears(a, m)
			}
			if !k.sends || k.byTurns {
				continue
			}
			give := zmq.MsgFromStrings(m...)
			if err := s.SendMsg(soon(st), &give); err != nil {
				st.Fatal(err)
			}
			st.hears(a, m)
		}
	})
}

// isTopic reports whether a message is a subscription, or the end of one.
func (k kind) isTopic(m []string) bool {
	return (k.typ == zmq.XSUB && k.sends || k.typ == zmq.XPUB && k.receives) &&
		len(m) == 1 && m[0] != "" && m[0][0] <= 1
}

// testDelivers: what comes in can be had in every way to receive, in order.
func testDelivers(t *testing.T, k kind) {
	onLinks(t, k, func(st *stage) {
		s := st.socket()
		a := st.comes(s, "a")
		says(a, numbers(0, 8)...)
		wants := func(m zmq.Msg, err error, want int) {
			st.Helper()
			if err != nil {
				st.Fatal(err)
			}
			_, got := st.parted(m)
			st.same(got, []string{strconv.Itoa(want)})
		}
		m, err := s.Recv(soon(st))
		wants(m, err, 0)
		m, err = s.TryRecv()
		wants(m, err, 1)
		for i := range 2 {
			err = s.RecvInto(soon(st), &m)
			wants(m, err, 2+i)
		}
		n := 4
		for m, err := range s.Msgs(soon(st)) {
			wants(m, err, n)
			if n++; n == 8 {
				break
			}
		}
		expectNone(st, s)
	})
}
