// Command capi is libzmq's C interface over PhiMQ's sockets, built as
// libzmq.so.5: whatever is linked against libzmq runs on it.
//
// The C files own what programs see: messages, errno, blocking, and the frames
// of a message that is not whole yet. Go's functions here never wait: they try,
// and ring a socket's eventfd when another try may go better.
package main

// #include "capi.h"
import "C"

import (
	"os"
	"runtime/cgo"
	"sync"
	"sync/atomic"
	"syscall"
)

func main() {}

// handle names a value to C.
func handle(v any) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(v)) }

func socketOf(h C.uintptr_t) *socket   { return cgo.Handle(h).Value().(*socket) }
func contextOf(h C.uintptr_t) *context { return cgo.Handle(h).Value().(*context) }

// bell is an eventfd on which C waits.
type bell struct {
	fd   int
	rung atomic.Bool // the descriptor can be read

	mu     sync.Mutex
	closed bool
}

// ring wakes who waits. It may be called under any lock.
func (b *bell) ring() {
	if b.rung.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed && !b.rung.Load() {
		one := [8]byte{1}
		_, err := syscall.Write(b.fd, one[:]) // can't be full: it has been read
		b.rung.Store(err == nil)
	}
}

// hush takes a ring back. The caller must look once more before it waits.
func (b *bell) hush() {
	if !b.rung.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var count [8]byte
	if _, err := syscall.Read(b.fd, count[:]); err == nil || err == syscall.EAGAIN {
		b.rung.Store(false)
	}
}

// end makes the bell silent: its descriptor may be another one's afterwards.
func (b *bell) end() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}

//export capiHas
func capiHas(name *C.char) C.int {
	switch C.GoString(name) {
	case "ipc":
		return 1
	case "curve":
		return boolInt(coreOption(C.ZMQ_CURVE_SERVER) != nil)
	}
	return 0
}

func boolInt(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// file makes a descriptor of the caller's one of ours.
func file(fd int) (*os.File, error) {
	own, err := syscall.Dup(fd)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(own)
	return os.NewFile(uintptr(own), "ZMQ_USE_FD"), nil
}
