// Command woodhouse shows a server that asks its clients for a password.
//
// The mechanism is PLAIN: names and passwords, and all that is said after them,
// go in clear. It is for networks where nobody listens, or for use inside TLS.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

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
	dir, err := os.MkdirTemp("", "woodhouse")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	passwords := filepath.Join(dir, "passwords")
	if err := os.WriteFile(passwords, []byte("# who may enter\nadmin=Password\n"), 0o600); err != nil {
		return err
	}

	a, err := auth.New(auth.WithPasswordFile(passwords))
	if err != nil {
		return err
	}
	defer a.Close()
	server := zmq.NewPush(zmq.WithPlainServer(), zmq.WithAuth(a.Authenticate))
	defer server.Close()
	if _, err := server.Bind(endpoint); err != nil {
		return err
	}

	client := zmq.NewPull(zmq.WithPlain("admin", "Password"))
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
	fmt.Printf("%s, to user %s\n", m.Frames[0], server.Stats().Peers[0].Peer.UserID())

	refused := make(chan zmq.Event, 1)
	guesser := zmq.NewPull(zmq.WithPlain("admin", "Guess"), zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedAuth {
			select {
			case refused <- e:
			default: // one is enough for us
			}
		}
	}))
	defer guesser.Close()
	if err := guesser.Connect(endpoint); err != nil {
		return err
	}
	fmt.Println("A wrong password is refused with status", (<-refused).Value)
	fmt.Println("Woodhouse test OK")
	return nil
}
