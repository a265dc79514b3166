package pirate_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/pirate"
)

// A client, a queue and a worker.
func Example() {
	ctx, end := context.WithCancel(context.Background())
	defer end()

	clients, workers := zmq.NewRouter(), zmq.NewRouter()
	defer clients.Close()
	defer workers.Close()
	front, err := clients.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}
	back, err := workers.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}
	queue := &pirate.Queue{Clients: clients, Workers: workers}
	go queue.Run(ctx)

	worker := &pirate.Worker{
		Endpoint: back.Endpoint(),
		Handler: func(_ context.Context, request zmq.Msg) (zmq.Msg, error) {
			return zmq.MsgFromStrings("hello, " + string(request.Frames[0])), nil
		},
	}
	go worker.Run(ctx)

	client := &pirate.Client{Endpoints: []string{front.Endpoint()}}
	defer client.Close()
	reply, err := client.Request(ctx, []byte("world"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Frames[0])
	// Output: hello, world
}

// A client needs no queue: any REP will do.
func ExampleClient() {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	server := zmq.NewRep()
	defer server.Close()
	bound, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		log.Fatal(err)
	}
	go zmq.Serve(ctx, server, zmq.HandlerFunc(func(_ context.Context, r *zmq.Request) error {
		return r.Reply([]byte("pong"))
	}))

	client := &pirate.Client{
		Endpoints: []string{bound.Endpoint()},
		Timeout:   time.Second,
		Tries:     5,
	}
	defer client.Close()
	reply, err := client.Request(ctx, []byte("ping"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Frames[0])
	// Output: pong
}

// A peer that says nothing for three intervals counts as dead.
func ExampleHeartbeat() {
	hb := pirate.Heartbeat{Interval: 10 * time.Millisecond, Liveness: 3}
	sent := 0
	for hb.Start(time.Now()); hb.Alive(time.Now()); <-time.After(time.Until(hb.Next())) {
		if now := time.Now(); hb.Due(now) {
			hb.Sent(now)
			sent++ // here it would be sent
		}
	}
	fmt.Println("dead, after some heartbeats of ours:", sent > 0)
	// Output: dead, after some heartbeats of ours: true
}

// How long to wait before the next try.
func ExampleBackoff_Delay() {
	b := pirate.Backoff{First: time.Second, Most: 32 * time.Second}
	for failed := 1; failed <= 7; failed++ {
		d := b.Delay(failed)
		most := min(time.Second<<(failed-1), b.Most)
		fmt.Println(most/2 <= d && d <= most, "half to all of", most)
	}
	// Output:
	// true half to all of 1s
	// true half to all of 2s
	// true half to all of 4s
	// true half to all of 8s
	// true half to all of 16s
	// true half to all of 32s
	// true half to all of 32s
}
