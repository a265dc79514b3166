//go:build !purego

package box

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// A mac counts Poly1305 of a text.
type mac struct {
	state [5]uint64 // the sum, 130 bits and a few more in three words; the key r in two
	pad   [2]uint64
}

// start takes the key: r, of which 22 bits are always zero, and the pad.
func (m *mac) start(key *[macKeyLen]byte) {
	m.state = [5]uint64{
		3: binary.LittleEndian.Uint64(key[0:]) & 0x0ffffffc0fffffff,
		4: binary.LittleEndian.Uint64(key[8:]) & 0x0ffffffc0ffffffc,
	}
	m.pad[0] = binary.LittleEndian.Uint64(key[16:])
	m.pad[1] = binary.LittleEndian.Uint64(key[24:])
}

// write takes text. Only the last piece may have a length that is no multiple of 16.
func (m *mac) write(text []byte) {
	if blocks := len(text) / 16; blocks > 0 {
		update(&m.state, &text[0], blocks)
	}
	if rest := text[len(text)&^15:]; len(rest) > 0 {
		m.last(rest)
	}
}

// last takes a block of less than 16 octets. A one marks its end. The sum
// takes it as if it were a whole block, less the one that a whole block has above.
func (m *mac) last(rest []byte) {
	var block [16]byte
	block[copy(block[:], rest)] = 1
	m.state[2]-- // wraps, until update adds the one of a whole block
	update(&m.state, &block[0], 1)
}

// tag writes the sum modulo 2^130-5, plus the pad, modulo 2^128.
func (m *mac) tag(out *[Overhead]byte) {
	h0, h1, h2 := m.state[0], m.state[1], m.state[2]
	r0, b := bits.Sub64(h0, 0xfffffffffffffffb, 0)
	r1, b := bits.Sub64(h1, 0xffffffffffffffff, b)
	_, b = bits.Sub64(h2, 3, b)
	below := -b // all ones if the sum is below the modulus
	h0 = r0 ^ below&(r0^h0)
	h1 = r1 ^ below&(r1^h1)
	h0, c := bits.Add64(h0, m.pad[0], 0)
	h1, _ = bits.Add64(h1, m.pad[1], c)
	binary.LittleEndian.PutUint64(out[0:], h0)
	binary.LittleEndian.PutUint64(out[8:], h1)
}

// matches compares the tag in a time that does not depend on it.
func (m *mac) matches(tag *[Overhead]byte) bool {
	var want [Overhead]byte
	m.tag(&want)
	return subtle.ConstantTimeCompare(want[:], tag[:]) == 1
}
