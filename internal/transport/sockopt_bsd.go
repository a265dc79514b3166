//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package transport

// setSystem has nothing to set: these systems have neither TCP_USER_TIMEOUT nor
// SO_PRIORITY.
func setSystem(int, *Options) error { return nil }

// bindToDevice is left: these systems bind by address.
func bindToDevice(int, string) error { return nil }
