// Command stonehouse shows a server that proves who it is, and a connection that
// nobody can listen to.
//
// The mechanism is CURVE. The client knows the public key of the server, so it
// can't be lured to another one. The server lets in every client.
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
	// The server keeps its key pair for years, in a file that nobody else may
	// read; the others get the public key.
	serverKeys := zmq.NewCurveKeys()

	turnedAway := make(chan zmq.Event, 1)
	server := zmq.NewPush(zmq.WithCurveServer(serverKeys), zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedProtocol {
			select {
			case turnedAway <- e:
			default: // one is enough for us
			}
		}
	}))
	defer server.Close()
	if _, err := server.Bind(endpoint); err != nil {
		return err
	}

	// Without keys of its own the client makes some for this socket.
	client := zmq.NewPull(zmq.WithCurve(zmq.CurveClient{ServerKey: serverKeys.Public()}))
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

	// Who has the key of another server does not come to an understanding with
	// this one.
	stranger := zmq.NewPull(zmq.WithCurve(zmq.CurveClient{ServerKey: zmq.NewCurveKeys().Public()}))
	defer stranger.Close()
	if err := stranger.Connect(endpoint); err != nil {
		return err
	}
	fmt.Println("With another server's key there is no connection:", (<-turnedAway).Err)
	fmt.Println("Stonehouse test OK")
	return nil
}
