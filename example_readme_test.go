package zmq_test

import (
	"context"
	"fmt"
	"log"

	"github.com/phimq/zmq"
)

func Example_readme() {
	ctx := context.Background()

	rep := zmq.NewRep()
	defer rep.Close()
	bound, err := rep.Bind("tcp://127.0.0.1:*") // * is any free port
	if err != nil {
		log.Fatal(err)
	}
	go answer(ctx, rep)

	req := zmq.NewReq()
	defer req.Close()
	if err := req.Connect(bound.Endpoint()); err != nil {
		log.Fatal(err)
	}
	if err := req.Send(ctx, []byte("Hello")); err != nil {
		log.Fatal(err)
	}
	reply, err := req.Recv(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(reply.Frames[0]))
	// Output: Hello World
}

// answer is the server. It ends when its socket is closed.
func answer(ctx context.Context, rep *zmq.Socket) {
	for request, err := range rep.Msgs(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		greeting := append(request.Frames[0], " World"...)
		if err := rep.Send(ctx, greeting); err != nil {
			log.Fatal(err)
		}
	}
}
