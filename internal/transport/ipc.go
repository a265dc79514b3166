package transport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

func dialIPC(ctx context.Context, e Endpoint, o *Options) (net.Conn, error) {
	return o.dial(ctx, &net.Dialer{}, "unix", e.Address)
}

func listenIPC(ctx context.Context, e Endpoint, o *Options) (Listener, error) {
	l := &ipcListener{endpoint: e, o: *o}
	if e.Address == "*" {
		dir, err := os.MkdirTemp("", "zmq-")
		if err != nil {
			return nil, fmt.Errorf("listen %s: %w", e, err)
		}
		l.tempDir = dir
		l.endpoint.Address = filepath.Join(dir, "socket")
	}
	if err := l.listen(ctx); err != nil {
		l.removeTempDir()
		return nil, err
	}
	return l, nil
}

type ipcListener struct {
	net.Listener
	endpoint Endpoint
	o        Options

	path    string      // absolute, so that it is found after a change of directory; empty for abstract names
	made    fs.FileInfo // what path was when it was bound; nil if unknown
	tempDir string      // made for "*", else empty
	remove  sync.Once
}

func (l *ipcListener) listen(ctx context.Context) error {
	name := l.endpoint.Address
	if err := checkPathLength(l.endpoint.String(), name); err != nil {
		return err
	}
	if abstractNames && name[0] == '@' {
		var err error
		l.Listener, err = l.o.listen(ctx, "unix", name)
		return err
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("listen %s: %w", l.endpoint, err)
	}
	// Without the lock two starting processes could both find the path
	// dead, and the slower one remove what the faster one has just bound.
	defer lockDir(ctx, filepath.Dir(path))()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("listen %s: %w", l.endpoint, err)
	}
	ln, err := l.o.listen(ctx, "unix", name)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err = removeStale(ctx, l.endpoint); err != nil {
			return err
		}
		ln, err = l.o.listen(ctx, "unix", name)
	}
	if err != nil {
		return err
	}
	if ul, ok := ln.(*net.UnixListener); ok {
		ul.SetUnlinkOnClose(false) // net would remove whatever has that name by then
	}
	l.Listener, l.path = ln, path
	l.made, _ = os.Lstat(path)
	return nil
}

// removeStale removes the socket that a dead process left behind. That nobody
// listens is proven by a refused connection and by nothing else.
func removeStale(ctx context.Context, e Endpoint) error {
	info, err := os.Lstat(e.Address)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen %s: %w", e, err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen %s: the path is not a socket and was left alone: %w", e, syscall.EADDRINUSE)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", e.Address)
	if err == nil {
		_ = c.Close() // it was only a question
	}
	if !isErrno(err, syscall.ECONNREFUSED, wsaECONNREFUSED) {
		return fmt.Errorf("listen %s: %w", e, syscall.EADDRINUSE)
	}
	if err := os.Remove(e.Address); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listen %s: can't remove the socket of a dead listener: %w", e, err)
	}
	return nil
}

func (l *ipcListener) Endpoint() Endpoint { return l.endpoint }

func (l *ipcListener) Accept() (net.Conn, error) { return acceptTuned(l.Listener, &l.o) }

// Close removes the path first: as long as the socket is open its inode number
// can't belong to another file, so the comparison is exact.
func (l *ipcListener) Close() error {
	var removeErr error
	l.remove.Do(func() { removeErr = l.removePath() })
	return errors.Join(l.Listener.Close(), removeErr)
}

func (l *ipcListener) removePath() error {
	if l.path == "" {
		return nil
	}
	defer l.removeTempDir()
	now, err := os.Lstat(l.path)
	if err != nil || l.made != nil && !os.SameFile(l.made, now) {
		return nil // gone, or somebody else's by now
	}
	if err := os.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("close %s: %w", l.endpoint, err)
	}
	return nil
}

func (l *ipcListener) removeTempDir() {
	if l.tempDir != "" {
		_ = os.Remove(l.tempDir) // what others put there is theirs
	}
}
