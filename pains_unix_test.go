//go:build unix

package zmq_test

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestPain06_SignalsAreNoMatter: a storm of signals, as Go's own preemption
// sends them since 1.14, interrupts no call and freezes nothing.
func TestPain06_SignalsAreNoMatter(t *testing.T) {
	leak.Check(t)
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, syscall.SIGUSR1) // without SA_RESTART a call would fail with EINTR
	defer signal.Stop(handled)
	var storm atomic.Int32
	storm.Store(1)
	ended := make(chan int)
	go func() {
		n := 0
		for ; storm.Load() == 1; n++ {
			for _, s := range []syscall.Signal{syscall.SIGURG, syscall.SIGUSR1} {
				_ = syscall.Kill(os.Getpid(), s) // it can't fail
			}
		}
		ended <- n
	}()
	for _, at := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
		req, rep := open(t, zmq.REQ), open(t, zmq.REP)
		connect(t, req, bind(t, rep, at))
		for i := range 1000 {
			say(t, req, fmt.Sprint(i))
			expectHeard(t, rep, fmt.Sprint(i))
			say(t, rep, "yes")
			expectHeard(t, req, "yes")
		}
	}
	storm.Store(0)
	if n := <-ended; n < 100 {
		t.Errorf("there were only %d signals", n)
	}
}
