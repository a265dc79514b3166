package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// The frames of a message that the soak made know their place in it, so that
// whoever receives it sees whether it is whole:
//
//	"SOAK"  index (2)  frames (2)  CRC-32 of the rest (4)  octets
//
// Before them there may be frames of the pattern's: identities, topics,
// delimiters.
const (
	magic    = "SOAK"
	bodyHead = len(magic) + 8
)

// octets is what bodies are cut from.
var octets = bytes.Repeat([]byte("all work and no play makes Jack a dull boy. "), 5000)

// randomSize is mostly small, now and then so large that it goes by reference.
func randomSize(r *rand.Rand) int {
	switch r.IntN(100) {
	case 0:
		return r.IntN(200_000)
	case 1, 2, 3, 4:
		return r.IntN(10_000)
	default:
		return r.IntN(300)
	}
}

// appendBody adds whole frames of the soak's own to a message.
func appendBody(r *rand.Rand, frames [][]byte) [][]byte {
	n := 1
	if r.IntN(4) == 0 {
		n += r.IntN(5)
	}
	for i := range n {
		size := randomSize(r)
		from := r.IntN(len(octets) - size)
		f := make([]byte, bodyHead, bodyHead+size)
		copy(f, magic)
		binary.BigEndian.PutUint16(f[4:], uint16(i))
		binary.BigEndian.PutUint16(f[6:], uint16(n))
		binary.BigEndian.PutUint32(f[8:], crc32.ChecksumIEEE(octets[from:from+size]))
		frames = append(frames, append(f, octets[from:from+size]...))
	}
	return frames
}

// checkBody says what is wrong with a message. One without frames of the
// soak's own is the pattern's: a subscription, a probe.
func checkBody(frames [][]byte) error {
	for len(frames) > 0 && !bytes.HasPrefix(frames[0], []byte(magic)) {
		frames = frames[1:]
	}
	for i, f := range frames {
		if len(f) < bodyHead || string(f[:len(magic)]) != magic {
			return fmt.Errorf("frame %d of %d is not of this message: %.60q", i, len(frames), f)
		}
		index, n := int(binary.BigEndian.Uint16(f[4:])), int(binary.BigEndian.Uint16(f[6:]))
		if index != i || n != len(frames) {
			return fmt.Errorf("frame %d of %d says that it is %d of %d: torn", i, len(frames), index, n)
		}
		if sum := crc32.ChecksumIEEE(f[bodyHead:]); sum != binary.BigEndian.Uint32(f[8:]) {
			return fmt.Errorf("frame %d of %d, %d octets, is damaged", i, n, len(f))
		}
	}
	return nil
}
