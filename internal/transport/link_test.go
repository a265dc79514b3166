package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// readHandler takes what readAll reads.
type readHandler interface {
	Idler
	Space() []byte
	Space2() []byte
	Got(n int) (more bool, err error)
}

// readAll reads until the link ends or h wants to leave.
func readAll(l *Link, h readHandler) error {
	for {
		n, err := l.Read(h.Space(), h.Space2(), h)
		if n > 0 {
			if more, herr := h.Got(n); herr != nil || !more {
				return herr
			}
		}
		if err != nil {
			return err
		}
	}
}

// collector is a readHandler that keeps what it gets.
type collector struct {
	space, space2 []byte
	got           []byte
	leaveAt       int // leave once so many octets are here; 0: never
	fail          error
	idle          chan struct{} // told when the loop is about to park, if there is room
}

func newCollector(space, space2 int) *collector {
	return &collector{space: make([]byte, space), space2: make([]byte, space2), idle: make(chan struct{}, 1)}
}

func (c *collector) Space() []byte  { return c.space }
func (c *collector) Space2() []byte { return c.space2 }

func (c *collector) Got(n int) (bool, error) {
	first := min(n, len(c.space))
	c.got = append(c.got, c.space[:first]...)
	c.got = append(c.got, c.space2[:n-first]...)
	return c.leaveAt == 0 || len(c.got) < c.leaveAt, c.fail
}

func (c *collector) Idle() {
	select {
	case c.idle <- struct{}{}:
	default:
	}
}

// tight keeps the kernel's buffers small, so that writes are cut often.
var tight = &Options{SendBuffer: 64 << 10, RecvBuffer: 64 << 10}

// eachLink runs a test over tcp, ipc and a connection that is no socket.
func eachLink(t *testing.T, test func(t *testing.T, a, b *Link)) {
	for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
		t.Run(bind, func(t *testing.T) {
			ln := mustListen(t, bind, tight)
			a, b := join(t, ln, ln.Endpoint().String(), tight)
			test(t, NewLink(a), NewLink(b))
		})
	}
	t.Run("pipe", func(t *testing.T) {
		a, b := net.Pipe()
		t.Cleanup(func() { _, _ = a.Close(), b.Close() })
		for _, c := range []net.Conn{a, b} {
			if err := c.SetDeadline(time.Now().Add(guard)); err != nil {
				t.Fatal(err)
			}
		}
		test(t, NewLink(a), NewLink(b))
	})
}

// payload is n octets with no short period.
func payload(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

// cut divides b into buffers of uneven size, some of them empty.
func cut(b []byte) [][]byte {
	var bufs [][]byte
	sizes := []int{0, 1, 9, 255, 0, 0, 4096, 300 << 10, 1, 1, 1, 65536}
	for i := 0; len(b) > 0; i++ {
		n := min(sizes[i%len(sizes)], len(b))
		bufs = append(bufs, b[:n])
		b = b[n:]
	}
	return append(bufs, nil)
}

func TestLinkCarriesEverything(t *testing.T) {
	want := payload(8 << 20)
	eachLink(t, func(t *testing.T, a, b *Link) {
		done := make(chan error, 1)
		go func() {
			n, err := a.Write(cut(want))
			if err == nil && n != len(want) {
				err = errors.New("short count without an error")
			}
			done <- errors.Join(err, a.Close())
		}()
		h := newCollector(1000, 777)
		if err := readAll(b, h); err != io.EOF {
			t.Errorf("reading = %v, want io.EOF", err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if !bytes.Equal(h.got, want) {
			t.Errorf("%d octets arrived, not the %d that were sent", len(h.got), len(want))
		}
	})
}

func TestReadLeavesAndComesBack(t *testing.T) {
	eachLink(t, func(t *testing.T, a, b *Link) {
		done := make(chan error, 1)
		go func() {
			_, err := a.Write([][]byte{[]byte("one"), []byte("two")})
			done <- errors.Join(err, a.Close())
		}()
		h := newCollector(1, 0)
		h.leaveAt = 4
		if err := readAll(b, h); err != nil || string(h.got) != "onet" {
			t.Errorf("reading = %v with %q, want nil with onet", err, h.got)
		}
		h.fail = errors.New("enough")
		if err := readAll(b, h); err != h.fail || string(h.got) != "onetw" {
			t.Errorf("reading = %v with %q, want the handler's error", err, h.got)
		}
		h.fail, h.leaveAt = nil, 0
		if err := readAll(b, h); err != io.EOF || string(h.got) != "onetwo" {
			t.Errorf("reading = %v with %q, want io.EOF with onetwo", err, h.got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestReadNeedsSpace(t *testing.T) {
	eachLink(t, func(t *testing.T, _, b *Link) {
		if err := readAll(b, newCollector(0, 0)); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("a read without space = %v, want EINVAL", err)
		}
	})
}

func TestCloseWakesRead(t *testing.T) {
	eachLink(t, func(t *testing.T, a, b *Link) {
		done := make(chan error, 1)
		h := newCollector(10, 0)
		go func() { done <- readAll(b, h) }()
		if b.Fast() {
			<-h.idle
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("reading = %v, want net.ErrClosed", err)
		}
	})
}

func TestDeadlineWakesRead(t *testing.T) {
	eachLink(t, func(t *testing.T, a, b *Link) {
		done := make(chan error, 1)
		h := newCollector(10, 0)
		go func() { done <- readAll(b, h) }()
		if b.Fast() {
			<-h.idle
		}
		if err := b.Conn().SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("reading = %v, want os.ErrDeadlineExceeded", err)
		}
		if err := b.Conn().SetReadDeadline(time.Now().Add(guard)); err != nil {
			t.Error(err)
		}
		go func() { _, _ = a.Write([][]byte{[]byte("x")}) }()
		h.leaveAt = 1
		if err := readAll(b, h); err != nil || string(h.got) != "x" {
			t.Errorf("after the deadline reading = %v with %q", err, h.got)
		}
	})
}

// TestCloseWhileWriting checks that the count is exact when a write is cut off:
// the peer reads what the writer says was taken.
func TestCloseWhileWriting(t *testing.T) {
	big := payload(8 << 20)
	eachLink(t, func(t *testing.T, a, b *Link) {
		first, again, err := a.TryWrite([][]byte{big})
		if err != nil || !again {
			t.Fatalf("TryWrite = %d, %v, %v; want a full kernel", first, again, err)
		}
		type result struct {
			n   int
			err error
		}
		done := make(chan result, 1)
		go func() {
			n, err := a.Write([][]byte{big[first:]})
			done <- result{n, err}
		}()
		h := newCollector(1000, 0)
		h.leaveAt = first + 1 // an octet of Write is here, and most of it can't be
		if err := readAll(b, h); err != nil {
			t.Errorf("reading = %v", err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		r := <-done
		if !errors.Is(r.err, net.ErrClosed) && !errors.Is(r.err, io.ErrClosedPipe) {
			t.Errorf("Write = %v, want net.ErrClosed", r.err)
		}
		h.leaveAt = 0
		if err := readAll(b, h); err != io.EOF {
			t.Errorf("reading = %v", err)
		}
		if r.n == 0 || !bytes.Equal(h.got, big[:first+r.n]) {
			t.Errorf("%d octets arrived, but the writer counted %d", len(h.got), first+r.n)
		}
	})
}

func TestWriteToLostPeer(t *testing.T) {
	eachLink(t, func(t *testing.T, a, b *Link) {
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		// tcp may take octets until the peer's answer is in.
		for range 1000 {
			if _, err := a.Write([][]byte{payload(64 << 10)}); err != nil {
				return
			}
		}
		t.Error("Write to a lost peer never fails")
	})
}

func TestPlainLinkIsNotFast(t *testing.T) {
	a, b := net.Pipe()
	defer func() { _, _ = a.Close(), b.Close() }()
	l := NewLink(a)
	if l.Fast() || l.Conn() != a {
		t.Errorf("Fast() = %v, Conn() = %v", l.Fast(), l.Conn())
	}
	if n, again, err := l.TryWrite([][]byte{[]byte("x")}); n != 0 || !again || err != nil {
		t.Errorf("TryWrite = %d, %v, %v; want 0, true, nil", n, again, err)
	}
}
