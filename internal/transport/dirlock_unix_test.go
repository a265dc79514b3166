//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestListenWaitsForTheDirectory: while another process is about to take over
// a dead path, it is not touched.
func TestListenWaitsForTheDirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	stale(t, path)
	before, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	unlock := lockDir(t.Context(), dir)
	ctx, cancel := context.WithTimeout(t.Context(), 5*dirLockPause)
	defer cancel()
	if _, err := Listen(ctx, mustParse(t, "ipc://"+path), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Listen = %v, want context.DeadlineExceeded", err)
	}
	if now, err := os.Lstat(path); err != nil || !os.SameFile(before, now) {
		t.Errorf("the path was touched: %v", err)
	}
	unlock()
	mustListen(t, "ipc://"+path, nil)
}
