package wire

import "encoding/binary"

// Stop tells why a scan ended.
type Stop uint8

const (
	StopShort     Stop = iota // b ends, inside a message or just behind one
	StopCommand               // a command stands here, perhaps not whole yet, its size not judged
	StopTooLarge              // the frame is larger than maxFrame
	StopMalformed             // the header is wrong, or a command stands inside a message
)

func (s Stop) String() string {
	switch s {
	case StopShort:
		return "short"
	case StopCommand:
		return "command"
	case StopTooLarge:
		return "too large"
	default:
		return "malformed"
	}
}

// Scanned is what a scan has found.
type Scanned struct {
	Bytes    int  // octets of the whole messages
	Messages int  // number of the whole messages
	Stop     Stop // why the scan ended
	// At is where the frame stands that ended the scan. It is larger than Bytes when frames with MORE come
	// before it, which then are the start of a message.
	At int
	// Need is, for StopShort, how many octets the frame at At still lacks, counted from the end of b. It
	// is 0 when even the header is not whole.
	Need uint64
}

// Scan walks the whole messages at the start of b, in the framing of ZMTP 2.0 and later. It stops before a command
// frame, before a message that is not whole, before a frame larger than maxFrame octets (negative: no limit), and
// at a header that is malformed. RFC 37 "Formal Grammar" has no command between the frames of one message, so such a
// command is StopMalformed. But libzmq 4.3.4 sends a PING or PONG there when a large message waits for the network: a
// caller that is to get on with it finds that ParseHeader has no fault to report at At.
//
// Traffic is mostly runs of one size. So Scan compares the next header with the last one and parses only when
// they differ, which spares it the wait for each size to come out of memory.
func Scan(b []byte, maxFrame int64) Scanned {
	limit := uint64(maxSize)
	if maxFrame >= 0 {
		limit = uint64(maxFrame)
	}
	var s Scanned
	for {
		rest := b[s.At:]
		h, ok, err := ParseHeader(rest)
		command := len(rest) > 0 && rest[0]&FlagCommand != 0
		switch {
		case command && s.At == s.Bytes && checkFlags(rest[0]) == nil:
			s.Stop = StopCommand
			return s
		case command, err != nil:
			s.Stop = StopMalformed
			return s
		case !ok:
			return s
		case h.Size > limit:
			s.Stop = StopTooLarge
			return s
		}
		if have := uint64(len(rest) - h.Len); h.Size > have {
			s.Need = h.Size - have
			return s
		}
		step := h.Len + int(h.Size)
		s.At += step
		if h.Flags&FlagMore != 0 {
			continue
		}
		n := run(rest, h.Len, step)
		s.At += n * step
		s.Messages += 1 + n
		s.Bytes = s.At
	}
}

// run counts the whole frames behind the first frame of b that have the same header, of head octets. The first
// frame is whole and has step octets with its header.
func run(b []byte, head, step int) (n int) {
	if head == shortHeader {
		first := binary.NativeEndian.Uint16(b)
		for at := step; len(b)-at >= step && binary.NativeEndian.Uint16(b[at:]) == first; at += step {
			n++
		}
		return n
	}
	// The flags and seven octets of the size, then the last octet of the size.
	first, last := binary.NativeEndian.Uint64(b), b[8]
	for at := step; len(b)-at >= step && b[at+8] == last && binary.NativeEndian.Uint64(b[at:]) == first; at += step {
		n++
	}
	return n
}
