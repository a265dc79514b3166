package zmq_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
)

// asks is Request in a goroutine of its own.
func asks(ctx context.Context, s *zmq.Socket, body string) <-chan error {
	done := make(chan error, 1)
	go func() {
		m, err := s.Request(ctx, []byte(body))
		if err == nil && string(m.Frames[0]) != body {
			err = fmt.Errorf("the reply to %q is %v", body, m)
		}
		done <- err
	}()
	return done
}

// TestRequest: many goroutines ask at once on one socket, and each gets its own
// reply, from whatever can answer.
func TestRequest(t *testing.T) {
	for _, typ := range []zmq.Type{zmq.REQ, zmq.DEALER} {
		for _, peer := range []zmq.Type{zmq.REP, zmq.ROUTER} {
			t.Run(typ.String()+" "+peer.String(), func(t *testing.T) {
				r := newRelay(t)
				server := r.open(peer)
				s := r.meets(server, typ)
				go func() {
					for m, err := range server.Msgs(t.Context()) {
						if err != nil || server.Send(t.Context(), m.Frames...) != nil {
							return
						}
					}
				}()
				var all sync.WaitGroup
				for i := range 20 {
					all.Go(func() {
						for j := range 20 {
							if err := <-asks(soon(t), s, fmt.Sprint(i, " ", j)); err != nil {
								t.Error(err)
							}
						}
					})
				}
				all.Wait()
				if late := s.Stats().Dropped.Late; late != 0 {
					t.Errorf("%d replies were late", late)
				}
			})
		}
	}
}

// TestRequestOnTheWire: a number of four octets and an empty frame go in front.
func TestRequestOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, typ := range []zmq.Type{zmq.REQ, zmq.DEALER} {
			s := open(t, typ)
			_, p := attachWire(t, s, zmq.Connected, "ROUTER")
			first := asks(t.Context(), s, "a")
			m := p.recvMsg()
			if len(m) != 3 || len(m[0]) != 4 || m[1] != "" || m[2] != "a" {
				t.Errorf("the request is %q", m)
			}
			second := asks(t.Context(), s, "b")
			n := p.recvMsg()
			if m[0] == n[0] {
				t.Errorf("two requests have the number %q", m[0])
			}
			p.sendMsg(n[0], "", "b")
			if err := <-second; err != nil {
				t.Error(err)
			}
			p.sendMsg(m[0], "", "a")
			if err := <-first; err != nil {
				t.Error(err)
			}
		}
	})
}

// TestRequestDropsOtherReplies: late, unknown, doubled and malformed ones are
// counted and harm nobody.
func TestRequestDropsOtherReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, zmq.DEALER)
		_, p := attachWire(t, s, zmq.Connected, "ROUTER")
		ctx, cancel := context.WithCancel(t.Context())
		given := asks(ctx, s, "given up")
		late := p.recvMsg()[0]
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled request: %v", err)
		}
		done := asks(t.Context(), s, "x")
		id := p.recvMsg()[0]
		other := "\x00\x00\x00\x00"
		if other == id || other == late {
			other = "\x7f\x00\x00\x00"
		}
		for _, m := range [][]string{
			{late, "", "too late"}, {other, "", "unknown"}, {id, "", "x"}, {id, "", "again"},
			{id, ""}, {id, "no delimiter", "x"}, {"id", "", "x"}, {"x"}, {"", "", ""},
		} {
			p.sendMsg(m...)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if st := s.Stats(); st.Dropped.Late != 8 || st.Dropped.Total() != 8 || st.Received.Messages != 9 {
			t.Errorf("%d replies came, late were %+v", st.Received.Messages, st.Dropped)
		}
	})
}

// TestRequestTakesTheSocket: from the first one on, Send and Recv are out of
// turn, and who waits in them learns it and takes no reply away.
func TestRequestTakesTheSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		server := r.open(zmq.REP)
		s := r.meets(server, zmq.DEALER)
		waits := make(chan error, 10)
		for range 5 {
			go func() {
				_, err := s.Recv(t.Context())
				waits <- err
			}()
		}
		synctest.Wait()
		done := asks(t.Context(), s, "a")
		expectHeard(t, server, "a")
		for range 5 {
			if err := <-waits; !errors.Is(err, zmq.ErrState) {
				t.Errorf("who waited in Recv got %v", err)
			}
		}
		say(t, server, "a")
		if err := <-done; err != nil {
			t.Error(err)
		}
		_, recv := s.Recv(t.Context())
		_, tryRecv := s.TryRecv()
		m := zmq.MsgFromStrings("x")
		for op, err := range map[string]error{
			"Send": s.Send(t.Context(), []byte("x")), "TrySend": s.TrySend([]byte("x")), "SendMsg": s.SendMsg(t.Context(), &m),
			"Recv": recv, "TryRecv": tryRecv, "RecvInto": s.RecvInto(t.Context(), &m),
		} {
			if !errors.Is(err, zmq.ErrState) {
				t.Errorf("%s returned %v", op, err)
			}
		}
		if err := <-askedOnce(t, s, server); err != nil {
			t.Error(err)
		}
	})
}

// TestRequestWakesSenders: who waits in Send when the first Request comes.
func TestRequestWakesSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		s := r.open(zmq.DEALER) // which has no peer yet
		sent := make(chan error, 1)
		go func() { sent <- s.Send(t.Context(), []byte("x")) }()
		synctest.Wait()
		done := asks(t.Context(), s, "a")
		if err := <-sent; !errors.Is(err, zmq.ErrState) {
			t.Errorf("who waited in Send got %v", err)
		}
		server := r.meets(s, zmq.REP)
		expectHeard(t, server, "a")
		say(t, server, "a")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// askedOnce lets a REP answer one request.
func askedOnce(t testing.TB, s, server *zmq.Socket) <-chan error {
	t.Helper()
	done := asks(t.Context(), s, "b")
	expectHeard(t, server, "b")
	say(t, server, "b")
	return done
}

// TestRequestAfterTurns: a REQ in the middle of its turn can change over; the
// reply that is owed to it is dropped.
func TestRequestAfterTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		server := r.open(zmq.REP)
		s := r.meets(server, zmq.REQ)
		say(t, s, "question")
		expectHeard(t, server, "question")
		done := asks(t.Context(), s, "a")
		synctest.Wait()
		say(t, server, "answer to nobody")
		expectHeard(t, server, "a")
		say(t, server, "a")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if late := s.Stats().Dropped.Late; late != 1 {
			t.Errorf("%d replies were late", late)
		}
	})
}

// TestRequestEnds: with its context, with Close, with the send timeout, and
// at once if it can't be.
func TestRequestEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(t *testing.T, r *relay) error
		want error
	}{
		{"cancelled in the send", func(t *testing.T, r *relay) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return <-asks(ctx, r.open(zmq.REQ), "a")
		}, context.DeadlineExceeded},
		{"cancelled in the wait", func(t *testing.T, r *relay) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return <-asks(ctx, r.meets(r.open(zmq.REP), zmq.REQ), "a")
		}, context.DeadlineExceeded},
		{"closed in the send", func(t *testing.T, r *relay) error {
			s := r.open(zmq.DEALER)
			done := asks(t.Context(), s, "a")
			synctest.Wait()
			s.Close()
			return <-done
		}, zmq.ErrClosed},
		{"closed in the wait", func(t *testing.T, r *relay) error {
			s := r.meets(r.open(zmq.REP), zmq.DEALER)
			done := asks(t.Context(), s, "a")
			synctest.Wait()
			s.Close()
			return <-done
		}, zmq.ErrClosed},
		{"closed before", func(t *testing.T, r *relay) error {
			s := r.open(zmq.DEALER)
			s.Close()
			return <-asks(t.Context(), s, "a")
		}, zmq.ErrClosed},
		{"send timeout", func(t *testing.T, r *relay) error {
			return <-asks(t.Context(), r.open(zmq.REQ, zmq.WithSendTimeout(time.Second)), "a")
		}, zmq.ErrTimeout},
		{"another type", func(t *testing.T, r *relay) error { return <-asks(t.Context(), r.open(zmq.PAIR), "a") }, zmq.ErrNotSupported},
		{"no frame", func(t *testing.T, r *relay) error {
			_, err := r.open(zmq.REQ).Request(t.Context())
			return err
		}, zmq.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := c.do(t, newRelay(t))
				var failed *zmq.OpError
				if !errors.Is(err, c.want) || !errors.As(err, &failed) || failed.Op != "request" {
					t.Errorf("it returned %v, want %v", err, c.want)
				}
			})
		})
	}
}

// TestRequestWithEndedContext: it is not sent.
func TestRequestWithEndedContext(t *testing.T) {
	r := newRelay(t)
	server := r.open(zmq.REP)
	s := r.meets(server, zmq.REQ)
	if err := <-asks(ended(), s, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("it returned %v", err)
	}
	expectNone(t, server)
	if err := <-askedOnce(t, s, server); err != nil {
		t.Error(err)
	}
}

// TestRequestRace: requests, replies, cancellations and Close at once leave
// nothing behind and nobody stuck.
func TestRequestRace(t *testing.T) {
	r := newRelay(t)
	router := r.open(zmq.ROUTER)
	s := r.meets(router, zmq.DEALER)
	go func() {
		for m, err := range router.Msgs(t.Context()) {
			if err != nil || router.Send(t.Context(), m.Frames...) != nil {
				return
			}
		}
	}()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				ctx, cancel := context.WithCancel(soon(t))
				done := asks(ctx, s, "a")
				if j%2 == 0 {
					cancel()
				}
				if err := <-done; err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, zmq.ErrClosed) {
					t.Error(err)
				}
				cancel()
				if i == 0 && j == 150 {
					s.Close()
				}
			}
		})
	}
	all.Wait()
}
