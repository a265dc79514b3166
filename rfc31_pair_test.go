package zmq_test

import (
	"testing"

	"github.com/phimq/zmq"
)

func TestRFC31_PAIR_Unmodified(t *testing.T) { testUnmodified(t, pairKind) }

// TestRFC31_PAIR_DoubleQueue: both directions fill and drain apart from each other.
func TestRFC31_PAIR_DoubleQueue(t *testing.T) {
	inBubbles(t, pairKind, func(st *stage) {
		s := st.socket(small...)
		a := st.comes(s, "")
		n := st.fill(s, "")
		for _, m := range oneTwoThree {
			a.say(m...)
		}
		st.recvs(s, oneTwoThree...)
		st.refused(s, "", zmq.ErrAgain) // what came in made no room

		for _, m := range numbers(0, 4) {
			a.say(m...)
		}
		st.hears(a, numbers(0, n)...)
		st.send(s, "", "out")
		st.hears(a, []string{"out"}) // what waits to be received takes no room
		st.recvs(s, numbers(0, 4)...)
	})
}

func TestRFC31_PAIR_QueueBeforeConnection(t *testing.T)   { testQueueBeforeConnection(t, pairKind) }
func TestRFC31_PAIR_QueueOutlivesConnection(t *testing.T) { testQueueOutlivesConnection(t, pairKind) }
func TestRFC31_PAIR_QueueOnAccept(t *testing.T)           { testQueueOnAccept(t, pairKind) }
func TestRFC31_PAIR_PeerGone(t *testing.T)                { testPeerGone(t, pairKind) }
func TestRFC31_PAIR_FullPeerNotAvailable(t *testing.T)    { testFullPeerNotAvailable(t, pairKind) }
func TestRFC31_PAIR_BlocksWithoutPeer(t *testing.T)       { testBlocksWithoutPeer(t, pairKind) }
func TestRFC31_PAIR_AcceptsNothingWhenFull(t *testing.T)  { testAcceptsNothingWhenFull(t, pairKind) }
func TestRFC31_PAIR_KeepsUnsent(t *testing.T)             { testKeepsUnsent(t, pairKind) }

// TestRFC31_PAIR_SinglePeer: a second peer is turned away, and another may come
// when the first has gone.
func TestRFC31_PAIR_SinglePeer(t *testing.T) {
	onLinks(t, pairKind, func(st *stage) {
		s := st.socket()
		first := st.comes(s, "")
		second := st.calls(s, "")
		second.ended()
		st.send(s, "", "to the first")
		st.hears(first, []string{"to the first"})
		says(first, []string{"from the first"})
		st.recvs(s, []string{"from the first"})

		first.leave()
		st.until(s, "the peer is gone", func() bool { return st.hasNone(s) })
		third := st.comes(s, "")
		st.send(s, "", "to the third")
		st.hears(third, []string{"to the third"})
		says(third, []string{"from the third"})
		st.recvs(s, []string{"from the third"})
	})
}

func TestRFC31_PAIR_Delivers(t *testing.T) { testDelivers(t, pairKind) }
