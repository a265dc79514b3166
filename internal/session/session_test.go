package session

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq/internal/engine"
	"github.com/phimq/zmq/internal/pipe"
)

func TestBackoff(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		first, longest time.Duration
		tries          int
		want           time.Duration
	}{
		{100 * ms, 10 * time.Second, 0, 100 * ms},
		{100 * ms, 10 * time.Second, 1, 200 * ms},
		{100 * ms, 10 * time.Second, 6, 6400 * ms},
		{100 * ms, 10 * time.Second, 7, 10 * time.Second},
		{100 * ms, 10 * time.Second, 1 << 30, 10 * time.Second},
		{100 * ms, 0, 9, 100 * ms},
		{100 * ms, 50 * ms, 9, 100 * ms},
		{100 * ms, 100 * ms, 9, 100 * ms},
		{1, time.Hour, 1 << 30, time.Hour},
		{0, 0, 0, 0},
		{1, 1, 0, 1},
		{0, 0, 9, ms},
		{1, 1, 9, ms},
		{0, time.Second, 1, ms},
		{0, time.Second, 2, 2 * ms},
		{0, time.Second, 30, time.Second},
	} {
		least, most := time.Duration(1<<62), time.Duration(0)
		for range 200 {
			wait := backoff(c.first, c.longest, c.tries)
			least, most = min(least, wait), max(most, wait)
		}
		if least < c.want || (c.want > 1 && most >= c.want+c.want/2) {
			t.Errorf("after %d tries from %v to %v: %v to %v, want %v and up to half more", c.tries, c.first, c.longest, least, most, c.want)
		}
		if c.want > ms && most-least < c.want/10 {
			t.Errorf("after %d tries: %v to %v is not at random", c.tries, least, most)
		}
		if c.want <= 1 && most != c.want {
			t.Errorf("from %v: %v", c.first, most)
		}
	}
}

// TestBackoffForEver: the longest pause that there is does not become none.
func TestBackoffForEver(t *testing.T) {
	for range 100 {
		if wait := backoff(1<<63-1, 0, 0); wait < 1<<62 {
			t.Fatalf("it waits %v", wait)
		}
	}
}

// A witness is a host that counts events and takes part in nothing.
type witness struct {
	mu     sync.Mutex
	counts map[EventKind]int
	why    error // of the last handshake that failed
}

func (w *witness) Readable(*pipe.Pipe)                   {}
func (w *witness) NewPipe(string, bool, bool) *pipe.Pipe { return &pipe.Pipe{} }
func (w *witness) Attach(*pipe.Pipe) bool                { return false }
func (w *witness) Opened(*pipe.Pipe, pipe.Opening)       {}
func (w *witness) Closed(*pipe.Pipe) (s <-chan struct{}) { return s }
func (w *witness) Lost(*pipe.Pipe)                       {}
func (w *witness) Passes() bool                          { return false }
func (w *witness) Closing() <-chan struct{}              { return nil }

func (w *witness) Event(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[e.Kind]++
	if e.Kind == HandshakeFailed {
		w.why = e.Err
	}
}

// counted wants so many connections to be accepted and so many handshakes to
// have failed when nothing moves any more.
func (w *witness) counted(t *testing.T, accepted, failed int) {
	t.Helper()
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.counts[Accepted] != accepted || w.counts[HandshakeFailed] != failed {
		t.Fatalf("%d connections are accepted and %d handshakes have failed, want %d and %d",
			w.counts[Accepted], w.counts[HandshakeFailed], accepted, failed)
	}
}

// A gate is a listener whose connections the test makes.
type gate struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.conns:
		return c, nil
	case <-g.closed:
		return nil, net.ErrClosed
	}
}

func (g *gate) Close() error {
	g.once.Do(func() { close(g.closed) })
	return nil
}

func (g *gate) Addr() net.Addr { return &net.UnixAddr{Name: "/gate", Net: "unix"} }

// comes makes a connection whose peer says nothing, and returns the peer.
func (g *gate) comes() net.Conn {
	near, far := net.Pipe()
	g.conns <- near
	return far
}

// crowded serves a gate at which as many silent peers stand as may at once.
func crowded(t *testing.T) (*witness, *gate, []net.Conn) {
	w, at := &witness{counts: map[EventKind]int{}}, &gate{conns: make(chan net.Conn), closed: make(chan struct{})}
	g := NewGroup(w, new(Shared))
	t.Cleanup(g.Close)
	o := &Options{Engine: &engine.Config{SocketType: "PULL", LeastVersion: [2]byte{3, 0}, Pool: &pipe.Pool{},
		Legal: func(string) bool { return true }}}
	if _, err := g.Serve(at, "ipc:///gate", o); err != nil {
		t.Fatal(err)
	}
	var peers []net.Conn
	for range maxHandshakes {
		peers = append(peers, at.comes())
	}
	w.counted(t, maxHandshakes, 0)
	return w, at, peers
}

// TestSlowHandshakesGiveWay: when there are too many, the next waits until the
// oldest is slow, which then gives way; and so on, one for one.
func TestSlowHandshakesGiveWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, at, _ := crowded(t)
		start := time.Now()
		at.comes()
		w.counted(t, maxHandshakes, 0)
		<-time.After(slowHandshake - time.Nanosecond)
		w.counted(t, maxHandshakes, 0)
		<-time.After(time.Nanosecond)
		w.counted(t, maxHandshakes+1, 1)
		for i := range 10 {
			at.comes()
			w.counted(t, maxHandshakes+2+i, 2+i)
		}
		if took := time.Since(start); took != slowHandshake {
			t.Errorf("it took %v", took)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if !errors.Is(w.why, errCrowded) {
			t.Errorf("the handshake failed: %v", w.why)
		}
	})
}

// TestOldestHandshakeGivesWay: it is the first that came whose connection ends.
func TestOldestHandshakeGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, at, peers := crowded(t)
		<-time.After(slowHandshake)
		for i := range 3 {
			at.comes()
			w.counted(t, maxHandshakes+1+i, 1+i)
			for j, p := range peers[:5] {
				_ = p.SetReadDeadline(time.Now().Add(time.Millisecond))
				var timeout net.Error
				_, err := p.Read(make([]byte, 0))
				if ended := err != nil && !errors.As(err, &timeout); ended != (j <= i) {
					t.Errorf("%d have given way, peer %d: %v", i+1, j, err)
				}
			}
		}
	})
}

// TestHandshakesMakeRoom: one that ends lets the next in at once.
func TestHandshakesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, at, peers := crowded(t)
		for i := range 10 {
			at.comes()
			w.counted(t, maxHandshakes+i, i)
			_ = peers[500+i].Close()
			w.counted(t, maxHandshakes+1+i, 1+i)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if errors.Is(w.why, errCrowded) {
			t.Error("one had to give way")
		}
	})
}

// A halfPipe notes the end of what it sends.
type halfPipe struct {
	net.Conn
	ended bool
}

func (h *halfPipe) CloseWrite() error {
	h.ended = true
	return nil
}

// A timeless link knows no deadlines, and counts how often it is closed.
type timeless struct {
	net.Conn
	closed atomic.Int32
}

func (l *timeless) SetDeadline(time.Time) error { return os.ErrNoDeadline }

func (l *timeless) Close() error {
	l.closed.Add(1)
	return l.Conn.Close()
}

// TestHangupOfAClosedOne starts nothing: its group may have been closed meanwhile.
func TestHangupOfAClosedOne(t *testing.T) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	link := &timeless{Conn: near}
	g := NewGroup(&witness{counts: map[EventKind]int{}}, new(Shared))
	c := newConn(g, &Options{Engine: &engine.Config{SocketType: "DEALER"}}, "tcp://peer:1", false, link)
	c.close()
	c.hangup(nil)
	g.Close()
	if n := link.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
}

// TestPartWhileOpening: a connection that others have written to already parts in peace,
// though its own goroutine is not done with opening it.
func TestPartWhileOpening(t *testing.T) {
	for name, wrote := range map[string]int64{"written": 1, "not written": 0} {
		near, far := net.Pipe()
		t.Cleanup(func() { _ = far.Close() })
		half := &halfPipe{Conn: near}
		g := NewGroup(&witness{counts: map[EventKind]int{}}, new(Shared))
		t.Cleanup(g.Close)
		c := newConn(g, &Options{Engine: &engine.Config{SocketType: "DEALER"}}, "tcp://peer:1", false, half)
		c.pipe = &pipe.Pipe{In: pipe.NewQueue(nil, &pipe.Pool{}, 0, false)}
		c.reader.init(c, nil)
		c.writer.last.Store(wrote)
		if c.part() != half.ended || half.ended != (wrote > 0) {
			t.Errorf("%s: that it parts is %v", name, half.ended)
		}
	}
}
