package zmq_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zmqtest"
)

// TestProxyCrowd: clients ask, some one by one and some with many questions on their
// way; every answer comes, once, and to who asked. Connections bring the messages, and
// pass them on themselves.
func TestProxyCrowd(t *testing.T) {
	r := newRelay(t)
	c := newAskers(r, nil)
	<-c.serve(4, 1)
	<-c.serve(4, 20)
}

// TestProxyMeeting: what comes while another connection is about to end its passing is
// not left behind. Nothing else comes that would take it along.
func TestProxyMeeting(t *testing.T) {
	r := newRelay(t)
	c := newAskers(r, nil)
	pair := [2]*zmq.Socket{r.open(zmq.DEALER), r.open(zmq.DEALER)}
	for _, s := range pair {
		connect(r, s, c.at)
	}
	for range 3000 {
		for _, s := range pair {
			say(t, s, "ask")
		}
		for _, s := range pair {
			expectHeard(t, s, "ask")
		}
	}
}

// TestProxyUnderCommands: clients ask while the proxy is paused and resumed, again and
// again.
func TestProxyUnderCommands(t *testing.T) {
	r := newRelay(t)
	control := r.open(zmq.REP)
	ctl := r.meets(control, zmq.REQ)
	c := newAskers(r, control)
	for served := c.serve(4, 20); served != nil; {
		r.tells(ctl, "PAUSE")
		r.tells(ctl, "RESUME")
		select {
		case <-served:
			served = nil
		default:
		}
	}
	n := uint64(4 * askEach)
	if got := r.counters(ctl); got[0] != n || got[6] != n || got[2] != n || got[4] != n {
		t.Errorf("%d messages went each way, and the counters are %d", n, got)
	}
}

// askEach is how many questions each client asks.
const askEach = 2000

// Askers are clients and workers around a proxy, over tcp.
type askers struct {
	*relay
	at string
}

func newAskers(r *relay, control *zmq.Socket) *askers {
	r.Helper()
	front, back := r.open(zmq.ROUTER), r.open(zmq.DEALER)
	c := &askers{relay: r, at: bind(r, front, "tcp://127.0.0.1:*")}
	behind := bind(r, back, "tcp://127.0.0.1:*")
	var workers sync.WaitGroup
	for range 2 {
		worker := r.open(zmq.ROUTER)
		connect(r, worker, behind)
		workers.Go(func() {
			for m, err := range worker.Msgs(r.Context()) {
				if err != nil || worker.Send(r.Context(), m.Frames...) != nil {
					return
				}
			}
		})
	}
	r.Cleanup(workers.Wait)
	if control == nil {
		r.start(front, back)
	} else {
		r.start(front, back, zmq.ProxyControl(control))
	}
	return c
}

// serve lets some clients ask, each with so many questions on their way.
func (c *askers) serve(clients, window int) (served chan struct{}) {
	var asking sync.WaitGroup
	for n := range clients {
		client := c.open(zmq.DEALER)
		connect(c, client, c.at)
		asking.Go(func() { c.ask(client, n, window) })
	}
	served = make(chan struct{})
	go func() {
		asking.Wait()
		close(served)
	}()
	return served
}

func (c *askers) ask(client *zmq.Socket, n, window int) {
	seen := map[string]bool{}
	for i := range askEach + window {
		if i < askEach {
			if err := client.Send(c.Context(), fmt.Appendf(nil, "%d %d", n, i)); err != nil {
				c.Error(err)
				return
			}
		}
		if i < window {
			continue
		}
		m, err := client.Recv(c.Context())
		if err != nil {
			c.Error(err)
			return
		}
		text := string(m.Frames[0])
		var who, what int
		if _, err := fmt.Sscanf(text, "%d %d", &who, &what); err != nil || who != n || seen[text] {
			c.Errorf("client %d got %q", n, text)
			return
		}
		seen[text] = true
	}
}

// TestProxyFindsNoRoom: what the other side has no room for waits, in order, and what
// comes behind it as well, though its connection goes on to read.
func TestProxyFindsNoRoom(t *testing.T) {
	r := newRelay(t)
	front, back := r.open(zmq.PULL, zmq.WithRecvHWM(1)), r.open(zmq.PUSH, zmq.WithSendHWM(1))
	in := r.open(zmq.PUSH)
	connect(r, in, bind(r, front, "tcp://127.0.0.1:*"))
	behind := bind(r, back, "tcp://127.0.0.1:*")
	r.start(front, back)
	const n = 3000
	sent := make(chan error, 1)
	go func() {
		for i := range uint64(n) {
			if err := in.Send(t.Context(), binary.BigEndian.AppendUint64(make([]byte, 0, 1000), i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	out := r.open(zmq.PULL, zmq.WithRecvHWM(1)) // the first messages have found nobody
	connect(r, out, behind)
	for i := range uint64(n) {
		m, err := out.Recv(t.Context())
		if err != nil || binary.BigEndian.Uint64(m.Frames[0]) != i {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestProxyGivesBack: who waits in Recv on a socket of a proxy that is paused, or
// has ended, gets what comes from then on.
func TestProxyGivesBack(t *testing.T) {
	r := newRelay(t)
	front, back, control := r.open(zmq.PULL), r.open(zmq.PUSH), r.open(zmq.REP)
	ctl := r.meets(control, zmq.REQ)
	in := r.open(zmq.PUSH)
	connect(r, in, bind(r, front, "tcp://127.0.0.1:*"))
	out := r.meets(back, zmq.PULL)
	r.start(front, back, zmq.ProxyControl(control))
	say(t, in, "passed")
	expectHeard(t, out, "passed")
	for _, command := range []string{"PAUSE", "TERMINATE"} {
		got := make(chan string)
		r.tells(ctl, command)
		go func() {
			m, err := front.Recv(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- string(m.Frames[0])
		}()
		say(t, in, command)
		if text := <-got; text != command {
			t.Errorf("after %s: %q", command, text)
		}
	}
	r.ends(nil)
}

// TestProxyOfSubscriptions: an XPUB works off at once what subscribers send, and the
// proxy gets it all the same.
func TestProxyOfSubscriptions(t *testing.T) {
	r := newRelay(t)
	front, back := r.open(zmq.XPUB), r.open(zmq.PUSH)
	sub := r.open(zmq.SUB)
	connect(r, sub, bind(r, front, "tcp://127.0.0.1:*"))
	out := r.meets(back, zmq.PULL)
	r.start(front, back)
	for _, topic := range []string{"a", "b"} {
		if err := sub.Subscribe(topic); err != nil {
			t.Fatal(err)
		}
		expectHeard(t, out, "\x01"+topic)
	}
	if err := sub.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := hear(t, out); got[0][0] != 0 {
			t.Errorf("a subscriber has left, and the proxy passed %q", got)
		}
	}
}

// TestProxyOfStream: a STREAM tells of its connections, and the proxy passes that on.
func TestProxyOfStream(t *testing.T) {
	r := newRelay(t)
	front, back := r.open(zmq.STREAM), r.open(zmq.PUSH)
	at := bind(r, front, "tcp://127.0.0.1:*")
	out := r.meets(back, zmq.PULL)
	r.start(front, back)
	conn, err := net.Dial("tcp", strings.TrimPrefix(at, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	if got := hear(t, out); len(got) != 2 || got[1] != "" {
		t.Errorf("of the connection the proxy passed %q", got)
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got := hear(t, out); len(got) != 2 || got[1] != "hello" {
		t.Errorf("of what it said the proxy passed %q", got)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if got := hear(t, out); len(got) != 2 || got[1] != "" {
		t.Errorf("of its end the proxy passed %q", got)
	}
}

// TestProxyLeavesRest: while a proxy waits for room, what comes goes to who waits for it
// beside the proxy.
func TestProxyLeavesRest(t *testing.T) {
	for name, beside := range map[string]func(t *testing.T, r *relay, front *zmq.Socket) *zmq.Socket{
		"Recv": func(_ *testing.T, _ *relay, front *zmq.Socket) *zmq.Socket { return front },
		"proxy": func(t *testing.T, r *relay, front *zmq.Socket) *zmq.Socket {
			free := r.open(zmq.PUSH)
			out := r.meets(free, zmq.PULL)
			go func() { _ = zmq.Proxy(t.Context(), front, free) }()
			return out
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, front := zmqtest.Pair(t, zmq.PUSH, zmq.PULL)
				r := newRelay(t)
				r.start(front, r.open(zmq.PUSH)) // which has no peer
				synctest.Wait()
				say(t, in, "held")
				synctest.Wait()
				out := beside(t, r, front)
				got := make(chan string, 1)
				go func() { got <- strings.Join(hear(t, out), "") }()
				synctest.Wait()
				say(t, in, "left")
				synctest.Wait()
				select {
				case text := <-got:
					if text != "left" {
						t.Errorf("it got %q", text)
					}
				default:
					t.Error("it still waits")
				}
			})
		})
	}
}
