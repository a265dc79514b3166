package zmq_test

import "testing"

func TestRFC28_DEALER_Unmodified(t *testing.T)            { testUnmodified(t, dealerKind) }
func TestRFC28_DEALER_QueuePerPeer(t *testing.T)          { testQueuePerPeer(t, dealerKind) }
func TestRFC28_DEALER_QueueBeforeConnection(t *testing.T) { testQueueBeforeConnection(t, dealerKind) }
func TestRFC28_DEALER_QueueOutlivesConnection(t *testing.T) {
	testQueueOutlivesConnection(t, dealerKind)
}
func TestRFC28_DEALER_QueueOnAccept(t *testing.T)          { testQueueOnAccept(t, dealerKind) }
func TestRFC28_DEALER_PeerGone(t *testing.T)               { testPeerGone(t, dealerKind) }
func TestRFC28_DEALER_FullPeerNotAvailable(t *testing.T)   { testFullPeerNotAvailable(t, dealerKind) }
func TestRFC28_DEALER_RoundRobin(t *testing.T)             { testRoundRobin(t, dealerKind) }
func TestRFC28_DEALER_BlocksWithoutPeer(t *testing.T)      { testBlocksWithoutPeer(t, dealerKind) }
func TestRFC28_DEALER_AcceptsNothingWhenFull(t *testing.T) { testAcceptsNothingWhenFull(t, dealerKind) }
func TestRFC28_DEALER_KeepsUnsent(t *testing.T)            { testKeepsUnsent(t, dealerKind) }
func TestRFC28_DEALER_FairQueue(t *testing.T)              { testFairQueue(t, dealerKind) }
func TestRFC28_DEALER_Delivers(t *testing.T)               { testDelivers(t, dealerKind) }
