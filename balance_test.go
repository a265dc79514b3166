package zmq_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/phimq/zmq"
)

// What RFC 28, 30 and 31 say of sending by turns and of waiting, for all types
// that do so.

// testFullPeerNotAvailable: a full peer is left out until it has room.
func testFullPeerNotAvailable(t *testing.T, k kind) {
	t.Run("alone", func(t *testing.T) {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(small...)
			a := st.comes(s, "a")
			n := st.fill(s, "a")
			if st.canSend(s) {
				st.Fatal("Ready says that a message would be taken")
			}
			if got := a.rest(); len(got) != n {
				st.Fatalf("%d messages came, wants %d", len(got), n)
			}
			if !st.canSend(s) {
				st.Fatal("Ready says that no message would be taken")
			}
			st.isRoom("the queue", n)
			st.isRoom("the queue that has room again", st.fill(s, "a"))
		})
	})
	if k.typ == zmq.PAIR {
		return
	}
	t.Run("beside another", func(t *testing.T) {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(small...)
			a, b := st.comes(s, "a"), st.comes(s, "b")
			const n = 100
			atB := 0
			for i := range n {
				if err := st.try(s, "", strconv.Itoa(i)); err != nil {
					st.Fatalf("message %d, while one of two peers reads: %v", i, err)
				}
				atB += len(b.rest())
			}
			atA := len(a.rest())
			st.isRoom("the peer that does not read", atA)
			if atA+atB != n {
				st.Fatalf("of %d messages %d came to one peer and %d to the other", n, atA, atB)
			}
		})
	})
}

// testRoundRobin: messages go to the peers in turn.
func testRoundRobin(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		s := st.socket()
		fars := []far{st.comes(s, "a"), st.comes(s, "b"), st.comes(s, "c")}
		var order []int
		for i := range 4 * len(fars) {
			st.send(s, "", strconv.Itoa(i))
			at, m := st.taker(fars)
			st.same(m, []string{strconv.Itoa(i)})
			order = append(order, at)
			if k.byTurns {
				fars[at].say("reply")
				st.recvs(s, []string{"reply"})
			}
		}
		round := order[:len(fars)]
		if sorted := slices.Sorted(slices.Values(round)); !slices.Equal(sorted, []int{0, 1, 2}) || !slices.Equal(order, slices.Repeat(round, 4)) {
			st.Fatalf("the peers were sent to in the order %v", order)
		}
	})
}

// testBlocksWithoutPeer: without a peer Send waits and TrySend fails.
func testBlocksWithoutPeer(t *testing.T, k kind) {
	t.Run("bound", func(t *testing.T) {
		inBubble(t, k, "inproc", func(st *stage) {
			s := st.socket()
			st.bind(s)
			st.blocks(s)
		})
	})
	t.Run("immediate", func(t *testing.T) {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(zmq.WithImmediate(true))
			appear := st.reaches(s, "")
			st.blocks(s)
			late := st.beside(s, "", "late")
			late.waits()
			st.hears(appear(), []string{"late"})
			late.returns(nil)
		})
	})
}

// blocks wants that the socket takes no message: neither at once nor by waiting.
func (st *stage) blocks(s *zmq.Socket) {
	st.Helper()
	st.refused(s, "a", zmq.ErrAgain)
	if st.canSend(s) {
		st.Fatal("Ready says that a message would be taken")
	}
	c := st.beside(s, "a", "refused")
	c.waits()
	c.cancel()
	c.returns(context.Canceled)
	if err := s.Set(zmq.WithSendTimeout(time.Second)); err != nil {
		st.Fatal(err)
	}
	st.beside(s, "a", "refused").returns(zmq.ErrTimeout)
	if err := s.Set(zmq.WithSendTimeout(-1)); err != nil {
		st.Fatal(err)
	}
}

// testAcceptsNothingWhenFull: of what is refused nothing is kept, and nothing
// of what was taken before is lost.
func testAcceptsNothingWhenFull(t *testing.T, k kind) {
	inBubbles(t, k, func(st *stage) {
		s := st.socket(small...)
		a := st.comes(s, "a")
		n := st.fill(s, "a")
		st.blocks(s)
		if got := a.rest(); !slices.EqualFunc(got, numbers(0, n), slices.Equal) {
			st.Fatalf("%d messages were taken, and these came: %q", n, got)
		}
	})
}

// testKeepsUnsent: a Send that waits is not lost.
func testKeepsUnsent(t *testing.T, k kind) {
	t.Run("without a peer", func(t *testing.T) {
		inBubbles(t, k, func(st *stage) {
			s := st.socket()
			early := st.beside(s, "a", "early")
			early.waits()
			st.hears(st.comes(s, "a"), []string{"early"})
			early.returns(nil)
		})
	})
	if k.byTurns {
		return
	}
	t.Run("full", func(t *testing.T) {
		inBubbles(t, k, func(st *stage) {
			s := st.socket(small...)
			a := st.comes(s, "a")
			n := st.fill(s, "a")
			var late []*call
			for range 10 {
				c := st.beside(s, "a", "late")
				c.waits()
				late = append(late, c)
			}
			want := append(numbers(0, n), slices.Repeat([][]string{{"late"}}, len(late))...)
			if got := a.rest(); !slices.EqualFunc(got, want, slices.Equal) {
				st.Fatalf("these came: %q", got)
			}
			for _, c := range late {
				c.returns(nil)
			}
		})
	})
}
