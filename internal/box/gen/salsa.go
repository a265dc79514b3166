package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const (
	blockLen = 64
	lanes    = 8
	groupLen = lanes * blockLen
)

// vectors is one instruction set: where the words of eight blocks are while
// the rounds run, and how a word is rotated.
type vectors struct {
	name  string
	word  [16]Op // a vector of eight lanes each: a register, or nil if it stands in memory
	temp  []VecPhysical
	turns bool // rotates in one instruction
	used  int  // temporaries handed out, in turn
	constants
}

var ymm = []VecPhysical{
	Y0, Y1, Y2, Y3, Y4, Y5, Y6, Y7, Y8, Y9, Y10, Y11, Y12, Y13, Y14, Y15,
	Y16, Y17, Y18, Y19, Y20, Y21, Y22, Y23, Y24, Y25, Y26, Y27, Y28, Y29, Y30, Y31,
}

// avx2 has 16 registers: words 0 and 5 stand in memory, which leaves two for
// temporaries. The quarters of a round that use words 0 and 5 are never the same.
func avx2(c constants) *vectors {
	v := &vectors{name: "AVX2", temp: ymm[14:16], constants: c}
	next := 0
	for i := range v.word {
		if i != 0 && i != 5 {
			v.word[i] = ymm[next]
			next++
		}
	}
	return v
}

// avx512 has 32 registers of 256 bits (AVX-512VL) and rotates in one instruction.
func avx512(c constants) *vectors {
	v := &vectors{name: "AVX512", temp: ymm[16:32], turns: true, constants: c}
	for i := range v.word {
		v.word[i] = ymm[i]
	}
	return v
}

// next is a temporary that was not handed out lately.
func (v *vectors) next() VecPhysical {
	v.used++
	return v.temp[v.used%len(v.temp)]
}

// A frame is what the kernels of eight lanes keep on the stack, aligned so
// that no vector lies across two cache lines.
type frame struct {
	base  Register
	count Mem // rounds that are left
}

// Slots of a frame, 32 octets each.
const (
	slotNonce0 = iota // the input words 6 to 9 of each lane
	slotNonce1
	slotBlock0
	slotBlock1
	slotWord0 // words that have no register
	slotWord5
	slotUpper // words 8 to 15 while 0 to 7 are written
	slots     = slotUpper + 8
)

func (f frame) slot(i int) Mem { return Mem{Base: f.base, Disp: 32 * i} }

// lane is the slot of an input word that differs from lane to lane, 6 to 9.
func (f frame) lane(word int) Mem { return f.slot(slotNonce0 + word - 6) }

// enter makes the frame and puts the nonces and block numbers of the lanes
// into it, a vector of eight for each input word.
func enter(base Register) frame {
	local := AllocLocal(32*slots + 32)
	f := frame{base: base, count: AllocLocal(8)}
	LEAQ(local, base)
	ADDQ(Imm(31), base)
	ANDQ(I32(-32), base)

	ptr := Load(Param("lanes"), RAX)
	y := func(i int) VecPhysical { return ymm[i] }
	for i := range 4 {
		VMOVDQU(Mem{Base: ptr, Disp: 16 * i}, ymm[i].AsX())
		VINSERTI128(Imm(1), Mem{Base: ptr, Disp: 16 * (i + 4)}, y(i), y(i))
	}
	VPUNPCKLDQ(y(1), y(0), y(4))
	VPUNPCKLDQ(y(3), y(2), y(5))
	VPUNPCKHDQ(y(1), y(0), y(6))
	VPUNPCKHDQ(y(3), y(2), y(7))
	VPUNPCKLQDQ(y(5), y(4), y(0))
	VPUNPCKHQDQ(y(5), y(4), y(1))
	VPUNPCKLQDQ(y(7), y(6), y(2))
	VPUNPCKHQDQ(y(7), y(6), y(3))
	for i := range 4 {
		VMOVDQU(y(i), f.slot(slotNonce0+i))
	}
	return f
}

// input fills a register with a word of the input. key points to the key.
func (v *vectors) input(f frame, word int, key Register, to Op) {
	switch {
	case word%5 == 0:
		VPBROADCASTD(v.sigma.Offset(4*(word/5)), to)
	case word < 5:
		VPBROADCASTD(Mem{Base: key, Disp: 4 * (word - 1)}, to)
	case word > 10:
		VPBROADCASTD(Mem{Base: key, Disp: 4*(word-11) + 16}, to)
	default:
		VMOVDQU(f.lane(word), to)
	}
}

// add adds a word of the input to a register. It spoils temp.
func (v *vectors) add(f frame, word int, key Register, to, temp VecPhysical) {
	if word >= 6 && word <= 9 {
		VPADDD(f.lane(word), to, to)
		return
	}
	v.input(f, word, key, temp)
	VPADDD(temp, to, to)
}

// at is where a word is: its register, or its slot.
func (v *vectors) at(f frame, word int) Op {
	switch {
	case v.word[word] != nil:
		return v.word[word]
	case word == 0:
		return f.slot(slotWord0)
	default:
		return f.slot(slotWord5)
	}
}

// load fills the words with the input.
func (v *vectors) load(f frame) {
	key := Load(Param("key"), RAX)
	for i := range v.word {
		if v.word[i] != nil {
			v.input(f, i, key, v.word[i])
			continue
		}
		t := v.next()
		v.input(f, i, key, t)
		VMOVDQU(t, v.at(f, i))
	}
}

// The words of the quarters of a round over columns and of one over rows.
var quarters = [2][4][4]int{
	{{0, 4, 8, 12}, {5, 9, 13, 1}, {10, 14, 2, 6}, {15, 3, 7, 11}},
	{{0, 1, 2, 3}, {5, 6, 7, 4}, {10, 11, 8, 9}, {15, 12, 13, 14}},
}

var turns = [4]uint8{7, 9, 13, 18}

// doubleRound gives the instructions of two rounds in all lanes.
func (v *vectors) doubleRound(f frame) (code []func()) {
	for _, round := range quarters {
		for step, turn := range turns {
			for _, q := range round {
				x := v.at(f, q[step])
				y := v.at(f, q[(step+3)%4])
				z := v.at(f, q[(step+1)%4])
				code = append(code, v.mix(z, x, y, turn, v.next(), v.next())...)
			}
		}
	}
	return code
}

// mix gives the instructions of z ^= (x + y) <<< turn. It spoils t and u.
func (v *vectors) mix(z, x, y Op, turn uint8, t, u VecPhysical) []func() {
	if _, ok := y.(Mem); ok {
		x, y = y, x
	}
	code := []func(){func() { VPADDD(x, y, t) }}
	if v.turns {
		return append(code,
			func() { VPROLD(Imm(uint64(turn)), t, t) },
			func() { VPXORD(t, z, z) })
	}
	code = append(code,
		func() { VPSLLD(Imm(uint64(turn)), t, u) },
		func() { VPSRLD(Imm(uint64(32-turn)), t, t) })
	if _, ok := z.(Mem); ok {
		return append(code,
			func() { VPXOR(z, t, t) },
			func() { VPXOR(u, t, t) },
			func() { VMOVDQU(t, z) })
	}
	return append(code,
		func() { VPXOR(t, z, z) },
		func() { VPXOR(u, z, z) })
}

// rounds emits the twenty rounds, woven with what else there is to do, a
// tenth of it each time.
func (v *vectors) rounds(f frame, label string, tenth []func()) {
	MOVQ(I32(10), f.count)
	Label(label)
	weave(v.doubleRound(f), tenth)
	DECQ(f.count)
	JNZ(LabelRef(label))
}

// finish adds the input, and calls write for each half of each block: 32
// octets in a register, and where they belong.
func (v *vectors) finish(f frame, write func(octet int, half VecPhysical)) {
	key := Load(Param("key"), RAX)
	free := append([]VecPhysical(nil), v.temp[:2]...)
	for i := 8; i < 16; i++ {
		word := v.word[i].(VecPhysical)
		v.add(f, i, key, word, free[0])
		VMOVDQU(word, f.slot(slotUpper+i-8))
		free = append(free, word)
	}
	words := make([]VecPhysical, 8)
	for i := range words {
		if v.word[i] == nil {
			words[i], free = free[len(free)-1], free[:len(free)-1]
			v.input(f, i, key, words[i])
			VPADDD(v.at(f, i), words[i], words[i])
			continue
		}
		words[i] = v.word[i].(VecPhysical)
		v.add(f, i, key, words[i], free[0])
	}
	free = free[len(free)-8:]
	transpose(words, free)
	for i, half := range free {
		write(i*blockLen, half)
	}
	for i, word := range words {
		VMOVDQU(f.slot(slotUpper+i), word)
	}
	transpose(words, free)
	for i, half := range free {
		write(i*blockLen+32, half)
	}
}

// transpose turns eight words of eight lanes into eight lanes of eight words,
// which stand in to. It spoils from.
func transpose(from, to []VecPhysical) {
	for i := 0; i < 8; i += 2 {
		VPUNPCKLDQ(from[i+1], from[i], to[i])
		VPUNPCKHDQ(from[i+1], from[i], to[i+1])
	}
	for i := 0; i < 8; i += 4 {
		VPUNPCKLQDQ(to[i+2], to[i], from[i])
		VPUNPCKHQDQ(to[i+2], to[i], from[i+1])
		VPUNPCKLQDQ(to[i+3], to[i+1], from[i+2])
		VPUNPCKHQDQ(to[i+3], to[i+1], from[i+3])
	}
	for i := range 4 {
		VPERM2I128(Imm(0x20), from[i+4], from[i], to[i])
		VPERM2I128(Imm(0x31), from[i+4], from[i], to[i+4])
	}
}

// declare begins a kernel.
func declare(name, signature string, doc ...string) {
	TEXT(name, 0, signature)
	Pragma("noescape")
	Doc(doc...)
}

func (v *vectors) blocks8() {
	declare("blocks8"+v.name, "func(out *[512]byte, key *[32]byte, lanes *[8][2]uint64)",
		"blocks8"+v.name+" writes the eight blocks of Salsa20 that the lanes ask for.")
	f := enter(RDI)
	v.load(f)
	v.rounds(f, "rounds", nil)
	out := Load(Param("out"), RBX)
	v.finish(f, func(octet int, half VecPhysical) {
		VMOVDQU(half, Mem{Base: out, Disp: octet})
	})
	VZEROUPPER()
	RET()
}

func (v *vectors) stream() {
	declare("stream"+v.name,
		"func(dst, src *byte, groups int, key *[32]byte, lanes *[8][2]uint64, mac *[5]uint64, text *byte)",
		"stream"+v.name+" writes groups of 512 octets of src, XORed with the blocks of Salsa20 that",
		"the lanes ask for and the eight blocks behind them each time, to dst. Meanwhile mac takes",
		"480 octets of text a group; those of a group are read before it is written.")
	f := enter(RDI)
	left := AllocLocal(8)
	dst, src := AllocLocal(8), AllocLocal(8)
	Load(Param("dst"), RAX)
	Load(Param("src"), RBX)
	MOVQ(RAX, dst)
	MOVQ(RBX, src)
	Load(Param("groups"), RAX)
	MOVQ(RAX, left)
	p := polyRegisters()
	Load(Param("mac"), RAX)
	p.load(RAX)
	Load(Param("text"), p.text)

	Label("group")
	v.load(f)
	var tenth []func()
	for range 3 {
		tenth = append(tenth, p.block()...)
	}
	v.rounds(f, "rounds", tenth)
	MOVQ(dst, RBX)
	MOVQ(src, RCX)
	v.finish(f, func(octet int, half VecPhysical) {
		VPXOR(Mem{Base: RCX, Disp: octet}, half, half)
		VMOVDQU(half, Mem{Base: RBX, Disp: octet})
	})
	ADDQ(I32(groupLen), dst)
	ADDQ(I32(groupLen), src)
	VPBROADCASTD(v.eight, Y0)
	VPADDD(f.slot(slotBlock0), Y0, Y0)
	VMOVDQU(Y0, f.slot(slotBlock0))
	DECQ(left)
	JNZ(LabelRef("group"))

	Load(Param("mac"), RAX)
	p.store(RAX)
	VZEROUPPER()
	RET()
}
