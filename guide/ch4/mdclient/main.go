// Command mdclient is a Majordomo client that asks echo, one request after the
// other.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

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
	done := 0
	for ; done < *count; done++ {
		if _, err := client.Call(context.Background(), "echo", []byte("Hello world")); err != nil {
			log.Println(err)
			break
		}
	}
	fmt.Println(done, "requests/replies processed")
}
