package auth_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/phimq/zmq/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// journal is an audit log that can be read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// logs returns an option that writes to a journal, and the journal.
func logs() (auth.Option, *journal) {
	j := &journal{}
	return auth.WithLogger(slog.New(slog.NewTextHandler(j, nil))), j
}

func newAuth(t *testing.T, opts ...auth.Option) *auth.Authenticator {
	t.Helper()
	a, err := auth.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func open(t *testing.T, typ zmq.Type, opts ...zmq.Option) *zmq.Socket {
	t.Helper()
	s, err := zmq.New(typ, append([]zmq.Option{zmq.WithLinger(0), zmq.WithDomain(zmq.NewDomain())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// write replaces a file.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := os.WriteFile(fresh, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(fresh, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// somewhere is a connection that claims to be with an address.
type somewhere struct {
	net.Conn
	remote net.Addr
}

func (s somewhere) RemoteAddr() net.Addr { return s.remote }

// knock lets a client of an address come to a server, and returns how its
// handshake ended for the server.
func knock(t *testing.T, server *zmq.Socket, address string, client ...zmq.Option) error {
	t.Helper()
	return knockFor(t, soon(t), server, address, client...)
}

// knockFor is knock for a client that has until ctx ends.
func knockFor(t *testing.T, ctx context.Context, server *zmq.Socket, address string, client ...zmq.Option) error {
	t.Helper()
	near, far := net.Pipe()
	c := open(t, zmq.DEALER, client...)
	atClient, cancel := context.WithCancel(ctx)
	met := make(chan error, 1)
	go func() { met <- c.Attach(atClient, far, zmq.Connected) }()
	err := server.Attach(ctx, somewhere{near, net.TCPAddrFromAddrPort(addrPort(address))}, zmq.Accepted)
	if err != nil {
		cancel()
	}
	defer cancel()
	if other := <-met; (err == nil) != (other == nil) {
		t.Errorf("the server says %v, the client %v", err, other)
	}
	return err
}

func addrPort(address string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(address), 40000)
}

// pass lets simulated time pass.
func pass(d time.Duration) { <-time.After(d) }
