package zmq_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/zmqtest"
)

// unread makes a PUSH with one message that its peer does not read.
func unread(t *testing.T, dials *wireDials, opts ...zmq.Option) (*zmq.Socket, *wirePeer) {
	t.Helper()
	s := open(t, zmq.PUSH, append(opts, dials.dialer())...)
	connect(t, s, wireEndpoint)
	p := dials.accept()
	p.handshake("PULL")
	say(t, s, "unread")
	synctest.Wait()
	return s, p
}

func TestLinger(t *testing.T) {
	for _, linger := range []time.Duration{0, time.Millisecond, 3 * time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			s, _ := unread(t, newWireDials(t), zmq.WithLinger(linger))
			start := time.Now()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != linger {
				t.Errorf("Close took %v, want %v", took, linger)
			}
		})
	}
}

// TestNoLingerForSubscriptions: a SUB that has no publisher has nothing to wait for.
func TestNoLingerForSubscriptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		s := open(t, zmq.SUB, zmq.WithLinger(-1), zmq.WithDialer(zmqtest.NewLink(t).Dialer())) // where nobody listens
		connect(t, s, "tcp://nowhere:1")
		if err := s.Subscribe("a"); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %v", took)
		}
	})
}

// TestLingerForEver: Close waits until the peer reads, a day later, and not longer.
func TestLingerForEver(t *testing.T) {
	for _, linger := range []time.Duration{-1, -time.Hour, 48 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			s, p := unread(t, newWireDials(t), zmq.WithLinger(linger))
			closed := make(chan error, 1)
			start := time.Now()
			go func() { closed <- s.Close() }()
			<-time.After(24 * time.Hour)
			select {
			case err := <-closed:
				t.Fatalf("Close did not wait: %v", err)
			default:
			}
			p.expectMsg("unread")
			if err := <-closed; err != nil {
				t.Error(err)
			}
			if took := time.Since(start); took != 24*time.Hour {
				t.Errorf("Close took %v, want a day", took)
			}
		})
	}
}

// TestShutdown waits as long as its context allows, whatever the linger time,
// and says when messages were dropped.
func TestShutdown(t *testing.T) {
	for _, linger := range []time.Duration{0, -1} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			s, _ := unread(t, newWireDials(t), zmq.WithLinger(linger))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			start := time.Now()
			if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Shutdown: %v", err)
			}
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("Shutdown took %v", took)
			}
			s, p := unread(t, newWireDials(t), zmq.WithLinger(linger))
			ended := make(chan error, 1)
			go func() { ended <- s.Shutdown(t.Context()) }()
			synctest.Wait()
			p.expectMsg("unread")
			if err := <-ended; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

// TestCloseAsync: it returns at once, and Domain.Shutdown waits for the end.
func TestCloseAsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		domain := zmq.NewDomain()
		in := zmq.WithDomain(domain)
		start := time.Now()
		for i := range 3 {
			s, _ := unread(t, newWireDials(t), in, zmq.WithLinger(time.Duration(i)*time.Second))
			s.CloseAsync()
			synctest.Wait()
			if err := s.TrySend(nil); !errors.Is(err, zmq.ErrClosed) {
				t.Errorf("after CloseAsync: %v", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("CloseAsync took %v", took)
		}
		idle := open(t, zmq.PAIR, in)
		if err := domain.Shutdown(t.Context()); err != nil {
			t.Errorf("Domain.Shutdown: %v", err)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("Domain.Shutdown took %v, want 2 s", took)
		}
		if err := idle.TrySend(nil); !errors.Is(err, zmq.ErrClosed) {
			t.Errorf("after Domain.Shutdown: %v", err)
		}
		if s, err := zmq.New(zmq.PAIR, in); !errors.Is(err, zmq.ErrClosed) || !errors.Is(s.TrySend(nil), zmq.ErrClosed) {
			t.Errorf("a new socket: %v", err)
		}
	})
}

func TestDomainShutdownEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leak.Check(t)
		domain := zmq.NewDomain()
		unread(t, newWireDials(t), zmq.WithDomain(domain))
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		start := time.Now()
		if err := domain.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Domain.Shutdown: %v", err)
		}
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("Domain.Shutdown took %v", took)
		}
	})
}
