package transport

import "syscall"

// Descriptor returns the operating system's number of a connection or
// listener, 0 if it has none. It is to be shown, not to be used.
func Descriptor(c any) (fd uintptr) {
	switch l := c.(type) {
	case *tcpListener:
		c = l.Listener
	case *ipcListener:
		c = l.Listener
	}
	sc, ok := c.(syscall.Conn)
	if !ok {
		return 0
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(n uintptr) { fd = n }) // closed: 0
	return fd
}
