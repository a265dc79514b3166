// Command lpserver is the Lazy Pirate server: a REP that echoes requests, and, after
// the first few, sometimes is slow or ends without a reply, as real servers do.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://*:5555", "endpoint to bind")
	work := flag.Duration("work", time.Second, "how long a request takes")
	slow := flag.Int("slow", 0, "the request that takes two seconds longer; 0: one in three after the third, -1: none")
	crash := flag.Int("crash", 0, "the request at which the server ends; 0: one in three after the third, -1: none")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	server := zmq.NewRep(zmq.WithLinger(time.Second))
	defer server.Close()
	if _, err := server.Bind(*endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for request := 1; ; request++ {
		m, err := server.Recv(ctx)
		if err != nil {
			return
		}
		switch {
		case happens(*crash, request):
			fmt.Println("simulating a crash")
			return
		case happens(*slow, request):
			fmt.Println("simulating CPU overload")
			pause(ctx, 2*time.Second)
		}
		fmt.Println("normal request", m)
		pause(ctx, *work)
		if err := server.SendMsg(ctx, &m); err != nil {
			return
		}
	}
}

// happens tells whether a fault strikes a request.
func happens(at, request int) bool {
	return at == request || at == 0 && request > 3 && rand.N(3) == 0
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
