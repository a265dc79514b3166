package engine

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// segment makes a segment of a kind, in memory of the pool's, and says what
// the peer has to get of it, message by message.
func segment(pool *pipe.Pool, kind string, n int, minor byte) (s pipe.Seg, wants [][]byte) {
	text := func(i int) []byte { return fmt.Appendf(nil, "%s-%d", kind, n+i) }
	switch kind {
	case "run":
		buf := pool.Chunk()
		for i := range 4 {
			frames := [][]byte{text(i), {}, bytes.Repeat(text(i), 30)}[:1+i%3]
			from := len(buf.B)
			buf.B = pipe.AppendFramed(buf.B, frames)
			wants = append(wants, bytes.Clone(buf.B[from:]))
		}
		return pipe.Seg{Kind: pipe.Run, N: 4, B: buf.B, Buf: buf}, wants
	case "parts":
		frames := [][]byte{text(0), {}, bytes.Repeat(text(0), 30), text(1), bytes.Repeat([]byte{1}, copyBelow)}[:1+n%5]
		parts, buf := pipe.CopyParts(pool.Get(pipe.FramedSize(frames)), nil, frames)
		return pipe.Seg{Kind: pipe.Parts, N: 1, Parts: parts, Buf: buf}, [][]byte{pipe.AppendFramed(nil, frames)}
	case "control":
		ping := wire.AppendPing(nil, 1, text(0))
		return pipe.Seg{Kind: pipe.Control, B: ping}, [][]byte{ping}
	case "subscribe":
		s, first, name := pipe.Seg{Kind: pipe.Subscribe, B: text(0)}, byte(1), "SUBSCRIBE"
		return s, [][]byte{topicOctets(minor, first, name, s.B)}
	default:
		s, first, name := pipe.Seg{Kind: pipe.Cancel, B: text(0)}, byte(0), "CANCEL"
		return s, [][]byte{topicOctets(minor, first, name, s.B)}
	}
}

// topicOctets is a change of a subscription as the peer's version has it, by hand.
func topicOctets(minor, first byte, name string, topic []byte) []byte {
	if minor == 0 {
		return slices.Concat([]byte{0, byte(1 + len(topic)), first}, topic)
	}
	return slices.Concat([]byte{4, byte(1 + len(name) + len(topic)), byte(len(name))}, []byte(name), topic)
}

// body takes the framing of one message off.
func body(message []byte) (b []byte) {
	for f := range pipe.Frames(message) {
		b = append(b, f...)
	}
	return b
}

// a batch as a queue gives it: what is to be written, and the messages in it.
type batch struct {
	segs  []pipe.Seg
	wants [][]byte // of each message, topic or command
	again [][]byte // what must be sent again if it did not go out whole: framed
}

func newBatch(pool *pipe.Pool, raw bool, minor byte) (b batch) {
	kinds := []string{"control", "subscribe", "run", "parts", "cancel", "parts", "run", "run", "parts", "parts"}
	if raw {
		kinds = []string{"run", "parts", "parts", "run", "parts"}
	}
	for i, kind := range kinds {
		s, wants := segment(pool, kind, i, minor)
		b.segs = append(b.segs, s)
		b.again = append(b.again, wants...)
		for _, w := range wants {
			if raw {
				w = body(w)
			}
			b.wants = append(b.wants, w)
		}
	}
	return b
}

// TestEncode writes all kinds of segments, to each version and without ZMTP.
func TestEncode(t *testing.T) {
	for _, raw := range []bool{false, true} {
		for minor := range byte(2) {
			pool := &pipe.Pool{}
			e := &Encoder{minor: minor, raw: raw}
			for range 2 { // the second time with memory that the first has left
				b := newBatch(pool, raw, minor)
				if got, want := bytes.Join(e.Encode(b.segs), nil), bytes.Join(b.wants, nil); !bytes.Equal(got, want) {
					t.Fatalf("raw %v, 3.%d: wrote %q\nwant %q", raw, minor, got, want)
				}
				for _, vec := range e.Encode(b.segs) {
					if len(vec) == 0 {
						t.Error("an empty write")
					}
				}
			}
		}
	}
}

// TestUnsentAtEveryOctet: wherever a connection ends, what has to be sent
// again is every message that did not go out whole, from its first octet, and
// no other. The memory of what went out is given back.
func TestUnsentAtEveryOctet(t *testing.T) {
	for _, raw := range []bool{false, true} {
		for minor := range byte(2) {
			pool := &pipe.Pool{}
			whole := len(bytes.Join(newBatch(pool, raw, minor).wants, nil))
			made := pool.Lent()
			e := &Encoder{minor: minor, raw: raw}
			for written := range whole + 1 {
				b := newBatch(pool, raw, minor)
				e.Encode(b.segs)
				back := e.Unsent(b.segs, written)
				checkUnsent(t, b, back, written)
				for i := range back {
					back[i].Release()
				}
				if pool.Lent() != made {
					t.Fatalf("raw %v, 3.%d, %d octets written: %d octets of memory were not given back",
						raw, minor, written, pool.Lent()-made)
				}
			}
		}
	}
}

func checkUnsent(t *testing.T, b batch, back []pipe.Seg, written int) {
	t.Helper()
	gone, at := 0, 0
	for gone < len(b.wants) && at+len(b.wants[gone]) <= written {
		at += len(b.wants[gone])
		gone++
	}
	var got [][]byte
	for _, s := range back {
		n := 0
		switch s.Kind {
		case pipe.Parts:
			got, n = append(got, pipe.AppendFramed(nil, s.Parts)), 1
		case pipe.Run:
			for run := s.B; len(run) > 0; n++ {
				k := pipe.MessageLen(run)
				got = append(got, run[:k])
				run = run[k:]
			}
		case pipe.Control:
			got = append(got, s.B)
		default: // it is not sent again, the next connection renews it
			got = append(got, b.again[gone+len(got)])
		}
		if n != s.N {
			t.Fatalf("%d octets written: a segment of %d messages says that it has %d", written, n, s.N)
		}
	}
	if !slices.EqualFunc(got, b.again[gone:], bytes.Equal) {
		t.Fatalf("%d octets written, %d messages whole: comes back %.200q\nwant %.200q", written, gone, got, b.again[gone:])
	}
}

// TestEncodeFollowsPut: what a queue gives its writer is what a decoder at the
// other end finds.
func TestEncodeFollowsPut(t *testing.T) {
	f := feed(t, -1, true, nil)
	q := pipe.NewQueue(nil, &pipe.Pool{}, 0, false)
	var want []string
	for i := range 300 {
		frames := [][]byte{bytes.Repeat([]byte{byte(i)}, i*i), {}, fmt.Append(nil, i)}[i%3:]
		prefix := wire.AppendFrame(nil, wire.FlagMore, []byte("prefix"))
		q.Put(prefix, frames)
		want = append(want, shown(append([][]byte{[]byte("prefix")}, frames...)))
	}
	e := NewEncoder(&Config{}, &pipe.Peer{Version: [2]byte{3, 1}}, nil)
	for {
		segs := q.Take(nil, nil, 100_000)
		if len(segs) == 0 {
			break
		}
		for _, vec := range e.Encode(segs) {
			if err := f.all(vec, 10_000); err != nil {
				t.Fatal(err)
			}
		}
		for i := range segs {
			segs[i].Release()
		}
	}
	if !slices.Equal(f.sink.events, want) {
		t.Errorf("%d messages came, want %d", len(f.sink.events), len(want))
	}
	f.closed()
}

// TestRawDecoder makes one message of what each read brings.
func TestRawDecoder(t *testing.T) {
	pool := &pipe.Pool{}
	in := &sink{}
	d := NewRawDecoder(&Config{Pool: pool}, in)
	if more, err := d.Begin(); !more || err != nil {
		t.Errorf("Begin: %v, %v", more, err)
	}
	var want []string
	for _, size := range []int{1, 255, 256, 20_000, 20_000, 1, plainChunk} {
		b := bytes.Repeat([]byte{byte(size)}, size)
		for len(b) > 0 {
			n := copy(d.Space(), b)
			want = append(want, shown([][]byte{b[:n]}))
			b = b[n:]
			if more, err := d.Got(n); !more || err != nil {
				t.Errorf("Got: %v, %v", more, err)
			}
		}
	}
	if !slices.Equal(in.events, want) {
		t.Errorf("%d messages came, want %d", len(in.events), len(want))
	}
	d.Idle()
	d.Close()
	if pool.Lent() != 0 {
		t.Errorf("%d octets were not given back", pool.Lent())
	}
}

// TestWrittenKeepsNothing: an encoder at rest does not keep alive what it wrote.
// A pool that is full leaves it to the collector.
func TestWrittenKeepsNothing(t *testing.T) {
	e := NewEncoder(&Config{}, &pipe.Peer{Version: [2]byte{3, 1}}, nil)
	write := func() weak.Pointer[byte] {
		run := make([]byte, 4<<10)
		e.Encode([]pipe.Seg{{Kind: pipe.Run, N: 1, B: run}})
		e.Written()
		return weak.Make(&run[0])
	}
	run := write()
	runtime.GC()
	if run.Value() != nil {
		t.Error("what was written is still reachable")
	}
	runtime.KeepAlive(e)
}

// TestRestingEncoderIsSmall: of a message of many frames, small or not, an encoder at rest
// keeps no room.
func TestRestingEncoderIsSmall(t *testing.T) {
	pool := &pipe.Pool{}
	e := NewEncoder(&Config{Pool: pool}, &pipe.Peer{Version: [2]byte{3, 1}}, nil)
	for _, size := range []int{copyBelow - 1, copyBelow} {
		frames := make([][]byte, 1000)
		for i := range frames {
			frames[i] = make([]byte, size)
		}
		want := pipe.AppendFramed(nil, frames)
		if got := bytes.Join(e.Encode([]pipe.Seg{{Kind: pipe.Parts, N: 1, Parts: frames}}), nil); !bytes.Equal(got, want) {
			t.Errorf("1000 frames of %d octets are not what they were", size)
		}
		e.Written()
		if cap(e.scratch) > keepScratch || cap(e.vecs) > keepVecs || pool.Lent() != 0 {
			t.Errorf("after frames of %d octets it keeps %d octets, %d vectors and %d octets of the pool's", size, cap(e.scratch), cap(e.vecs), pool.Lent())
		}
	}
}
