// Command asyncsrv is an asynchronous server: clients ask without waiting, and get
// any number of replies at any time. The server deals the requests out to workers,
// each of which does one at a time.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://127.0.0.1:5570", "endpoint of the server")
	clients := flag.Int("clients", 3, "how many clients")
	workers := flag.Int("workers", 5, "how many workers the server has")
	every := flag.Duration("every", time.Second, "how often a client asks, and the longest time to a reply")
	whole := flag.Duration("for", 5*time.Second, "how long it all lasts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *whole)
	defer cancel()
	var running sync.WaitGroup
	defer running.Wait()
	for n := range *clients {
		running.Add(1)
		go client(ctx, *endpoint, n+1, *every, &running)
	}
	if err := serve(ctx, *endpoint, *workers, *every, &running); ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// client asks once a second, and prints the replies as they come.
func client(ctx context.Context, endpoint string, n int, every time.Duration, running *sync.WaitGroup) {
	defer running.Done()
	s := zmq.NewDealer(zmq.WithRoutingID(fmt.Sprintf("client-%d", n)), zmq.WithLinger(0))
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	replies, ticks := s.Chan(ctx), time.NewTicker(every)
	defer ticks.Stop()
	for request := 1; ; {
		select {
		case m, ok := <-replies:
			if !ok {
				return
			}
			fmt.Printf("client %d: reply to %s\n", n, m.Frames[len(m.Frames)-1])
		case <-ticks.C:
			if err := s.Send(ctx, fmt.Appendf(nil, "request %d", request)); err != nil {
				return
			}
			request++
		}
	}
}

// serve is the server: a ROUTER in front, and behind a DEALER that deals out.
func serve(ctx context.Context, endpoint string, workers int, every time.Duration, running *sync.WaitGroup) error {
	front, back := zmq.NewRouter(zmq.WithLinger(0)), zmq.NewDealer(zmq.WithLinger(0))
	defer front.Close()
	defer back.Close()
	if _, err := front.Bind(endpoint); err != nil {
		return err
	}
	if _, err := back.Bind("inproc://backend"); err != nil {
		return err
	}
	for range workers {
		running.Add(1)
		go work(ctx, every, running)
	}
	return zmq.Proxy(ctx, front, back)
}

// work gives none to four replies to each request, at random times.
func work(ctx context.Context, every time.Duration, running *sync.WaitGroup) {
	defer running.Done()
	s := zmq.NewDealer(zmq.WithLinger(0))
	defer s.Close()
	if err := s.Connect("inproc://backend"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for m, err := range s.Msgs(ctx) { // [client] [request]
		if err != nil {
			return
		}
		for range rand.N(5) {
			select {
			case <-time.After(rand.N(every) + 1):
			case <-ctx.Done():
				return
			}
			if err := s.Send(ctx, m.Frames...); err != nil {
				return
			}
		}
	}
}
