package transport

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// stale leaves a socket that nobody listens on.
func stale(t *testing.T, path string) {
	t.Helper()
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
}

func mustBeGone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func TestIPCPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln := mustListen(t, "ipc://"+path, nil)
	if got := ln.Endpoint().String(); got != "ipc://"+path {
		t.Errorf("Endpoint() = %s", got)
	}
	join(t, ln, "ipc://"+path, nil)
	if err := ln.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	mustBeGone(t, path)
	if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close() = %v, want net.ErrClosed", err)
	}
}

func TestIPCTemporary(t *testing.T) {
	a, b := mustListen(t, "ipc://*", nil), mustListen(t, "ipc://*", nil)
	if a.Endpoint() == b.Endpoint() {
		t.Fatalf("two binds share %s", a.Endpoint())
	}
	if err := a.Endpoint().CheckConnect(); err != nil {
		t.Error(err)
	}
	join(t, a, a.Endpoint().String(), nil)
	join(t, b, b.Endpoint().String(), nil)
	dir := filepath.Dir(a.Endpoint().Address)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the directory is not private: %v, %v", info.Mode(), err)
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close() = %v", err)
	}
	mustBeGone(t, dir)
}

func TestIPCTemporaryPathTooLong(t *testing.T) {
	long := t.TempDir()
	for len(long) < maxPath() {
		long = filepath.Join(long, "0123456789012345678901234567890123456789")
	}
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if _, err := Listen(t.Context(), mustParse(t, "ipc://*"), nil); !errors.Is(err, syscall.ENAMETOOLONG) {
		t.Errorf("Listen = %v, want ENAMETOOLONG", err)
	}
	left, err := os.ReadDir(long)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestIPCStalePathIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	stale(t, path)
	ln := mustListen(t, "ipc://"+path, nil)
	join(t, ln, "ipc://"+path, nil)
}

func TestIPCLivingPathIsLeft(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	living := mustListen(t, "ipc://"+path, nil)
	if _, err := Listen(t.Context(), mustParse(t, "ipc://"+path), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("Listen on a living path = %v, want EADDRINUSE", err)
	}
	probe, err := living.Accept() // the question whether it lives
	if err != nil {
		t.Fatal(err)
	}
	_ = probe.Close()
	join(t, living, "ipc://"+path, nil)
}

func TestIPCOtherFilesAreLeft(t *testing.T) {
	dir := t.TempDir()
	file, target, link := filepath.Join(dir, "file"), filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	stale(t, target)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, link, dir} {
		if _, err := Listen(t.Context(), mustParse(t, "ipc://"+path), nil); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("Listen(%s) = %v, want EADDRINUSE", path, err)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
}

func TestIPCCloseLeavesAnothersPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first := mustListen(t, "ipc://"+path, nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := mustListen(t, "ipc://"+path, nil)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	join(t, second, "ipc://"+path, nil)
}

func TestIPCRelativePath(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	stale(t, "s")
	ln := mustListen(t, "ipc://s", nil)
	join(t, ln, "ipc://s", nil)
	t.Chdir(t.TempDir())
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	mustBeGone(t, filepath.Join(dir, "s"))
}

func TestIPCOneWinnerOnAStalePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	e := mustParse(t, "ipc://"+path)
	for range 20 {
		stale(t, path)
		var wg sync.WaitGroup
		lns, errs := make([]Listener, 8), make([]error, 8)
		for i := range lns {
			wg.Go(func() { lns[i], errs[i] = Listen(t.Context(), e, nil) })
		}
		wg.Wait()
		winners := 0
		for i, ln := range lns {
			if errs[i] == nil {
				winners++
				_ = ln.Close()
			} else if !errors.Is(errs[i], syscall.EADDRINUSE) {
				t.Errorf("Listen = %v, want EADDRINUSE", errs[i])
			}
		}
		if winners != 1 {
			t.Fatalf("%d of 8 binds of one path succeeded, want 1", winners)
		}
		mustBeGone(t, path)
	}
}

func TestIPCDialRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := Dial(t.Context(), mustParse(t, "ipc://"+path), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Dial of no path = %v", err)
	}
	stale(t, path)
	if _, err := Dial(t.Context(), mustParse(t, "ipc://"+path), nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial of a stale path = %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("Dial removed the path: %v", err)
	}
}
