package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// blocks4 holds a block in the halves of four registers, a diagonal of its
// matrix each, and two blocks in their two halves: fewer blocks, sooner. As
// one step waits for the other most of the time, there is time for Poly1305.
func (v *vectors) blocks4(withMac bool) {
	var p poly
	var each []func()
	if withMac {
		declare("blocks4Mac"+v.name, "func(out *[512]byte, key *[32]byte, lanes *[8][2]uint64, mac *[5]uint64, text *byte)",
			"blocks4Mac"+v.name+" writes the four blocks of Salsa20 that the first four lanes ask for.",
			"Meanwhile mac takes 320 octets of text.")
		p = polyRegisters()
		Load(Param("mac"), RAX)
		p.load(RAX)
		Load(Param("text"), p.text)
		each = p.block()
	} else {
		declare("blocks4"+v.name, "func(out *[512]byte, key *[32]byte, lanes *[8][2]uint64)",
			"blocks4"+v.name+" writes the four blocks of Salsa20 that the first four lanes ask for.")
	}
	local := AllocLocal(2 * 4 * 32)
	slot := func(i int) Mem { return local.Offset(32 * i) }
	left := AllocLocal(8)
	Load(Param("key"), RAX)
	Load(Param("lanes"), RBX)

	pairs := [2][]VecPhysical{ymm[0:4], ymm[4:8]}
	v.diagonals(pairs)
	for i, p := range pairs {
		for j, row := range p {
			VMOVDQU(row, slot(4*i+j))
		}
	}

	MOVQ(I32(20), left)
	Label("round")
	first, second := v.diagonalRound(pairs[0], ymm[8:10]), v.diagonalRound(pairs[1], ymm[10:12])
	var both []func()
	for i := range first {
		both = append(both, first[i], second[i])
	}
	weave(both, each)
	DECQ(left)
	JNZ(LabelRef("round"))
	if withMac {
		Load(Param("mac"), RAX)
		p.store(RAX)
	}

	Load(Param("out"), RAX)
	for i, p := range pairs {
		for j, row := range p {
			VPADDD(slot(4*i+j), row, row)
		}
		for row := range 4 {
			// A word of each diagonal makes a row of the matrix.
			t := ymm[8+row]
			VPBLENDD(Imm(0x11<<1), p[(row+3)%4], p[row], t)
			VPBLENDD(Imm(0x11<<2), p[(row+2)%4], t, t)
			VPBLENDD(Imm(0x11<<3), p[(row+1)%4], t, t)
			VMOVDQU(t.AsX(), Mem{Base: RAX, Disp: 2*i*blockLen + 16*row})
			VEXTRACTI128(Imm(1), t, Mem{Base: RAX, Disp: (2*i+1)*blockLen + 16*row})
		}
	}
	VZEROUPPER()
	RET()
}

// diagonals fills pairs of blocks with their input. RAX points to the key, RBX to the lanes.
func (v *vectors) diagonals(pairs [2][]VecPhysical) {
	// Words 1 to 4 and 11 to 14 of the input, then 6 to 9 of each pair of blocks.
	k0, k1 := ymm[12], ymm[13]
	VBROADCASTI128(Mem{Base: RAX}, k0)
	VBROADCASTI128(Mem{Base: RAX, Disp: 16}, k1)
	for i, p := range pairs {
		in, t := ymm[14], ymm[15]
		VMOVDQU(Mem{Base: RBX, Disp: 32 * i}, in)
		VBROADCASTI128(v.sigma, p[0]) // 0 5 10 15
		VPSHUFD(Imm(3), k0, p[1])
		pick(p[1], t, 1, in, 3)
		pick(p[1], t, 2, k1, 3)
		pick(p[1], t, 3, k0, 2) // 4 9 14 3
		VPSHUFD(Imm(2), in, p[2])
		pick(p[2], t, 1, k1, 2)
		pick(p[2], t, 2, k0, 1)
		pick(p[2], t, 3, in, 1) // 8 13 2 7
		VPSHUFD(Imm(1), k1, p[3])
		pick(p[3], t, 1, k0, 0)
		pick(p[3], t, 2, in, 0)
		pick(p[3], t, 3, k1, 0) // 12 1 6 11
	}
}

// pick sets one word of each half of row to the word from of source.
func pick(row, temp VecPhysical, word int, source VecPhysical, from int) {
	VPSHUFD(Imm(uint64(from<<(2*word))), source, temp)
	VPBLENDD(Imm(0x11<<word), temp, row, row)
}

// diagonalRound gives the instructions of a round on the four diagonals, which
// leave them turned for the next one: columns become rows, or rows columns.
func (v *vectors) diagonalRound(p, temp []VecPhysical) (code []func()) {
	b, c, d := p[1], p[2], p[3]
	for i, turn := range turns {
		z, x, y := p[(i+1)%4], p[i], p[(i+3)%4]
		code = append(code, v.mix(z, x, y, turn, temp[0], temp[1])...)
	}
	return append(code,
		func() { VPSHUFD(Imm(0x93), b, temp[0]) },
		func() { VPSHUFD(Imm(0x4e), c, c) },
		func() { VPSHUFD(Imm(0x39), d, b) },
		func() { VMOVDQA(temp[0], d) })
}
