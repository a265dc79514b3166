package pipe

import "unsafe"

// oneFrame returns a message of one frame that holds a copy of b. Below 64 KiB
// the message and its octets are one object, as an allocation costs more than
// many a copy. The sizes fill the classes of Go's allocator; those above 512
// octets have a word of its own in front.
func oneFrame(b []byte) [][]byte {
	switch n := len(b); {
	case n <= 40:
		return put[[40]byte](b)
	case n <= 72:
		return put[[72]byte](b)
	case n <= 104:
		return put[[104]byte](b)
	case n <= 136:
		return put[[136]byte](b)
	case n <= 168:
		return put[[168]byte](b)
	case n <= 200:
		return put[[200]byte](b)
	case n <= 264:
		return put[[264]byte](b)
	case n <= 328:
		return put[[328]byte](b)
	case n <= 424:
		return put[[424]byte](b)
	case n <= 544:
		return put[[544]byte](b)
	case n <= 672:
		return put[[672]byte](b)
	case n <= 864:
		return put[[864]byte](b)
	case n <= 1120:
		return put[[1120]byte](b)
	case n <= 1376:
		return put[[1376]byte](b)
	case n <= 1760:
		return put[[1760]byte](b)
	case n <= 2272:
		return put[[2272]byte](b)
	case n <= 2656:
		return put[[2656]byte](b)
	case n <= 3424:
		return put[[3424]byte](b)
	case n <= 4064:
		return put[[4064]byte](b)
	case n <= 4832:
		return put[[4832]byte](b)
	case n <= 6880:
		return put[[6880]byte](b)
	case n <= 8160:
		return put[[8160]byte](b)
	case n <= 9440:
		return put[[9440]byte](b)
	case n <= 10848:
		return put[[10848]byte](b)
	case n <= 12256:
		return put[[12256]byte](b)
	case n <= 14304:
		return put[[14304]byte](b)
	case n <= 18400:
		return put[[18400]byte](b)
	case n <= 21728:
		return put[[21728]byte](b)
	case n <= 24544:
		return put[[24544]byte](b)
	case n <= 28640:
		return put[[28640]byte](b)
	case n <= 32736:
		return put[[32736]byte](b)
	case n <= 40936:
		return put[[40936]byte](b)
	case n <= 49128:
		return put[[49128]byte](b)
	case n <= 57320:
		return put[[57320]byte](b)
	case n <= 65512:
		return put[[65512]byte](b)
	case n < 64<<10:
		return put[[73704]byte](b)
	}
	return [][]byte{append([]byte(nil), b...)}
}

// put copies b into a new object with room for Octets, an array of octets.
func put[Octets any](b []byte) [][]byte {
	m := new(struct {
		frame  [1][]byte
		octets Octets
	})
	octets := unsafe.Slice((*byte)(unsafe.Pointer(&m.octets)), unsafe.Sizeof(m.octets))
	n := copy(octets, b)
	m.frame[0] = octets[:n:n]
	return m.frame[:]
}
