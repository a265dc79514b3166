package transport

import (
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// setSystem sets what Linux alone has. The priority comes after the type of
// service, which changes it.
func setSystem(fd int, o *Options) error {
	if ms := o.MaxRetransmit / time.Millisecond; ms > 0 {
		n := int(min(ms, math.MaxInt32))
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, n); err != nil {
			return os.NewSyscallError("setsockopt TCP_USER_TIMEOUT", err)
		}
	}
	if o.Priority > 0 {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, o.Priority); err != nil {
			return os.NewSyscallError("setsockopt SO_PRIORITY", err)
		}
	}
	return nil
}

func bindToDevice(fd int, name string) error {
	return os.NewSyscallError("setsockopt SO_BINDTODEVICE", unix.BindToDevice(fd, name))
}
