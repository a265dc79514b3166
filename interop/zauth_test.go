package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/phimq/zmq/internal/leak"
)

// vault is the files of both sides: certificates, and passwords.
type vault struct {
	*keyring
	dir string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{keyring: newKeyring(t), dir: t.TempDir()}
	for name, keys := range map[string]zmq.CurveKeys{"server": v.server, "ann": v.ann, "eve": v.eve} {
		if err := auth.NewCertificate(keys, map[string]string{"name": name}).Save(v.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(v.path("passwords"), []byte("# users\nann=secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vault) path(name string) string { return filepath.Join(v.dir, name) }

// A visitor is a client that comes with what is right or wrong.
type visitor struct {
	mechanism, name, password string
	in                        bool
}

var visitors = []visitor{
	{"NULL", "", "", true},
	{"PLAIN", "ann", "secret", true}, {"PLAIN", "ann", "guess", false}, {"PLAIN", "eve", "secret", false},
	{"CURVE", "ann", "", true}, {"CURVE", "eve", "", false},
}

// user is what the server calls the visitor.
func (v *vault) user(c visitor) string {
	switch {
	case c.mechanism == "CURVE" && c.name == "ann":
		return v.ann.Public().String()
	case c.mechanism == "CURVE":
		return v.eve.Public().String()
	}
	return c.name
}

func buildZauthPeer(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "zauth_peer")
	if out, err := exec.Command("cc", "-O2", "-Wall", "-o", program, "zauth_peer.c", "-lczmq", "-lzmq").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\nCZMQ is missing: apt-get install --no-install-recommends libczmq-dev", err, out)
	}
	return program
}

// TestZauthServer lets our clients come to a server that asks CZMQ's zauth,
// which reads our certificates.
func TestZauthServer(t *testing.T) {
	program := buildZauthPeer(t)
	for _, c := range visitors {
		for _, endpoint := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
			if c.mechanism == "NULL" && endpoint[:3] == "ipc" {
				continue // zauth is asked about an address, and there is none
			}
			t.Run(fmt.Sprintf("%s/%s,%s/%.3s", c.mechanism, c.name, c.password, endpoint), func(t *testing.T) {
				leak.Check(t)
				v := newVault(t)
				file := map[string]string{"NULL": "ALLOW", "PLAIN": v.path("passwords"), "CURVE": v.certificates}[c.mechanism]
				at := zauthServer(t, program, c.mechanism, endpoint, file, v.path("server"))
				asks(t, v, c, at)
			})
		}
	}
	t.Run("NULL/denied", func(t *testing.T) {
		leak.Check(t)
		v := newVault(t)
		at := zauthServer(t, program, "NULL", "tcp://127.0.0.1:*", "DENY", v.path("server"))
		asks(t, v, visitor{mechanism: "NULL"}, at)
	})
}

// zauthServer starts a server of CZMQ's and returns where it is.
func zauthServer(t *testing.T, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"server"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("CZMQ's server: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// asks lets a client of ours make a request.
func asks(t *testing.T, v *vault, c visitor, endpoint string) {
	t.Helper()
	refused := make(chan zmq.Event, 100)
	opts := []zmq.Option{zmq.WithLinger(0), zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventHandshakeFailedAuth {
			select {
			case refused <- e:
			default: // one is enough
			}
		}
	})}
	switch c.mechanism {
	case "PLAIN":
		opts = append(opts, zmq.WithPlain(c.name, c.password))
	case "CURVE":
		keys, err := auth.LoadKeys(v.path(c.name))
		if err != nil {
			t.Fatal(err)
		}
		opts = append(opts, zmq.WithCurve(zmq.CurveClient{ServerKey: v.server.Public(), Keys: keys}))
	}
	req := zmq.NewReq(opts...)
	defer req.Close()
	if err := req.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := req.Send(ctx, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if !c.in {
		select {
		case e := <-refused:
			if e.Value != 400 {
				t.Errorf("refused with %d", e.Value)
			}
		case <-ctx.Done():
			t.Error("nobody refused the client")
		}
		return
	}
	m, err := req.Recv(ctx)
	if err != nil || string(m.Frames[0]) != v.user(c) || string(m.Frames[1]) != "hello" {
		t.Errorf("the reply is %v, want that to %q; %v", m, v.user(c), err)
	}
}

// TestZauthClient lets clients of CZMQ, with our certificates, come to a server
// of ours.
func TestZauthClient(t *testing.T) {
	program := buildZauthPeer(t)
	for _, c := range visitors {
		for _, endpoint := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
			t.Run(fmt.Sprintf("%s/%s,%s/%.3s", c.mechanism, c.name, c.password, endpoint), func(t *testing.T) {
				t.Parallel() // those that get no answer wait for it
				v := newVault(t)
				a, err := auth.New(auth.WithPasswordFile(v.path("passwords")), auth.WithCertificates(os.DirFS(v.certificates)))
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				opts := []zmq.Option{zmq.WithAuth(a.Authenticate)}
				switch c.mechanism {
				case "PLAIN":
					opts = append(opts, zmq.WithPlainServer())
				case "CURVE":
					opts = append(opts, zmq.WithCurveServer(v.server))
				}
				rep := zmq.NewRep(opts...)
				defer rep.Close()
				b, err := rep.Bind(endpoint)
				if err != nil {
					t.Fatal(err)
				}
				served := make(chan error, 1)
				go func() { served <- serveUsers(rep) }()
				args := []string{"client", c.mechanism, b.Endpoint(), c.name, c.password}
				if c.mechanism == "CURVE" {
					args = []string{"client", c.mechanism, b.Endpoint(), v.path(c.name), v.path("server")}
				}
				out, err := exec.Command(program, args...).CombinedOutput()
				want := "nothing"
				if c.in {
					want = strings.TrimSpace("hello from " + v.user(c))
				}
				if got := strings.TrimSpace(string(out)); err != nil || got != want {
					t.Errorf("CZMQ's client says %q, want %q; %v", got, want, err)
				}
				_ = rep.Close()
				if err := <-served; err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// serveUsers tells each client who it is, until the socket is closed.
func serveUsers(rep *zmq.Socket) error {
	for {
		m, err := rep.Recv(context.Background())
		if errors.Is(err, zmq.ErrClosed) {
			return nil
		}
		if err == nil {
			err = rep.Send(context.Background(), fmt.Appendf(nil, "%s from %s", m.Frames[0], m.Peer().UserID()))
		}
		if err != nil {
			return err
		}
	}
}
