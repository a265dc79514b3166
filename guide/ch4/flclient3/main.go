// Command flclient3 is the Freelance client of model three, RFC 10: it knows which of
// its servers answer, and asks the first of them. It measures the round trip.
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
	pause := flag.Duration("pause", 0, "how long to wait between requests")
	timeout := flag.Duration("timeout", 3*time.Second, "how long a request waits")
	try := flag.Duration("try", time.Second, "how long one server may take")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "flclient3 [flags] [ENDPOINT...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	endpoints := flag.Args()
	if len(endpoints) == 0 {
		endpoints = []string{"tcp://localhost:5555", "tcp://localhost:5556", "tcp://localhost:5557"}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client, err := freelance.NewClient(freelance.ClientConfig{Timeout: *timeout, Try: *try})
	if err != nil {
		fatal(err)
	}
	defer client.Close()
	for _, endpoint := range endpoints {
		fmt.Println("connecting to", endpoint)
		if err := client.Connect(endpoint); err != nil {
			fatal(err)
		}
	}
	begin := time.Now()
	var paused time.Duration
	for i := range *count {
		reply, err := client.Request(ctx, []byte("random name"))
		if err != nil {
			fatal(err)
		}
		if *pause > 0 {
			fmt.Println("request", i+1, "was answered by", reply.Peer().Address())
			<-time.After(*pause)
			paused += *pause
		}
	}
	fmt.Println("average round trip:", (time.Since(begin)-paused)/time.Duration(*count))
	fmt.Printf("%+v\n", client.Stats())
}

func fatal(err error) {
	fmt.Println("name service not available:", err)
	os.Exit(1)
}
