// Command ironhouse shows a server and a client that both prove who they are.
//
// The mechanism is CURVE. The server has a directory with the certificates of its
// clients, and throws out whose certificate is taken away.
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
	dir, err := os.MkdirTemp("", "ironhouse")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	// The client makes its certificate, keeps both files, and gives the public
	// one to the server's operator, who puts it among those of the clients.
	clientKeys := zmq.NewCurveKeys()
	cert := auth.NewCertificate(clientKeys, map[string]string{"name": "Client test certificate"})
	if err := cert.Save(filepath.Join(dir, "client.cert")); err != nil {
		return err
	}
	clients := filepath.Join(dir, "clients")
	if err := os.Mkdir(clients, 0o700); err != nil {
		return err
	}
	known := filepath.Join(clients, "client.cert")
	if err := cert.SavePublic(known); err != nil {
		return err
	}

	a, err := auth.New(auth.WithAllow("127.0.0.1"), auth.WithCertificates(os.DirFS(clients)))
	if err != nil {
		return err
	}
	defer a.Close()
	serverKeys := zmq.NewCurveKeys()
	server := zmq.NewPush(zmq.WithCurveServer(serverKeys), zmq.WithAuth(a.Authenticate))
	defer server.Close()
	a.Guard(server)
	if _, err := server.Bind(endpoint); err != nil {
		return err
	}

	keys, err := auth.LoadKeys(filepath.Join(dir, "client.cert"))
	if err != nil {
		return err
	}
	client, refused := connect(endpoint, serverKeys.Public(), keys)
	defer client.Close()
	if err := server.Send(context.Background(), []byte("Hello")); err != nil {
		return err
	}
	m, err := client.Recv(context.Background())
	if err != nil {
		return err
	}
	fmt.Printf("%s, to the one with the %q\n", m.Frames[0], server.Stats().Peers[0].Peer.Property("name"))

	stranger, turnedAway := connect(endpoint, serverKeys.Public(), zmq.NewCurveKeys())
	defer stranger.Close()
	fmt.Println("A stranger is refused with status", (<-turnedAway).Value)

	if err := os.Remove(known); err != nil {
		return err
	}
	fmt.Println("Without its certificate the client is thrown out, and refused with status", (<-refused).Value)
	fmt.Println("Ironhouse test OK")
	return nil
}

// connect makes a client, and tells when it is refused.
func connect(endpoint string, server zmq.CurveKey, keys zmq.CurveKeys) (*zmq.Socket, <-chan zmq.Event) {
	refused := make(chan zmq.Event, 1)
	client := zmq.NewPull(zmq.WithCurve(zmq.CurveClient{ServerKey: server, Keys: keys}), zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedAuth {
			select {
			case refused <- e:
			default: // one is enough for us
			}
		}
	}))
	if err := client.Connect(endpoint); err != nil {
		log.Fatal(err)
	}
	return client, refused
}
