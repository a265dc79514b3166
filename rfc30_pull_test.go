package zmq_test

import (
	"errors"
	"testing"

	"github.com/phimq/zmq"
)

func TestRFC30_PULL_OnlyReceives(t *testing.T) {
	onLinks(t, pullKind, func(st *stage) {
		s := st.socket()
		st.comes(s, "")
		m := zmq.MsgFromStrings("no")
		for _, err := range []error{s.Send(soon(st), []byte("no")), s.TrySend([]byte("no")), s.SendMsg(soon(st), &m)} {
			if !errors.Is(err, zmq.ErrNotSupported) {
				st.Errorf("to send is %v, wants %v", err, zmq.ErrNotSupported)
			}
		}
		if st.canSend(s) {
			st.Error("Ready says that it can send")
		}
	})
}

func TestRFC30_PULL_Unmodified(t *testing.T)              { testUnmodified(t, pullKind) }
func TestRFC30_PULL_QueuePerPeer(t *testing.T)            { testQueuePerPeer(t, pullKind) }
func TestRFC30_PULL_QueueBeforeConnection(t *testing.T)   { testQueueBeforeConnection(t, pullKind) }
func TestRFC30_PULL_QueueOutlivesConnection(t *testing.T) { testQueueOutlivesConnection(t, pullKind) }
func TestRFC30_PULL_QueueOnAccept(t *testing.T)           { testQueueOnAccept(t, pullKind) }
func TestRFC30_PULL_PeerGone(t *testing.T)                { testPeerGone(t, pullKind) }
func TestRFC30_PULL_FairQueue(t *testing.T)               { testFairQueue(t, pullKind) }
func TestRFC30_PULL_Delivers(t *testing.T)                { testDelivers(t, pullKind) }
