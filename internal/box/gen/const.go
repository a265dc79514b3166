package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// constants holds the constant words of Salsa20 on the diagonal of its input,
// and by how much a block number rises from group to group.
type constants struct{ sigma, eight Mem }

func declareConstants() (c constants) {
	c.sigma = GLOBL("sigma", attr.RODATA|attr.NOPTR)
	for i, word := range []uint32{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574} {
		DATA(4*i, U32(word))
	}
	c.eight = GLOBL("eight", attr.RODATA|attr.NOPTR)
	DATA(0, U32(lanes))
	return c
}
