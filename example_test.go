package zmq_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"

	"github.com/phimq/zmq"
)

// A REQ asks, a REP answers, in turn.
func ExampleNewReq() {
	ctx := context.Background()
	rep, req := zmq.NewRep(), zmq.NewReq()
	defer rep.Close()
	defer req.Close()
	if _, err := rep.Bind("inproc://example-req"); err != nil {
		fmt.Println(err)
	}
	if err := req.Connect("inproc://example-req"); err != nil {
		fmt.Println(err)
	}

	_ = req.Send(ctx, []byte("ping"))
	question, _ := rep.Recv(ctx)
	_ = rep.Send(ctx, []byte("pong"))
	answer, _ := req.Recv(ctx)
	fmt.Println(question, answer)
	// Output: ["ping"] ["pong"]
}

// A ROUTER sees who sent a message and says who gets one; a DEALER neither
// waits for its turn.
func ExampleNewRouter() {
	ctx := context.Background()
	router, dealer := zmq.NewRouter(), zmq.NewDealer(zmq.WithRoutingID("alice"))
	defer router.Close()
	defer dealer.Close()
	_, _ = router.Bind("inproc://example-router")
	_ = dealer.Connect("inproc://example-router")

	_ = dealer.Send(ctx, []byte("hello"))
	msg, _ := router.Recv(ctx)
	fmt.Println(msg)
	_ = router.Send(ctx, msg.Frames[0], []byte("hello yourself"))
	msg, _ = dealer.Recv(ctx)
	fmt.Println(msg)
	// Output:
	// ["alice" "hello"]
	// ["hello yourself"]
}

// A PUSH shares its messages out among PULL peers.
func ExampleNewPush() {
	ctx := context.Background()
	push, one, two := zmq.NewPush(), zmq.NewPull(), zmq.NewPull()
	defer push.Close()
	defer one.Close()
	defer two.Close()
	_, _ = push.Bind("inproc://example-push")
	_ = one.Connect("inproc://example-push")
	_ = two.Connect("inproc://example-push")

	for _, job := range []string{"job 1", "job 2"} {
		_ = push.Send(ctx, []byte(job))
	}
	first, _ := one.Recv(ctx)
	second, _ := two.Recv(ctx)
	fmt.Println(first, second)
	// Output: ["job 1"] ["job 2"]
}

// An XPUB receives the subscriptions of its peers; an XSUB sends them.
func ExampleNewXPub() {
	ctx := context.Background()
	xpub, xsub := zmq.NewXPub(), zmq.NewXSub()
	defer xpub.Close()
	defer xsub.Close()
	_, _ = xpub.Bind("inproc://example-xpub")
	_ = xsub.Connect("inproc://example-xpub")

	_ = xsub.Send(ctx, []byte("\x01news"))
	subscription, _ := xpub.Recv(ctx)
	fmt.Println(subscription)
	_ = xpub.Send(ctx, []byte("news"), []byte("it rains"))
	news, _ := xsub.Recv(ctx)
	fmt.Println(news)
	// Output:
	// [0x016E657773]
	// ["news" "it rains"]
}

// Two PAIRs talk to each other, and to nobody else.
func ExampleNewPair() {
	ctx := context.Background()
	a, b := zmq.NewPair(), zmq.NewPair()
	defer a.Close()
	defer b.Close()
	_, _ = a.Bind("inproc://example-pair")
	_ = b.Connect("inproc://example-pair")

	_ = a.Send(ctx, []byte("knock"))
	msg, _ := b.Recv(ctx)
	fmt.Println(msg)
	// Output: ["knock"]
}

// A STREAM talks to peers that know no ZeroMQ: here to itself over a pipe.
func ExampleNewStream() {
	ctx := context.Background()
	stream := zmq.NewStream(zmq.WithStreamNotify(false))
	defer stream.Close()
	near, far := net.Pipe()
	defer far.Close()
	if err := stream.Attach(ctx, near, zmq.Accepted); err != nil {
		fmt.Println(err)
	}

	_, _ = far.Write([]byte("HELO"))
	msg, _ := stream.Recv(ctx)
	fmt.Printf("%q from %d octets of identity\n", msg.Frames[1], len(msg.Frames[0]))
	// Output: "HELO" from 5 octets of identity
}

// A SUB receives what it subscribed to. A PUB that waits for its subscribers
// loses nothing.
func ExampleSocket_Subscribe() {
	ctx := context.Background()
	pub, sub := zmq.NewPub(), zmq.NewSub()
	defer pub.Close()
	defer sub.Close()
	_, _ = pub.Bind("inproc://example-subscribe")
	_ = sub.Connect("inproc://example-subscribe")

	if err := sub.Subscribe("weather."); err != nil {
		fmt.Println(err)
	}
	if err := pub.WaitSubscribers(ctx, "weather.", 1); err != nil {
		fmt.Println(err)
	}
	_ = pub.Send(ctx, []byte("sports.hockey"), []byte("3:1"))
	_ = pub.Send(ctx, []byte("weather.oslo"), []byte("snow"))
	msg, _ := sub.Recv(ctx)
	fmt.Println(msg)
	// Output: ["weather.oslo" "snow"]
}

// Msgs is the loop that most receivers want.
func ExampleSocket_Msgs() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-msgs")
	_ = push.Connect("inproc://example-msgs")
	for _, s := range []string{"a", "b", "end"} {
		_ = push.Send(ctx, []byte(s))
	}

	for msg, err := range pull.Msgs(ctx) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(msg)
		if string(msg.Frames[0]) == "end" {
			cancel()
		}
	}
	// Output:
	// ["a"]
	// ["b"]
	// ["end"]
	// context canceled
}

// RecvInto fills the same message again and again, without allocating.
func ExampleSocket_RecvInto() {
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-recv-into")
	_ = push.Connect("inproc://example-recv-into")
	_ = push.Send(ctx, []byte("one"))
	_ = push.Send(ctx, []byte("two"))

	var msg zmq.Msg
	for range 2 {
		if err := pull.RecvInto(ctx, &msg); err != nil {
			fmt.Println(err)
		}
		fmt.Println(msg) // valid until the next RecvInto
	}
	// Output:
	// ["one"]
	// ["two"]
}

// SendMsg hands the frames over: the message is empty when it is sent.
func ExampleSocket_SendMsg() {
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-send-msg")
	_ = push.Connect("inproc://example-send-msg")

	msg := zmq.MsgFromStrings("header", "body")
	if err := push.SendMsg(ctx, &msg); err != nil {
		fmt.Println(err)
	}
	fmt.Println(len(msg.Frames))
	got, _ := pull.Recv(ctx)
	fmt.Println(got)
	// Output:
	// 0
	// ["header" "body"]
}

// Alloc gives a frame to fill where it will be sent from.
func ExampleMsg_Alloc() {
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-alloc")
	_ = push.Connect("inproc://example-alloc")

	var msg zmq.Msg
	for i := range 3 {
		frame := msg.Alloc(8)
		binary.BigEndian.PutUint64(frame, uint64(i))
		if err := push.SendMsg(ctx, &msg); err != nil {
			fmt.Println(err)
		}
		got, _ := pull.Recv(ctx)
		fmt.Println(binary.BigEndian.Uint64(got.Frames[0]))
	}
	// Output:
	// 0
	// 1
	// 2
}
