package main

// #include "capi.h"
import "C"

import (
	"net"
	"runtime/cgo"
	"strings"
	"syscall"
	"unsafe"

	"github.com/phimq/zmq"
)

//export capiSend
func capiSend(h C.uintptr_t, frames *C.octets_t, n C.size_t, wait C.int) C.int {
	s := socketOf(h)
	s.out = s.out[:0]
	for _, f := range unsafe.Slice(frames, int(n)) {
		s.out = append(s.out, unsafe.Slice((*byte)(f.data), int(f.size)))
	}
	err := s.TrySend(s.out...)
	rc := result(err)
	if wait != 0 && rc == -C.int(syscall.EAGAIN) {
		s.bell.hush()
		rc = result(s.TrySend(s.out...))
	}
	clear(s.out)
	return rc
}

// capiMaySend says whether a message that begins with a frame could go.
//
//export capiMaySend
func capiMaySend(h C.uintptr_t, frame *C.octets_t, wait C.int) C.int {
	s := socketOf(h)
	first := unsafe.Slice((*byte)(frame.data), int(frame.size))
	rc := result(s.MaySend(first))
	if wait != 0 && rc == -C.int(syscall.EAGAIN) {
		s.bell.hush()
		rc = result(s.MaySend(first))
	}
	return rc
}

// capiRecv hands a message over, or says what room it needs by ENOBUFS and
// keeps it.
//
//export capiRecv
func capiRecv(h C.uintptr_t, in *C.inbound_t, wait C.int) C.int {
	s := socketOf(h)
	if !s.held {
		rc := s.receive()
		if wait != 0 && rc == -C.int(syscall.EAGAIN) {
			s.bell.hush()
			rc = s.receive()
		}
		if rc != 0 {
			return rc
		}
		s.held = true
	}
	in.total, in.frames = C.size_t(s.in.Size()), C.size_t(len(s.in.Frames))
	if in.total > in.capacity || in.frames > in.places || in.sizes == nil {
		return -C.int(syscall.ENOBUFS)
	}
	s.held = false
	data, sizes := unsafe.Slice((*byte)(in.data), int(in.total)), unsafe.Slice(in.sizes, len(s.in.Frames))
	for i, f := range s.in.Frames {
		sizes[i] = C.size_t(len(f))
		data = data[copy(data, f):]
	}
	in.origin = s.origin.of(s.in.Peer())
	return 0
}

// receive fills s.in without waiting.
func (s *socket) receive() C.int {
	if len(s.ahead) > 0 {
		s.in, s.ahead = s.ahead[0], s.ahead[1:]
		return 0
	}
	return result(s.RecvInto(s.ctx.ended, &s.in))
}

//export capiEvents
func capiEvents(h C.uintptr_t) C.int {
	s := socketOf(h)
	s.bell.hush()
	ready := s.Ready()
	var events C.int
	if ready&zmq.CanRecv != 0 || len(s.ahead) > 0 {
		events |= C.ZMQ_POLLIN
	}
	if ready&zmq.CanSend != 0 {
		events |= C.ZMQ_POLLOUT
	}
	return events
}

// origins are the peers of a socket as C's messages refer to them.
type origins struct {
	last    zmq.Peer // the one asked for last
	lastOf  *C.origin_t
	byPeers map[zmq.Peer]*C.origin_t
}

// maxOrigins is how many peers a socket remembers. A message keeps its own.
const maxOrigins = 1000

func (o *origins) of(p zmq.Peer) *C.origin_t {
	if p == o.last {
		return o.lastOf
	}
	origin := o.byPeers[p]
	if origin == nil {
		if len(o.byPeers) >= maxOrigins {
			o.drop()
		}
		if o.byPeers == nil {
			o.byPeers = map[zmq.Peer]*C.origin_t{}
		}
		origin = C.origin_new(handle(p), C.int(int(p.Descriptor())))
		o.byPeers[p] = origin
	}
	o.last, o.lastOf = p, origin
	return origin
}

func (o *origins) drop() {
	for _, origin := range o.byPeers {
		C.origin_release(origin)
	}
	*o = origins{}
}

//export capiPeerForget
func capiPeerForget(h C.uintptr_t) { cgo.Handle(h).Delete() }

// capiPeerProperty returns a property in memory that the caller frees, or null.
//
//export capiPeerProperty
func capiPeerProperty(h C.uintptr_t, name *C.char) *C.char {
	peer, property := cgo.Handle(h).Value().(zmq.Peer), C.GoString(name)
	value := peer.Property(property)
	switch {
	case value == "":
		return nil
	case strings.EqualFold(property, "Peer-Address"):
		return C.CString(host(value))
	}
	return C.CString(value)
}

// host is the address of a peer as libzmq has it: without transport and port.
func host(endpoint string) string {
	_, address, _ := strings.Cut(endpoint, "://")
	if name, _, err := net.SplitHostPort(address); err == nil {
		return name
	}
	return address
}
