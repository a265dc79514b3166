package engine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// stream makes octets of a plan: each octet of it stands for something that a
// peer may send.
func stream(plan []byte) (b []byte) {
	for i, what := range plan {
		b = append(b, element(i, what)...)
		if len(b) > 1<<20 {
			break
		}
	}
	return b
}

func element(i int, what byte) []byte {
	ping := wire.AppendPing(nil, uint16(i), []byte("context"))
	switch what % 16 {
	case 0:
		return frame(0, i%10)
	case 1:
		return slices.Concat(frame(1, 3), frame(1, 0), frame(0, i%300))
	case 2:
		return append(long(0, 4), "long"...)
	case 3:
		return bytes.Repeat(frame(0, 20), 1+int(what))
	case 4:
		return frame(0, 5000)
	case 5:
		return frame(0, assembleFrom-9)
	case 6:
		return frame(0, assembleFrom+int(what))
	case 7:
		return slices.Concat(frame(1, 10), frame(0, 300_000))
	case 8:
		return slices.Concat(frame(1, 90_000), frame(1, 7), frame(1, 9000), frame(1, 0), frame(0, 20))
	case 9:
		return ping
	case 10:
		return slices.Concat(frame(1, 3), ping, frame(0, 3))
	case 11:
		return slices.Concat(frame(1, 70_000), ping, frame(1, 3), ping, frame(0, 70_000))
	case 12:
		return wire.AppendSubscribe(nil, bytes.Repeat([]byte("t"), 1<<8*int(what)))
	case 13:
		return append(bytes.Repeat(frame(1, int(what)%7), 700), frame(0, 1)...)
	case 14:
		return wire.AppendCommand(nil, "UNKNOWN", []byte("data"))
	default:
		return []byte{what >> 4}
	}
}

// FuzzDecoder: a stream gives the same messages and commands however it is
// cut into reads, and memory follows what has come.
func FuzzDecoder(f *testing.F) {
	for _, splits := range []string{"\xff", "\x01\x02", "\x03\x04\x85\x06", "\x07\x88", "\x00", "\x09\x8a\x01"} {
		f.Add([]byte("0123456789abcdefghijklmn"), []byte{}, []byte(splits), byte(0))
		f.Add([]byte("\x0a\x0b\x0c\x0d\x08\x07"), []byte("\x02\x00\x00\x00\x00\x00\x01\x00\x00x"), []byte(splits), byte(1))
		f.Add([]byte("abc"), []byte("\x06\xff"), []byte(splits), byte(2))
		f.Add([]byte{}, []byte("GET / HTTP/1.1\r\n"), []byte(splits), byte(3))
	}
	f.Fuzz(func(t *testing.T, plan, raw, splits []byte, mode byte) {
		if len(splits) == 0 || len(plan) > 64 {
			return
		}
		b := append(stream(plan), raw...)
		maxFrame := int64(-1)
		if mode&1 != 0 {
			maxFrame = 100_000
		}
		rest := b[:min(len(b), int(mode>>2))]
		fd := feed(t, maxFrame, mode&2 == 0, rest)
		err := fd.cut(b[len(rest):], splits)
		want, bad := parse(b, maxFrame)
		if got := fd.sink.events; !slices.Equal(got, want) {
			t.Fatalf("%d events %.300q\nwant %d %.300q", len(got), got, len(want), want)
		}
		if (err != nil) != bad {
			t.Fatalf("error %v, want one: %v", err, bad)
		}
		fd.closed()
	})
}

// cut feeds b in reads of many sizes.
func (f *feeder) cut(b, splits []byte) error {
	if _, err := f.d.Begin(); err != nil {
		return err
	}
	sizes := []int{1, 2, 3, 5, 9, 64, 1000, 4096, 60_000, 1 << 17, 1 << 18}
	for i := 0; len(b) > 0; i++ {
		split := splits[i%len(splits)]
		size := sizes[int(split&127)%len(sizes)]
		if i > 3000 {
			size = 1 << 18 // it has been slow enough
		}
		var err error
		if b, err = f.read(b, size); err != nil {
			return err
		}
		if split&128 != 0 {
			f.idle()
		}
	}
	return nil
}

// TestDecoderEverySplit cuts a short stream in two at every octet.
func TestDecoderEverySplit(t *testing.T) {
	b := stream([]byte{0, 1, 2, 9, 10, 14, 1, 12})
	want, _ := parse(b, -1)
	for at := range len(b) + 1 {
		for _, fast := range []bool{false, true} {
			f := feed(t, -1, fast, nil)
			for _, half := range [][]byte{b[:at], b[at:]} {
				if err := f.all(half, 1<<20); err != nil {
					t.Fatalf("cut at %d: %v", at, err)
				}
			}
			if !slices.Equal(f.sink.events, want) {
				t.Fatalf("cut at %d, fast %v: %q\nwant %q", at, fast, f.sink.events, want)
			}
			f.closed()
		}
	}
}

// TestDecoderHostileSizes: a size in a header buys nothing, and what is too
// large is refused before any of it has come.
func TestDecoderHostileSizes(t *testing.T) {
	for _, size := range []uint64{1 << 31, 1<<32 - 1, 1 << 32, 1 << 47, 1 << 49, 1 << 62, 1<<63 - 1, 1<<63 - 10, 1 << 63, 1<<64 - 256, 1<<64 - 1, 0xffffffffffffffda} {
		for _, before := range [][]byte{nil, frame(0, 3), frame(1, 3), frame(1, 70_000)} {
			f := feed(t, -1, true, nil)
			b := append(append(bytes.Clone(before), long(0, size)...), make([]byte, 1000)...)
			err := f.all(b, 1<<20)
			if size >= 1<<63 && err == nil {
				t.Errorf("size %d is accepted", size)
			}
			if f.most > 4*pipe.ChunkSize+2*len(before) {
				t.Errorf("size %d costs %d octets", size, f.most)
			}
			f.closed()

			f = feed(t, 1<<20, true, nil)
			if err := f.all(append(bytes.Clone(before), long(0, size)...), 1<<20); err == nil {
				t.Errorf("size %d is accepted with a limit of 1 MiB", size)
			}
			f.closed()
		}
	}
}

func TestDecoderMaxMessage(t *testing.T) {
	for _, most := range []int64{0, 10, 255, 256, 70_000} {
		f := feed(t, most, true, nil)
		if err := f.all(frame(0, int(most)), 1<<20); err != nil {
			t.Errorf("a frame of %d octets: %v", most, err)
		}
		f.closed()
		f = feed(t, most, true, nil)
		header := wire.AppendHeader(nil, 0, int(most)+1)
		if err := f.all(header, 1<<20); !errors.Is(err, ErrTooLarge) {
			t.Errorf("the header of a frame of %d octets with a limit of %d: %v", most+1, most, err)
		}
		f.closed()
	}
}

// TestDecoderMultipartBomb: with a limit for frames there is one for the
// frames of one message together, and empty frames count.
func TestDecoderMultipartBomb(t *testing.T) {
	f := feed(t, 10, true, nil)
	if f.d.maxTotal != maxAssembled {
		t.Fatalf("one message may have %d octets", f.d.maxTotal)
	}
	f.d.maxTotal = 1 << 20
	bomb := bytes.Repeat(frame(1, 0), 30_000)
	var err error
	for range 3 {
		if err = f.all(bomb, 1<<20); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("frames without end: %v", err)
	}
	if len(f.sink.events) > 0 {
		t.Error("something was delivered")
	}
	f.closed()
}

// TestDecoderTornFrames: small frames that come in pieces must not get
// memory of their own each.
func TestDecoderTornFrames(t *testing.T) {
	for _, size := range []int{1, 100, 5000} {
		f := feed(t, -1, true, nil)
		open := slices.Concat(frame(1, 1), wire.AppendPing(nil, 0, nil))
		if err := f.all(open, 1<<20); err != nil {
			t.Fatal(err)
		}
		one := frame(1, size)
		for range 300 {
			for _, half := range [][]byte{one[:len(one)-1], one[len(one)-1:]} {
				if err := f.all(half, 1<<20); err != nil {
					t.Fatal(err)
				}
			}
		}
		if most := 3*pipe.ChunkSize + 2*300*len(one); f.most > most {
			t.Errorf("300 torn frames of %d octets cost %d octets", size, f.most)
		}
		f.closed()
	}
}

func TestDecoderCommandFlood(t *testing.T) {
	f := feed(t, -1, true, nil)
	ping := wire.AppendPing(nil, 0, []byte("0123456789abcdef"))
	if err := f.all(bytes.Repeat(ping, 50_000), 100_000); err != nil {
		t.Fatal(err)
	}
	if n := len(f.sink.events); n != 50_000 {
		t.Errorf("%d commands came, want 50000", n)
	}
	f.closed()
}

func TestDecoderCommandSize(t *testing.T) {
	topic := strings.Repeat("t", 1<<16)
	for _, fast := range []bool{false, true} {
		f := feed(t, -1, fast, nil)
		if err := f.all(wire.AppendSubscribe(nil, []byte(topic)), 1000); err != nil {
			t.Errorf("the longest topic: %v", err)
		}
		if len(f.sink.events) != 1 {
			t.Error("the longest topic did not come")
		}
		f.closed()
		for _, size := range []uint64{maxCommand + 1, 1 << 62} {
			for _, before := range [][]byte{nil, frame(1, 3)} {
				f = feed(t, -1, fast, nil)
				err := f.all(append(bytes.Clone(before), long(wire.FlagCommand, size)...), 1000)
				if !errors.Is(err, ErrCommand) {
					t.Errorf("a command of %d octets: %v", size, err)
				}
				f.closed()
			}
		}
	}
}

func TestDecoderMalformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"reserved flags":             {0x08, 0},
		"MORE on a command":          {0x05, 0},
		"an empty command":           {0x04, 0},
		"a name beyond its command":  {0x04, 2, 5, 'A'},
		"a name of digits":           {0x04, 3, 2, '1', '2'},
		"reserved flags later":       slices.Concat(frame(0, 3), []byte{0x80}),
		"reserved flags in between":  slices.Concat(frame(1, 3), []byte{0x80}),
		"MORE on a command, between": slices.Concat(frame(1, 3), []byte{0x05, 0}),
	} {
		for _, size := range []int{1, 1 << 20} {
			f := feed(t, -1, true, nil)
			if err := f.all(b, size); err == nil {
				t.Errorf("%s is accepted", name)
			}
			f.closed()
		}
	}
}

// TestDecoderIdleIsFree: a link that waits with nothing begun holds no memory.
func TestDecoderIdleIsFree(t *testing.T) {
	f := feed(t, -1, true, nil)
	for _, what := range []byte{0, 1, 6, 7, 9, 11} {
		if err := f.all(element(3, what), 1<<20); err != nil {
			t.Fatal(err)
		}
		if n := f.pool.Lent(); n != 0 {
			t.Errorf("after element %d an idle link holds %d octets", what, n)
		}
	}
	f.closed()
}

// TestDecoderSaysWhenFull: more is what the inlet said, also when the message
// came in with what was read too much by the handshake.
func TestDecoderSaysWhenFull(t *testing.T) {
	for _, b := range [][]byte{frame(0, 3), frame(0, 100_000)} {
		f := feed(t, -1, true, nil)
		f.sink.refuses = true
		for len(b) > 0 {
			n := copy(f.d.Space(), b)
			b = b[n:]
			if more, err := f.d.Got(n); more != (len(b) > 0) || err != nil {
				t.Errorf("with %d octets to come: more %v, error %v", len(b), more, err)
			}
		}
		f.closed()
	}
	f := feed(t, -1, true, frame(0, 3))
	f.sink.refuses = true
	if more, err := f.d.Begin(); more || err != nil {
		t.Errorf("Begin: more %v, error %v", more, err)
	}
	f.closed()
}
