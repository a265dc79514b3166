package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// guard bounds a test that would hang if the code were wrong.
const guard = 20 * time.Second

func mustParse(t testing.TB, s string) Endpoint {
	t.Helper()
	e, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func mustListen(t testing.TB, s string, o *Options) Listener {
	t.Helper()
	ln, err := Listen(t.Context(), mustParse(t, s), o)
	if err != nil {
		t.Fatalf("Listen(%s): %v", s, err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// join dials s, accepts from ln and checks that octets go across.
func join(t testing.TB, ln Listener, s string, o *Options) (dialled, accepted net.Conn) {
	t.Helper()
	dialled, err := Dial(t.Context(), mustParse(t, s), o)
	if err != nil {
		t.Fatalf("Dial(%s): %v", s, err)
	}
	t.Cleanup(func() { _ = dialled.Close() })
	accepted, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = accepted.Close() })
	for _, c := range []net.Conn{dialled, accepted} {
		if err := c.SetDeadline(time.Now().Add(guard)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := dialled.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(accepted, got); err != nil || string(got) != "hello" {
		t.Fatalf("accepted side read %q, %v", got, err)
	}
	return dialled, accepted
}

// needIPv6 fails: a silent skip would hide that half of the forms are untested.
func needIPv6(t testing.TB) {
	t.Helper()
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatalf("this machine has no IPv6 loopback address, which this test needs: %v", err)
	}
	_ = ln.Close()
}

func loopbackName(t testing.TB) string {
	t.Helper()
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 && i.Flags&net.FlagUp != 0 {
			return i.Name
		}
	}
	t.Fatal("no loopback interface")
	return ""
}

func port(ln Listener) string {
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)
}

func TestTCPForms(t *testing.T) {
	for _, c := range []struct{ bind, resolved, dial string }{
		{"tcp://*:*", "tcp://0.0.0.0:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://*:0", "tcp://0.0.0.0:PORT", "tcp://localhost:PORT"},
		{"tcp://:*", "tcp://0.0.0.0:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://0.0.0.0:*", "tcp://0.0.0.0:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://[::ffff:127.0.0.1]:*", "tcp://127.0.0.1:PORT", "tcp://[::ffff:127.0.0.1]:PORT"},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://127.0.0.1:0;127.0.0.1:PORT"},
	} {
		checkForm(t, c.bind, c.resolved, c.dial, nil)
	}
}

func TestTCPFormsIPv6(t *testing.T) {
	needIPv6(t)
	for _, c := range []struct{ bind, resolved, dial string }{
		{"tcp://*:*", "tcp://[::]:PORT", "tcp://[::1]:PORT"},
		{"tcp://*:*", "tcp://[::]:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://[::]:*", "tcp://[::]:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://[::]:*", "tcp://[::]:PORT", "tcp://::1:PORT"},
		{"tcp://0.0.0.0:*", "tcp://0.0.0.0:PORT", "tcp://127.0.0.1:PORT"},
		{"tcp://[::1]:*", "tcp://[::1]:PORT", "tcp://[::1]:PORT"},
		{"tcp://::1:*", "tcp://[::1]:PORT", "tcp://[::1]:PORT"},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://localhost:PORT"},
		{"tcp://[::1]:*", "tcp://[::1]:PORT", "tcp://[::1]:0;[::1]:PORT"},
	} {
		checkForm(t, c.bind, c.resolved, c.dial, &Options{IPv6: true})
	}
}

// Tests that begin with TestKernel need the system's own kernel: user-mode
// emulators do not translate what they ask.

func TestKernelInterfaceNames(t *testing.T) {
	needIPv6(t)
	lo := loopbackName(t)
	v6 := &Options{IPv6: true}
	for _, c := range []struct {
		bind, resolved, dial string
		o                    *Options
	}{
		{"tcp://LO:*", "tcp://127.0.0.1:PORT", "tcp://127.0.0.1:PORT", nil},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://LO:0;127.0.0.1:PORT", nil},
		{"tcp://LO:*", "tcp://[::1]:PORT", "tcp://[::1]:PORT", v6},
		{"tcp://[::1]:*", "tcp://[::1]:PORT", "tcp://LO:0;[::1]:PORT", v6},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://LO:0;127.0.0.1:PORT", v6},
		{"tcp://127.0.0.1:*", "tcp://127.0.0.1:PORT", "tcp://LO:0;localhost:PORT", v6},
	} {
		checkForm(t, strings.ReplaceAll(c.bind, "LO", lo), c.resolved, strings.ReplaceAll(c.dial, "LO", lo), c.o)
	}
}

func checkForm(t *testing.T, bind, resolved, dial string, o *Options) {
	t.Run(bind+" "+dial, func(t *testing.T) {
		ln := mustListen(t, bind, o)
		want := strings.ReplaceAll(resolved, "PORT", port(ln))
		if ln.Endpoint().String() != want || ln.Endpoint() != mustParse(t, want) {
			t.Errorf("Endpoint() = %s, want %s", ln.Endpoint(), want)
		}
		join(t, ln, strings.ReplaceAll(dial, "PORT", port(ln)), o)
	})
}

func TestKernelLinkLocal(t *testing.T) {
	all, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	o := &Options{IPv6: true}
	for _, ifc := range all {
		e := Endpoint{Scheme: "tcp", host: hostPort{name: ifc.Name}}
		ips, err := resolveLocal(e, e.host, o)
		if err != nil {
			continue // no address
		}
		for _, ip := range ips {
			if ip.IsLinkLocalUnicast() && ip.Is6() {
				ln := mustListen(t, fmt.Sprintf("tcp://[%s]:*", ip), o)
				join(t, ln, ln.Endpoint().String(), o)
				return
			}
		}
	}
	t.Log("no interface with a link-local IPv6 address: only the refusals of TestListenRefuses are tested")
}

func TestListenRefuses(t *testing.T) {
	used := mustListen(t, "tcp://127.0.0.1:*", nil)
	v6 := &Options{IPv6: true}
	for _, c := range []struct {
		endpoint string
		o        *Options
		want     error
	}{
		{used.Endpoint().String(), nil, syscall.EADDRINUSE},
		{"tcp://*:" + port(used), nil, syscall.EADDRINUSE},
		{"tcp://no-such-if:*", nil, syscall.ENODEV},
		{"tcp://localhost:*", nil, syscall.ENODEV},
		{"tcp://[::1]:*", nil, ErrInvalid},
		{"tcp://[fe80::1%no-such-if]:*", v6, syscall.ENODEV},
		{"tcp://127.0.0.1:0;127.0.0.1:5555", nil, ErrInvalid},
		{"inproc://a", nil, ErrScheme},
	} {
		ln, err := Listen(t.Context(), mustParse(t, c.endpoint), c.o)
		if !errors.Is(err, c.want) {
			t.Errorf("Listen(%s) = %v, want %v", c.endpoint, err, c.want)
		}
		if err == nil {
			_ = ln.Close()
		}
	}
}

func TestDialRefuses(t *testing.T) {
	ln := mustListen(t, "tcp://127.0.0.1:*", nil)
	dead := ln.Endpoint().String()
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	v6 := &Options{IPv6: true}
	for _, c := range []struct {
		endpoint string
		o        *Options
		want     error
	}{
		{"tcp://*:5555", nil, ErrInvalid},
		{"tcp://127.0.0.1:*", nil, ErrInvalid},
		{"tcp://[::1]:5555", nil, ErrInvalid},
		{"tcp://[fe80::1%no-such-if]:5555", v6, syscall.ENODEV},
		{"tcp://no-such-if:0;127.0.0.1:5555", nil, syscall.ENODEV},
		{"tcp://[::1]:0;127.0.0.1:5555", v6, ErrInvalid},
		{"tcp://[::1]:0;127.0.0.1:5555", nil, ErrInvalid},
		{"ipc://*", nil, ErrInvalid},
		{"inproc://a", nil, ErrScheme},
	} {
		conn, err := Dial(t.Context(), mustParse(t, c.endpoint), c.o)
		if !errors.Is(err, c.want) {
			t.Errorf("Dial(%s) = %v, want %v", c.endpoint, err, c.want)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if runtime.GOOS == "windows" {
		return // it has numbers of its own for a refused connection
	}
	for _, e := range []string{dead, strings.Replace(dead, "tcp://", "tcp://127.0.0.1:0;", 1)} {
		if _, err := Dial(t.Context(), mustParse(t, e), nil); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial(%s) = %v, want ECONNREFUSED", e, err)
		}
	}
}

func TestDialStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ln := mustListen(t, "tcp://127.0.0.1:*", nil)
	if c, err := Dial(ctx, ln.Endpoint(), nil); err == nil {
		_ = c.Close()
		t.Error("Dial with a cancelled context succeeded")
	}
}

func TestDialByUser(t *testing.T) {
	var calls []string
	refused := errors.New("refused by the user's dialer")
	o := &Options{Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		calls = append(calls, network+" "+address)
		return nil, refused
	}}
	o6 := *o
	o6.IPv6 = true
	for _, c := range []struct {
		endpoint string
		o        *Options
	}{{"tcp://no.such.host:80", o}, {"tcp://[::1]:80", &o6}, {"ipc:///no/such", o}} {
		if _, err := Dial(t.Context(), mustParse(t, c.endpoint), c.o); !errors.Is(err, refused) {
			t.Errorf("Dial(%s) = %v, want the dialer's error", c.endpoint, err)
		}
	}
	want := "[tcp4 no.such.host:80 tcp [::1]:80 unix /no/such]"
	if got := fmt.Sprint(calls); got != want {
		t.Errorf("the dialer was called with %s, want %s", got, want)
	}
	if _, err := Dial(t.Context(), mustParse(t, "tcp://127.0.0.1:0;127.0.0.1:80"), o); !errors.Is(err, ErrInvalid) {
		t.Errorf("a source with a dialer gives %v, want ErrInvalid", err)
	}
}

func TestManyBindsOfOnePort(t *testing.T) {
	first := mustListen(t, "tcp://127.0.0.1:*", nil)
	e := first.Endpoint()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustListen(t, e.String(), nil) // SO_REUSEADDR: at once
	join(t, again, e.String(), nil)
}
