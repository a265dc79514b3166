package engine

import (
	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// copyBelow is the size under which a frame of a large message is copied next
// to its header. Above it, the frame is a vector of its own.
const copyBelow = 2 << 10

// keepScratch and keepVecs are how many octets and vectors an encoder at rest keeps.
const (
	keepScratch = 4 << 10
	keepVecs    = 256
)

// Encoder turns segments of a queue into octets for the link. It belongs to
// whoever writes.
type Encoder struct {
	minor   byte // of the ZMTP version, 3.x
	raw     bool
	sealer  mech.Sealer // nil: what goes out is in clear
	pool    *pipe.Pool
	boxes   *pipe.Buf // what was sealed, or put in a large scratch, and is not written yet
	open    int       // boxes.B[open:] is laid out and not sealed
	spent   bool      // the sealer has no more boxes
	scratch []byte
	vecs    [][]byte
}

// NewEncoder returns the encoder of a connection to p. Sealer seals what goes
// out; nil: it goes in clear.
func NewEncoder(c *Config, p *pipe.Peer, sealer mech.Sealer) *Encoder {
	return &Encoder{minor: p.Version[1], raw: c.Raw, sealer: sealer, pool: c.Pool}
}

// Encode returns what to write for segs. It is valid until Written.
func (e *Encoder) Encode(segs []pipe.Seg) [][]byte {
	e.vecs = e.vecs[:0]
	if e.sealer != nil {
		e.vecs = e.sealed(segs)
		return e.vecs
	}
	e.reserve(segs)
	for i := range segs {
		s := &segs[i]
		switch {
		case s.Kind == pipe.Subscribe || s.Kind == pipe.Cancel:
			from := len(e.scratch)
			e.scratch = e.appendTopic(e.scratch, s)
			e.vecs = append(e.vecs, e.scratch[from:])
		case e.raw:
			e.encodeRaw(s)
		case s.Kind == pipe.Parts:
			e.encodeParts(s.Parts)
		default:
			e.vecs = append(e.vecs, s.B)
		}
	}
	return e.vecs
}

// Written gives back what Encode needed; its result is no longer valid.
func (e *Encoder) Written() {
	e.boxes.Release()
	e.boxes = nil
	clear(e.vecs) // what goes back to the pool must not be kept alive by a connection at rest
	if cap(e.scratch) > keepScratch {
		e.scratch = nil
	}
	if cap(e.vecs) > keepVecs {
		e.vecs = nil
	}
}

// reserve makes room in scratch for all that Encode will put there, because
// what was put must not move.
func (e *Encoder) reserve(segs []pipe.Seg) {
	n := 0
	for i := range segs {
		switch s := &segs[i]; s.Kind {
		case pipe.Subscribe, pipe.Cancel:
			n += len(s.B) + 32
		case pipe.Parts:
			for _, part := range s.Parts {
				n += wire.MaxHeader
				if len(part) < copyBelow {
					n += len(part)
				}
			}
		}
	}
	switch {
	case n > keepScratch:
		e.boxes = e.pool.Get(n)
		e.scratch = e.boxes.B
	case cap(e.scratch) < n:
		e.scratch = make([]byte, 0, n)
	}
	e.scratch = e.scratch[:0]
}

// appendTopic writes a subscription as the peer's version has it: a command
// since 3.1, before that a message whose first octet tells. RFC 37 "The
// Publish-Subscribe Pattern", RFC 23 "The Publish-Subscribe Pattern".
func (e *Encoder) appendTopic(b []byte, s *pipe.Seg) []byte {
	switch subscribe := s.Kind == pipe.Subscribe; {
	case e.minor >= 1 && subscribe:
		return wire.AppendSubscribe(b, s.B)
	case e.minor >= 1:
		return wire.AppendCancel(b, s.B)
	case subscribe:
		return append(append(wire.AppendHeader(b, 0, len(s.B)+1), 1), s.B...)
	default:
		return append(append(wire.AppendHeader(b, 0, len(s.B)+1), 0), s.B...)
	}
}

// encodeParts writes one message by reference: small frames and headers are
// gathered, large frames stand alone.
func (e *Encoder) encodeParts(parts [][]byte) {
	from := len(e.scratch)
	for i, part := range parts {
		flags := byte(wire.FlagMore)
		if i == len(parts)-1 {
			flags = 0
		}
		e.scratch = wire.AppendHeader(e.scratch, flags, len(part))
		if len(part) < copyBelow {
			e.scratch = append(e.scratch, part...)
			continue
		}
		e.vecs = append(e.vecs, e.scratch[from:], part)
		from = len(e.scratch)
	}
	if from < len(e.scratch) {
		e.vecs = append(e.vecs, e.scratch[from:])
	}
}

func (e *Encoder) encodeRaw(s *pipe.Seg) {
	switch s.Kind {
	case pipe.Parts:
		for _, part := range s.Parts {
			e.appendRaw(part)
		}
	case pipe.Run:
		for run := s.B; len(run) > 0; {
			for f := range pipe.Frames(run) {
				e.appendRaw(f)
			}
			run = run[pipe.MessageLen(run):]
		}
	}
}

// appendRaw leaves out what is empty: not every link takes it as nothing.
func (e *Encoder) appendRaw(frame []byte) {
	if len(frame) > 0 {
		e.vecs = append(e.vecs, frame)
	}
}

// size returns the octets that a segment takes on the link.
func (e *Encoder) size(s *pipe.Seg) int {
	switch {
	case s.Kind == pipe.Subscribe || s.Kind == pipe.Cancel:
		topic := e.appendTopic(nil, s)
		if e.sealer != nil {
			return e.sealedSize(topic)
		}
		return len(topic)
	case e.sealer != nil:
		n := e.sealedSize(s.B)
		for _, part := range s.Parts {
			n += e.boxSize(len(part))
		}
		return n
	case e.raw:
		n := 0
		for _, part := range s.Parts {
			n += len(part)
		}
		for run := s.B; len(run) > 0; {
			k := pipe.MessageLen(run)
			n += e.messageSize(run[:k])
			run = run[k:]
		}
		return n
	case s.Kind == pipe.Parts:
		return pipe.FramedSize(s.Parts)
	default:
		return len(s.B)
	}
}

// messageSize returns the octets that one framed message takes on the link.
func (e *Encoder) messageSize(message []byte) int {
	if e.sealer != nil {
		return e.sealedSize(message)
	}
	if !e.raw {
		return len(message)
	}
	n := 0
	for f := range pipe.Frames(message) {
		n += len(f)
	}
	return n
}

// Unsent returns the part of segs that must be sent again when only written
// octets of them went out: every message that did not go out whole, from its
// first octet. What went out is released.
func (e *Encoder) Unsent(segs []pipe.Seg, written int) []pipe.Seg {
	for i := range segs {
		s := &segs[i]
		n := e.size(s)
		if written >= n {
			written -= n
			s.Release()
			continue
		}
		for s.Kind == pipe.Run && s.N > 0 {
			k := pipe.MessageLen(s.B)
			size := e.messageSize(s.B[:k])
			if written < size {
				break
			}
			written -= size
			s.B = s.B[k:]
			s.N--
		}
		return segs[i:]
	}
	return nil
}
