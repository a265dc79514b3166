package engine

import (
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

const (
	// assembleFrom is the size from which an incomplete message gets memory
	// of its own instead of staying in the chunk.
	assembleFrom = pipe.ChunkSize / 2
	// maxCommand bounds a command after the handshake: a subscription with
	// the longest topic.
	maxCommand = 1<<16 + 1024
	// readAhead is how much behind a large frame is read along with it.
	readAhead = 4 << 10
	// plainChunk is the memory that a link without a fast road holds while it
	// waits.
	plainChunk = 32 << 10
	// partCost is what a frame costs besides its octets.
	partCost = 32
	// maxAssembled bounds the frames of one message together, unless a larger
	// frame is allowed.
	maxAssembled = 1 << 30
)

// Inlet takes what a decoder finds.
type Inlet interface {
	// Run takes n whole messages that lie in buf. The inlet holds buf itself.
	// It reports whether there is room for more.
	Run(buf *pipe.Buf, run []byte, n int) (more bool, err error)
	// Large takes one message by reference, with the hold on buf.
	Large(parts [][]byte, buf *pipe.Buf) (more bool, err error)
	// Command takes a command; data is valid during the call.
	Command(name string, data []byte) error
	// Traffic is called whenever octets have come.
	Traffic()
}

// Decoder finds messages and commands in what a link reads. It keeps memory
// only while there are octets in it, and never more than a multiple of what
// has come: a size in a header buys nothing.
type Decoder struct {
	in       Inlet
	pool     *pipe.Pool
	maxFrame int64
	maxTotal int64
	chunk    int     // size of the memory to read into
	opener   *opener // of a sealed connection

	buf   *pipe.Buf
	from  int    // buf.B[:from] is handed over
	stash []byte // an incomplete message while the link is idle

	asm  assembly
	more bool // the inlet has room
}

// NewDecoder returns a decoder that hands what it finds to in. Sealer opens
// what comes; nil: it comes in clear. Rest is what the handshake read too much.
func NewDecoder(c *Config, in Inlet, sealer mech.Sealer, fast bool, rest []byte) *Decoder {
	d := &Decoder{in: in, pool: c.Pool, maxFrame: c.MaxMessage, chunk: pipe.ChunkSize}
	if !fast {
		d.chunk = plainChunk
	}
	d.maxTotal = max(c.MaxMessage, maxAssembled)
	if c.MaxMessage < 0 {
		d.maxTotal = -1
	}
	if sealer != nil {
		d.opener = &opener{in: in, sealer: sealer, pool: c.Pool, maxFrame: c.MaxMessage, maxTotal: d.maxTotal}
		d.in = d.opener
		if d.maxFrame >= 0 { // what is a command is known only when it is opened
			d.maxFrame = max(d.maxFrame, maxCommand) + int64(sealer.Overhead())
			d.maxTotal += int64(sealer.Overhead())
		}
	}
	if len(rest) > 0 {
		d.stash = append(d.stash, rest...)
	}
	return d
}

// Begin works off what the handshake read too much.
func (d *Decoder) Begin() (more bool, err error) {
	if len(d.stash) == 0 {
		return true, nil
	}
	d.unstash()
	d.more = true
	return d.work()
}

// Space returns memory to read into.
func (d *Decoder) Space() []byte {
	if d.asm.reading {
		return d.asm.space(d.pool)
	}
	d.unstash()
	if d.buf == nil {
		d.buf, d.from = d.pool.Get(d.chunk), 0
	} else if cap(d.buf.B)-len(d.buf.B) < cap(d.buf.B)/4 {
		d.move()
	}
	return d.buf.B[len(d.buf.B):cap(d.buf.B)]
}

// Space2 returns memory for what comes behind a large frame, if Space holds
// the rest of it.
func (d *Decoder) Space2() []byte {
	if !d.asm.reading || cap(d.asm.body.B) < d.asm.want {
		return nil
	}
	if d.buf == nil {
		d.buf, d.from = d.pool.Get(d.chunk), 0
	}
	n := len(d.buf.B)
	return d.buf.B[n:min(cap(d.buf.B), n+readAhead)]
}

// Got works off n octets that were read. More is false when the inlet is full.
func (d *Decoder) Got(n int) (more bool, err error) {
	d.in.Traffic()
	d.more = true
	if d.asm.reading {
		n -= d.asm.got(n)
		if err := d.finish(); err != nil {
			return false, err
		}
	}
	if n > 0 {
		d.buf.B = d.buf.B[:len(d.buf.B)+n]
	}
	return d.work()
}

// Idle gives memory back before the link waits.
func (d *Decoder) Idle() {
	if d.buf == nil {
		return
	}
	if rest := d.buf.B[d.from:]; len(rest) > 0 {
		d.stash = append([]byte(nil), rest...)
	}
	d.buf.Release()
	d.buf = nil
}

// Close gives all memory back.
func (d *Decoder) Close() {
	d.buf.Release()
	d.buf, d.stash = nil, nil
	d.asm.drop()
	if d.opener != nil {
		d.opener.close()
	}
}

// unstash puts an incomplete message back where it can be completed.
func (d *Decoder) unstash() {
	if d.stash == nil {
		return
	}
	rest := d.stash
	d.stash = nil
	d.buf, d.from = d.pool.Get(max(d.chunk, 2*len(rest))), 0
	d.buf.B = append(d.buf.B, rest...)
}

// move takes the incomplete message at the end of a chunk to a new one.
func (d *Decoder) move() {
	rest := d.buf.B[d.from:]
	buf := d.pool.Get(max(d.chunk, 2*len(rest)))
	buf.B = append(buf.B, rest...)
	d.buf.Release()
	d.buf, d.from = buf, 0
}

// work hands over all that is whole.
func (d *Decoder) work() (more bool, err error) {
	for d.buf != nil && d.from < len(d.buf.B) {
		var again bool
		if d.asm.active {
			again, err = d.assemble()
		} else {
			again, err = d.scan()
		}
		if err != nil || !again {
			return d.more, err
		}
	}
	return d.more, nil
}

// scan hands over the run of whole messages at hand. It reports whether there
// is more to work off.
func (d *Decoder) scan() (again bool, err error) {
	b := d.buf.B[d.from:]
	s := wire.Scan(b, d.maxFrame)
	if s.Messages > 0 {
		room, err := d.in.Run(d.buf, b[:s.Bytes], s.Messages)
		if err != nil {
			return false, err
		}
		d.more = d.more && room
		d.from += s.Bytes
		b = b[s.Bytes:]
	}
	switch s.Stop {
	case wire.StopCommand:
		if d.opener != nil {
			// Whether a box is a command stands inside; libzmq sends them all as
			// messages, RFC 26 "High-level Grammar" as commands.
			d.asm.begin()
			return true, nil
		}
		return d.command(b)
	case wire.StopTooLarge:
		return false, ErrTooLarge
	case wire.StopMalformed:
		if _, _, err := wire.ParseHeader(b[s.At-s.Bytes:]); err != nil {
			return false, err
		}
		// A command between the frames of a message: RFC 37 "Formal Grammar"
		// has none there, but libzmq sends its PINGs so.
		d.asm.begin()
		return true, nil
	}
	if uint64(len(b))+s.Need < assembleFrom {
		if need := len(b) + int(s.Need); d.from+need > cap(d.buf.B) {
			d.move()
		}
		return false, nil
	}
	d.asm.begin()
	return true, nil
}

// command takes the command at the start of b, once it is whole.
func (d *Decoder) command(b []byte) (again bool, err error) {
	h, ok, err := wire.ParseHeader(b)
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, nil
	case h.Size > maxCommand:
		return false, ErrCommand
	}
	size := h.Len + int(h.Size)
	if len(b) < size {
		if d.from+size > cap(d.buf.B) {
			d.move()
		}
		return false, nil
	}
	name, data, err := wire.ParseCommand(b[h.Len:size])
	if err != nil {
		return false, err
	}
	d.from += size
	return true, d.in.Command(name, data)
}

// assemble takes frames of a large message one by one.
func (d *Decoder) assemble() (again bool, err error) {
	if d.asm.reading {
		return false, nil
	}
	b := d.buf.B[d.from:]
	h, ok, err := wire.ParseHeader(b)
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, nil
	case h.Flags&wire.FlagCommand != 0 && d.opener == nil:
		return d.command(b)
	case d.maxFrame >= 0 && h.Size > uint64(d.maxFrame):
		return false, ErrTooLarge
	case d.maxTotal >= 0 && h.Size+uint64(d.asm.total) > uint64(d.maxTotal):
		return false, ErrTooLarge
	case h.Size > maxInt-partCost-uint64(d.asm.total):
		return false, ErrTooLarge
	}
	have := b[h.Len:]
	if uint64(len(have)) > h.Size {
		have = have[:h.Size]
	}
	if h.Size < smallFrame && uint64(len(have)) < h.Size {
		// It stays where it is until it is whole: memory of its own would be
		// far more than what has come.
		if size := h.Len + int(h.Size); d.from+size > cap(d.buf.B) {
			d.move()
		}
		return false, nil
	}
	d.asm.total += int64(h.Size) + partCost
	d.from += h.Len + len(have)
	d.asm.frame(d.pool, have, int(h.Size), h.Flags&wire.FlagMore == 0)
	return true, d.finish()
}

// finish hands the message over if its last frame is whole.
func (d *Decoder) finish() error {
	parts, buf, ok := d.asm.done()
	if !ok {
		return nil
	}
	room, err := d.in.Large(parts, buf)
	d.more = d.more && room
	return err
}

const maxInt = uint64(^uint(0) >> 1)
