package zmq_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/phimq/zmq"
)

// WaitReady is for those who want to know that somebody is there before they
// go on; Connect itself never waits.
func ExampleSocket_WaitReady() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	push := zmq.NewPush()
	defer push.Close()
	_ = push.Connect("inproc://example-nobody-yet")

	err := push.WaitReady(ctx, 1)
	fmt.Println(errors.Is(err, context.DeadlineExceeded))
	// Output: true
}

// TrySend and TryRecv never wait.
func ExampleSocket_TrySend() {
	push, pull := zmq.NewPush(zmq.WithSendHWM(1)), zmq.NewPull(zmq.WithRecvHWM(1))
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-try")
	_ = push.Connect("inproc://example-try")

	for {
		if err := push.TrySend([]byte("job")); errors.Is(err, zmq.ErrAgain) {
			fmt.Println("no room")
			break
		}
	}
	msg, err := pull.TryRecv()
	fmt.Println(msg, err)
	// Output:
	// no room
	// ["job"] <nil>
}

// Shutdown gives messages on their way until its context ends.
func ExampleSocket_Shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer pull.Close()
	b, _ := pull.Bind("tcp://127.0.0.1:*")
	_ = push.Connect(b.Endpoint())
	_ = push.Send(ctx, []byte("the last one"))

	fmt.Println(push.Shutdown(ctx))
	fmt.Println(pull.Recv(ctx))
	// Output:
	// <nil>
	// ["the last one"] <nil>
}

// A listener of the program's own, such as one that systemd opened, can serve
// as an endpoint.
func ExampleSocket_ServeListener() {
	ctx := context.Background()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	pull, push := zmq.NewPull(), zmq.NewPush()
	defer pull.Close()
	defer push.Close()
	if err := pull.ServeListener(ln); err != nil {
		fmt.Println(err)
	}

	_ = push.Connect("tcp://" + ln.Addr().String())
	_ = push.Send(ctx, []byte("through it"))
	fmt.Println(pull.Recv(ctx))
	// Output: ["through it"] <nil>
}

// Monitor gives events as messages, as libzmq's monitor does: the number and
// the value of the event, and its endpoint.
func ExampleSocket_Monitor() {
	ctx := context.Background()
	pull, events := zmq.NewPull(), zmq.NewPair()
	defer pull.Close()
	defer events.Close()
	if err := pull.Monitor("inproc://example-monitor", zmq.EventListening, 1); err != nil {
		fmt.Println(err)
	}
	_ = events.Connect("inproc://example-monitor")
	b, _ := pull.Bind("tcp://127.0.0.1:*")

	msg, _ := events.Recv(ctx)
	kind := zmq.EventKind(binary.NativeEndian.Uint16(msg.Frames[0]))
	fmt.Println(kind, string(msg.Frames[1]) == b.Endpoint())
	// Output: listening true
}

// WithEvents calls a function for each event.
func ExampleWithEvents() {
	pull := zmq.NewPull(zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventListening {
			fmt.Println(e.Kind)
		}
	}))
	_, _ = pull.Bind("tcp://127.0.0.1:*")
	_ = pull.Close()
	// Output: listening
}

// A proxy is steered by messages: it answers STATISTICS with eight counters.
func ExampleProxyControl() {
	ctx := context.Background()
	front, back, control, steer := zmq.NewPull(), zmq.NewPush(), zmq.NewRep(), zmq.NewReq()
	for _, s := range []*zmq.Socket{front, back, control, steer} {
		defer s.Close()
	}
	_, _ = control.Bind("inproc://example-control")
	_ = steer.Connect("inproc://example-control")
	ended := make(chan error)
	go func() { ended <- zmq.Proxy(ctx, front, back, zmq.ProxyControl(control)) }()

	for _, command := range []string{"PAUSE", "STATISTICS", "TERMINATE"} {
		_ = steer.Send(ctx, []byte(command))
		answer, _ := steer.Recv(ctx)
		fmt.Println(command, len(answer.Frames))
	}
	fmt.Println(<-ended)
	// Output:
	// PAUSE 1
	// STATISTICS 8
	// TERMINATE 1
	// <nil>
}

// Options lists every option with libzmq's number, the default and the unit.
func ExampleOptions() {
	for _, o := range zmq.Options() {
		if o.Name == "sndhwm" || o.Name == "linger" {
			fmt.Println(o.Name, o.Number, o.Default, o.Unit)
		}
	}
	// Output:
	// linger 17 1000 ms
	// sndhwm 23 1000 messages
}

// Connections can be made through a SOCKS 5 proxy, which also finds the host.
func ExampleWithSOCKSProxy() {
	sub := zmq.NewSub(zmq.WithSOCKSProxy("127.0.0.1:1080"), zmq.WithSOCKSCredentials("user", "secret"))
	defer sub.Close()
	if err := sub.Connect("tcp://prices.example:5556"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(sub.Option("socks_proxy"))
	// Output: 127.0.0.1:1080 <nil>
}

// DecodeMsg reads what AppendEncode wrote.
func ExampleDecodeMsg() {
	m := zmq.MsgFromStrings("topic", "body")
	encoded, _ := m.AppendEncode(nil)
	fmt.Println(zmq.DecodeMsg(encoded))
	// Output: ["topic" "body"] <nil>
}
