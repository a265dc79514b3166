package zmq_test

import (
	"context"
	"fmt"
	"net"
	"sort"

	"github.com/phimq/zmq"
)

// Serve answers requests, and Request asks, from many goroutines at once if
// need be.
func ExampleServe() {
	ctx, cancel := context.WithCancel(context.Background())
	router, dealer := zmq.NewRouter(), zmq.NewDealer()
	defer router.Close()
	defer dealer.Close()
	_, _ = router.Bind("inproc://example-serve")
	_ = dealer.Connect("inproc://example-serve")

	greet := func(_ context.Context, r *zmq.Request) error {
		return r.Reply([]byte("hello " + string(r.Frames[0])))
	}
	served := make(chan error)
	go func() { served <- zmq.Serve(ctx, router, zmq.HandlerFunc(greet)) }()

	reply, err := dealer.Request(ctx, []byte("world"))
	fmt.Println(reply, err)
	cancel()
	fmt.Println(<-served)
	// Output:
	// ["hello world"] <nil>
	// context canceled
}

// Middleware wraps handlers, here to log what they are asked.
func ExampleChain() {
	ctx := context.Background()
	rep, req := zmq.NewRep(), zmq.NewReq()
	defer req.Close()
	_, _ = rep.Bind("inproc://example-chain")
	_ = req.Connect("inproc://example-chain")

	logged := func(next zmq.Handler) zmq.Handler {
		return zmq.HandlerFunc(func(ctx context.Context, r *zmq.Request) error {
			fmt.Println("asked", r.Msg)
			return next.ServeZMQ(ctx, r)
		})
	}
	answer := zmq.HandlerFunc(func(_ context.Context, r *zmq.Request) error { return r.Reply([]byte("42")) })
	served := make(chan error)
	go func() { served <- zmq.Serve(ctx, rep, zmq.Chain(answer, logged)) }()

	_ = req.Send(ctx, []byte("the question"))
	msg, _ := req.Recv(ctx)
	fmt.Println(msg)
	rep.Close()
	<-served
	// Output:
	// asked ["the question"]
	// ["42"]
}

// Request may be called by many goroutines at once: each gets its own reply.
func ExampleSocket_Request() {
	ctx := context.Background()
	rep, req := zmq.NewRep(), zmq.NewReq()
	defer req.Close()
	_, _ = rep.Bind("inproc://example-request")
	_ = req.Connect("inproc://example-request")
	served := make(chan error)
	go func() {
		served <- zmq.Serve(ctx, rep, zmq.HandlerFunc(func(_ context.Context, r *zmq.Request) error {
			return r.Reply([]byte("re: "), r.Frames[0])
		}))
	}()

	replies := make(chan string)
	for _, q := range []string{"a", "b", "c"} {
		go func() {
			reply, err := req.Request(ctx, []byte(q))
			if err != nil {
				fmt.Println(err)
			}
			replies <- reply.String()
		}()
	}
	all := []string{<-replies, <-replies, <-replies}
	sort.Strings(all)
	fmt.Println(all)
	rep.Close()
	<-served
	// Output: [["re: " "a"] ["re: " "b"] ["re: " "c"]]
}

// A proxy between clients and workers, which a third socket steers.
func ExampleProxy() {
	ctx := context.Background()
	front, back, control := zmq.NewRouter(), zmq.NewDealer(), zmq.NewRep()
	client, worker, operator := zmq.NewReq(), zmq.NewRep(), zmq.NewReq()
	for _, s := range []*zmq.Socket{front, back, control, client, worker, operator} {
		defer s.Close()
	}
	_, _ = front.Bind("inproc://example-proxy-front")
	_, _ = back.Bind("inproc://example-proxy-back")
	_, _ = control.Bind("inproc://example-proxy-control")
	_ = client.Connect("inproc://example-proxy-front")
	_ = worker.Connect("inproc://example-proxy-back")
	_ = operator.Connect("inproc://example-proxy-control")
	done := make(chan error)
	go func() { done <- zmq.Proxy(ctx, front, back, zmq.ProxyControl(control)) }()

	_ = client.Send(ctx, []byte("question"))
	question, _ := worker.Recv(ctx)
	_ = worker.Send(ctx, []byte("answer"))
	answer, _ := client.Recv(ctx)
	fmt.Println(question, answer)

	_ = operator.Send(ctx, []byte("TERMINATE"))
	fmt.Println(<-done)
	// Output:
	// ["question"] ["answer"]
	// <nil>
}

// Poll finds out which of many sockets can do something now.
func ExamplePoll() {
	ctx := context.Background()
	push, pull, quiet := zmq.NewPush(), zmq.NewPull(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	defer quiet.Close()
	_, _ = pull.Bind("inproc://example-poll")
	_ = push.Connect("inproc://example-poll")
	_ = push.Send(ctx, []byte("job"))

	items := []zmq.PollItem{{Socket: quiet, Want: zmq.CanRecv}, {Socket: pull, Want: zmq.CanRecv}}
	n, err := zmq.Poll(ctx, items...)
	fmt.Println(n, err)
	for i, item := range items {
		if item.Ready&zmq.CanRecv != 0 {
			msg, _ := item.Socket.TryRecv()
			fmt.Println(i, msg)
		}
	}
	// Output:
	// 1 <nil>
	// 1 ["job"]
}

// Chan gives messages to a select.
func ExampleSocket_Chan() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-chan")
	_ = push.Connect("inproc://example-chan")
	_ = push.Send(ctx, []byte("job"))

	msgs, quit := pull.Chan(ctx), make(chan struct{})
	select {
	case msg := <-msgs:
		fmt.Println(msg)
	case <-quit:
	}
	// Output: ["job"]
}

// OnChange ties a socket into an event loop of another kind: it says when to
// look again.
func ExampleSocket_OnChange() {
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	changed := make(chan struct{}, 1)
	pull.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default: // who looks will see this change too
		}
	})
	_, _ = pull.Bind("inproc://example-on-change")
	_ = push.Connect("inproc://example-on-change")
	_ = push.Send(ctx, []byte("job"))

	for pull.Ready()&zmq.CanRecv == 0 {
		<-changed
	}
	msg, err := pull.TryRecv()
	fmt.Println(msg, err)
	// Output: ["job"] <nil>
}

// Events tells what happens to a socket's connections, from the call on.
func ExampleSocket_Events() {
	ctx := context.Background()
	pull := zmq.NewPull()
	events := pull.Events(ctx)
	near, far := net.Pipe()
	push := zmq.NewPush()
	attached := make(chan error)
	go func() { attached <- push.Attach(ctx, far, zmq.Connected) }()
	_ = pull.Attach(ctx, near, zmq.Accepted)
	<-attached
	pull.Close()
	push.Close()

	for e := range events {
		fmt.Println(e.Kind, e.Peer.Type())
	}
	// Output:
	// handshake succeeded PUSH
	// disconnected PUSH
	// monitor stopped
}

// Stats shows, among other things, what a subscriber that does not keep up
// has missed.
func ExampleSocket_Stats() {
	ctx := context.Background()
	pub, sub := zmq.NewPub(zmq.WithSendHWM(2)), zmq.NewSub(zmq.WithRecvHWM(3))
	defer pub.Close()
	defer sub.Close()
	_, _ = pub.Bind("inproc://example-stats")
	_ = sub.Subscribe("")
	_ = sub.Connect("inproc://example-stats")
	_ = pub.WaitSubscribers(ctx, "", 1)
	for range 8 {
		_ = pub.Send(ctx, []byte("tick"))
	}

	for _, p := range pub.Stats().Peers {
		fmt.Println(p.Peer.Type(), "queued", p.SendQueue.Messages, "sent", p.Sent.Messages, "dropped", p.Dropped.QueueFull)
	}
	// Output: SUB queued 5 sent 5 dropped 3
}

// Typed sockets speak values.
func ExampleTyped() {
	type order struct {
		Item  string
		Count int
	}
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	_, _ = pull.Bind("inproc://example-typed")
	_ = push.Connect("inproc://example-typed")

	orders := zmq.Typed[order](push, zmq.JSON)
	if err := orders.Send(ctx, order{"tea", 3}); err != nil {
		fmt.Println(err)
	}
	got, _, err := zmq.Typed[order](pull, zmq.JSON).Recv(ctx)
	fmt.Println(got.Count, got.Item, err)
	// Output: 3 tea <nil>
}

// Attach takes a connection that the caller made: here both ends of a pipe.
func ExampleSocket_Attach() {
	ctx := context.Background()
	push, pull := zmq.NewPush(), zmq.NewPull()
	defer push.Close()
	defer pull.Close()
	near, far := net.Pipe()
	attached := make(chan error)
	go func() { attached <- pull.Attach(ctx, near, zmq.Accepted) }()
	if err := push.Attach(ctx, far, zmq.Connected); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-attached)

	_ = push.Send(ctx, []byte("through the pipe"))
	msg, _ := pull.Recv(ctx)
	fmt.Println(msg)
	// Output:
	// <nil>
	// ["through the pipe"]
}

// ParseOption makes options of text, as command lines and files have them.
func ExampleParseOption() {
	opt, err := zmq.ParseOption("sndhwm", "10")
	if err != nil {
		fmt.Println(err)
	}
	push := zmq.NewPush(opt)
	defer push.Close()
	fmt.Println(push.Option("sndhwm"))

	_, err = zmq.ParseOption("sndhwm", "many")
	fmt.Println(err)
	// Output:
	// 10 <nil>
	// zmq: invalid: option sndhwm: "many" is not a number
}

// Set changes options of a socket that is in use.
func ExampleSocket_Set() {
	push := zmq.NewPush()
	defer push.Close()
	if err := push.Set(zmq.WithSendHWM(10), zmq.WithLinger(0)); err != nil {
		fmt.Println(err)
	}
	fmt.Println(push.Option("sndhwm"))
	fmt.Println(push.Set(zmq.WithSendHWM(-1)) != nil)
	// Output:
	// 10 <nil>
	// true
}

// WaitSubscribers is how a publisher that has but one thing to say makes sure
// that somebody hears it.
func ExampleSocket_WaitSubscribers() {
	ctx := context.Background()
	pub, sub := zmq.NewPub(), zmq.NewSub()
	defer pub.Close()
	defer sub.Close()
	_, _ = pub.Bind("inproc://example-wait")
	go func() {
		_ = sub.Connect("inproc://example-wait")
		_ = sub.Subscribe("once")
	}()

	if err := pub.WaitSubscribers(ctx, "once", 1); err != nil {
		fmt.Println(err)
	}
	_ = pub.Send(ctx, []byte("once"), []byte("and never again"))
	msg, _ := sub.Recv(ctx)
	fmt.Println(msg)
	// Output: ["once" "and never again"]
}

// A domain is a name space for inproc of its own, and ends all its sockets at
// once.
func ExampleNewDomain() {
	ctx := context.Background()
	domain := zmq.NewDomain()
	a, b := zmq.NewPair(zmq.WithDomain(domain)), zmq.NewPair(zmq.WithDomain(domain))
	_, _ = a.Bind("inproc://same-name-as-others")
	_ = b.Connect("inproc://same-name-as-others")
	_ = a.Send(ctx, []byte("hello"))
	msg, _ := b.Recv(ctx)
	fmt.Println(msg, domain.Shutdown(ctx))
	_, err := b.Recv(ctx)
	fmt.Println(err)
	// Output:
	// ["hello"] <nil>
	// zmq: recv PAIR: socket is closed: use of closed network connection
}
