// Command flclient1 is the Freelance client of model one: it asks one server three
// times, or each of several servers once, until one answers.
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
	try := flag.Duration("try", time.Second, "how long one server may take")
	tries := flag.Int("tries", 3, "how often a single server is asked")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "flclient1 [flags] ENDPOINT...")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client := freelance.Simple{Endpoints: flag.Args(), Try: *try, Tries: *tries}
	reply, err := client.Request(ctx, []byte("Hello world"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("service is running OK:", reply)
}
