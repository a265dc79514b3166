package engine

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// A sink is an inlet that writes down what it gets, and keeps no memory.
type sink struct {
	events  []string
	octets  int // of all that came
	refuses bool
	keeps   bool // what comes stays, as with a user who does not receive
	kept    []*pipe.Buf
}

func (s *sink) Run(_ *pipe.Buf, run []byte, n int) (bool, error) {
	for ; len(run) > 0; n-- {
		var frames [][]byte
		for f := range pipe.Frames(run) {
			frames = append(frames, f)
		}
		s.message(frames)
		run = run[pipe.MessageLen(run):]
	}
	if n != 0 {
		s.events = append(s.events, fmt.Sprintf("a run says that it has %d messages more", n))
	}
	return !s.refuses, nil
}

func (s *sink) Large(parts [][]byte, buf *pipe.Buf) (bool, error) {
	s.message(parts)
	if s.keeps {
		s.kept = append(s.kept, buf)
	} else {
		buf.Release()
	}
	return !s.refuses, nil
}

func (s *sink) message(frames [][]byte) {
	s.octets += pipe.FramedSize(frames)
	s.events = append(s.events, shown(frames))
}

func (s *sink) Command(name string, data []byte) error {
	s.octets += len(data)
	s.events = append(s.events, command(name, data))
	return nil
}

func (s *sink) Traffic() {}

func command(name string, data []byte) string { return fmt.Sprintf("!%s %q", name, data) }

func shown(frames [][]byte) string {
	var b bytes.Buffer
	for _, f := range frames {
		fmt.Fprintf(&b, "[%d:%x]", len(f), f)
	}
	return b.String()
}

// parse is the naive parser: it has all octets and no memory to save.
func parse(b []byte, maxFrame int64) (events []string, bad bool) {
	var frames [][]byte
	for len(b) > 0 {
		h, ok, err := wire.ParseHeader(b)
		switch {
		case err != nil:
			return events, true
		case !ok:
			return events, false
		}
		isCommand := h.Flags&wire.FlagCommand != 0
		switch {
		case isCommand && h.Size > maxCommand, !isCommand && maxFrame >= 0 && h.Size > uint64(maxFrame):
			return events, true
		case h.Size > uint64(len(b)-h.Len):
			return events, false
		}
		body := b[h.Len : h.Len+int(h.Size)]
		b = b[h.Len+int(h.Size):]
		if isCommand {
			name, data, err := wire.ParseCommand(body)
			if err != nil {
				return events, true
			}
			events = append(events, command(name, data))
			continue
		}
		frames = append(frames, body)
		if h.Flags&wire.FlagMore == 0 {
			events, frames = append(events, shown(frames)), nil
		}
	}
	return events, false
}

// A feeder gives a stream to a decoder as the reader of a connection does.
type feeder struct {
	t    testing.TB
	d    *Decoder
	sink *sink
	pool *pipe.Pool
	fast bool

	fed, most int // octets, and the most memory that was in use
}

func feed(t testing.TB, maxFrame int64, fast bool, rest []byte) *feeder {
	t.Helper()
	return feedSealed(t, maxFrame, fast, rest, nil)
}

// feedSealed is feed for a connection whose frames are sealed.
func feedSealed(t testing.TB, maxFrame int64, fast bool, rest []byte, sealer mech.Sealer) *feeder {
	t.Helper()
	f := &feeder{t: t, sink: &sink{}, pool: &pipe.Pool{}, fast: fast, fed: len(rest)}
	f.d = NewDecoder(&Config{MaxMessage: maxFrame, Pool: f.pool}, f.sink, sealer, fast, rest)
	return f
}

// read lets at most size octets of b come in, and returns the rest of b.
func (f *feeder) read(b []byte, size int) (rest []byte, err error) {
	f.t.Helper()
	a := f.d.Space()
	if len(a) == 0 {
		f.t.Fatal("no memory to read into: it would look like the end of the link")
	}
	var a2 []byte
	if f.fast {
		a2 = f.d.Space2()
	}
	n := copy(a, b[:min(size, len(b))])
	n += copy(a2, b[n:min(size, len(b))])
	f.fed += n
	_, err = f.d.Got(n)
	f.bounded()
	return b[n:], err
}

// idle lets the decoder wait, as a fast link does.
func (f *feeder) idle() {
	if f.fast {
		f.d.Idle()
		f.bounded()
	}
}

// bounded wants memory to follow what has come and was not handed over.
func (f *feeder) bounded() {
	f.t.Helper()
	pending := f.fed - f.sink.octets
	lent := f.pool.Lent()
	if lent > 3*pipe.ChunkSize+20*pending {
		f.t.Fatalf("%d octets of memory for %d octets that have come", lent, pending)
	}
	f.most = max(f.most, lent)
}

// all feeds b in reads of one size and returns the error of the decoder.
func (f *feeder) all(b []byte, size int) error {
	f.t.Helper()
	for len(b) > 0 {
		var err error
		if b, err = f.read(b, size); err != nil {
			return err
		}
		f.idle()
	}
	return nil
}

// closed closes the decoder and wants all memory back.
func (f *feeder) closed() {
	f.t.Helper()
	f.d.Close()
	for _, b := range f.sink.kept {
		b.Release()
	}
	if n := f.pool.Lent(); n != 0 {
		f.t.Fatalf("%d octets were not given back", n)
	}
}

func frame(flags byte, size int) []byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i)
	}
	return wire.AppendFrame(nil, flags, body)
}

// long writes a header with the size in eight octets, whatever it is.
func long(flags byte, size uint64) []byte {
	b := []byte{flags | wire.FlagLong, 0, 0, 0, 0, 0, 0, 0, 0}
	for i := range 8 {
		b[8-i] = byte(size >> (8 * i))
	}
	return b
}
