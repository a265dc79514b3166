//go:build !purego

package box

import (
	"crypto/subtle"
	"math/bits"
)

// sealShort seals with blocks that are made already.
func sealShort(blocks, sealed, plain []byte) {
	text := sealed[Overhead:]
	subtle.XORBytes(text, plain, blocks[macKeyLen:])
	var m mac
	m.start((*[macKeyLen]byte)(blocks))
	m.write(text)
	m.tag((*[Overhead]byte)(sealed))
}

// openShort opens with blocks that are made already.
func openShort(blocks, plain, sealed []byte) bool {
	text := sealed[Overhead:]
	var m mac
	m.start((*[macKeyLen]byte)(blocks))
	m.write(text)
	if !m.matches((*[Overhead]byte)(sealed)) {
		return false
	}
	subtle.XORBytes(plain, text, blocks[macKeyLen:])
	return true
}

// batchBlocks is how many blocks are made for one batch of short texts. With
// four groups, few lanes stay empty because a text does not fit.
const batchBlocks = 4 * groupBlocks

// A batch makes the blocks of Salsa20 for several short texts.
type batch struct {
	key    *[32]byte
	level  level
	lanes  [batchBlocks]lane
	blocks [batchBlocks * blockLen]byte
}

// fill makes the blocks of the first few items, as many as there is room for,
// and returns how many: none if the first is long or does not fit.
func (b *batch) fill(items []Item) (n int) {
	if b.level == levelGeneric {
		return 0
	}
	used := 0
	for ; n < len(items); n++ {
		it := &items[n]
		blocks := blocksOf(len(it.Plain))
		if !it.fits() || len(it.Plain) > firstLen || used+blocks > batchBlocks {
			break
		}
		nonce := bits.ReverseBytes64(it.Counter)
		for i := range blocks {
			b.lanes[used+i] = lane{nonce, uint64(i)}
		}
		used += blocks
	}
	for done := 0; done < used; done += groupBlocks {
		out := (*[groupLen]byte)(b.blocks[done*blockLen:])
		makeBlocks(b.level, out, b.key, (*[groupBlocks]lane)(b.lanes[done:]), (used-done)*blockLen)
	}
	return n
}

// blocksOf is how many blocks a text of n octets needs.
func blocksOf(n int) int { return (macKeyLen + n + blockLen - 1) / blockLen }

func (k *Key) sealAllAt(l level, items []Item) (sealed int) {
	b := batch{key: &k.sub, level: l}
	for sealed < len(items) {
		n := b.fill(items[sealed:])
		if n == 0 {
			it := &items[sealed]
			if !it.fits() {
				return sealed
			}
			k.sealAt(l, it.Sealed, it.Plain, it.Counter)
			sealed++
			continue
		}
		at := 0
		for _, it := range items[sealed : sealed+n] {
			sealShort(b.blocks[at*blockLen:], it.Sealed, it.Plain)
			at += blocksOf(len(it.Plain))
		}
		sealed += n
	}
	return sealed
}

func (k *Key) openAllAt(l level, items []Item) (opened int) {
	b := batch{key: &k.sub, level: l}
	for opened < len(items) {
		n := b.fill(items[opened:])
		if n == 0 {
			it := &items[opened]
			if !it.fits() || !k.openAt(l, it.Plain, it.Sealed, it.Counter) {
				return opened
			}
			opened++
			continue
		}
		at := 0
		for _, it := range items[opened : opened+n] {
			if !openShort(b.blocks[at*blockLen:], it.Plain, it.Sealed) {
				return opened
			}
			at += blocksOf(len(it.Plain))
			opened++
		}
	}
	return opened
}
