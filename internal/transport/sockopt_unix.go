//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// setBeforeBind sets what must be there before bind(2) or connect(2).
func setBeforeBind(fd uintptr, network string, o *Options, source bool) error {
	s := int(fd)
	if o.SendBuffer > 0 {
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_SNDBUF, o.SendBuffer); err != nil {
			return os.NewSyscallError("setsockopt SO_SNDBUF", err)
		}
	}
	if o.RecvBuffer > 0 {
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUF, o.RecvBuffer); err != nil {
			return os.NewSyscallError("setsockopt SO_RCVBUF", err)
		}
	}
	if source {
		// One source port may lead to several peers.
		if err := unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return os.NewSyscallError("setsockopt SO_REUSEADDR", err)
		}
	}
	if o.BindToDevice != "" && strings.HasPrefix(network, "tcp") {
		return bindToDevice(s, o.BindToDevice)
	}
	return nil
}

// setSocket sets what a socket may be given at any time. network is "tcp4",
// "tcp6" or "unix".
func setSocket(fd uintptr, network string, o *Options) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	if err := setTOS(int(fd), network, o.TOS); err != nil {
		return err
	}
	return setSystem(int(fd), o)
}

func setTOS(s int, network string, tos int) error {
	if tos <= 0 {
		return nil
	}
	err := unix.SetsockoptInt(s, unix.IPPROTO_IP, unix.IP_TOS, tos)
	if network == "tcp6" {
		// IP_TOS is for IPv4 peers of an IPv6 socket; not every system has it there.
		err = unix.SetsockoptInt(s, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, tos)
	}
	return os.NewSyscallError("setsockopt IP_TOS", err)
}

// setBacklog listens again, which changes the length of the queue.
func setBacklog(fd uintptr, n int) error {
	if n <= 0 {
		return nil
	}
	return os.NewSyscallError("listen", unix.Listen(int(fd), n))
}
