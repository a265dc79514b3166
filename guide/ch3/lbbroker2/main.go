// Command lbbroker2 is lbbroker with the means of a higher level: messages that are
// wrapped and unwrapped whole, and a channel for each socket in place of a poll.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"

	"github.com/phimq/zmq"
)

func main() {
	frontend := flag.String("frontend", "ipc://frontend.ipc", "endpoint of the clients")
	backend := flag.String("backend", "ipc://backend.ipc", "endpoint of the workers")
	clients := flag.Int("clients", 10, "how many clients")
	workers := flag.Int("workers", 3, "how many workers")
	flag.Parse()
	if err := run(context.Background(), *frontend, *backend, *clients, *workers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run starts clients and workers, and is the broker until all clients are served.
func run(ctx context.Context, frontend, backend string, clients, workers int) error {
	front, back := zmq.NewRouter(), zmq.NewRouter()
	defer front.Close()
	defer back.Close()
	if _, err := front.Bind(frontend); err != nil {
		return err
	}
	if _, err := back.Bind(backend); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	var asking, working sync.WaitGroup
	defer working.Wait()
	defer end()
	for range clients {
		asking.Add(1)
		go client(ctx, frontend, &asking)
	}
	for range workers {
		working.Add(1)
		go worker(ctx, backend, &working)
	}
	if err := balance(ctx, front, back, clients); err != nil {
		return err
	}
	asking.Wait()
	return nil
}

// balance gives each request to the worker that has been idle for longest, until so
// many replies have been passed on.
func balance(ctx context.Context, front, back *zmq.Socket, replies int) error {
	requests, answers := front.Chan(ctx), back.Chan(ctx)
	var idle [][]byte // identities of workers, who has waited longest first
	for replies > 0 {
		open := requests
		if len(idle) == 0 {
			open = nil // a nil channel is never ready
		}
		select {
		case m := <-answers:
			idle = append(idle, m.Unwrap())
			if len(m.Frames) == 1 {
				continue // READY
			}
			if err := front.SendMsg(ctx, &m); err != nil {
				return err
			}
			replies--
		case m := <-open:
			m.Wrap(idle[0])
			if err := back.SendMsg(ctx, &m); err != nil {
				return err
			}
			idle = idle[1:]
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// client asks once.
func client(ctx context.Context, endpoint string, asking *sync.WaitGroup) {
	defer asking.Done()
	s := zmq.NewReq()
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	if err := s.Send(ctx, []byte("HELLO")); err != nil {
		return
	}
	if m, err := s.Recv(ctx); err == nil {
		fmt.Printf("Client: %s\n", m.Frames[0])
	}
}

// worker says READY, and then replies to what it gets.
func worker(ctx context.Context, endpoint string, working *sync.WaitGroup) {
	defer working.Done()
	s := zmq.NewReq(zmq.WithLinger(0))
	defer s.Close()
	if err := s.Connect(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	if err := s.Send(ctx, []byte("READY")); err != nil {
		return
	}
	for m, err := range s.Msgs(ctx) { // [client] [] [request]
		if err != nil {
			return
		}
		last := len(m.Frames) - 1
		fmt.Printf("Worker: %s\n", m.Frames[last])
		m.Frames[last] = []byte("OK")
		if err := s.SendMsg(ctx, &m); err != nil {
			return
		}
	}
}
