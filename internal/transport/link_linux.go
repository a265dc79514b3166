package transport

import (
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const (
	// maxIovecs is room for a chunk of small messages and a good number of
	// bodies by reference; it is 1 KiB of memory for a link that uses it.
	maxIovecs = 64

	// maxRounds is how many writes succeed in one callback of the runtime
	// before it is left and entered again. Only there are Close and deadlines
	// seen while the peer keeps up.
	maxRounds = 64
)

// fastRoad makes raw system calls on the descriptor of a link, within the
// callbacks of syscall.RawConn.
type fastRoad struct {
	raw syscall.RawConn // nil: the link is not fast
	out outRoad
	_   [64]byte // writer and reader are different goroutines: no shared cache line
	in  inRoad
}

func (f *fastRoad) init(c net.Conn) {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return // the plain road will say why
	}
	f.raw = raw
	f.out.step = f.out.write
	f.in.step = f.in.read
}

func (f *fastRoad) ok() bool { return f.raw != nil }

func (f *fastRoad) spinning(limit time.Duration, spinners *Spinners) {
	if limit < 0 {
		f.in.spin = spin{limit: usualSpin, spinners: spinners, skip: spinFirst}
		return
	}
	f.in.spin = spin{limit: limit, alone: runtime.GOMAXPROCS(0) == 1}
}

// outRoad is one call of write in progress.
type outRoad struct {
	step  func(fd uintptr) bool // write as a value, made once
	iov   []syscall.Iovec       // made at the first write of several buffers
	used  int                   // most of iov that was filled since it was cleared
	bufs  [][]byte              // what is left, from bufs[0][off:]
	off   int
	n     int  // octets taken by the kernel
	block bool // wait when the kernel is full
	full  bool // the kernel is full
	pause bool // left after maxRounds, to be entered again
	err   error
}

func (f *fastRoad) write(bufs [][]byte, block bool) (n int, again bool, err error) {
	o := &f.out
	o.bufs, o.off, o.n, o.block, o.full, o.err = bufs, 0, 0, block, false, nil
	for o.pause = true; o.pause && err == nil; {
		o.pause = false
		err = f.raw.Write(o.step)
	}
	if err == nil {
		err = o.err
	}
	o.bufs, o.err = nil, nil
	clear(o.iov[:o.used]) // it must not keep the caller's memory alive
	o.used = 0
	return o.n, o.full && err == nil, err
}

// write is called by the runtime, which holds the descriptor. It returns false
// to be called again when the descriptor can be written.
func (o *outRoad) write(fd uintptr) bool {
	for range maxRounds {
		o.skipEmpty()
		if len(o.bufs) == 0 {
			return true
		}
		n, want, errno := o.writeOnce(fd)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN:
			o.full = true
			return !o.block
		case errno != 0:
			o.err = os.NewSyscallError("writev", errno)
			return true
		case n == 0:
			o.err = io.ErrUnexpectedEOF // as package net; a socket takes octets or says why not
			return true
		}
		o.advance(n)
		if n < want && !o.block {
			o.full = true
			return true
		}
	}
	o.pause = true
	return true
}

func (o *outRoad) writeOnce(fd uintptr) (n, want int, errno syscall.Errno) {
	var r uintptr
	first := o.bufs[0][o.off:]
	if len(o.bufs) == 1 || len(first) >= maxReadWrite {
		want = min(len(first), maxReadWrite)
		r, _, errno = syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(first))), uintptr(want))
	} else {
		var iovs int
		iovs, want = o.gather()
		r, _, errno = syscall.RawSyscall(syscall.SYS_WRITEV, fd, uintptr(unsafe.Pointer(unsafe.SliceData(o.iov))), uintptr(iovs))
	}
	if errno != 0 {
		return 0, want, errno
	}
	return int(r), want, 0
}

// gather fills iov with the next buffers, up to maxReadWrite octets.
func (o *outRoad) gather() (iovs, want int) {
	if o.iov == nil {
		o.iov = make([]syscall.Iovec, maxIovecs)
	}
	off := o.off
	for _, b := range o.bufs {
		b = b[off:]
		off = 0
		if len(b) == 0 {
			continue
		}
		b = b[:min(len(b), maxReadWrite-want)]
		o.iov[iovs].Base = unsafe.SliceData(b)
		o.iov[iovs].SetLen(len(b))
		iovs++
		want += len(b)
		if iovs == len(o.iov) || want == maxReadWrite {
			break
		}
	}
	o.used = max(o.used, iovs)
	return iovs, want
}

func (o *outRoad) advance(n int) {
	o.n += n
	for n > 0 {
		left := len(o.bufs[0]) - o.off
		if n < left {
			o.off += n
			return
		}
		n -= left
		o.bufs, o.off = o.bufs[1:], 0
	}
}

func (o *outRoad) skipEmpty() {
	for len(o.bufs) > 0 && o.off == len(o.bufs[0]) {
		o.bufs, o.off = o.bufs[1:], 0
	}
}

// inRoad is one call of read in progress.
type inRoad struct {
	step   func(fd uintptr) bool // read as a value, made once
	a, b   []byte
	idle   Idler
	iov    [2]syscall.Iovec
	n      int
	parked bool
	spin   spin
	err    error
}

func (f *fastRoad) read(a, b []byte, idle Idler) (n int, err error) {
	r := &f.in
	r.a, r.b, r.idle, r.n, r.parked, r.err = a, b, idle, 0, false, nil
	if err = f.raw.Read(r.step); err == nil {
		err = r.err
	} else {
		r.spin.end()
	}
	r.a, r.b, r.idle, r.err = nil, nil, nil, nil // they must not be kept alive
	return r.n, err
}

// read is called by the runtime, which holds the descriptor. It returns false
// to be called again at the next edge of readiness. It does so after EAGAIN and
// never after a short read: the end of the link may have been folded into the edge
// that brought the last octets, and no other edge would tell of it. To read is
// left to the next call, which has memory again.
func (r *inRoad) read(fd uintptr) bool {
	if r.parked {
		return true
	}
	n, errno := r.readOnce(fd)
	switch {
	case errno == syscall.EAGAIN && r.spin.more():
		return true
	case errno == syscall.EAGAIN:
		r.parked = true
		r.idle.Idle()
		r.a, r.b, r.idle = nil, nil, nil // what is recycled must not be kept alive by who waits
		return false
	case errno != 0:
		r.err = os.NewSyscallError("read", errno)
	case n == 0:
		r.err = io.EOF
	}
	r.spin.came()
	r.n = n
	return true
}

func (r *inRoad) readOnce(fd uintptr) (int, syscall.Errno) {
	if len(r.b) > 0 {
		r.iov[0].Base, r.iov[1].Base = unsafe.SliceData(r.a), unsafe.SliceData(r.b)
		r.iov[0].SetLen(len(r.a))
		r.iov[1].SetLen(len(r.b))
	}
	for {
		var n uintptr
		var errno syscall.Errno
		if len(r.b) > 0 {
			n, _, errno = syscall.RawSyscall(syscall.SYS_READV, fd, uintptr(unsafe.Pointer(&r.iov)), uintptr(len(r.iov)))
		} else {
			n, _, errno = syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(r.a))), uintptr(len(r.a)))
		}
		switch errno {
		case 0:
			clear(r.iov[:])
			return int(n), 0
		case syscall.EINTR:
			continue
		}
		clear(r.iov[:])
		return 0, errno
	}
}
