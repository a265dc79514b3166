// Command lbbroker3 is lbbroker by the queue of package pirate, which does the work
// when something happens. Its clients ask each second, until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/pirate"
)

func main() {
	frontend := flag.String("frontend", "ipc://frontend.ipc", "endpoint of the clients")
	backend := flag.String("backend", "ipc://backend.ipc", "endpoint of the workers")
	clients := flag.Int("clients", 10, "how many clients")
	workers := flag.Int("workers", 3, "how many workers")
	every := flag.Duration("every", time.Second, "how often a client asks")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *frontend, *backend, *clients, *workers, *every); !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run starts clients and workers, and is the broker until ctx ends.
func run(ctx context.Context, frontend, backend string, clients, workers int, every time.Duration) error {
	front, back := zmq.NewRouter(zmq.WithLinger(0)), zmq.NewRouter(zmq.WithLinger(0))
	defer front.Close()
	defer back.Close()
	if _, err := front.Bind(frontend); err != nil {
		return err
	}
	if _, err := back.Bind(backend); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	for range clients {
		running.Add(1)
		go client(ctx, frontend, every, &running)
	}
	for range workers {
		running.Add(1)
		go worker(ctx, backend, &running)
	}
	queue := &pirate.Queue{Clients: front, Workers: back}
	return queue.Run(ctx)
}

// client asks again and again.
func client(ctx context.Context, endpoint string, every time.Duration, running *sync.WaitGroup) {
	defer running.Done()
	s := zmq.NewReq(zmq.WithLinger(0))
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for {
		if err := s.Send(ctx, []byte("HELLO")); err != nil {
			return
		}
		m, err := s.Recv(ctx)
		if err != nil {
			return
		}
		fmt.Printf("Client: %s\n", m.Frames[0])
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

// worker says READY, and then replies to what it gets.
func worker(ctx context.Context, endpoint string, running *sync.WaitGroup) {
	defer running.Done()
	w := &pirate.Worker{Endpoint: endpoint, Simple: true, Handler: handle}
	if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
	}
}

// handle carries out a request.
func handle(_ context.Context, m zmq.Msg) (zmq.Msg, error) {
	fmt.Printf("Worker: %s\n", m.Frames[0])
	return zmq.MsgFromStrings("OK"), nil
}
