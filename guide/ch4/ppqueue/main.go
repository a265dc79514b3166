// Command ppqueue is the Paranoid Pirate queue: a load balancer that exchanges
// heartbeats with its workers, and strikes off those that are silent.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/pirate"
)

func main() {
	frontend := flag.String("frontend", "tcp://*:5555", "endpoint to bind for clients")
	backend := flag.String("backend", "tcp://*:5556", "endpoint to bind for workers")
	interval := flag.Duration("interval", time.Second, "how often heartbeats are sent and wanted")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	queue := &pirate.Queue{
		Clients:  bind(*frontend),
		Workers:  bind(*backend),
		Interval: *interval,
		Logger:   slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	defer queue.Clients.Close()
	defer queue.Workers.Close()
	fmt.Println("ready")
	err := queue.Run(ctx)
	fmt.Println(err)
	fmt.Printf("%+v\n", queue.Stats())
}

// bind makes a ROUTER at an endpoint.
func bind(endpoint string) *zmq.Socket {
	s := zmq.NewRouter(zmq.WithLinger(0))
	if _, err := s.Bind(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return s
}
