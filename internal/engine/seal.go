package engine

import (
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// sealTogether is how many octets are laid out before they are sealed: enough
// for many frames, and still in the nearest cache.
const sealTogether = 16 << 10

// sealed writes segs with every frame in a box of its own, in memory that
// Written gives back.
func (e *Encoder) sealed(segs []pipe.Seg) [][]byte {
	n := 0
	for i := range segs {
		n += e.size(&segs[i])
	}
	e.boxes = e.pool.Get(n)
	e.open = 0
	for i := range segs {
		switch s := &segs[i]; s.Kind {
		case pipe.Subscribe, pipe.Cancel:
			e.scratch = e.appendTopic(e.scratch[:0], s)
			e.layRun(e.scratch)
		case pipe.Parts:
			for j, part := range s.Parts {
				flags := byte(wire.FlagMore)
				if j == len(s.Parts)-1 {
					flags = 0
				}
				e.lay(flags, part)
			}
		default:
			e.layRun(s.B)
		}
	}
	e.seal()
	if e.spent {
		return e.vecs
	}
	return append(e.vecs, e.boxes.B)
}

// layRun lays out frames of our own writing.
func (e *Encoder) layRun(frames []byte) {
	for len(frames) > 0 {
		h, _, err := wire.ParseHeader(frames)
		if err != nil {
			return
		}
		size := h.Len + int(h.Size)
		e.lay(h.Flags, frames[h.Len:size])
		frames = frames[size:]
	}
}

// lay puts one frame, with room for what seals it, behind those that are there.
func (e *Encoder) lay(flags byte, body []byte) {
	over := e.sealer.Overhead()
	b := wire.AppendHeader(e.boxes.B, 0, over+len(body))
	at := len(b) + over
	b = append(b[:at], body...)
	b[at-1] = flags & (wire.FlagMore | wire.FlagCommand)
	e.boxes.B = b
	if len(b)-e.open >= sealTogether {
		e.seal()
	}
}

// seal seals what is laid out.
func (e *Encoder) seal() {
	e.spent = e.spent || !e.sealer.Seal(e.boxes.B[e.open:])
	e.open = len(e.boxes.B)
}

// Spent reports whether the connection has sealed all that it may.
func (e *Encoder) Spent() bool { return e.spent }

// sealedSize returns the octets that frames take once they are sealed.
func (e *Encoder) sealedSize(frames []byte) int {
	n := 0
	for len(frames) > 0 {
		h, _, err := wire.ParseHeader(frames)
		if err != nil {
			return n
		}
		n += e.boxSize(int(h.Size))
		frames = frames[h.Len+int(h.Size):]
	}
	return n
}

// boxSize returns the octets of the frame that a body is sealed into.
func (e *Encoder) boxSize(body int) int {
	body += e.sealer.Overhead()
	return wire.HeaderLen(body) + body
}
