package peering_test

import (
	"context"
	"fmt"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/peering"
)

// Two clusters. The east has the clients, and no worker is free there; the west has
// told that one of its own is.
func ExampleBroker() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, name := range []string{"east", "west"} {
		other := map[string]string{"east": "west", "west": "east"}[name]
		b, err := peering.NewBroker(peering.Config{Name: name})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer b.Close()
		for door, end := range map[peering.Door]string{
			peering.LocalFE: "-clients", peering.LocalBE: "-workers", peering.CloudFE: "-cloud", peering.StateBE: "-state",
		} {
			if _, err := b.Bind(door, "inproc://"+name+end); err != nil {
				fmt.Println(err)
				return
			}
		}
		err = b.Connect(peering.Peer{Name: other, CloudFE: "inproc://" + other + "-cloud", StateBE: "inproc://" + other + "-state"})
		if err != nil {
			fmt.Println(err)
			return
		}
	}

	worker := zmq.NewReq()
	defer worker.Close()
	_ = worker.Connect("inproc://west-workers")
	_ = worker.Send(ctx, []byte{1}) // READY

	client := zmq.NewReq()
	defer client.Close()
	_ = client.Connect("inproc://east-clients")
	_ = client.Send(ctx, []byte("task"))

	m, _ := worker.Recv(ctx) // the envelope, an empty frame and the body
	body := len(m.Frames) - 1
	m.Frames[body] = append(m.Frames[body], " done"...)
	_ = worker.SendMsg(ctx, &m)

	reply, err := client.Recv(ctx)
	fmt.Println(reply, err)
	// Output: ["task done"] <nil>
}
