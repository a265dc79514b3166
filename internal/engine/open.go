package engine

import (
	"cmp"
	"fmt"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// opener stands between a decoder and an inlet on a connection whose frames
// are sealed: what the decoder takes for a message is the box of one frame. It
// opens the boxes in order and hands on whole messages and commands.
type opener struct {
	in       Inlet
	sealer   mech.Sealer
	pool     *pipe.Pool
	maxFrame int64
	maxTotal int64

	buf   *pipe.Buf // opened frames of the run at hand, framed again
	from  int       // buf.B[:from] is handed on
	whole int       // buf.B[from:whole] is n messages
	n     int
	stash []byte // the begun message between two runs

	asm   assembly // the begun message, once it is large
	total int64    // octets of the begun message
}

// Run opens the frames of a run, in the decoder's memory, which nobody else
// reads. What stands before a frame that is wrong is handed on.
func (o *opener) Run(_ *pipe.Buf, run []byte, _ int) (more bool, err error) {
	o.begin(len(run))
	opened, broken := o.sealer.Open(run)
	more, err = o.frames(run[:opened])
	room, ended := o.end()
	return more && room, cmp.Or(err, ended, broken)
}

// frames takes frames that were opened.
func (o *opener) frames(run []byte) (more bool, err error) {
	more = true
	for len(run) > 0 {
		h, _, err := wire.ParseHeader(run)
		if err != nil {
			return false, err
		}
		if h.Flags&wire.FlagMore != 0 {
			return false, errOuterMore
		}
		size := h.Len + int(h.Size)
		room, err := o.small(run[h.Len:size])
		if err != nil {
			return false, err
		}
		more = more && room
		run = run[size:]
	}
	return more, nil
}

// begin makes room for what opening n octets can give.
func (o *opener) begin(n int) {
	o.buf = o.pool.Get(len(o.stash) + n)
	o.buf.B = append(o.buf.B, o.stash...)
	o.stash, o.from, o.whole = nil, 0, 0
}

// end hands on what is whole, and keeps what is not in little memory.
func (o *opener) end() (more bool, err error) {
	more, err = o.flush()
	if rest := o.buf.B[o.whole:]; len(rest) > maxStash {
		o.assemble()
	} else if len(rest) > 0 {
		o.stash = append([]byte(nil), rest...)
	}
	o.buf.Release()
	o.buf = nil
	return more, err
}

// maxStash is the octets of a begun message that are copied from run to run.
const maxStash = 4 << 10

// inside divides a frame that was opened.
func (o *opener) inside(frame []byte) (flags byte, body []byte) {
	over := o.sealer.Overhead()
	return frame[over-1], frame[over:]
}

// small takes a frame that was opened.
func (o *opener) small(frame []byte) (more bool, err error) {
	flags, body := o.inside(frame)
	if flags&wire.FlagCommand != 0 {
		return o.command(body)
	}
	if err := o.count(len(body)); err != nil {
		return false, err
	}
	last := flags&wire.FlagMore == 0
	if o.asm.active {
		o.asm.add(o.pool, body)
		return o.finish(last)
	}
	o.buf.B = wire.AppendFrame(o.buf.B, flags, body)
	if last {
		o.whole, o.total = len(o.buf.B), 0
		o.n++
	} else if len(o.buf.B)-o.whole > assembleFrom {
		o.assemble()
	}
	return true, nil
}

// Large opens a frame that has memory of its own.
func (o *opener) Large(parts [][]byte, buf *pipe.Buf) (more bool, err error) {
	kept := false
	defer func() {
		if !kept {
			buf.Release()
		}
	}()
	if len(parts) != 1 {
		return false, errOuterMore
	}
	frame := parts[0]
	if err := o.sealer.OpenFrame(frame); err != nil {
		return false, err
	}
	if len(frame) < smallFrame {
		o.begin(wire.MaxHeader + len(frame))
		more, err = o.small(frame)
		if err != nil {
			return false, err
		}
		room, err := o.end()
		return more && room, err
	}
	flags, body := o.inside(frame)
	if flags&wire.FlagCommand != 0 {
		return o.command(body)
	}
	if err := o.count(len(body)); err != nil {
		return false, err
	}
	o.assemble()
	o.asm.part(buf, body)
	o.asm.keep(buf)
	kept = true
	return o.finish(flags&wire.FlagMore == 0)
}

// Command takes nothing: the decoder of a sealed connection gives no commands.
func (o *opener) Command(name string, _ []byte) error {
	return fmt.Errorf("%w: %q in clear", ErrUnexpected, name)
}

// Traffic notes that octets have come.
func (o *opener) Traffic() { o.in.Traffic() }

// command hands on a command that was opened, behind the messages before it.
func (o *opener) command(body []byte) (more bool, err error) {
	if len(body) > maxCommand {
		return false, ErrCommand
	}
	name, data, err := wire.ParseCommand(body)
	if err != nil {
		return false, err
	}
	if more, err = o.flush(); err != nil {
		return false, err
	}
	return more, o.in.Command(name, data)
}

// count adds a frame to the message that is begun.
func (o *opener) count(size int) error {
	o.total += int64(size) + partCost
	if o.maxFrame >= 0 && int64(size) > o.maxFrame || o.maxTotal >= 0 && o.total > o.maxTotal+partCost {
		return ErrTooLarge
	}
	return nil
}

// assemble gives the begun message memory of its own.
func (o *opener) assemble() {
	if o.asm.active {
		return
	}
	o.asm.begin()
	rest := o.stash
	if o.buf != nil {
		rest = o.buf.B[o.whole:]
		o.buf.B = o.buf.B[:o.whole]
	}
	o.stash = nil
	if len(rest) == 0 {
		return
	}
	for len(rest) > 0 {
		h, _, err := wire.ParseHeader(rest)
		if err != nil {
			return // it is of our own writing
		}
		size := h.Len + int(h.Size)
		o.asm.add(o.pool, rest[h.Len:size])
		rest = rest[size:]
	}
}

// finish hands on the assembled message when its last frame is there.
func (o *opener) finish(last bool) (more bool, err error) {
	if !last {
		return true, nil
	}
	if more, err = o.flush(); err != nil {
		return false, err
	}
	parts, bufs := o.asm.parts, o.asm.bufs
	o.asm, o.total = assembly{}, 0
	room, err := o.in.Large(parts, bufs)
	return more && room, err
}

// flush hands on the messages that are whole.
func (o *opener) flush() (more bool, err error) {
	if o.n == 0 {
		return true, nil
	}
	run, n := o.buf.B[o.from:o.whole:o.whole], o.n
	o.from, o.n = o.whole, 0
	return o.in.Run(o.buf, run, n)
}

// close gives all memory back.
func (o *opener) close() {
	o.buf.Release()
	o.buf, o.stash = nil, nil
	o.asm.drop()
}
