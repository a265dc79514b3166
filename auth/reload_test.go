package auth_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
)

// peersAfter lets a second pass, in which the files are looked at, and returns
// who is connected still.
func peersAfter(s *zmq.Socket) string {
	pass(time.Second + time.Millisecond)
	synctest.Wait()
	var users []string
	for _, p := range s.Stats().Peers {
		if p.Connected {
			users = append(users, p.Peer.UserID())
		}
	}
	return strings.Join(users, " ")
}

// TestPasswordsChange changes a password file. Who is in it no longer, or has
// another password, loses the connection within a second; the others keep it.
func TestPasswordsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := write(t, dir, "passwords", "ann=one\nbob=two\n")
		log, journal := logs()
		a := newAuth(t, log, auth.WithPasswordFile(path))
		server := open(t, zmq.ROUTER, zmq.WithPlainServer(), zmq.WithAuth(a.Authenticate))
		a.Guard(server)
		enter := func(user, password string, in bool) {
			t.Helper()
			if err := knock(t, server, "10.0.0.1", zmq.WithPlain(user, password)); (err == nil) != in {
				t.Errorf("%s: %v", user, err)
			}
		}
		stay := func(what, users string) {
			t.Helper()
			if got := peersAfter(server); got != users {
				t.Errorf("%s: %q are connected, want %q", what, got, users)
			}
		}
		enter("ann", "one", true)
		stay("at first", "ann")
		write(t, dir, "passwords", "# edited\nbob=two\nann=one\n")
		stay("edited, with nothing new", "ann")
		write(t, dir, "passwords", "ann=two\nbob=two\n")
		stay("another password", "")
		enter("ann", "one", false)
		enter("ann", "two", true)
		stay("entered again", "ann")
		write(t, dir, "passwords", "ann:two\n")
		stay("malformed", "ann")
		if n := strings.Count(journal.String(), "last good state"); n != 1 {
			t.Errorf("the log tells %d times of the malformed file", n)
		}
		write(t, dir, "passwords", "bob=two\n")
		stay("taken away", "")
		enter("ann", "two", false)
		enter("bob", "two", true)
		remove(t, path)
		stay("no file", "")
		write(t, dir, "passwords", "bob=two\n")
		stay("a file again", "")
		enter("bob", "two", true)
		if log := journal.String(); !strings.Contains(log, "disconnected") || !strings.Contains(log, "user=bob") {
			t.Errorf("the log does not tell of bob:\n%s", log)
		}
	})
}

// TestCertificatesChange adds certificates to a directory and takes them away.
func TestCertificatesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, ann, bob := zmq.NewCurveKeys(), zmq.NewCurveKeys(), zmq.NewCurveKeys()
		client := func(keys zmq.CurveKeys) zmq.Option {
			return zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public(), Keys: keys})
		}
		dir := t.TempDir()
		save := func(name string, keys zmq.CurveKeys) {
			t.Helper()
			if err := auth.NewPublicCertificate(keys.Public(), map[string]string{"name": name}).SavePublic(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		log, journal := logs()
		a := newAuth(t, log, auth.WithCertificates(os.DirFS(dir)))
		server := open(t, zmq.ROUTER, zmq.WithCurveServer(own), zmq.WithAuth(a.Authenticate))
		a.Guard(server)
		if err := knock(t, server, "10.0.0.1", client(ann)); !errors.Is(err, zmq.ErrAuth) {
			t.Fatalf("without a certificate: %v", err)
		}
		if err := os.Mkdir(filepath.Join(dir, "staff"), 0o700); err != nil {
			t.Fatal(err)
		}
		save("staff/ann", ann)
		save("bob", bob)
		peersAfter(server)
		for _, keys := range []zmq.CurveKeys{ann, bob} {
			if err := knock(t, server, "10.0.0.1", client(keys)); err != nil {
				t.Fatal(err)
			}
		}
		remove(t, filepath.Join(dir, "staff/ann"))
		if got := peersAfter(server); got != bob.Public().String() {
			t.Errorf("connected are %q, want bob only", got)
		}
		save("bob", ann) // another key in the same file
		if got := peersAfter(server); got != "" {
			t.Errorf("connected are %q, want nobody", got)
		}
		if err := knock(t, server, "10.0.0.1", client(ann)); err != nil {
			t.Error(err)
		}
		write(t, dir, "bob", "curve\n    public-key = \"too short\"\n")
		if got := peersAfter(server); got != "" {
			t.Errorf("connected are %q, want nobody", got)
		}
		save("bob", bob)
		peersAfter(server)
		if err := knock(t, server, "10.0.0.1", client(bob)); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		if got := peersAfter(server); got != "" {
			t.Errorf("the directory is gone, and %q stay", got)
		}
		if log := journal.String(); !strings.Contains(log, "skipped") || strings.Contains(log, ann.Secret()) {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// shutFS is a file system of which one name can't be opened.
type shutFS struct {
	fs.FS
	name atomic.Value
}

func (f *shutFS) Open(name string) (fs.File, error) {
	if name == f.name.Load() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.FS.Open(name)
}

// TestCertificatesUnreadable: what can't be read stays as it was, and hinders
// neither that other certificates come nor that they go.
func TestCertificatesUnreadable(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string, files *shutFS){
		"nothing":     func(*testing.T, string, *shutFS) {},
		"a file":      func(_ *testing.T, _ string, files *shutFS) { files.name.Store("Staff/bob") },
		"a directory": func(_ *testing.T, _ string, files *shutFS) { files.name.Store("Staff") },
		"a large file": func(t *testing.T, dir string, _ *shutFS) {
			if err := os.Truncate(write(t, dir, "Backup", ""), 65<<20); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { unreadableCertificates(t, spoil, name != "nothing") })
		})
	}
}

func unreadableCertificates(t *testing.T, spoil func(*testing.T, string, *shutFS), told bool) {
	own, ann, bob, cid := zmq.NewCurveKeys(), zmq.NewCurveKeys(), zmq.NewCurveKeys(), zmq.NewCurveKeys()
	dir := t.TempDir()
	files := &shutFS{FS: os.DirFS(dir)}
	save := func(name string, keys zmq.CurveKeys) {
		t.Helper()
		if err := auth.NewPublicCertificate(keys.Public(), nil).SavePublic(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "Staff"), 0o700); err != nil {
		t.Fatal(err)
	}
	save("Staff/bob", bob)
	save("ann", ann)
	log, journal := logs()
	a := newAuth(t, log, auth.WithCertificates(files))
	server := open(t, zmq.ROUTER, zmq.WithCurveServer(own), zmq.WithAuth(a.Authenticate))
	a.Guard(server)
	enter := func(keys zmq.CurveKeys) {
		t.Helper()
		if err := knock(t, server, "10.0.0.1", zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public(), Keys: keys})); err != nil {
			t.Error(err)
		}
	}
	enter(ann)
	enter(bob)
	spoil(t, dir, files)
	peersAfter(server)
	remove(t, filepath.Join(dir, "ann"))
	if got := peersAfter(server); got != bob.Public().String() {
		t.Errorf("connected are %q, want bob only", got)
	}
	save("cid", cid)
	peersAfter(server)
	enter(bob)
	enter(cid)
	if n := strings.Count(journal.String(), "last good state"); n > 1 || (n == 1) != told {
		t.Errorf("the log tells %d times of it:\n%s", n, journal)
	}
	anew, err := auth.New(auth.WithCertificates(files))
	if (err != nil) != told {
		t.Errorf("at the start: %v", err)
	}
	if err == nil {
		_ = anew.Close()
	}
}

// TestDenyEndsConnections denies an address while its peer is there.
func TestDenyEndsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t)
		server := open(t, zmq.ROUTER, zmq.WithAuth(a.Authenticate))
		shut := open(t, zmq.ROUTER, zmq.WithAuth(a.Authenticate))
		a.Guard(server, shut)
		for _, address := range []string{"10.0.0.1", "10.0.0.2", "10.0.1.1"} {
			if err := knock(t, server, address); err != nil {
				t.Fatal(err)
			}
		}
		if err := shut.Close(); err != nil {
			t.Fatal(err)
		}
		if err := a.Deny("10.0.0.2"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := server.Peers(); n != 2 {
			t.Errorf("%d peers, want 2", n)
		}
		if err := a.Allow("10.0.1.0/24"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := server.Peers(); n != 1 {
			t.Errorf("%d peers, want 1", n)
		}
		if err := a.Deny("nowhere"); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%v, want ErrInvalid", err)
		}
	})
}

// TestLateEntrance lets a peer be judged before its line is taken away, and
// enter after that: it is found all the same.
func TestLateEntrance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		path := write(t, dir, "passwords", "ann=one\n")
		a := newAuth(t, auth.WithPasswordFile(path))
		judged, gone := make(chan struct{}), make(chan struct{})
		server := open(t, zmq.ROUTER, zmq.WithPlainServer(), zmq.WithAuth(func(ctx context.Context, p zmq.Peer) (zmq.Identity, error) {
			identity, err := a.Authenticate(ctx, p)
			close(judged)
			<-gone
			return identity, err
		}))
		a.Guard(server)
		entered := make(chan error)
		go func() { entered <- knock(t, server, "10.0.0.1", zmq.WithPlain("ann", "one")) }()
		<-judged
		remove(t, path)
		peersAfter(server) // it was swept, and nobody was there
		close(gone)
		if err := <-entered; err != nil {
			t.Fatal(err)
		}
		if got := peersAfter(server); got != "" {
			t.Errorf("%q is connected", got)
		}
	})
}
