package zmq

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A message as one piece of octets, for a file or to travel inside of another
// message: RFC 50 "Implementation", which is CZMQ's zmsg_encode. Each frame is
// its size and its octets; a size of 255 or more is the octet 0xFF and four more.

const (
	longSize  = 0xFF // says that the size is in the next four octets
	sizeBytes = 4
)

// AppendEncode appends the frames of the message to b, in the encoding of
// RFC 50 "Implementation". A message without frames appends nothing. A frame
// of 4 GiB or more is ErrTooLarge, and then b is returned as it was.
//
// RoutingID, Group and the peer are not encoded.
func (m *Msg) AppendEncode(b []byte) ([]byte, error) {
	out := b
	for _, f := range m.Frames {
		var err error
		if out, err = appendSize(out, uint64(len(f))); err != nil {
			return b, err
		}
		out = append(out, f...)
	}
	return out, nil
}

func appendSize(b []byte, size uint64) ([]byte, error) {
	switch {
	case size < longSize:
		return append(b, byte(size)), nil
	case size <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, longSize), uint32(size)), nil
	default:
		return b, fmt.Errorf("%w: a frame of %d octets can't be encoded, at most %d can", ErrTooLarge, size, uint32(math.MaxUint32))
	}
}

// DecodeMsg reads what [Msg.AppendEncode] wrote: all of b. The frames are parts
// of b, which must not change while they are used; [Msg.Clone] makes a copy with
// memory of its own. Octets that end within a frame are ErrInvalid.
func DecodeMsg(b []byte) (Msg, error) {
	n := 0
	for rest := b; len(rest) > 0; n++ {
		var ok bool
		if _, rest, ok = cutFrame(rest); !ok {
			return Msg{}, fmt.Errorf("%w: an encoded message ends within its frame %d", ErrInvalid, n+1)
		}
	}
	m := Msg{Frames: make([][]byte, n)}
	for i := range m.Frames {
		m.Frames[i], b, _ = cutFrame(b) // seen to be whole above
	}
	return m, nil
}

// cutFrame returns the frame at the start of b, which is not empty, and what
// follows it. It reports false if b is too short.
func cutFrame(b []byte) (frame, rest []byte, ok bool) {
	size, head := uint64(b[0]), 1
	if b[0] == longSize {
		if head += sizeBytes; len(b) < head {
			return nil, nil, false
		}
		size = uint64(binary.BigEndian.Uint32(b[1:]))
	}
	if b = b[head:]; size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size:size], b[size:], true
}
