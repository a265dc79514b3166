//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

const (
	dirLockTries = 100
	dirLockPause = 10 * time.Millisecond
)

// lockDir keeps other processes (those that use this package) from changing
// sockets in dir until unlock is called. The lock is advisory and leaves no
// file behind. Where it can't be had within a second, or the directory can't be
// read, it goes without: binding matters more than that race.
func lockDir(ctx context.Context, dir string) (unlock func()) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return func() {}
	}
	unlock = func() { _ = unix.Close(fd) } // closing a directory that was only read can't lose anything
	pause := time.NewTimer(0)
	defer pause.Stop()
	for range dirLockTries {
		select {
		case <-pause.C:
		case <-ctx.Done():
			return unlock
		}
		err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return unlock
		}
		if err == nil {
			return unlock
		}
		pause.Reset(dirLockPause)
	}
	return unlock
}
