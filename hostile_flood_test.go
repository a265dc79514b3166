package zmq_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// failures are handshakes with a CURVE server that fail, each in its own way.
func failures(f *fort, server zmq.CurveKey) map[string]func() {
	stranger := zmq.NewCurveKeys()
	return map[string]func(){
		"silent": func() { f.raw().cut() },
		"another mechanism": func() {
			p := f.raw()
			p.send(ours)
			endsSoon(p)
			p.cut()
		},
		"no HELLO": func() {
			p := f.comes()
			p.send(ready("PUSH"))
			endsSoon(p.wirePeer)
			p.cut()
		},
		"a wrong HELLO": func() {
			p := secure(f.raw(), curveSpeaker(stranger.Public(), stranger)(f.t, "PUSH"))
			p.send(p.next())
			endsSoon(p.wirePeer)
			p.cut()
		},
		"left after HELLO": func() {
			p := f.comes()
			p.step()
			p.reset()
		},
		"a wrong INITIATE": func() {
			p := f.comes()
			p.step()
			p.send(flip(p.next(), 1000))
			endsSoon(p.wirePeer)
			p.cut()
		},
		"a wrong type": func() {
			p := secure(f.raw(), curveSpeaker(server, stranger)(f.t, "PAIR"))
			p.step()
			p.send(p.next())
			endsSoon(p.wirePeer)
			p.cut()
		},
		"a wrong MESSAGE": func() {
			p := f.inside()
			p.send(flip(p.message("one"), 300))
			endsSoon(p.wirePeer)
			p.cut()
		},
	}
}

// TestFailedHandshakes: thousands of handshakes that fail in each way leave
// neither memory nor goroutines, and a good peer is served after each kind.
func TestFailedHandshakes(t *testing.T) {
	leak.Check(t)
	count := 2000
	if testing.Short() {
		count = 200
	}
	keys := zmq.NewCurveKeys()
	v := newVictim(t, zmq.PULL, zmq.WithCurveServer(keys))
	v.client = []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}
	f := &fort{victim: v, speaks: curveSpeaker(keys.Public(), zmq.NewCurveKeys())}
	v.good()
	for name, fail := range failures(f, keys.Public()) {
		bounded(t, name, 4<<20, func() {
			t := &cleaner{TB: t} // what a raw peer leaves with its test is not ours
			f.t = t
			for range count {
				fail()
				t.clean()
			}
		})
		f.t = t
		v.good()
	}
	expectNone(t, v.Socket)
}

// A cleaner does not wait for the end of a test to clean up.
type cleaner struct {
	testing.TB
	cleanups []func()
}

func (c *cleaner) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func (c *cleaner) clean() {
	for _, f := range c.cleanups {
		f()
	}
	c.cleanups = nil
}

// TestDeniedByThousands: ten thousand guesses are denied, and then somebody who
// knows the password enters.
func TestDeniedByThousands(t *testing.T) {
	leak.Check(t)
	count := 10_000
	if testing.Short() {
		count = 1000
	}
	var asked atomic.Int64
	v := newVictim(t, zmq.PULL, zmq.WithPlainServer(), zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		asked.Add(1)
		if name, password := p.Credentials(); name != "ann" || password != "secret" {
			return zmq.Identity{}, errStranger
		}
		return zmq.Identity{}, nil
	}))
	v.client = []zmq.Option{zmq.WithPlain("ann", "secret")}
	v.good()
	bounded(t, "denied guesses", 4<<20, func() {
		c := &cleaner{TB: t}
		v.t = c
		for range count {
			p := v.raw()
			p.send(append(greeting(3, 1, "PLAIN"), hello("ann", "guess")...))
			if got := p.rest(); !strings.HasSuffix(string(got), "\x05ERROR\x03400") {
				t.Fatalf("a guess was told %q", got)
			}
			c.clean()
		}
	})
	v.t = t
	if n := asked.Load(); n != int64(count)+1 {
		t.Errorf("%d were asked about, want %d", n, count+1)
	}
	v.good()
	expectNone(t, v.Socket)
}

// TestSilentPeersOfCurve is TestSilentPeers at a CURVE server: some say nothing,
// some stop behind HELLO.
func TestSilentPeersOfCurve(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t, zmq.WithHandshakeTimeout(3*time.Second))
	var silent []*wirePeer
	for i := range 500 {
		if i%2 == 0 {
			silent = append(silent, f.raw())
			continue
		}
		p := f.comes()
		p.step()
		silent = append(silent, p.wirePeer)
	}
	f.good()
	for _, p := range silent {
		endsSoon(p)
	}
	f.good()
	expectNone(t, f.Socket)
}

// gathering is a socket that connects to the raw peers of a test, in simulated
// time: a server that is asked about each.
func gathering(t *testing.T, opts ...zmq.Option) (*zmq.Socket, *wireDials, <-chan zmq.Event) {
	t.Helper()
	d := newWireDials(t)
	s, events := watched(t, zmq.PULL, append(opts, d.dialer(), zmq.WithReconnect(-1)))
	return s, d, events
}

// TestStuckAuthenticator: one that does not answer holds up its own peer only,
// until the time for the handshake is over.
func TestStuckAuthenticator(t *testing.T) {
	leak.Check(t)
	synctest.Test(t, func(t *testing.T) {
		s, d, events := gathering(t, zmq.WithPlainServer(), zmq.WithHandshakeTimeout(time.Minute),
			zmq.WithAuth(func(ctx context.Context, p zmq.Peer) (zmq.Identity, error) {
				if name, _ := p.Credentials(); name == "stuck" {
					<-ctx.Done()
				}
				return zmq.Identity{}, ctx.Err()
			}))
		begun := time.Now()
		var stuck []*securePeer
		for range 50 {
			if err := s.Connect(wireEndpoint); err != nil {
				t.Fatal(err)
			}
			p := secure(d.accept(), plainSpeaker("stuck", "")(t, "PUSH"))
			p.speak()
			stuck = append(stuck, p)
		}
		if err := s.Connect(wireEndpoint); err != nil {
			t.Fatal(err)
		}
		p := secure(d.accept(), plainSpeaker("good", "")(t, "PUSH")).meet()
		p.send(p.message("served"))
		expectHeard(t, s, "served")
		if took := time.Since(begun); took != 0 {
			t.Errorf("the good peer waited for %v", took)
		}
		for _, p := range stuck {
			p.readBy(begun.Add(time.Hour))
			if n, err := p.conn.Read(make([]byte, 1)); n > 0 || err == nil {
				t.Error("one who is asked about got an answer")
			}
			if took := time.Since(begun); took != time.Minute {
				t.Errorf("a stuck handshake ended after %v", took)
			}
			if e := await(t, events, zmq.EventHandshakeFailedNoDetail); !errors.Is(e.Err, context.DeadlineExceeded) {
				t.Errorf("the event says %v", e.Err)
			}
		}
		expectNone(t, s)
	})
}

// TestCloseAsksNoMore: Close ends a question, and so does the end of its
// endpoint, at once.
func TestCloseAsksNoMore(t *testing.T) {
	for name, end := range map[string]func(s *zmq.Socket) error{
		"Close":      (*zmq.Socket).Close,
		"Disconnect": func(s *zmq.Socket) error { return s.Disconnect(wireEndpoint) },
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			synctest.Test(t, func(t *testing.T) {
				asked, freed := make(chan struct{}), make(chan error, 1)
				s, d, _ := gathering(t, zmq.WithPlainServer(), zmq.WithHandshakeTimeout(0), zmq.WithLinger(-1),
					zmq.WithAuth(func(ctx context.Context, _ zmq.Peer) (zmq.Identity, error) {
						close(asked)
						<-ctx.Done()
						freed <- ctx.Err()
						return zmq.Identity{}, nil // an answer that nobody waits for
					}))
				if err := s.Connect(wireEndpoint); err != nil {
					t.Fatal(err)
				}
				p := secure(d.accept(), plainSpeaker("ann", "")(t, "PUSH"))
				p.speak()
				<-asked
				begun := time.Now()
				if err := end(s); err != nil {
					t.Fatal(err)
				}
				if err := <-freed; !errors.Is(err, context.Canceled) {
					t.Errorf("the context says %v", err)
				}
				p.expectEnd()
				if took := time.Since(begun); took != 0 {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestHeldPeers: who may try again later is kept, silent, until the time for
// the handshake is over; Close and Disconnect end that at once, and one event
// tells of it, at once.
func TestHeldPeers(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *zmq.Socket, p *wirePeer) time.Duration{
		"timeout":    func(_ *testing.T, _ *zmq.Socket, p *wirePeer) time.Duration { return time.Minute },
		"Close":      func(_ *testing.T, s *zmq.Socket, _ *wirePeer) time.Duration { s.Close(); return 0 },
		"the peer":   func(_ *testing.T, _ *zmq.Socket, p *wirePeer) time.Duration { p.cut(); return 0 },
		"Disconnect": func(_ *testing.T, s *zmq.Socket, _ *wirePeer) time.Duration { _ = s.Disconnect(wireEndpoint); return 0 },
	} {
		for _, mechanism := range []string{"PLAIN", "NULL"} {
			t.Run(mechanism+", "+name, func(t *testing.T) {
				leak.Check(t)
				synctest.Test(t, func(t *testing.T) {
					opts := []zmq.Option{zmq.WithHandshakeTimeout(time.Minute),
						zmq.WithAuth(func(context.Context, zmq.Peer) (zmq.Identity, error) { return zmq.Identity{}, zmq.ErrAgain })}
					if mechanism == "PLAIN" {
						opts = append(opts, zmq.WithPlainServer())
					}
					s, d, events := gathering(t, opts...)
					begun := time.Now()
					if err := s.Connect(wireEndpoint); err != nil {
						t.Fatal(err)
					}
					p := d.accept()
					p.send(greeting(3, 1, mechanism))
					p.recv(64)
					if mechanism == "PLAIN" {
						p.send(hello("ann", "secret"))
					}
					if e := await(t, events, zmq.EventHandshakeFailedAuth); e.Value != 300 || !time.Now().Equal(begun) {
						t.Errorf("after %v: %s", time.Since(begun), e)
					}
					p.send(wire.AppendFrame(nil, 0, noise(100_000))) // it is read, and thrown away
					p.expectSilence(time.Second)
					held := end(t, s, p)
					if name != "the peer" {
						p.readBy(begun.Add(time.Hour))
						if n, _ := p.conn.Read(make([]byte, 1)); n > 0 {
							t.Error("the peer was told something")
						}
					}
					if took := time.Since(begun); took != max(held, time.Second) {
						t.Errorf("the connection ended after %v", took)
					}
					synctest.Wait()
					if e, ok := next(events, zmq.EventHandshakeFailedAuth, zmq.EventHandshakeFailedNoDetail, zmq.EventDisconnected); ok {
						t.Errorf("one event more: %s", e)
					}
				})
			})
		}
	}
}

// next is the next of the events that have come which is of one of these kinds.
func next(events <-chan zmq.Event, kinds ...zmq.EventKind) (e zmq.Event, ok bool) {
	for {
		select {
		case e := <-events:
			for _, k := range kinds {
				if e.Kind == k {
					return e, true
				}
			}
		default:
			return e, false
		}
	}
}

// TestHeldPeersCount: those who are held are in the handshake still. When there
// are too many, the oldest gives way.
func TestHeldPeersCount(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL, zmq.WithPlainServer(), zmq.WithHandshakeTimeout(patience),
		zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
			if name, _ := p.Credentials(); name != "ann" {
				return zmq.Identity{}, zmq.ErrAgain
			}
			return zmq.Identity{}, nil
		}))
	v.client = []zmq.Option{zmq.WithPlain("ann", "secret")}
	var held []net.Conn
	for range 1024 {
		p := v.raw()
		p.send(append(greeting(3, 1, "PLAIN"), hello("eve", "")...))
		p.recv(64)
		held = append(held, p.conn)
	}
	v.good() // it waits until the first is slow
	_ = held[0].SetReadDeadline(time.Now().Add(patience / 2))
	if n, err := held[0].Read(make([]byte, 1)); n > 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the oldest did not give way: %v", err)
	}
}
