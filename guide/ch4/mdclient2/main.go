// Command mdclient2 is an asynchronous Majordomo client: it sends its requests
// without waiting, and takes the replies as they come.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"sync"
	"sync/atomic"

	"github.com/phimq/zmq/reliable/majordomo"
)

func main() {
	endpoint := flag.String("connect", "tcp://localhost:5555", "the broker")
	count := flag.Int("count", 100_000, "requests")
	flag.Parse()
	client, err := majordomo.NewClient(*endpoint, majordomo.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	replies := &counter{}
	for range *count {
		call := majordomo.Call{Service: "echo", Frames: [][]byte{[]byte("Hello world")}}
		pending, err := client.Start(context.Background(), call) // waits only while too many are under way
		if err != nil {
			log.Fatal(err)
		}
		replies.waiting.Add(1)
		go replies.replyLoop(pending)
	}
	replies.waiting.Wait()
	fmt.Println(replies.n.Load(), "replies received")
}

// counter counts replies.
type counter struct {
	waiting sync.WaitGroup
	n       atomic.Int64
}

// replyLoop waits for one reply.
func (c *counter) replyLoop(p *majordomo.Pending) {
	defer c.waiting.Done()
	if _, err := p.Reply(); err != nil {
		log.Println(err)
		return
	}
	c.n.Add(1)
}
