package pipe

import (
	"encoding/binary"
	"iter"

	"github.com/phimq/zmq/internal/wire"
)

// Kind tells what a segment of a queue holds.
type Kind uint8

const (
	// Run is a run of whole messages, framed as ZMTP 2.0 and later frame
	// them (RFC 23 "Framing").
	Run Kind = iota
	// Parts is one message whose frames are held by reference.
	Parts
	// Subscribe and Cancel are changes of a subscription. How they are
	// written depends on the version of the peer, which the engine knows.
	Subscribe
	Cancel
	// Control is one or more command frames, or messages that greet. They belong to a
	// connection: they do not count as messages and are not kept for the next one.
	Control
)

// Seg is a piece of a queue: whole messages that are put and taken together.
type Seg struct {
	Kind   Kind
	Shared bool     // Parts lie in other queues too
	N      int      // messages
	B      []byte   // Run, Control: frames; Subscribe, Cancel: the topic
	Parts  [][]byte // Parts: the frames of one message
	Buf    *Buf     // where B or Parts lie; nil for memory of the garbage collector's
}

// Size returns the octets that the segment keeps in memory.
func (s *Seg) Size() int {
	n := len(s.B)
	for _, part := range s.Parts {
		n += len(part) + wire.MaxHeader
	}
	return n
}

// Release gives up the segment's memory.
func (s *Seg) Release() {
	s.Buf.Release()
	*s = Seg{}
}

// header reads the header of the frame at the start of b, which is known to
// be whole and well formed.
func header(b []byte) (flags byte, head, body int) {
	if flags = b[0]; flags&wire.FlagLong == 0 {
		return flags, 2, int(b[1])
	}
	return flags, 9, int(binary.BigEndian.Uint64(b[1:9]))
}

// MessageLen returns the octets of the first message of a run.
func MessageLen(run []byte) int {
	n := 0
	for {
		flags, head, body := header(run[n:])
		n += head + body
		if flags&wire.FlagMore == 0 {
			return n
		}
	}
}

// LastMessage returns the last message of a run.
func LastMessage(run []byte) []byte {
	for {
		n := MessageLen(run)
		if n == len(run) {
			return run
		}
		run = run[n:]
	}
}

// Frames yields the frames of the first message of a run.
func Frames(run []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for {
			flags, head, body := header(run)
			if !yield(run[head:head+body:head+body]) || flags&wire.FlagMore == 0 {
				return
			}
			run = run[head+body:]
		}
	}
}

// FramedSize returns the octets that frames take as one framed message.
func FramedSize(frames [][]byte) int {
	n := 0
	for _, f := range frames {
		n += wire.HeaderLen(len(f)) + len(f)
	}
	return n
}

// AppendFramed appends frames to b as one framed message.
func AppendFramed(b []byte, frames [][]byte) []byte {
	last := len(frames) - 1
	for i, f := range frames {
		flags := byte(wire.FlagMore)
		if i == last {
			flags = 0
		}
		b = wire.AppendFrame(b, flags, f)
	}
	return b
}
