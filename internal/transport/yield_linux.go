package transport

import (
	"runtime"
	"syscall"
)

// Yield lets others have the processor: goroutines, and other threads and
// processes that wait for it. To be woken again costs a sleeping thread far more.
func Yield() {
	runtime.Gosched()
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) // it can't fail
}
