package main

// #include "capi.h"
import "C"

import (
	stdcontext "context"
	"errors"
	"net"
	"os"
	"syscall"

	"github.com/phimq/zmq"
)

// errnos are what libzmq calls our errors, the first that fits.
var errnos = []struct {
	err   error
	errno syscall.Errno
}{
	{stdcontext.Canceled, syscall.EAGAIN}, // the context of calls that do not wait
	{zmq.ErrAgain, syscall.EAGAIN},
	{zmq.ErrTimeout, syscall.EAGAIN},
	{zmq.ErrState, C.EFSM},
	{zmq.ErrNoPeer, syscall.EHOSTUNREACH},
	{zmq.ErrClosed, C.ETERM},
	{zmq.ErrNotSupported, syscall.ENOTSUP},
	{zmq.ErrNotFound, syscall.ENOENT},
	{zmq.ErrInvalid, syscall.EINVAL},
	{zmq.ErrTooLarge, syscall.EINVAL},
	{os.ErrPermission, syscall.EACCES},
}

// result is 0, or an error as the C files take it: its number, negative.
func result(err error) C.int {
	if err == nil {
		return 0
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return -C.int(number)
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return -C.int(syscall.ENODEV)
	}
	for _, e := range errnos {
		if errors.Is(err, e.err) {
			return -C.int(e.errno)
		}
	}
	return -C.int(syscall.EINVAL)
}
