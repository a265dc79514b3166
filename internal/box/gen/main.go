// Command gen writes the assembly of package box for amd64, and the Go declarations of it.
package main

import (
	. "github.com/mmcloughlin/avo/build"
)

func main() {
	ConstraintExpr("!purego")
	c := declareConstants()
	for _, v := range []*vectors{avx2(c), avx512(c)} {
		v.blocks8()
		v.stream()
		v.blocks4(false)
		v.blocks4(true)
	}
	update()
	Generate()
}

// weave emits two independent sequences of instructions as one, spread evenly,
// for a processor that looks ahead only so far.
func weave(a, b []func()) {
	done := 0
	for i, emit := range a {
		emit()
		for ; done*len(a) < (i+1)*len(b); done++ {
			b[done]()
		}
	}
}
