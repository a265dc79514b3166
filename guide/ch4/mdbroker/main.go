// Command mdbroker is the Majordomo broker: it queues requests by service and
// gives each to the worker that has waited longest.
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
	bind := flag.String("bind", "tcp://*:5555", "where clients and workers connect")
	heartbeat := flag.Duration("heartbeat", 2500*time.Millisecond, "interval of heartbeats")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bind, *heartbeat); err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func run(ctx context.Context, bind string, heartbeat time.Duration) error {
	broker, err := majordomo.NewBroker(majordomo.BrokerConfig{Heartbeat: heartbeat, Logger: slog.Default()})
	if err != nil {
		return err
	}
	defer broker.Close()
	bound, err := broker.Bind(bind)
	if err != nil {
		return err
	}
	fmt.Println("broker is active at", bound.Endpoint())
	return broker.Serve(ctx)
}
