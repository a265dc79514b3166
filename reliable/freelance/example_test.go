package freelance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/freelance"
)

// A name service: two servers that know the same, and a client that does not
// care which of them answers.
func ExampleClient() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lookup := func(_ context.Context, request zmq.Msg) ([][]byte, error) {
		return [][]byte{[]byte("address of " + string(request.Frames[0]))}, nil
	}
	client, err := freelance.NewClient(freelance.ClientConfig{Try: 500 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 2)
	for _, endpoint := range []string{"inproc://names-1", "inproc://names-2"} {
		server := freelance.NewRouter(endpoint)
		defer server.Close()
		if _, err := server.Bind(endpoint); err != nil {
			fmt.Println(err)
			return
		}
		go func() { ended <- (&freelance.Server{Handler: lookup}).Serve(ctx, server) }()
		if err := client.Connect(endpoint); err != nil {
			fmt.Println(err)
			return
		}
	}
	reply, err := client.Request(ctx, []byte("printer"))
	fmt.Println(reply, err)

	client.Close()
	cancel()
	<-ended
	<-ended
	// Output: ["address of printer"] <nil>
}

// Model one needs nothing but a REP at the other end.
func ExampleSimple() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := zmq.NewRouter()
	defer server.Close()
	binding, err := server.Bind("tcp://127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() {
		echo := freelance.Server{Handler: func(_ context.Context, request zmq.Msg) ([][]byte, error) {
			return request.Frames, nil
		}}
		ended <- echo.ServeSimple(ctx, server)
	}()

	client := freelance.Simple{Endpoints: []string{binding.Endpoint()}, Try: 5 * time.Second}
	reply, err := client.Request(ctx, []byte("hello"))
	fmt.Println(reply, err)
	cancel()
	<-ended
	// Output: ["hello"] <nil>
}

// Every server gets the request; the first reply counts.
func ExampleShotgun() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, err := freelance.NewShotgun(freelance.ShotgunConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 2)
	for _, endpoint := range []string{"inproc://shot-1", "inproc://shot-2"} {
		server := zmq.NewRouter()
		defer server.Close()
		if _, err := server.Bind(endpoint); err != nil {
			fmt.Println(err)
			return
		}
		go func() {
			ok := freelance.Server{Handler: func(context.Context, zmq.Msg) ([][]byte, error) {
				return [][]byte{[]byte("OK")}, nil
			}}
			ended <- ok.ServeShotgun(ctx, server)
		}()
		if err := client.Connect(endpoint); err != nil {
			fmt.Println(err)
			return
		}
	}
	reply, err := client.Request(ctx, []byte("random name"))
	fmt.Println(reply, err)
	client.Close()
	cancel()
	<-ended
	<-ended
	// Output: ["OK"] <nil>
}
