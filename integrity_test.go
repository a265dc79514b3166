package zmq_test

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// sealed makes a message that can tell by itself whether it is whole: the last
// frame is a sum of all others. With the race detector on, memory that is given
// back is spoilt, so that who still reads it is found here.
func sealed(r *rand.Rand) [][]byte {
	sizes := []int{0, 10, 100, 2000, 9000, 33_000, 70_000, 140_000}
	var frames [][]byte
	for range 1 + r.IntN(3) {
		f := make([]byte, sizes[r.IntN(len(sizes))])
		for i := 0; i+8 <= len(f); i += 8 {
			binary.NativeEndian.PutUint64(f[i:], r.Uint64())
		}
		frames = append(frames, f)
	}
	return append(frames, sum(frames))
}

func sum(frames [][]byte) []byte {
	h := crc32.NewIEEE()
	for _, f := range frames {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(f))))
		h.Write(f)
	}
	return h.Sum(nil)
}

func isWhole(frames [][]byte) bool {
	last := len(frames) - 1
	return last > 0 && string(frames[last]) == string(sum(frames[:last]))
}

// A crowd is many who send and receive on some sockets at once.
type crowd struct {
	t    *testing.T
	wg   sync.WaitGroup
	got  atomic.Int64
	seed atomic.Uint64
}

// sends sends n messages, by all roads.
func (c *crowd) sends(ctx context.Context, s *zmq.Socket, n int, prefix ...[]byte) {
	c.wg.Go(func() {
		r := rand.New(rand.NewPCG(c.seed.Add(1), 0))
		for i := range n {
			frames := append(append([][]byte{}, prefix...), sealed(r)...)
			var err error
			if i%2 == 0 {
				err = s.Send(ctx, frames...)
				for _, f := range frames[len(prefix):] {
					clear(f)
				}
			} else {
				m := zmq.NewMsg(frames...)
				err = s.SendMsg(ctx, &m)
			}
			if err != nil || ctx.Err() != nil { // a ROUTER never waits, so it does not look at ctx
				return
			}
		}
	})
}

// receives receives until ctx or the socket ends, and wants each message whole
// at once and once more when the next one has come.
func (c *crowd) receives(ctx context.Context, s *zmq.Socket, skip int, into bool) {
	c.wg.Go(func() {
		var m, kept zmq.Msg
		for {
			var err error
			if into {
				err = s.RecvInto(ctx, &m)
			} else {
				m, err = s.Recv(ctx)
			}
			if err != nil {
				return
			}
			if !isWhole(m.Frames[skip:]) || (kept.Frames != nil && !isWhole(kept.Frames[skip:])) {
				c.t.Errorf("a message of %d frames and %d octets is spoilt", len(m.Frames), m.Size())
				return
			}
			if !into {
				kept = m
			}
			c.got.Add(1)
		}
	})
}

// passes receives from one socket and sends on to another, in one Msg.
func (c *crowd) passes(ctx context.Context, from, to *zmq.Socket) {
	c.wg.Go(func() {
		var m zmq.Msg
		for from.RecvInto(ctx, &m) == nil && to.SendMsg(ctx, &m) == nil {
		}
	})
}

// await waits until n messages were received.
func (c *crowd) await(n int64) {
	c.t.Helper()
	over := time.After(patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for c.got.Load() < n {
		select {
		case <-tick.C:
		case <-over:
			c.t.Fatalf("%d messages came, want %d", c.got.Load(), n)
		}
	}
}

func bindAll(t *testing.T, s *zmq.Socket, peers ...*zmq.Socket) {
	t.Helper()
	for _, endpoint := range []string{"tcp://127.0.0.1:*", "ipc://*", "inproc://x" + s.Type().String()} {
		b, err := s.Bind(endpoint)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range peers {
			if err := p.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestMessagesStayWhole through two hops over all transports at once, in
// memory that is lent, given away and handed on.
func TestMessagesStayWhole(t *testing.T) {
	leak.Check(t)
	d := zmq.WithDomain(zmq.NewDomain())
	push, middle, out, pull := open(t, zmq.PUSH, d), open(t, zmq.PULL, d), open(t, zmq.PUSH, d), open(t, zmq.PULL, d)
	bindAll(t, middle, push)
	bindAll(t, out, pull)
	c := &crowd{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 3 {
		c.sends(ctx, push, 150)
		c.passes(ctx, middle, out)
		c.receives(ctx, pull, 0, i > 0)
	}
	c.await(3 * 150)
	cancel()
	c.wg.Wait()
}

// TestFanOutStaysWhole: one message lies in the queues of many, some of whom
// are slow, come and go.
func TestFanOutStaysWhole(t *testing.T) {
	leak.Check(t)
	d := zmq.WithDomain(zmq.NewDomain())
	pub := open(t, zmq.PUB, d, zmq.WithSendHWM(20))
	var subs []*zmq.Socket
	for range 4 {
		sub := open(t, zmq.SUB, d, zmq.WithRecvHWM(20))
		if err := sub.Subscribe(""); err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	bindAll(t, pub, subs...)
	awaitSubscribers(t, pub, "x", 3*len(subs))
	c := &crowd{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 2 {
		c.receives(ctx, subs[i], 0, i == 0)
	}
	for range 2 {
		c.sends(ctx, pub, 300)
	}
	c.await(50)
	subs[2].Close() // the others never receive
	c.await(100)
	cancel()
	c.wg.Wait()
}

// TestCutsLeaveMessagesWhole: connections end under senders and receivers all
// the time.
func TestCutsLeaveMessagesWhole(t *testing.T) {
	leak.Check(t)
	router, dealer := open(t, zmq.ROUTER), open(t, zmq.DEALER, zmq.WithRoutingID("d"), zmq.WithReconnect(time.Millisecond))
	b, err := router.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var last net.Conn
	if err := dealer.Set(zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		last = conn
		return conn, err
	})); err != nil {
		t.Fatal(err)
	}
	if err := dealer.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t}
	ctx, cancel := context.WithCancel(t.Context())
	c.receives(ctx, router, 1, true)
	c.receives(ctx, dealer, 0, false)
	c.sends(ctx, dealer, 1<<30)
	c.sends(ctx, router, 1<<30, []byte("d"))
	for i := range int64(40) {
		c.await(20 * (i + 1))
		mu.Lock()
		_ = last.(*net.TCPConn).CloseWrite() // perhaps it has ended already
		mu.Unlock()
	}
	cancel()
	c.wg.Wait()
}
