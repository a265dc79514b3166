package zmqtest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq/zmqtest"
)

// dial makes one connection over a link.
func dial(t testing.TB, link *zmqtest.Link, ln net.Listener) (near, far net.Conn) {
	t.Helper()
	near, err := link.Dialer()(within(t), "tcp", "server:1")
	if err != nil {
		t.Fatal(err)
	}
	if far, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func newConns(t testing.TB) (link *zmqtest.Link, near, far net.Conn) {
	t.Helper()
	link = zmqtest.NewLink(t)
	near, far = dial(t, link, link.Listener())
	return link, near, far
}

func write(t testing.TB, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatal(n, err)
	}
}

// expectRead wants these octets, in one read.
func expectRead(t testing.TB, c net.Conn, want string) {
	t.Helper()
	b := make([]byte, 100)
	if n, err := c.Read(b); string(b[:n]) != want || err != nil {
		t.Fatalf("read %q, %v; want %q", b[:n], err, want)
	}
}

// expectError wants a read and a write to fail.
func expectErrors(t testing.TB, c net.Conn, read, write error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, read) {
		t.Errorf("read: %d octets, %v; want %v", n, err, read)
	}
	if n, err := c.Write(make([]byte, 1)); n != 0 || !errors.Is(err, write) {
		t.Errorf("write: %d octets, %v; want %v", n, err, write)
	}
}

func TestConnCarries(t *testing.T) {
	_, near, far := newConns(t)
	write(t, near, "ab")
	write(t, near, "c")
	expectRead(t, far, "abc")
	write(t, far, "d")
	expectRead(t, near, "d")
	if n, err := near.Read(nil); n != 0 || err != nil {
		t.Error("read of nothing:", n, err)
	}
	if n, err := near.Write(nil); n != 0 || err != nil {
		t.Error("write of nothing:", n, err)
	}
	if near.LocalAddr() != far.RemoteAddr() || near.RemoteAddr() != far.LocalAddr() || near.LocalAddr() == near.RemoteAddr() {
		t.Error(near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
	}
}

func TestConnClose(t *testing.T) {
	_, near, far := newConns(t)
	write(t, near, "last words")
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	expectErrors(t, near, net.ErrClosed, net.ErrClosed)
	if err := near.Close(); !errors.Is(err, net.ErrClosed) {
		t.Error("the second close:", err)
	}
	if err := near.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Error("a deadline after close:", err)
	}
	expectRead(t, far, "last words")
	expectErrors(t, far, io.EOF, syscall.EPIPE)
}

func TestConnCut(t *testing.T) {
	link, near, far := newConns(t)
	write(t, near, "under way")
	link.Cut()
	expectErrors(t, near, syscall.ECONNRESET, syscall.ECONNRESET)
	expectErrors(t, far, syscall.ECONNRESET, syscall.ECONNRESET)
}

func TestConnCutAfter(t *testing.T) {
	link := zmqtest.NewLink(t)
	ln := link.Listener()
	link.CutAfter(3)
	near, far := dial(t, link, ln)
	write(t, far, "ab")
	expectRead(t, near, "ab")
	write(t, near, "a")
	expectRead(t, far, "a")
	write(t, far, "cd")
	expectRead(t, near, "c")
	expectErrors(t, near, syscall.ECONNRESET, syscall.ECONNRESET)
	expectErrors(t, far, syscall.ECONNRESET, syscall.ECONNRESET)
	link.CutAfter(0)
	near, far = dial(t, link, ln)
	expectErrors(t, near, syscall.ECONNRESET, syscall.ECONNRESET)
	expectErrors(t, far, syscall.ECONNRESET, syscall.ECONNRESET)
	link.CutAfter(-1)
	for range 2 {
		near, far = dial(t, link, ln)
		write(t, near, "abcdef")
		expectRead(t, far, "abcdef")
	}
}

// waits starts f and wants it to wait. The channel is closed when it ends.
func waits(t testing.TB, f func()) <-chan struct{} {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	synctest.Wait()
	select {
	case <-done:
		t.Error("it did not wait")
	default:
	}
	return done
}

// TestConnWakes: whatever ends a connection wakes those who read and write it.
func TestConnWakes(t *testing.T) {
	past := time.Unix(1, 0)
	tests := []struct {
		name        string
		end         func(link *zmqtest.Link, near, far net.Conn)
		read, write error
	}{
		{"deadline in the past", func(_ *zmqtest.Link, near, _ net.Conn) { near.SetDeadline(past) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		{"deadline", func(_ *zmqtest.Link, near, _ net.Conn) { near.SetDeadline(time.Now().Add(time.Hour)) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
		{"close", func(_ *zmqtest.Link, near, _ net.Conn) { near.Close() }, net.ErrClosed, net.ErrClosed},
		{"close of the peer", func(_ *zmqtest.Link, _, far net.Conn) { far.Close() }, io.EOF, syscall.EPIPE},
		{"close of the peer, with delay", func(l *zmqtest.Link, _, far net.Conn) { l.Delay(time.Hour); far.Close() }, io.EOF, syscall.EPIPE},
		{"cut", func(l *zmqtest.Link, _, _ net.Conn) { l.Cut() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"cut while frozen", func(l *zmqtest.Link, _, _ net.Conn) { l.Freeze(); l.Cut() }, syscall.ECONNRESET, syscall.ECONNRESET},
		{"deadline while frozen", func(l *zmqtest.Link, near, _ net.Conn) { l.Freeze(); near.SetDeadline(past) }, os.ErrDeadlineExceeded, os.ErrDeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				link, near, far := newConns(t)
				var readErr, writeErr error
				reader := waits(t, func() { _, readErr = near.Read(make([]byte, 1)) })
				writer := waits(t, func() { _, writeErr = near.Write(make([]byte, 1<<20)) })
				tt.end(link, near, far)
				<-reader
				<-writer
				if !errors.Is(readErr, tt.read) || !errors.Is(writeErr, tt.write) {
					t.Errorf("read: %v, write: %v; want %v and %v", readErr, writeErr, tt.read, tt.write)
				}
			})
		})
	}
}

// TestConnDeadlines: an earlier deadline counts no more when there is a later
// one, and a connection outlives it.
func TestConnDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, near, far := newConns(t)
		start := time.Now()
		for _, d := range []time.Duration{time.Hour, time.Minute, 2 * time.Minute} {
			if err := near.SetReadDeadline(start.Add(d)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := near.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Minute {
			t.Error(err, time.Since(start))
		}
		var timeout net.Error
		if _, err := near.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Error(err)
		}
		write(t, near, "still writes")
		expectRead(t, far, "still writes")
		if err := near.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		write(t, far, "and reads")
		expectRead(t, near, "and reads")
	})
}

// TestConnRoom: a writer waits when as much as a kernel would hold is not read,
// also over a frozen link, and goes on when it is.
func TestConnRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, near, far := newConns(t)
		link.Freeze()
		want := bytes.Repeat([]byte("0123456789"), 20_000)
		writer := waits(t, func() {
			if n, err := near.Write(want); n != len(want) || err != nil {
				t.Error(n, err)
			}
			near.Close()
		})
		link.Thaw()
		if got, err := io.ReadAll(far); !bytes.Equal(got, want) || err != nil {
			t.Errorf("%d octets of %d, %v", len(got), len(want), err)
		}
		<-writer
	})
}

// TestConnFrozen: who closes tells nobody over a frozen link, until it thaws.
func TestConnFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, near, far := newConns(t)
		link.Freeze()
		far.Close()
		write(t, near, "nobody told")
		reader := waits(t, func() { near.Read(make([]byte, 1)) })
		link.Thaw()
		<-reader
		expectErrors(t, near, io.EOF, syscall.EPIPE)
	})
}

// TestConnWritesAreWhole: octets of two writers do not mix.
func TestConnWritesAreWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, near, far := newConns(t)
		const size = 200_000
		first := waits(t, func() { near.Write(bytes.Repeat([]byte("a"), size)) })
		second := waits(t, func() { near.Write(bytes.Repeat([]byte("b"), size)) })
		got := make([]byte, 2*size)
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		if changes := bytes.Count(got, []byte("ab")) + bytes.Count(got, []byte("ba")); changes != 1 {
			t.Errorf("they change %d times", changes)
		}
		<-first
		<-second
	})
}

// TestConnDelay: nothing overtakes when the delay becomes shorter.
func TestConnDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, near, far := newConns(t)
		start := time.Now()
		link.Delay(time.Minute)
		write(t, near, "first")
		link.Delay(time.Second)
		write(t, near, "second")
		near.Close()
		if got, err := io.ReadAll(far); string(got) != "firstsecond" || err != nil || time.Since(start) != time.Minute {
			t.Errorf("%q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestListenerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link := zmqtest.NewLink(t)
		ln := link.Listener()
		accept := waits(t, func() {
			if c, err := ln.Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
				t.Error(c, err)
			}
		})
		next := link.Listener() // takes the place of ln
		<-accept
		if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
			t.Error("close of a listener that was replaced:", err)
		}
		near, err := link.Dialer()(t.Context(), "tcp", "server:1")
		if err != nil {
			t.Fatal(err)
		}
		next.Close()
		expectErrors(t, near, syscall.ECONNRESET, syscall.ECONNRESET)
	})
}

// TestLinkEndsWithTheTest: nobody waits for a link that is gone.
func TestLinkEndsWithTheTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var link *zmqtest.Link
		var near net.Conn
		var dialing <-chan struct{}
		run(t, func(t testing.TB) {
			link = zmqtest.NewLink(t)
			near, _ = dial(t, link, link.Listener())
			link.Freeze()
			dialing = waits(t, func() {
				if c, err := link.Dialer()(context.Background(), "tcp", "server:1"); c != nil || !errors.Is(err, syscall.ECONNREFUSED) {
					t.Error(c, err)
				}
			})
		})
		<-dialing
		expectErrors(t, near, net.ErrClosed, net.ErrClosed) // by the test's own cleanup
		if c, err := link.Listener().Accept(); c != nil || !errors.Is(err, net.ErrClosed) {
			t.Error(c, err)
		}
	})
}
