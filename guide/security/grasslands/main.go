// Command grasslands shows a server and a client without any security.
//
// The mechanism is NULL, which every socket speaks if it is told nothing else:
// anybody may come, and anybody on the way can read and change what is said.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"github.com/phimq/zmq"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://127.0.0.1:9000", "where the server binds")
	flag.Parse()
	if err := run(*endpoint); err != nil {
		log.Fatal(err)
	}
}

func run(endpoint string) error {
	server := zmq.NewPush()
	defer server.Close()
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
	fmt.Printf("%s, by mechanism %s\n", m.Frames[0], m.Peer().Mechanism())
	fmt.Println("Grasslands test OK")
	return nil
}
