// Command mdworker is a Majordomo worker that offers the service echo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/phimq/zmq/reliable/majordomo"
)

func main() {
	endpoint := flag.String("connect", "tcp://localhost:5555", "the broker")
	service := flag.String("service", "echo", "the service to offer")
	heartbeat := flag.Duration("heartbeat", 2500*time.Millisecond, "interval of heartbeats")
	old := flag.Bool("mdp1", false, "speak MDP 0.1, as brokers of RFC 7 want")
	verbose := flag.Bool("verbose", false, "print each request")
	flag.Parse()
	cfg := majordomo.WorkerConfig{Heartbeat: *heartbeat, Logger: slog.Default()}
	if *old {
		cfg.Version = majordomo.Version01
	}
	worker, err := majordomo.NewWorker(*service, majordomo.HandlerFunc(func(_ context.Context, r *majordomo.Request) error {
		if *verbose {
			fmt.Printf("request: %s\n", r.Frames)
		}
		return r.Reply(r.Frames...) // echo is complex
	}), cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := worker.Serve(ctx, *endpoint); !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}
