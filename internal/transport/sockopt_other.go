//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package transport

// These systems keep their defaults; keep-alive is set through package net.

func setBeforeBind(uintptr, string, *Options, bool) error { return nil }

func setSocket(uintptr, string, *Options) error { return nil }

func setBacklog(uintptr, int) error { return nil }
