package zmq_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

var errUnreachable = errors.New("unreachable")

// A try is one call of the dialer.
type try struct {
	at               time.Time
	network, address string
}

// refusing is a dialer that makes no connection and says when it was asked.
func refusing(tries chan<- try) zmq.Option {
	return zmq.WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case tries <- try{time.Now(), network, address}:
		case <-ctx.Done():
		}
		return nil, errUnreachable
	})
}

// within wants a wait to be an interval, and at most half of it more. It
// returns what was added.
func within(t *testing.T, try int, wait, interval time.Duration) time.Duration {
	t.Helper()
	if wait < interval || wait >= interval+interval/2 {
		t.Errorf("before try %d it waited %v, want %v and less than half of it more", try, wait, interval)
	}
	return wait - interval
}

// TestReconnectIntervals: the wait doubles from 100 ms to 10 s.
func TestReconnectIntervals(t *testing.T) {
	for _, c := range []struct {
		name           string
		opts           []zmq.Option
		first, longest time.Duration
	}{
		{"default", nil, 100 * time.Millisecond, 10 * time.Second},
		{"given", []zmq.Option{zmq.WithReconnect(time.Second), zmq.WithReconnectMax(5 * time.Second)}, time.Second, 5 * time.Second},
		{"constant", []zmq.Option{zmq.WithReconnectMax(0)}, 100 * time.Millisecond, 100 * time.Millisecond},
		{"less than the first", []zmq.Option{zmq.WithReconnect(time.Second), zmq.WithReconnectMax(time.Millisecond)}, time.Second, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				leak.Check(t)
				tries := make(chan try)
				start := time.Now()
				connect(t, open(t, zmq.PUSH, append(c.opts, refusing(tries))...), "tcp://a.name.example:5555")
				last := <-tries
				if !last.at.Equal(start) {
					t.Errorf("the first try waits %v", last.at.Sub(start))
				}
				interval, added := c.first, time.Duration(0)
				for i := range 30 {
					next := <-tries
					added += within(t, i+1, next.at.Sub(last.at), interval)
					if next.address != "a.name.example:5555" || next.network != "tcp4" {
						t.Errorf("try %d is to %s %s: the name is looked up each time", i+1, next.network, next.address)
					}
					last, interval = next, min(2*interval, c.longest)
				}
				if added == 0 {
					t.Error("nothing is added at random")
				}
			})
		})
	}
}

// TestReconnectBeginsAnew: a handshake that succeeded brings the first interval back.
func TestReconnectBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		tries, conns := make(chan try), make(chan net.Conn, 1)
		s := open(t, zmq.PUSH, zmq.WithDialer(func(_ context.Context, network, address string) (net.Conn, error) {
			tries <- try{time.Now(), network, address}
			select {
			case c := <-conns:
				return c, nil
			default:
				return nil, errUnreachable
			}
		}))
		t.Cleanup(func() { s.Close() })
		connect(t, s, wireEndpoint)
		<-tries
		for round := range 3 {
			for range 5 {
				<-tries
			}
			near, far := net.Pipe()
			conns <- near
			<-tries
			p := newWirePeer(t, far)
			p.handshake("PULL")
			synctest.Wait()
			p.cut()
			lost := time.Now()
			within(t, round, (<-tries).at.Sub(lost), 100*time.Millisecond)
		}
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		select {
		case <-tries:
			t.Error("it tries again after Disconnect")
		case <-time.After(time.Hour):
		}
	})
}

// TestNoReconnect: with a negative interval there is one try, and one connection.
func TestNoReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		tries := make(chan try, 10)
		connect(t, open(t, zmq.PUSH, zmq.WithReconnect(-1), refusing(tries)), wireEndpoint)
		<-tries
		dials := newWireDials(t)
		s := open(t, zmq.PUSH, zmq.WithReconnect(-1), dials.dialer())
		connect(t, s, wireEndpoint)
		p := dials.accept()
		p.handshake("PULL")
		awaitPeers(t, s, 1)
		p.cut()
		select {
		case <-tries:
			t.Error("a second try")
		case <-dials.conns:
			t.Error("a second connection")
		case <-time.After(time.Hour):
		}
		if err := s.TrySend(nil); !errors.Is(err, zmq.ErrAgain) {
			t.Errorf("it sends to nobody: %v", err)
		}
		if err := s.Disconnect(wireEndpoint); err != nil {
			t.Errorf("Disconnect: %v", err)
		}
	})
}

// TestConnectTimeout bounds each try.
func TestConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		took := make(chan time.Duration, 100)
		s := open(t, zmq.PUSH, zmq.WithConnectTimeout(7*time.Second), zmq.WithDialer(
			func(ctx context.Context, _, _ string) (net.Conn, error) {
				start := time.Now()
				<-ctx.Done()
				took <- time.Since(start)
				return nil, ctx.Err()
			}))
		connect(t, s, wireEndpoint)
		for range 3 {
			if d := <-took; d != 7*time.Second {
				t.Errorf("a try took %v, want 7 s", d)
			}
		}
	})
}
