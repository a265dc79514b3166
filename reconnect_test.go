package zmq_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// numbered makes message number n: its number, and frames of many sizes, or of
// sizes so large that they are written by reference.
func numbered(n int, large bool) [][]byte {
	sizes := []int{0, 1, 5, 120, 254, 260, 700}
	if large {
		sizes = []int{10, 40_000, 3000, 100_000, 70_000, 33_000, 1}
	}
	frames := [][]byte{binary.BigEndian.AppendUint32(nil, uint32(n))}
	for i := range n % 3 {
		frames = append(frames, bytes.Repeat([]byte{byte(n)}, sizes[(n+i)%len(sizes)]))
	}
	return frames
}

// takeMessages takes the whole messages off b and wants them to be numbered
// from next on. What is left is the start of a message.
func takeMessages(b []byte, next int, large bool) (after int, err error) {
	var frames [][]byte
	for len(b) > 0 {
		h, ok, err := wire.ParseHeader(b)
		if err != nil {
			return next, err
		}
		if !ok || uint64(len(b)-h.Len) < h.Size {
			return next, nil
		}
		frames = append(frames, b[h.Len:h.Len+int(h.Size)])
		b = b[h.Len+int(h.Size):]
		if h.Flags&wire.FlagMore != 0 {
			continue
		}
		if !slices.EqualFunc(frames, numbered(next, large), bytes.Equal) {
			return next, fmt.Errorf("came %x..., want message %d", frames[0], next)
		}
		frames, next = nil, next+1
	}
	return next, nil
}

// TestCutAtEveryOctet: a connection ends after exactly n octets of messages,
// for every n. A net.Pipe holds nothing, so what the peer has not read was not
// written: the messages that it has not read whole, and no others, must come
// on the next connection, in order and from their first octet.
func TestCutAtEveryOctet(t *testing.T) {
	for _, typ := range []zmq.Type{zmq.PUSH, zmq.DEALER, zmq.PAIR} {
		t.Run(typ.String(), func(t *testing.T) { testCuts(t, typ, false, 0, 1, 900) })
	}
	t.Run("large", func(t *testing.T) { testCuts(t, zmq.PUSH, true, 0, 1237, 400_000) })
}

func testCuts(t *testing.T, typ zmq.Type, large bool, from, step, to int) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		peer := map[zmq.Type]string{zmq.PUSH: "PULL", zmq.DEALER: "DEALER", zmq.PAIR: "PAIR"}[typ]
		dials := newWireDials(t)
		s := open(t, typ, dials.dialer(), zmq.WithReconnect(time.Millisecond), zmq.WithSendHWM(20))
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go sendNumbers(ctx, t, s, large, ended)
		next := 0
		for n := from; n < to; n += step {
			p := dials.accept()
			p.handshake(peer)
			b := p.recv(n)
			p.cut()
			var err error
			if next, err = takeMessages(b, next, large); err != nil {
				t.Fatalf("on the connection that ends after %d octets: %v", n, err)
			}
		}
		cancel()
		<-ended
	})
}

// sendNumbers sends by all roads until ctx ends.
func sendNumbers(ctx context.Context, t *testing.T, s *zmq.Socket, large bool, ended chan<- struct{}) {
	defer close(ended)
	for n := 0; ; n++ {
		frames := numbered(n, large)
		var err error
		if n%2 == 0 {
			m := zmq.NewMsg(frames...)
			err = s.SendMsg(ctx, &m)
		} else {
			err = s.Send(ctx, frames...)
			clear(frames) // the caller keeps its memory
		}
		if errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			t.Errorf("message %d: %v", n, err)
			return
		}
	}
}

// TestCutWhileReceiving: a connection brings exactly n octets of messages, for
// every n. What has come whole is received, in order, and nothing else.
func TestCutWhileReceiving(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.PULL, dials.dialer(), zmq.WithReconnect(time.Millisecond))
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		next := 0
		for n := range 900 {
			p := dials.accept()
			p.handshake("PUSH")
			var b []byte
			for i := next; len(b) < n; i++ {
				for at, f := range numbered(i, false) {
					flags := byte(wire.FlagMore)
					if at == len(numbered(i, false))-1 {
						flags = 0
					}
					b = wire.AppendFrame(b, flags, f)
				}
			}
			p.send(b[:n])
			p.end()
			after, err := takeMessages(b[:n], next, false)
			if err != nil {
				t.Fatal(err)
			}
			for ; next < after; next++ {
				m, err := s.Recv(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !slices.EqualFunc(m.Frames, numbered(next, false), bytes.Equal) {
					t.Fatalf("received %v, want message %d", m, next)
				}
			}
			synctest.Wait()
			expectNone(t, s)
		}
	})
}

// TestCutThroughTCP puts a proxy between two sockets that cuts each connection
// after n octets. What was in the kernel's hands is lost, but nothing comes
// twice, in pieces, or out of order.
func TestCutThroughTCP(t *testing.T) {
	leak.Check(t)
	pull := open(t, zmq.PULL)
	b, err := pull.Bind("tcp://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const cuts = 150
	done := make(chan struct{})
	go cutProxy(proxy, b.Addr().String(), cuts, done)
	push := open(t, zmq.PUSH, zmq.WithReconnect(time.Millisecond), zmq.WithReconnectMax(time.Millisecond))
	if err := push.Connect("tcp://" + proxy.Addr().String()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go sendNumbers(ctx, t, push, false, ended)
	wantRising(t, pull, done)
	cancel()
	<-ended
	push.Close()
	proxy.Close()
}

// plain hides what io.Copy would use to splice: package net keeps pipes for that.
type plain struct{ io.Reader }

// cutProxy forwards connections to a peer and cuts the first ones, each after
// some more octets than the one before. It ends with its listener.
func cutProxy(l net.Listener, to string, cuts int, done chan<- struct{}) {
	for i := 0; ; i++ {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp4", to)
		if err != nil {
			near.Close()
			continue
		}
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(near, plain{far})
			near.Close()
		}()
		if i < cuts {
			_, _ = io.CopyN(far, plain{near}, int64(i*37))
		} else {
			if i == cuts {
				close(done)
			}
			_, _ = io.Copy(far, plain{near})
		}
		far.Close()
		near.Close()
		<-back
	}
}

// TestSubscriptionsSurviveCuts: a SUB whose connection ends at any octet has
// all its subscriptions on the next one.
func TestSubscriptionsSurviveCuts(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		dials := newWireDials(t)
		s := open(t, zmq.SUB, dials.dialer(), zmq.WithReconnect(time.Millisecond))
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		topics := map[string]bool{}
		for n := range 200 {
			p := dials.accept()
			p.handshake("PUB")
			p.recv(min(n, 11*len(topics)))
			topic := fmt.Sprintf("%c", 'a'+n%20)
			if topics[topic] {
				delete(topics, topic)
				if err := s.Unsubscribe(topic); err != nil {
					t.Fatal(err)
				}
			} else {
				topics[topic] = true
				if err := s.Subscribe(topic); err != nil {
					t.Fatal(err)
				}
			}
			p.cut()
			p = dials.accept()
			p.handshake("PUB")
			got := map[string]bool{}
			for range len(topics) {
				got[string(p.expectCommand(wire.NameSubscribe))] = true
			}
			if len(got) != len(topics) {
				t.Fatalf("subscribed to %d topics, want %d", len(got), len(topics))
			}
			for topic := range topics {
				if !got[topic] {
					t.Fatalf("not subscribed to %q", topic)
				}
			}
			p.cut()
		}
	})
}
