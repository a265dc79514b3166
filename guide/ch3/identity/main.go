// Command identity shows how a ROUTER calls its peers: by an identity that it makes
// up, or by the one that a peer brings.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/phimq/zmq"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	sink := zmq.NewRouter()
	defer sink.Close()
	if _, err := sink.Bind("inproc://example"); err != nil {
		return err
	}
	for _, peer := range []struct {
		text string
		opts []zmq.Option
	}{
		{"ROUTER uses a generated identity", nil},
		{"ROUTER uses REQ's own identity", []zmq.Option{zmq.WithRoutingID("PEER2")}},
	} {
		req := zmq.NewReq(peer.opts...)
		defer req.Close()
		if err := req.Connect("inproc://example"); err != nil {
			return err
		}
		if err := req.Send(ctx, []byte(peer.text)); err != nil {
			return err
		}
		m, err := sink.Recv(ctx)
		if err != nil {
			return err
		}
		fmt.Println(m)
	}
	return nil
}
