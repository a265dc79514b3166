package wire

import (
	"encoding/binary"
	"math"
)

// The flags of a frame: RFC 37 "Framing".
const (
	FlagMore    = 1 // more frames of this message follow
	FlagLong    = 2 // the size is 8 octets, not 1
	FlagCommand = 4 // a command, not a part of a message

	flagsReserved = 0xFF &^ (FlagMore | FlagLong | FlagCommand)
)

const (
	// MaxHeader is the length of the longest frame header in octets.
	MaxHeader = longHeader

	shortHeader = 2
	longHeader  = 9
	maxShort    = 255
)

// Header is the flags and the size of one frame.
type Header struct {
	Flags byte
	// Size is the length of the body in octets, at most 2^63-1.
	Size uint64
	// Len is the length of the header itself in octets.
	Len int
}

// ParseHeader reads the frame header at the start of b. ok is false when b ends before the header does. An error
// is reported as soon as the octet that is wrong has come: ErrReserved, ErrMoreCommand or ErrSize.
func ParseHeader(b []byte) (h Header, ok bool, err error) {
	if len(b) == 0 {
		return Header{}, false, nil
	}
	flags := b[0]
	if err := checkFlags(flags); err != nil {
		return Header{}, false, err
	}
	if flags&FlagLong == 0 {
		if len(b) < shortHeader {
			return Header{}, false, nil
		}
		return Header{Flags: flags, Size: uint64(b[1]), Len: shortHeader}, true, nil
	}
	return parseLong(b)
}

// checkFlags holds the rules of RFC 37 "Framing" on the flags octet.
func checkFlags(flags byte) error {
	if flags&flagsReserved != 0 {
		return ErrReserved
	}
	if flags&(FlagCommand|FlagMore) == FlagCommand|FlagMore {
		return ErrMoreCommand
	}
	return nil
}

// parseLong reads the header of a long frame, whose flags are known to be good.
func parseLong(b []byte) (h Header, ok bool, err error) {
	if len(b) > 1 && b[1] > 0x7F {
		return Header{}, false, ErrSize
	}
	if len(b) < longHeader {
		return Header{}, false, nil
	}
	return Header{Flags: b[0], Size: binary.BigEndian.Uint64(b[1:]), Len: longHeader}, true, nil
}

// HeaderLen is the length in octets of the header that AppendHeader writes for a body of size octets.
func HeaderLen(size int) int {
	if size > maxShort {
		return longHeader
	}
	return shortHeader
}

// AppendHeader appends the header of a frame whose body has size octets. It sets or clears FlagLong itself:
// RFC 37 "Authentication and Confidentiality": up to 255 octets SHOULD use the short size.
func AppendHeader(b []byte, flags byte, size int) []byte {
	if size > maxShort {
		return appendLong(b, flags, size)
	}
	return append(b, flags&^FlagLong, byte(size))
}

func appendLong(b []byte, flags byte, size int) []byte {
	return binary.BigEndian.AppendUint64(append(b, flags|FlagLong), uint64(size))
}

// AppendFrame appends a whole frame.
func AppendFrame(b []byte, flags byte, body []byte) []byte {
	return append(AppendHeader(b, flags, len(body)), body...)
}

// maxSize is the size of the largest body: RFC 37 "Framing".
const maxSize = math.MaxInt64
