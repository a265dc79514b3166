//go:build !purego

package box

import (
	"math/bits"

	"golang.org/x/sys/cpu"
)

//go:generate env GOWORK=off go -C gen run . -pkg box -out ../box_amd64.s -stubs ../stubs_amd64.go

// A group is what eight lanes give. The first group of a box begins with the
// key of Poly1305, so that less of it is left for the text.
const (
	groupBlocks = 8
	groupLen    = groupBlocks * blockLen
	firstLen    = groupLen - macKeyLen
)

// maxVectorLen bounds the texts whose blocks can be numbered in one word of a lane.
const maxVectorLen = 1 << 37

// A lane is the nonce of a block, as its octets stand in memory, and the number of the block.
type lane = [2]uint64

// A level tells which instructions of the processor are used.
type level int

const (
	levelGeneric level = iota
	levelAVX2
	levelAVX512
)

// best is the best of the levels on this processor.
func best() level {
	switch {
	case !cpu.X86.HasAVX2 || !cpu.X86.HasBMI2:
		return levelGeneric
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL:
		return levelAVX512
	}
	return levelAVX2
}

func (k *Key) seal(sealed, plain []byte, counter uint64) { k.sealAt(best(), sealed, plain, counter) }

func (k *Key) open(plain, sealed []byte, counter uint64) bool {
	return k.openAt(best(), plain, sealed, counter)
}

func (k *Key) sealAll(items []Item) int { return k.sealAllAt(best(), items) }
func (k *Key) openAll(items []Item) int { return k.openAllAt(best(), items) }

func (k *Key) sealAt(l level, sealed, plain []byte, counter uint64) {
	if l == levelGeneric || len(plain) > maxVectorLen {
		k.sealGeneric(sealed, plain, counter)
		return
	}
	c := cipher{key: &k.sub, level: l, nonce: bits.ReverseBytes64(counter)}
	c.fill(0, macKeyLen+len(plain))
	if len(plain) <= firstLen {
		sealShort(c.blocks[:], sealed, plain)
	} else {
		c.sealLong(sealed, plain)
	}
}

func (k *Key) openAt(l level, plain, sealed []byte, counter uint64) bool {
	if l == levelGeneric || len(plain) > maxVectorLen {
		return k.openGeneric(plain, sealed, counter)
	}
	c := cipher{key: &k.sub, level: l, nonce: bits.ReverseBytes64(counter)}
	c.fill(0, macKeyLen+len(plain))
	if len(plain) <= firstLen {
		return openShort(c.blocks[:], plain, sealed)
	}
	return c.openLong(plain, sealed)
}

// A cipher makes the blocks of Salsa20 for one box, a group at a time.
type cipher struct {
	key    *[32]byte
	level  level
	nonce  uint64
	lanes  [groupBlocks]lane
	blocks [groupLen]byte
}

// number sets the lanes to the blocks from the given one on.
func (c *cipher) number(block uint64) {
	for i := range c.lanes {
		c.lanes[i] = lane{c.nonce, block + uint64(i)}
	}
}

// fill makes blocks from the given one on: a group, or if fewer octets are asked for, half of one.
func (c *cipher) fill(block uint64, octets int) {
	c.number(block)
	makeBlocks(c.level, &c.blocks, c.key, &c.lanes, octets)
}

// makeBlocks makes the blocks that the lanes ask for. If half of them gives the octets asked for, it makes half.
func makeBlocks(l level, out *[groupLen]byte, key *[32]byte, lanes *[groupBlocks]lane, octets int) {
	switch few := octets <= groupLen/2; {
	case few && l == levelAVX512:
		blocks4AVX512(out, key, lanes)
	case few:
		blocks4AVX2(out, key, lanes)
	case l == levelAVX512:
		blocks8AVX512(out, key, lanes)
	default:
		blocks8AVX2(out, key, lanes)
	}
}
