// Command mmiecho asks a Majordomo broker whether anybody offers echo.
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
	service := flag.String("service", "echo", "the service to look up")
	flag.Parse()
	client, err := majordomo.NewClient(*endpoint, majordomo.ClientConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	reply, err := client.Call(context.Background(), "mmi.service", []byte(*service))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("Lookup %s service: %s\n", *service, reply[0])
}
