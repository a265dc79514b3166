//go:build !linux

package transport

import "runtime"

// Yield lets other goroutines have the processor.
func Yield() { runtime.Gosched() }
