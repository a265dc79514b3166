package main

// #include "capi.h"
import "C"

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"github.com/phimq/zmq"
)

//export capiSetOption
func capiSetOption(h C.uintptr_t, number C.int, p unsafe.Pointer, size C.size_t) C.int {
	s := socketOf(h)
	if number == C.ZMQ_IPV4ONLY {
		return s.setIPv4Only(p, size)
	}
	if isFilter(number) {
		return result(s.setFilter(number, p, int(size)))
	}
	r, ok := rules[number]
	if !ok || r.access == readOnly {
		return result(syscall.EINVAL)
	}
	if isCredential(number) && p == nil && size == 0 {
		return result(s.set(C.ZMQ_PLAIN_SERVER, rules[C.ZMQ_PLAIN_SERVER], "0")) // back to NULL
	}
	text, ok := r.load(p, int(size))
	if !ok {
		return result(syscall.EINVAL)
	}
	return result(s.set(number, r, text))
}

func isCredential(number C.int) bool {
	return number == C.ZMQ_PLAIN_USERNAME || number == C.ZMQ_PLAIN_PASSWORD
}

// set gives the core an option, or keeps what does nothing here.
func (s *socket) set(number C.int, r rule, text string) error {
	info := coreOption(number)
	if info == nil || r.every && !applies(info, s.Type()) {
		s.kept[number] = text
		return nil
	}
	given := text
	if number == C.ZMQ_SOCKS_PROXY {
		s.source, text = "", given
		if source, proxy, ok := strings.Cut(given, ";"); ok {
			s.source, text = source, proxy
		}
	}
	o, err := zmq.ParseOption(info.Name, text)
	if err == nil {
		err = s.Set(o)
	}
	if delete(s.kept, number); err == nil && r.secret {
		s.kept[number] = text
	}
	switch {
	case err != nil && number == C.ZMQ_SOCKS_PROXY:
		s.kept[number] = given // libzmq looks at it when it connects
		return nil
	case errors.Is(err, zmq.ErrNotFound) && number == C.ZMQ_UNSUBSCRIBE:
		return nil // libzmq does not tell
	case errors.Is(err, zmq.ErrClosed):
		return err
	case err != nil:
		return syscall.EINVAL
	}
	return nil
}

func applies(o *zmq.OptionInfo, t zmq.Type) bool {
	return len(o.Applies) == 0 || slices.Contains(o.Applies, t)
}

// setIPv4Only is IPV6 the other way round.
func (s *socket) setIPv4Only(p unsafe.Pointer, size C.size_t) C.int {
	text, ok := rule{shape: shapeBool}.load(p, int(size))
	if !ok {
		return result(syscall.EINVAL)
	}
	return result(s.Set(zmq.WithIPv6(text == "0")))
}

// useFD is the listening descriptor that the next bind takes; -1 for none.
func (s *socket) useFD() int {
	fd, err := strconv.Atoi(s.kept[C.ZMQ_USE_FD])
	if err != nil {
		return -1
	}
	return fd
}

// load reads a value as the core writes it, unless it breaks the rule.
func (r rule) load(p unsafe.Pointer, size int) (text string, ok bool) {
	switch r.shape {
	case shapeInt64, shapeUint64:
		if size != 8 {
			return "", false
		}
		if r.shape == shapeUint64 {
			return strconv.FormatUint(*(*uint64)(p), 10), true
		}
		return strconv.FormatInt(max(*(*int64)(p), -1), 10), true
	case shapeOctets, shapeText:
		if (p == nil) == (size > 0) && (size > 0 || r.clear) || int64(size) < r.min || int64(size) > r.max {
			return "", false
		}
		return string(unsafe.Slice((*byte)(p), size)), true
	case shapeKey:
		if p == nil || size != keySize && size != keyText && size != keyText+1 {
			return "", false
		}
		return string(unsafe.Slice((*byte)(p), min(size, keyText))), true
	}
	if size != C.sizeof_int {
		return "", false
	}
	n := int64(*(*C.int)(p))
	switch r.shape {
	case shapeBool:
		return strconv.FormatInt(n, 10), n == 0 || n == 1
	case shapeFlag:
		return strconv.FormatInt(min(n, 1), 10), n >= 0
	default:
		if r.step > 0 && n >= r.min {
			n -= n % r.step
		}
		return strconv.FormatInt(n, 10), n >= r.min && n <= r.max
	}
}

//export capiOption
func capiOption(h C.uintptr_t, number C.int, p unsafe.Pointer, size *C.size_t) C.int {
	s := socketOf(h)
	if number == C.ZMQ_IPV4ONLY {
		text, err := s.Option("ipv6")
		if err != nil {
			return result(err)
		}
		return store(rule{shape: shapeBool}, strconv.Itoa(1-number01(text)), p, size)
	}
	r, ok := rules[number]
	if !ok || r.access == writeOnly {
		return result(syscall.EINVAL)
	}
	text, err := s.get(number, r)
	if err != nil {
		return result(err)
	}
	return store(r, text, p, size)
}

func number01(text string) int {
	if text == "1" {
		return 1
	}
	return 0
}

func (s *socket) get(number C.int, r rule) (string, error) {
	if text, ok := s.kept[number]; ok {
		return text, nil
	}
	info := coreOption(number)
	switch {
	case info == nil, r.secret:
		return r.initial, nil
	case number == C.ZMQ_ROUTING_ID && s.Type() == zmq.STREAM:
		return s.lastPeer(), nil
	}
	return s.Option(info.Name)
}

// lastPeer is the identity of the connection made last: what libzmq calls a
// STREAM's own.
func (s *socket) lastPeer() string {
	peers := s.Stats().Peers
	if len(peers) == 0 {
		return ""
	}
	return string(peers[len(peers)-1].RoutingID)
}

// store writes a value to C. Ints want their size exactly, octets at least.
func store(r rule, text string, p unsafe.Pointer, size *C.size_t) C.int {
	invalid := result(syscall.EINVAL)
	room := unsafe.Slice((*byte)(p), int(*size))
	switch r.shape {
	case shapeOctets, shapeText:
		if r.shape == shapeText {
			text += "\x00"
		}
		if len(room) < len(text) {
			return invalid
		}
		clear(room[copy(room, text):])
		*size = C.size_t(len(text))
		return 0
	case shapeKey:
		return storeKey(text, room)
	case shapeInt64, shapeUint64:
		if len(room) != 8 {
			return invalid
		}
		if r.shape == shapeUint64 {
			n, err := strconv.ParseUint(text, 10, 64)
			*(*uint64)(p) = n
			return result(err)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		*(*int64)(p) = n
		return result(err)
	}
	if len(room) != C.sizeof_int {
		return invalid
	}
	n, err := strconv.ParseInt(text, 10, 32)
	*(*C.int)(p) = C.int(n)
	return result(err)
}
