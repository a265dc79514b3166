// Command flserver3 is the Freelance server of model three, RFC 10: a ROUTER that has
// its own endpoint as its identity. It answers PING by PONG and requests by OK.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://*:5555", "endpoint to bind")
	public := flag.String("public", "tcp://localhost:5555", "the endpoint as clients know it")
	verbose := flag.Bool("v", false, "print the requests")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	socket := freelance.NewRouter(*public)
	defer socket.Close()
	if _, err := socket.Bind(*endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("service is ready at", *endpoint)
	server := freelance.Server{Handler: func(_ context.Context, request zmq.Msg) ([][]byte, error) {
		if *verbose {
			fmt.Println(request)
		}
		return [][]byte{[]byte("OK")}, nil
	}}
	fmt.Println(server.Serve(ctx, socket))
}
