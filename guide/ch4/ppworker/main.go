// Command ppworker is the Paranoid Pirate worker: it exchanges heartbeats with its
// queue and looks for it again when it is silent. It echoes requests, and, after the
// first few, sometimes is slow or ends without a reply.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/pirate"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://localhost:5556", "endpoint of the queue")
	work := flag.Duration("work", time.Second, "how long a request takes")
	slow := flag.Int("slow", 0, "the request that takes three seconds longer; 0: one in five after the third, -1: none")
	crash := flag.Int("crash", 0, "the request at which the worker ends; 0: one in five after the third, -1: none")
	interval := flag.Duration("interval", time.Second, "how often heartbeats are sent and wanted")
	quiet := flag.Bool("quiet", false, "no heartbeats while it works, for the queue of the book")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	name := fmt.Sprintf("%04X-%04X", rand.N(0x10000), rand.N(0x10000)) // makes tracing easier
	requests := 0
	worker := &pirate.Worker{
		Endpoint: *endpoint,
		Quiet:    *quiet,
		Interval: *interval,
		Options:  []zmq.Option{zmq.WithRoutingID(name)},
		Logger:   slog.New(slog.NewTextHandler(os.Stdout, nil)),
		Handler: func(ctx context.Context, m zmq.Msg) (zmq.Msg, error) {
			requests++
			switch {
			case happens(*crash, requests):
				fmt.Println("simulating a crash")
				os.Exit(0)
			case happens(*slow, requests):
				fmt.Println("simulating CPU overload")
				pause(ctx, 3*time.Second)
			}
			pause(ctx, *work)
			fmt.Println("normal reply")
			return m, nil
		},
	}
	fmt.Println("worker", name)
	fmt.Println(worker.Run(ctx))
}

// happens tells whether a fault strikes a request.
func happens(at, request int) bool {
	return at == request || at == 0 && request > 3 && rand.N(5) == 0
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
