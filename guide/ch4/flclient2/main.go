// Command flclient2 is the Freelance client of model two: it sends every request to
// every server and takes the reply that comes first. It measures the round trip.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/phimq/zmq/reliable/freelance"
)

func main() {
	count := flag.Int("count", 10_000, "how many requests")
	timeout := flag.Duration("timeout", 2500*time.Millisecond, "how long a request waits")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "flclient2 [flags] ENDPOINT...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := freelance.NewShotgun(freelance.ShotgunConfig{Timeout: *timeout})
	if err != nil {
		fatal(err)
	}
	defer client.Close()
	for _, endpoint := range flag.Args() {
		if err := client.Connect(endpoint); err != nil {
			fatal(err)
		}
	}
	begin := time.Now()
	for range *count {
		if _, err := client.Request(ctx, []byte("random name")); err != nil {
			fatal(err)
		}
	}
	fmt.Println("average round trip:", time.Since(begin)/time.Duration(*count))
}

func fatal(err error) {
	fmt.Println("name service not available:", err)
	os.Exit(1)
}
