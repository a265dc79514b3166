package role

import (
	"encoding/binary"
	"fmt"

	"github.com/phimq/zmq"
)

// patternSize is the distance after which payloads repeat, but for their number.
const patternSize = 4096

// makePattern is what payloads are cut from: the same in both programs.
func makePattern(size int) []byte {
	p := make([]byte, patternSize+size)
	x := uint64(1)
	for i := range p {
		x = x*6364136223846793005 + 1442695040888963407
		p[i] = byte(x >> 56)
	}
	return p
}

// fill writes the payload of message n.
func (w *work) fill(b []byte, n uint64) {
	copy(b, w.pattern[n*8%patternSize:])
	binary.NativeEndian.PutUint64(b, n)
}

// add sums the words of a payload, whose size is a multiple of 8.
func add(b []byte) uint64 {
	var s, t, u, v uint64
	for len(b) >= 32 {
		s += binary.NativeEndian.Uint64(b)
		t += binary.NativeEndian.Uint64(b[8:])
		u += binary.NativeEndian.Uint64(b[16:])
		v += binary.NativeEndian.Uint64(b[24:])
		b = b[32:]
	}
	for len(b) >= 8 {
		s += binary.NativeEndian.Uint64(b)
		b = b[8:]
	}
	return s + t + u + v
}

// ExpectedSum is what a receiver's sum must be for messages 0 to count-1, their
// numbers counted modulo cycle, unless that is 0.
func ExpectedSum(size int, count, cycle uint64) uint64 {
	pattern := makePattern(size)
	upTo := make([]uint64, len(pattern)/8+1) // sums of the pattern's words
	for i := range len(pattern) / 8 {
		upTo[i+1] = upTo[i] + binary.NativeEndian.Uint64(pattern[8*i:])
	}
	var sum uint64
	for n := range count {
		if cycle > 0 {
			n %= cycle
		}
		first := n % (patternSize / 8)
		sum += upTo[first+uint64(size/8)] - upTo[first+1] + n
	}
	return sum
}

// check takes a payload that has to be number n.
func (w *work) check(f []byte, n uint64) error {
	if len(f) != w.size {
		return fmt.Errorf("message %d has %d octets, want %d", n, len(f), w.size)
	}
	if is := binary.NativeEndian.Uint64(f); is != n && !w.unordered {
		return fmt.Errorf("message %d is number %d", n, is)
	}
	w.result.Sum += add(f)
	return nil
}

// sender sends payloads in one of our two ways: copied from the caller's memory,
// or, "msg", filled in memory of the message's, which is given away.
type sender struct {
	*work
	s *zmq.Socket
	b []byte
	m zmq.Msg
}

func (w *work) sender(s *zmq.Socket) *sender { return &sender{work: w, s: s, b: make([]byte, w.size)} }

func (e *sender) send(n uint64) error {
	if e.way != "msg" {
		e.fill(e.b, n)
		return e.s.Send(e.ctx, e.b)
	}
	e.fill(e.m.Alloc(e.size), n)
	return e.s.SendMsg(e.ctx, &e.m)
}

// receiver receives in one of our two ways: into a message's memory again, or,
// "recv", into memory of its own.
type receiver struct {
	*work
	s *zmq.Socket
	m zmq.Msg
}

// receive returns the last frame.
func (e *receiver) receive() (f []byte, err error) {
	if e.way == "recv" {
		e.m, err = e.s.Recv(e.ctx)
	} else {
		err = e.s.RecvInto(e.ctx, &e.m)
	}
	if err != nil {
		return nil, err
	}
	return e.m.Frames[len(e.m.Frames)-1], nil
}
