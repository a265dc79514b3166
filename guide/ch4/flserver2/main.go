// Command flserver2 is the Freelance server of model two: it answers OK, and returns
// the sequence number of the request in front of it.
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
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	socket := zmq.NewRouter()
	defer socket.Close()
	if _, err := socket.Bind(*endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("service is ready at", *endpoint)
	server := freelance.Server{Handler: func(context.Context, zmq.Msg) ([][]byte, error) {
		return [][]byte{[]byte("OK")}, nil
	}}
	fmt.Println(server.ServeShotgun(ctx, socket))
}
