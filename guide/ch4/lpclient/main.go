// Command lpclient is the Lazy Pirate client: it sends numbered requests, one after
// the other, and when no reply comes it asks again over a new connection, a few
// times, before it gives the server up.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/phimq/zmq/reliable/pirate"
)

func main() {
	endpoint := flag.String("endpoint", "tcp://localhost:5555", "endpoint of the server or queue")
	timeout := flag.Duration("timeout", 2500*time.Millisecond, "how long a try waits for its reply")
	tries := flag.Int("tries", 3, "how often a request is sent in all")
	count := flag.Int("count", 0, "how many requests; 0: until the server is given up")
	plain := flag.Bool("plain", false, "leave out the number in the envelope, for workers of the book")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	client := &pirate.Client{
		Endpoints: []string{*endpoint},
		Timeout:   *timeout,
		Tries:     *tries,
		Plain:     *plain,
		Logger:    slog.New(slog.NewTextHandler(os.Stdout, nil)), // it tells of tries without a reply
	}
	defer client.Close()
	for sequence := 1; *count == 0 || sequence <= *count; sequence++ {
		reply, err := client.Request(ctx, []byte(strconv.Itoa(sequence)))
		if err != nil {
			fmt.Println("abandoned:", err)
			return
		}
		if string(reply.Frames[0]) == strconv.Itoa(sequence) {
			fmt.Printf("server replied OK (%d)\n", sequence)
		} else {
			fmt.Println("malformed reply:", reply)
		}
	}
}
