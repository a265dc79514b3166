package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"weak"

	"golang.org/x/sys/unix"
)

func fastPair(t *testing.T, bind string) (a, b *Link) {
	t.Helper()
	ln := mustListen(t, bind, tight)
	x, y := join(t, ln, ln.Endpoint().String(), tight)
	a, b = NewLink(x), NewLink(y)
	if !a.Fast() || !b.Fast() {
		t.Fatal("links of net's sockets are not fast")
	}
	return a, b
}

var fastBinds = []string{"tcp://127.0.0.1:*", "ipc://*"}

// announcer says that a reader gave its memory back.
type announcer chan struct{}

func (a announcer) Idle() { close(a) }

// readOnce reads into memory of its own, which nobody else knows.
func readOnce(l *Link, idle Idler, in, behind chan weak.Pointer[byte]) {
	a, b := make([]byte, 128<<10), make([]byte, 4<<10)
	in <- weak.Make(&a[0])
	behind <- weak.Make(&b[0])
	_, _ = l.Read(a, b, idle) // ends with the link
}

// TestParkedReaderKeepsNothing: what a reader gave back is not kept alive by it
// while it waits. A pool that is full leaves it to the collector.
func TestParkedReaderKeepsNothing(t *testing.T) {
	_, link := fastPair(t, "tcp://127.0.0.1:*")
	parked, in, behind := make(announcer), make(chan weak.Pointer[byte], 1), make(chan weak.Pointer[byte], 1)
	go readOnce(link, parked, in, behind)
	a, b := <-in, <-behind
	<-parked
	for range 1000 {
		runtime.GC()
		if a.Value() == nil && b.Value() == nil {
			return
		}
	}
	t.Error("memory that was given back is still reachable")
}

// TestEndInTheSameEdge sends the last octets and the end of the stream in one
// segment to a parked reader: there is one edge of readiness for both.
func TestEndInTheSameEdge(t *testing.T) {
	for range 20 {
		a, b := fastPair(t, "tcp://127.0.0.1:*")
		done := make(chan error, 1)
		h := newCollector(1000, 0)
		go func() { done <- readAll(b, h) }()
		<-h.idle
		if err := control(a.Conn(), func(fd uintptr) error {
			return unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_CORK, 1)
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Write([][]byte{[]byte("last")}); err != nil {
			t.Fatal(err)
		}
		if err := a.Conn().(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != io.EOF || string(h.got) != "last" {
			t.Fatalf("reading = %v with %q, want io.EOF with the last octets", err, h.got)
		}
	}
}

func TestTryWriteNeverBlocks(t *testing.T) {
	want := payload(8 << 20)
	for _, bind := range fastBinds {
		a, b := fastPair(t, bind)
		bufs := cut(want)
		n, again, err := a.TryWrite(bufs) // nobody reads
		if err != nil || !again || n == 0 || n >= len(want) {
			t.Fatalf("%s: TryWrite = %d, %v, %v; want a part of %d", bind, n, again, err, len(want))
		}
		done := make(chan error, 1)
		go func() {
			for err == nil && n < len(want) {
				var m int
				if m, again, err = a.TryWrite(cut(want[n:])); again {
					n += m
					// Wait with one octet, then try again.
					m, err = a.Write([][]byte{want[n : n+1]})
				}
				n += m
			}
			if cerr := a.Close(); err == nil {
				err = cerr
			}
			done <- err
		}()
		h := newCollector(50_000, 50_000)
		if err := readAll(b, h); err != io.EOF {
			t.Errorf("%s: reading = %v", bind, err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: %v", bind, err)
		}
		if n != len(want) || !bytes.Equal(h.got, want) {
			t.Errorf("%s: %d octets arrived and %d were counted of %d", bind, len(h.got), n, len(want))
		}
	}
}

func TestTryWriteAll(t *testing.T) {
	a, b := fastPair(t, "tcp://127.0.0.1:*")
	if n, again, err := a.TryWrite([][]byte{nil, []byte("ab"), {}, []byte("c"), nil}); n != 3 || again || err != nil {
		t.Errorf("TryWrite = %d, %v, %v; want 3, false, nil", n, again, err)
	}
	if n, again, err := a.TryWrite(nil); n != 0 || again || err != nil {
		t.Errorf("TryWrite of nothing = %d, %v, %v", n, again, err)
	}
	h := newCollector(2, 1)
	h.leaveAt = 3
	if err := readAll(b, h); err != nil || string(h.got) != "abc" {
		t.Errorf("reading = %v with %q", err, h.got)
	}
}

// TestManyIovecs writes more buffers than one system call and one callback of
// the runtime take.
func TestManyIovecs(t *testing.T) {
	a, b := fastPair(t, "ipc://*")
	want := payload(maxIovecs*maxRounds + 1000)
	bufs := make([][]byte, len(want))
	for i := range want {
		bufs[i] = want[i : i+1]
	}
	if n, again, err := a.TryWrite(bufs); n != len(want) || again || err != nil {
		t.Errorf("TryWrite = %d, %v, %v", n, again, err)
	}
	h := newCollector(1000, 0)
	h.leaveAt = len(want)
	if err := readAll(b, h); err != nil || !bytes.Equal(h.got, want) {
		t.Errorf("reading = %v with %d octets", err, len(h.got))
	}
}

func TestTryWriteAfterClose(t *testing.T) {
	a, _ := fastPair(t, "tcp://127.0.0.1:*")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if n, again, err := a.TryWrite([][]byte{[]byte("x")}); n != 0 || again || err == nil {
		t.Errorf("TryWrite = %d, %v, %v; want an error", n, again, err)
	}
}

// TestCloseStopsAReaderThatNeverParks: there is always something to read, so
// there is no EAGAIN at which Close could be seen.
func TestCloseStopsAReaderThatNeverParks(t *testing.T) {
	a, b := fastPair(t, "ipc://*")
	h := &fountain{collector: newCollector(100, 0), source: a, flows: make(chan struct{})}
	closed := make(chan error, 1)
	go func() {
		<-h.flows
		closed <- b.Close() // waits until the reader has left the descriptor
	}()
	h.pour(t)
	if err := readAll(b, h); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading = %v, want net.ErrClosed", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if h.parked {
		t.Error("the reader has parked, so this test shows nothing")
	}
}

// fountain writes more than it reads.
type fountain struct {
	*collector
	source *Link
	reads  int
	flows  chan struct{} // closed at the tenth read
	parked bool
}

func (f *fountain) pour(t *testing.T) {
	if _, _, err := f.source.TryWrite([][]byte{make([]byte, 200)}); err != nil && t != nil {
		t.Fatal(err)
	}
}

func (f *fountain) Got(int) (bool, error) {
	f.pour(nil)
	if f.reads++; f.reads == 10 {
		close(f.flows)
	}
	return true, nil
}

func (f *fountain) Idle() { f.parked = true }

func TestLinkDoesNotAllocate(t *testing.T) {
	for _, bind := range fastBinds {
		a, b := fastPair(t, bind)
		h := &pacer{collector: newCollector(64, 64), got: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- readAll(b, h) }()
		bufs := [][]byte{[]byte("head"), []byte("body"), []byte("tail")}
		one := [][]byte{[]byte("alone")}
		if n := testing.AllocsPerRun(200, func() {
			_, _, _ = a.TryWrite(bufs)
			<-h.got
			_, _, _ = a.TryWrite(one)
			<-h.got
			_, _ = a.Write(bufs)
			<-h.got
		}); n != 0 {
			t.Errorf("%s: %v allocations for three writes and their reads", bind, n)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != io.EOF {
			t.Errorf("%s: reading = %v", bind, err)
		}
	}
}

// pacer tells of each arrival.
type pacer struct {
	*collector
	got chan struct{}
}

func (p *pacer) Got(int) (bool, error) {
	p.got <- struct{}{}
	return true, nil
}
