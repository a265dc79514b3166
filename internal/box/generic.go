package box

import (
	"crypto/subtle"
	"encoding/binary"

	"golang.org/x/crypto/poly1305"      //nolint:staticcheck // SA1019: deprecated as low-level; RFC 26 asks for its boxes
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // SA1019: as above
)

// The first block of Salsa20 gives the key of Poly1305 with its first half; the text begins with the second.
const (
	blockLen  = 64
	macKeyLen = 32
)

// sealGeneric fills sealed, which has room for the box of plain and no more.
func (k *Key) sealGeneric(sealed, plain []byte, counter uint64) {
	tag, text := sealed[:Overhead], sealed[Overhead:]
	macKey := k.cipher(text, plain, counter)
	var sum [Overhead]byte
	poly1305.Sum(&sum, text, &macKey)
	copy(tag, sum[:])
}

// openGeneric fills plain, which is Overhead octets shorter than sealed, if the box is right.
func (k *Key) openGeneric(plain, sealed []byte, counter uint64) bool {
	tag, text := sealed[:Overhead], sealed[Overhead:]
	macKey := k.cipher(nil, nil, counter)
	var sum [Overhead]byte
	poly1305.Sum(&sum, text, &macKey)
	if subtle.ConstantTimeCompare(sum[:], tag) == 0 {
		return false
	}
	k.cipher(plain, text, counter)
	return true
}

// cipher writes src, enciphered or deciphered, to dst, and returns the key of Poly1305.
func (k *Key) cipher(dst, src []byte, counter uint64) (macKey [macKeyLen]byte) {
	var in [16]byte // the nonce, then the number of the block
	binary.BigEndian.PutUint64(in[:], counter)
	var first [blockLen]byte
	n := copy(first[macKeyLen:], src)
	salsa.XORKeyStream(first[:], first[:], &in, &k.sub)
	copy(dst, first[macKeyLen:macKeyLen+n])
	in[8] = 1
	salsa.XORKeyStream(dst[n:], src[n:], &in, &k.sub)
	copy(macKey[:], first[:])
	return macKey
}
