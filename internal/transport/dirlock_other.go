//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package transport

import "context"

// lockDir does nothing here: there is no advisory lock on directories.
func lockDir(context.Context, string) (unlock func()) { return func() {} }
