package zmq_test

import (
	"context"
	"errors"
	"testing"

	"github.com/phimq/zmq"
)

func TestRFC30_PUSH_OnlySends(t *testing.T) {
	onLinks(t, pushKind, func(st *stage) {
		s := st.socket()
		st.comes(s, "")
		_, err := s.Recv(soon(st))
		_, errTry := s.TryRecv()
		for _, err := range []error{err, errTry, s.RecvInto(context.Background(), new(zmq.Msg))} {
			if !errors.Is(err, zmq.ErrNotSupported) {
				st.Errorf("to receive is %v, wants %v", err, zmq.ErrNotSupported)
			}
		}
		if s.Ready()&zmq.CanRecv != 0 {
			st.Error("Ready says that it can receive")
		}
	})
}

func TestRFC30_PUSH_Unmodified(t *testing.T)              { testUnmodified(t, pushKind) }
func TestRFC30_PUSH_QueuePerPeer(t *testing.T)            { testQueuePerPeer(t, pushKind) }
func TestRFC30_PUSH_QueueBeforeConnection(t *testing.T)   { testQueueBeforeConnection(t, pushKind) }
func TestRFC30_PUSH_QueueOutlivesConnection(t *testing.T) { testQueueOutlivesConnection(t, pushKind) }
func TestRFC30_PUSH_QueueOnAccept(t *testing.T)           { testQueueOnAccept(t, pushKind) }
func TestRFC30_PUSH_PeerGone(t *testing.T)                { testPeerGone(t, pushKind) }
func TestRFC30_PUSH_FullPeerNotAvailable(t *testing.T)    { testFullPeerNotAvailable(t, pushKind) }
func TestRFC30_PUSH_RoundRobin(t *testing.T)              { testRoundRobin(t, pushKind) }
func TestRFC30_PUSH_BlocksWithoutPeer(t *testing.T)       { testBlocksWithoutPeer(t, pushKind) }
func TestRFC30_PUSH_AcceptsNothingWhenFull(t *testing.T)  { testAcceptsNothingWhenFull(t, pushKind) }
func TestRFC30_PUSH_KeepsUnsent(t *testing.T)             { testKeepsUnsent(t, pushKind) }
