package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// toySealer seals as CURVE does, but without secrets: a name, a number that
// rises, and the flags and the body with each octet inverted.
type toySealer struct{ sent, heard, most uint64 }

const toyName = "\x07MESSAGE"

var errToy = errors.New("not a box")

func (s *toySealer) Overhead() int { return len(toyName) + 8 + 1 }

func (s *toySealer) Seal(run []byte) bool {
	for len(run) > 0 {
		h, _, _ := wire.ParseHeader(run)
		if s.sent++; s.most > 0 && s.sent > s.most {
			return false
		}
		frame := run[h.Len : h.Len+int(h.Size)]
		binary.BigEndian.PutUint64(frame[copy(frame, toyName):], s.sent)
		turn(frame[s.Overhead()-1:])
		run = run[h.Len+int(h.Size):]
	}
	return true
}

func (s *toySealer) Open(run []byte) (n int, err error) {
	for n < len(run) {
		h, _, _ := wire.ParseHeader(run[n:])
		end := n + h.Len + int(h.Size)
		if err := s.OpenFrame(run[n+h.Len : end]); err != nil {
			return n, err
		}
		n = end
	}
	return n, nil
}

func (s *toySealer) OpenFrame(frame []byte) error {
	if len(frame) < s.Overhead() || !bytes.HasPrefix(frame, []byte(toyName)) {
		return errToy
	}
	s.heard++
	if n := binary.BigEndian.Uint64(frame[len(toyName):]); n != s.heard {
		return fmt.Errorf("%w: number %d, want %d", errToy, n, s.heard)
	}
	turn(frame[s.Overhead()-1:])
	return nil
}

func turn(text []byte) {
	for i := range text {
		text[i] = ^text[i]
	}
}

// sealStream puts every frame of a stream that is well formed into a box. What
// is not whole at its end is left out.
func sealStream(s *toySealer, b []byte, outer byte) (sealed, plain []byte) {
	rest := b
	for len(rest) > 0 {
		h, ok, err := wire.ParseHeader(rest)
		if !ok || err != nil || h.Size > uint64(len(rest)-h.Len) {
			break
		}
		at := len(sealed)
		sealed = wire.AppendHeader(sealed, 0, s.Overhead()+int(h.Size))
		sealed = append(sealed, make([]byte, s.Overhead())...)
		sealed[len(sealed)-1] = h.Flags & (wire.FlagMore | wire.FlagCommand)
		sealed = append(sealed, rest[h.Len:h.Len+int(h.Size)]...)
		s.Seal(sealed[at:])
		sealed[at] |= outer
		rest = rest[h.Len+int(h.Size):]
	}
	return sealed, b[:len(b)-len(rest)]
}

// FuzzSealedDecoder: a stream in boxes gives what it gives in clear, however it
// is cut into reads, whether libzmq has framed the boxes as messages or RFC 26
// as commands.
func FuzzSealedDecoder(f *testing.F) {
	for _, splits := range []string{"\xff", "\x01\x02", "\x03\x04\x85\x06", "\x07\x88", "\x09\x8a\x01"} {
		for mode := range byte(8) {
			f.Add([]byte("0123456789abcdefghijklmn"), []byte(splits), mode)
			f.Add([]byte("\x0a\x0b\x0c\x0d\x08\x07\x0a\x03\x08\x08"), []byte(splits), mode)
		}
	}
	f.Fuzz(func(t *testing.T, plan, splits []byte, mode byte) {
		if len(splits) == 0 || len(plan) > 64 {
			return
		}
		maxFrame := int64(-1)
		if mode&1 != 0 {
			maxFrame = 100_000
		}
		outer := byte(0)
		if mode&4 != 0 {
			outer = wire.FlagCommand
		}
		b, plain := sealStream(&toySealer{}, stream(plan), outer)
		want, bad := parse(plain, maxFrame)
		rest := b[:min(len(b), int(mode>>3))]
		fd := feedSealed(t, maxFrame, mode&2 == 0, rest, &toySealer{})
		err := fd.cut(b[len(rest):], splits)
		if got := fd.sink.events; !slices.Equal(got, want) {
			t.Fatalf("%d events %.300q\nwant %d %.300q, error %v", len(got), got, len(want), want, err)
		}
		if (err != nil) != bad {
			t.Fatalf("error %v, want one: %v", err, bad)
		}
		fd.closed()
	})
}

// TestSealedDecoderRefuses ends the connection at whatever is not the next box.
func TestSealedDecoderRefuses(t *testing.T) {
	good, _ := sealStream(&toySealer{}, frame(0, 10), 0)
	again := slices.Concat(good, good)
	short := wire.AppendFrame(nil, 0, []byte("short"))
	more := bytes.Clone(good)
	more[0] |= wire.FlagMore
	begun, _ := sealStream(&toySealer{}, slices.Concat(frame(1, 3), frame(1, 70_000)), 0)
	outer := slices.Concat(begun, frame(1, 70_000), frame(0, 3))
	for name, b := range map[string][]byte{
		"a message in clear":     frame(0, 30),
		"a large one":            frame(0, 300_000),
		"a command in clear":     wire.AppendPing(nil, 0, nil),
		"a long command":         wire.AppendSubscribe(nil, bytes.Repeat([]byte("t"), 60_000)),
		"a box again":            again,
		"less than a box":        short,
		"MORE outside":           slices.Concat(more, good),
		"MORE outside, later on": outer,
	} {
		for _, size := range []int{1, 1000, 1 << 20} {
			f := feedSealed(t, -1, true, nil, &toySealer{})
			if err := f.all(b, size); err == nil {
				t.Errorf("%s is accepted: %.100q", name, f.sink.events)
			}
			f.closed()
		}
	}
}

// TestSealedDecoderLimits holds frames, and all frames of a message, against
// the limits once they are opened; a PING is none of them.
func TestSealedDecoderLimits(t *testing.T) {
	for _, c := range []struct {
		plain []byte
		limit int64
		bad   bool
	}{
		{frame(0, 10), 10, false}, {frame(0, 11), 10, true}, {wire.AppendPing(nil, 0, []byte("context")), 0, false},
		{frame(0, 200_000), 200_000, false}, {frame(0, 200_001), 200_000, true},
	} {
		b, _ := sealStream(&toySealer{}, c.plain, 0)
		f := feedSealed(t, c.limit, true, nil, &toySealer{})
		if err := f.all(b, 1000); (err != nil) != c.bad {
			t.Errorf("a frame of %d octets with a limit of %d: %v", len(c.plain), c.limit, err)
		}
		f.closed()
	}
	for over := range 2 {
		f := feedSealed(t, maxAssembled, true, nil, &toySealer{})
		head := wire.AppendHeader(nil, 0, maxAssembled+(&toySealer{}).Overhead()+over)
		if err := f.all(append(head, toyName...), 1000); (err != nil) != (over > 0) {
			t.Errorf("the box of a frame of %d octets more than the limit: %v", over, err)
		}
		f.closed()
	}
	f := feedSealed(t, 10, true, nil, &toySealer{})
	f.d.opener.maxTotal = 1 << 20
	bomb, _ := sealStream(&toySealer{}, bytes.Repeat(frame(1, 0), 60_000), 0)
	if err := f.all(bomb, 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("frames without end: %v", err)
	}
	f.closed()
}

// TestSealedEncode writes all kinds of segments in boxes that the other side
// opens, and knows at every octet what went out whole.
func TestSealedEncode(t *testing.T) {
	for minor := range byte(2) {
		pool := &pipe.Pool{}
		whole := newBatch(pool, false, minor)
		sealed, plain := sealStream(&toySealer{}, bytes.Join(whole.wants, nil), 0)
		e := &Encoder{minor: minor, pool: pool, sealer: &toySealer{}}
		if got := bytes.Join(e.Encode(whole.segs), nil); !bytes.Equal(got, sealed) {
			t.Fatalf("3.%d: %d octets, want %d: %q", minor, len(got), len(sealed), got)
		}
		e.Written()
		want, _ := parse(plain, -1)
		f := feedSealed(t, -1, true, nil, &toySealer{})
		if err := f.all(sealed, 100); err != nil || !slices.Equal(f.sink.events, want) {
			t.Fatalf("3.%d: opened %q, %v", minor, f.sink.events, err)
		}
		f.closed()
		made := pool.Lent()
		for written := range len(sealed) + 1 {
			b := newBatch(pool, false, minor)
			e := &Encoder{minor: minor, pool: pool, sealer: &toySealer{}}
			e.Encode(b.segs)
			back := e.Unsent(b.segs, written)
			e.Written()
			for i := range b.wants { // their sizes on the link, for checkUnsent
				b.wants[i], _ = sealStream(&toySealer{}, b.wants[i], 0)
			}
			checkUnsent(t, b, back, written)
			for i := range back {
				back[i].Release()
			}
			if pool.Lent() != made {
				t.Fatalf("3.%d, %d octets written: %d octets of memory were not given back", minor, written, pool.Lent()-made)
			}
		}
	}
}

// TestSealedSpent: when there are no more boxes nothing of the batch goes out,
// and all of it comes back.
func TestSealedSpent(t *testing.T) {
	pool := &pipe.Pool{}
	b := newBatch(pool, false, 1)
	n := len(b.segs)
	e := &Encoder{minor: 1, pool: pool, sealer: &toySealer{most: 5}}
	if vecs := e.Encode(b.segs); len(vecs) > 0 || !e.Spent() {
		t.Errorf("%d octets go out, spent: %v", len(bytes.Join(vecs, nil)), e.Spent())
	}
	back := e.Unsent(b.segs, 0)
	e.Written()
	if len(back) != n {
		t.Errorf("%d segments of %d come back", len(back), n)
	}
}
