// Command strawhouse shows a server that looks at the addresses of its clients.
//
// The mechanism is NULL still: nothing is secret and nobody proves who he is. But
// only who comes from an allowed address may enter.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://127.0.0.1:9000", "where the server binds")
	flag.Parse()
	if err := run(*endpoint); err != nil {
		log.Fatal(err)
	}
}

func run(endpoint string) error {
	// The authenticator knows all rules. Nobody is at 192.0.2.1: the address is
	// for documentation.
	a, err := auth.New(auth.WithAllow("127.0.0.1", "192.0.2.1"))
	if err != nil {
		return err
	}
	defer a.Close()

	turnedAway := make(chan zmq.Event, 1)
	server := zmq.NewPush(zmq.WithAuth(a.Authenticate), zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedAuth {
			select {
			case turnedAway <- e:
			default: // one is enough for us
			}
		}
	}))
	defer server.Close()
	a.Guard(server) // so that who is denied later is thrown out
	if _, err := server.Bind(endpoint); err != nil {
		return err
	}

	client := zmq.NewPull()
	defer client.Close()
	if err := client.Connect(endpoint); err != nil {
		return err
	}
	if err := server.Send(context.Background(), []byte("Hello")); err != nil {
		return err
	}
	m, err := client.Recv(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("%s, to an address that is allowed\n", m.Frames[0])

	if err := a.Deny("127.0.0.0/8"); err != nil {
		return err
	}
	fmt.Println("The client is thrown out, comes again, and is turned away:", (<-turnedAway).Err)
	fmt.Println("Strawhouse test OK")
	return nil
}
