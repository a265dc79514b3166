package zmq_test

import (
	"sync"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestPairToPushNeighbour: on inproc a PAIR may be joined with a PUSH, which works
// off at once what a peer sends, under its own locks and then the sender's. Both
// send at the same time, and nobody waits for ever.
func TestPairToPushNeighbour(t *testing.T) {
	leak.Check(t)
	d := zmq.WithDomain(zmq.NewDomain())
	pair, push := open(t, zmq.PAIR, d), open(t, zmq.PUSH, d)
	if _, err := pair.Bind("inproc://a"); err != nil {
		t.Fatal(err)
	}
	if err := push.Connect("inproc://a"); err != nil {
		t.Fatal(err)
	}
	const count = 20_000
	var busy sync.WaitGroup
	busy.Go(func() {
		for range count {
			_ = pair.TrySend([]byte("not wanted")) // dropped, or no room for a moment
		}
	})
	busy.Go(func() {
		for range count {
			if err := push.Send(soon(t), []byte("x")); err != nil {
				t.Error(err)
				return
			}
		}
	})
	ctx := soon(t)
	for i := range count {
		if _, err := pair.Recv(ctx); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	busy.Wait()
}
