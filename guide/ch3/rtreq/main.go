// Command rtreq is a ROUTER that gives tasks to REQ workers: whoever asks first, and
// so has been idle for longest, gets the next one.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://127.0.0.1:5671", "endpoint between broker and workers")
	workers := flag.Int("workers", 10, "how many workers")
	shift := flag.Duration("for", 5*time.Second, "when the workers are fired")
	most := flag.Duration("work", 500*time.Millisecond, "the longest time that a task takes")
	flag.Parse()
	if err := run(context.Background(), *endpoint, *workers, *shift, *most); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run is the broker.
func run(ctx context.Context, endpoint string, workers int, shift, most time.Duration) error {
	broker := zmq.NewRouter()
	defer broker.Close()
	if _, err := broker.Bind(endpoint); err != nil {
		return err
	}
	var working sync.WaitGroup
	for n := range workers {
		working.Add(1)
		go work(ctx, endpoint, n+1, most, &working)
	}
	end := time.Now().Add(shift)
	for fired := 0; fired < workers; {
		m, err := broker.Recv(ctx) // of the worker that has waited for longest
		if err != nil {
			return err
		}
		task := "Work harder"
		if time.Now().After(end) {
			task = "Fired!"
			fired++
		}
		if err := broker.Send(ctx, m.Unwrap(), nil, []byte(task)); err != nil {
			return err
		}
	}
	working.Wait()
	return nil
}

// work is a worker: a REQ, which puts the empty frame in front by itself.
func work(ctx context.Context, endpoint string, n int, most time.Duration, working *sync.WaitGroup) {
	defer working.Done()
	s := zmq.NewReq(zmq.WithRoutingID(fmt.Sprintf("worker-%d", n)))
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for total := 0; ; total++ {
		if err := s.Send(ctx, []byte("Hi Boss")); err != nil {
			return
		}
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		if string(m.Frames[len(m.Frames)-1]) == "Fired!" {
			fmt.Printf("worker %d completed %d tasks\n", n, total)
			return
		}
		<-time.After(rand.N(most) + 1)
	}
}
