package majordomo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/majordomo"
)

// running is a broker with a worker, for the examples.
type running struct {
	endpoint string
	broker   *majordomo.Broker
	worker   *majordomo.Worker
	served   chan error
}

func run(service string, cfg majordomo.BrokerConfig, h majordomo.HandlerFunc) (*running, error) {
	broker, err := majordomo.NewBroker(cfg)
	if err != nil {
		return nil, err
	}
	bound, err := broker.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return nil, err
	}
	worker, err := majordomo.NewWorker(service, h, majordomo.WorkerConfig{Concurrency: 4})
	if err != nil {
		return nil, err
	}
	r := &running{bound.Endpoint(), broker, worker, make(chan error, 2)}
	go func() { r.served <- broker.Serve(context.Background()) }()
	go func() { r.served <- worker.Serve(context.Background(), r.endpoint) }()
	return r, nil
}

func (r *running) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := errors.Join(r.worker.Shutdown(ctx), r.broker.Shutdown(ctx), <-r.served, <-r.served)
	if err != nil {
		fmt.Println(err)
	}
}

func Example() {
	// The worker offers a service to the broker. Both are ready when they are.
	r, err := run("upper", majordomo.BrokerConfig{}, func(_ context.Context, r *majordomo.Request) error {
		return r.Reply(bytes.ToUpper(r.Frames[0]))
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.stop()
	client, err := majordomo.NewClient(r.endpoint, majordomo.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	reply, err := client.Call(context.Background(), "upper", []byte("hello"))
	fmt.Printf("%s %v\n", reply, err)
	// Output: [HELLO] <nil>
}

// A reply in parts, as they come.
func ExampleClient_Stream() {
	r, err := run("count", majordomo.BrokerConfig{}, func(_ context.Context, r *majordomo.Request) error {
		for i := range 3 {
			if err := r.Partial(strconv.AppendInt(nil, int64(i), 10)); err != nil {
				return err
			}
		}
		return r.Reply([]byte("done"))
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.stop()
	client, err := majordomo.NewClient(r.endpoint, majordomo.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	call := majordomo.Call{Service: "count", Frames: [][]byte{[]byte("to three")}}
	for part, err := range client.Stream(context.Background(), call) {
		fmt.Printf("%s %v\n", part, err)
	}
	// Output:
	// [0] <nil>
	// [1] <nil>
	// [2] <nil>
	// [done] <nil>
}

// Many requests under way at once, without a goroutine for each.
func ExampleClient_Start() {
	r, err := run("echo", majordomo.BrokerConfig{}, func(_ context.Context, r *majordomo.Request) error {
		return r.Reply(r.Frames...)
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.stop()
	client, err := majordomo.NewClient(r.endpoint, majordomo.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	var calls []*majordomo.Pending
	for i := range 100 {
		call := majordomo.Call{Service: "echo", Frames: [][]byte{fmt.Append(nil, i)}}
		p, err := client.Start(context.Background(), call)
		if err != nil {
			fmt.Println(err)
			return
		}
		calls = append(calls, p)
	}
	right := 0
	for i, p := range calls {
		if reply, err := p.Reply(); err == nil && string(reply[0]) == fmt.Sprint(i) {
			right++
		}
	}
	fmt.Println(right, "right")
	// Output: 100 right
}

// A payment is made once, however often it is asked for.
func ExampleCall() {
	payments := 0
	remember := majordomo.BrokerConfig{ReplyCache: 10 * time.Minute}
	r, err := run("pay", remember, func(_ context.Context, r *majordomo.Request) error {
		payments++
		return r.Reply([]byte("paid"))
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.stop()
	client, err := majordomo.NewClient(r.endpoint, majordomo.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	call := majordomo.Call{Service: "pay", Key: "order-17", Frames: [][]byte{[]byte("10 EUR")}}
	for range 3 {
		reply, err := client.Do(context.Background(), call)
		fmt.Printf("%s %v\n", reply, err)
	}
	fmt.Println(payments, "payment")
	// Output:
	// [paid] <nil>
	// [paid] <nil>
	// [paid] <nil>
	// 1 payment
}

// Who may do what: workers and managers by a property of their connection.
func ExampleBrokerConfig() {
	broker, err := majordomo.NewBroker(majordomo.BrokerConfig{
		Access: func(peer zmq.Peer, op majordomo.Op, service string) error {
			if op != majordomo.OpCall && peer.Property("user-id") != "operator" {
				return errors.New("operators only")
			}
			return nil
		},
		ServiceLimits: func(service string) majordomo.Limits {
			if service == "reports" { // slow, and nobody waits for long
				return majordomo.Limits{Requests: 100, Expiry: 5 * time.Second}
			}
			return majordomo.Limits{}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(broker.Close())
	// Output: <nil>
}
