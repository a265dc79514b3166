package zmq_test

import (
	"bytes"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// slowly is a connection that takes 64 KiB a tenth of a second.
type slowly struct{ net.Conn }

func (s slowly) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		piece := b[:min(len(b), 64<<10)]
		<-time.After(100 * time.Millisecond)
		m, err := s.Conn.Write(piece)
		n += m
		if err != nil {
			return n, err
		}
		b = b[len(piece):]
	}
	return n, nil
}

// TestHeartbeatDuringLargeMessage: a message that takes longer than the
// heartbeat timeout to write arrives: the peer reads all the time, and can't
// answer a PING that waits behind it.
func TestHeartbeatDuringLargeMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		push := open(t, zmq.PUSH, zmq.WithHeartbeat(time.Second))
		pull := open(t, zmq.PULL)
		met := make(chan error, 1)
		go func() { met <- pull.Attach(t.Context(), far, zmq.Connected) }()
		if err := push.Attach(t.Context(), slowly{near}, zmq.Accepted); err != nil {
			t.Fatal(err)
		}
		if err := <-met; err != nil {
			t.Fatal(err)
		}
		large := bytes.Repeat([]byte("x"), 4<<20) // 6.4 seconds
		if err := push.Send(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		m, err := pull.Recv(soon(t))
		if err != nil || len(m.Frames[0]) != len(large) {
			t.Errorf("%.20s, %v", m, err)
		}
	})
}
