// Command flserver1 is the Freelance server of model one: a REP that echoes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/phimq/zmq"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://*:5555", "endpoint to bind")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	server := zmq.NewRep()
	defer server.Close()
	if _, err := server.Bind(*endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("echo service is ready at", *endpoint)
	echo := func(_ context.Context, r *zmq.Request) error { return r.Reply(r.Frames...) }
	fmt.Println(zmq.Serve(ctx, server, zmq.HandlerFunc(echo)))
}
