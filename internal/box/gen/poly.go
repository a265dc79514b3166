package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// poly is Poly1305 in registers: the sum h of 130 bits and more, the key r,
// and s = r1 * 5/4, which is whole because r is clamped.
type poly struct {
	h0, h1, h2, r0, r1, s, text GPPhysical
	t                           [4]GPPhysical // and RDX
}

func polyRegisters() poly {
	return poly{h0: R8, h1: R9, h2: R10, r0: R11, r1: R12, s: R13, text: RSI, t: [4]GPPhysical{RAX, RBX, RCX, R14}}
}

func (p *poly) load(mac Register) {
	for i, r := range []GPPhysical{p.h0, p.h1, p.h2, p.r0, p.r1} {
		MOVQ(Mem{Base: mac, Disp: 8 * i}, r)
	}
	MOVQ(p.r1, p.s)
	SHRQ(Imm(2), p.s)
	ADDQ(p.r1, p.s)
}

func (p *poly) store(mac Register) {
	for i, r := range []GPPhysical{p.h0, p.h1, p.h2} {
		MOVQ(r, Mem{Base: mac, Disp: 8 * i})
	}
}

// block gives the instructions that take 16 octets:
// h = (h + text + 2^128) * r, reduced modulo 2^130-5 so far that h2 stays small.
func (p *poly) block() []func() {
	t := p.t
	return []func(){
		func() { ADDQ(Mem{Base: p.text}, p.h0) },
		func() { ADCQ(Mem{Base: p.text, Disp: 8}, p.h1) },
		func() { ADCQ(Imm(1), p.h2) },
		func() { ADDQ(Imm(16), p.text) },
		// t1:t0 = h0*r0 + h1*s, t3:t2 = h0*r1 + h1*r0 + h2*s, and h2*r0 on top of t3.
		func() { MOVQ(p.h0, RDX) },
		func() { MULXQ(p.r0, t[0], t[1]) },
		func() { MULXQ(p.r1, t[2], t[3]) },
		func() { MOVQ(p.h1, RDX) },
		func() { MULXQ(p.s, p.h0, p.h1) },
		func() { ADDQ(p.h0, t[0]) },
		func() { ADCQ(p.h1, t[1]) },
		func() { MULXQ(p.r0, p.h0, p.h1) },
		func() { ADDQ(p.h0, t[2]) },
		func() { ADCQ(p.h1, t[3]) },
		func() { MOVQ(p.h2, RDX) },
		func() { IMULQ(p.s, RDX) },
		func() { IMULQ(p.r0, p.h2) },
		func() { ADDQ(RDX, t[2]) },
		func() { ADCQ(p.h2, t[3]) },
		func() { ADDQ(t[1], t[2]) },
		func() { ADCQ(Imm(0), t[3]) },
		// What is above 2^130 comes back times 5.
		func() { MOVQ(t[3], p.h2) },
		func() { ANDQ(Imm(3), p.h2) },
		func() { MOVQ(t[3], t[1]) },
		func() { SHRQ(Imm(2), t[1]) },
		func() { ANDQ(I8(-4), t[3]) },
		func() { ADDQ(t[1], t[3]) },
		func() { MOVQ(t[0], p.h0) },
		func() { MOVQ(t[2], p.h1) },
		func() { ADDQ(t[3], p.h0) },
		func() { ADCQ(Imm(0), p.h1) },
		func() { ADCQ(Imm(0), p.h2) },
	}
}

func update() {
	declare("update", "func(mac *[5]uint64, text *byte, blocks int)",
		"update takes blocks of 16 octets into mac: at least one.")
	p := polyRegisters()
	Load(Param("mac"), RDI)
	p.load(RDI)
	Load(Param("text"), p.text)
	Load(Param("blocks"), R15)
	Label("block")
	for _, emit := range p.block() {
		emit()
	}
	DECQ(R15)
	JNZ(LabelRef("block"))
	p.store(RDI)
	RET()
}
