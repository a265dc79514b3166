//go:build !purego

package box

import "crypto/subtle"

// How many octets Poly1305 takes while a group is made, and while half a group is made.
const (
	streamLen = 30 * 16
	halfLen   = 20 * 16
)

// start is where the groups of a long text begin: behind what the first group gives.
const start = firstLen

// A cut says how a long text is cut: the first group, whole groups from start to end, and a rest of less than a group.
type cut struct{ groups, end int }

func cutText(n int) cut {
	groups := (n - start) / groupLen
	return cut{groups, start + groups*groupLen}
}

// sealLong seals with the first group made already. Poly1305 follows at the heels of Salsa20, and takes what it has
// not caught up with at the end.
func (c *cipher) sealLong(sealed, plain []byte) {
	text := sealed[Overhead:]
	at := cutText(len(plain))
	var m mac
	m.start((*[macKeyLen]byte)(c.blocks[:]))
	subtle.XORBytes(text, plain[:start], c.blocks[macKeyLen:])
	if at.groups > 0 {
		c.stream(text[start:], plain[start:], groupBlocks, at.groups, &m, text)
	}
	taken := at.groups * streamLen
	taken += c.rest(len(plain), at, &m, text[taken:])
	subtle.XORBytes(text[at.end:], plain[at.end:], c.blocks[:])
	m.write(text[taken:])
	m.tag((*[Overhead]byte)(sealed))
}

// openLong opens with the first group made already. Poly1305 gets a lead, for in place the groups overwrite what it
// reads. What is before and behind the groups is deciphered when the tag has proved right.
func (c *cipher) openLong(plain, sealed []byte) bool {
	text := sealed[Overhead:]
	at := cutText(len(plain))
	lead := at.end - at.groups*streamLen
	var m mac
	m.start((*[macKeyLen]byte)(c.blocks[:]))
	first := c.blocks
	taken := c.rest(len(plain), at, &m, text)
	m.write(text[taken:lead])
	if at.groups > 0 {
		c.stream(plain[start:], text[start:], groupBlocks, at.groups, &m, text[lead:])
	}
	m.write(text[at.end:])
	if !m.matches((*[Overhead]byte)(sealed)) {
		clear(plain[start:at.end])
		return false
	}
	subtle.XORBytes(plain, text[:start], first[macKeyLen:])
	subtle.XORBytes(plain[at.end:], text[at.end:], c.blocks[:])
	return true
}

// stream writes whole groups from src to dst, of which the first begins with the given block. Meanwhile m takes
// streamLen octets of text for each of them.
func (c *cipher) stream(dst, src []byte, block uint64, groups int, m *mac, text []byte) {
	c.number(block)
	if c.level == levelAVX512 {
		streamAVX512(&dst[0], &src[0], groups, c.key, &c.lanes, &m.state, &text[0])
	} else {
		streamAVX2(&dst[0], &src[0], groups, c.key, &c.lanes, &m.state, &text[0])
	}
}

// rest makes the blocks for what is behind the groups of a text of n octets, while m takes the first octets of text.
// It returns how many.
func (c *cipher) rest(n int, at cut, m *mac, text []byte) (taken int) {
	block := uint64(1+at.groups) * groupBlocks
	switch left := n - at.end; {
	case left == 0:
		return 0
	case left > groupLen/2:
		clear(c.blocks[:]) // a stream of zeros gives the bare blocks
		c.stream(c.blocks[:], c.blocks[:], block, 1, m, text)
		return streamLen
	}
	c.number(block)
	if c.level == levelAVX512 {
		blocks4MacAVX512(&c.blocks, c.key, &c.lanes, &m.state, &text[0])
	} else {
		blocks4MacAVX2(&c.blocks, c.key, &c.lanes, &m.state, &text[0])
	}
	return halfLen
}
