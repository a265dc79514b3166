package zmq_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// TestKernelSpinFair: a connection that always finds something when it looks does not
// keep others of its process waiting for long, with one processor or with more.
func TestKernelSpinFair(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		childEchoes()
		return
	}
	leak.Check(t)
	child := exec.Command(os.Args[0], "-test.run=^TestKernelSpinFair$")
	child.Env = append(os.Environ(), childVariable+"=1")
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stop, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	lines := bufio.NewScanner(out)
	var asks [2]func(context.Context) error
	for i := range asks {
		if !lines.Scan() {
			t.Fatalf("the child says nothing: %v", lines.Err())
		}
		asks[i] = asker(t, lines.Text())
	}
	ctx, cancel := context.WithCancel(t.Context())
	var busy atomic.Int64
	ended, rested := make(chan error, 1), make(chan struct{})
	go func() {
		for {
			if err := asks[0](ctx); err != nil {
				ended <- err
				return
			}
			if busy.Add(1)%20 == 0 {
				select {
				case rested <- struct{}{}: // the other connection's reader sleeps by now
				default:
				}
			}
		}
	}()
	const rounds, most, exceptions = 500, 300, 100
	starved := 0
	for range rounds {
		<-rested
		before := busy.Load()
		if err := asks[1](ctx); err != nil {
			t.Fatal(err)
		}
		if busy.Load()-before > most {
			starved++
		}
	}
	if starved > exceptions {
		t.Errorf("%d times of %d one connection had one round trip while another one had more than %d", starved, rounds, most)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_ = stop.Close()
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}

// asker returns what makes one round trip to an endpoint.
func asker(t *testing.T, endpoint string) func(ctx context.Context) error {
	t.Helper()
	req := open(t, zmq.REQ)
	connect(t, req, endpoint)
	return func(ctx context.Context) error {
		if err := req.Send(ctx, []byte("?")); err != nil {
			return err
		}
		_, err := req.Recv(ctx)
		return err
	}
}

// childEchoes answers on two endpoints until its input ends.
func childEchoes() {
	for range 2 {
		s := zmq.NewRep()
		b, err := s.Bind("tcp://127.0.0.1:*")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go func() {
			for m, err := range s.Msgs(context.Background()) {
				if err != nil || s.Send(context.Background(), m.Frames...) != nil {
					return
				}
			}
		}()
		fmt.Println(b.Endpoint())
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}
