package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func getsockopt(t *testing.T, c any, level, name int) int {
	t.Helper()
	var n int
	if err := control(c, func(fd uintptr) (err error) {
		n, err = unix.GetsockoptInt(int(fd), level, name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

type sockopt struct {
	what              string
	level, name, want int
}

func checkOptions(t *testing.T, side string, c any, wants []sockopt) {
	t.Helper()
	for _, w := range wants {
		if got := getsockopt(t, c, w.level, w.name); got != w.want {
			t.Errorf("%s: %s is %d, want %d", side, w.what, got, w.want)
		}
	}
}

func TestOptionsDefault(t *testing.T) {
	ln := mustListen(t, "tcp://127.0.0.1:*", nil)
	d, a := join(t, ln, ln.Endpoint().String(), nil)
	wants := []sockopt{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0},
		{"SO_PROTOCOL", unix.SOL_SOCKET, unix.SO_PROTOCOL, unix.IPPROTO_TCP},
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 0},
	}
	checkOptions(t, "dialled", d, wants)
	checkOptions(t, "accepted", a, wants)
}

func TestOptionsSet(t *testing.T) {
	o := &Options{
		SendBuffer: 40_000, RecvBuffer: 50_000, Backlog: 7,
		KeepAlive: KeepAliveOn, KeepAliveCount: 3, KeepAliveIdle: 77, KeepAliveInterval: 11,
		TOS: 0x28, MaxRetransmit: 12345 * time.Millisecond, Priority: 5,
	}
	o6 := *o
	o6.IPv6 = true
	needIPv6(t)
	wants := []sockopt{
		{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 80_000},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 100_000},
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 11},
		{"IP_TOS", unix.IPPROTO_IP, unix.IP_TOS, 0x28},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 12345},
		{"SO_PRIORITY", unix.SOL_SOCKET, unix.SO_PRIORITY, 5},
	}
	wants6 := append(wants[:len(wants):len(wants)], sockopt{"IPV6_TCLASS", unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 0x28})

	ln := mustListen(t, "tcp://127.0.0.1:*", o)
	d, a := join(t, ln, ln.Endpoint().String(), o)
	checkOptions(t, "dialled", d, wants)
	checkOptions(t, "accepted", a, wants)

	ln6 := mustListen(t, "tcp://[::1]:*", &o6)
	d, a = join(t, ln6, ln6.Endpoint().String(), &o6)
	checkOptions(t, "dialled by IPv6", d, wants6)
	checkOptions(t, "accepted by IPv6", a, wants6)

	byUser := &Options{}
	*byUser = *o
	byUser.Dial = new(net.Dialer).DialContext
	d, _ = join(t, ln, ln.Endpoint().String(), byUser)
	checkOptions(t, "dialled by the user", d, wants)
}

func TestOptionsIPC(t *testing.T) {
	o := &Options{SendBuffer: 40_000, RecvBuffer: 50_000, Backlog: 7, TOS: 8, Priority: 1, BindToDevice: "no-such-if"}
	ln := mustListen(t, "ipc://*", o)
	d, a := join(t, ln, ln.Endpoint().String(), o)
	wants := []sockopt{
		{"SO_SNDBUF", unix.SOL_SOCKET, unix.SO_SNDBUF, 80_000},
		{"SO_RCVBUF", unix.SOL_SOCKET, unix.SO_RCVBUF, 100_000},
	}
	checkOptions(t, "dialled", d, wants)
	checkOptions(t, "accepted", a, wants)
}

// TestKeepAliveOnLeavesTheRest: package net would put in values of its own.
func TestKeepAliveOnLeavesTheRest(t *testing.T) {
	ln := mustListen(t, "tcp://127.0.0.1:*", nil)
	plain, _ := join(t, ln, ln.Endpoint().String(), nil)
	on, _ := join(t, ln, ln.Endpoint().String(), &Options{KeepAlive: KeepAliveOn})
	for _, name := range []int{unix.TCP_KEEPCNT, unix.TCP_KEEPIDLE, unix.TCP_KEEPINTVL} {
		want := getsockopt(t, plain, unix.IPPROTO_TCP, name)
		checkOptions(t, "dialled", on, []sockopt{{"a keep-alive value", unix.IPPROTO_TCP, name, want}})
	}
}

func TestKeepAliveOff(t *testing.T) {
	on := &Options{KeepAlive: KeepAliveOn}
	off := &Options{KeepAlive: KeepAliveOff, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address) // net switches it on
	}}
	system := &Options{Dial: off.Dial}
	ln := mustListen(t, "tcp://127.0.0.1:*", on)
	for _, c := range []struct {
		o    *Options
		want int
	}{{off, 0}, {system, 1}} {
		d, a := join(t, ln, ln.Endpoint().String(), c.o)
		checkOptions(t, "dialled", d, []sockopt{{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, c.want}})
		checkOptions(t, "accepted", a, []sockopt{{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}})
	}
}

func TestKernelBacklog(t *testing.T) {
	for _, n := range []int{1, 7, 100} {
		ln := mustListen(t, "tcp://127.0.0.1:*", &Options{Backlog: n})
		if err := control(ln.(*tcpListener).Listener, func(fd uintptr) error {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err == nil && int(info.Sacked) != n { // on a listener this field is the length of the queue
				t.Errorf("backlog is %d, want %d", info.Sacked, n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestKernelBindToDevice(t *testing.T) {
	o := &Options{BindToDevice: "lo"}
	ln := mustListen(t, "tcp://127.0.0.1:*", o)
	d, _ := join(t, ln, ln.Endpoint().String(), o)
	if err := control(d, func(fd uintptr) error {
		name, err := unix.GetsockoptString(int(fd), unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
		if name = strings.TrimRight(name, "\x00"); err == nil && name != "lo" {
			t.Errorf("device is %q, want lo", name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	bad := &Options{BindToDevice: "no-such-if"}
	if _, err := Dial(t.Context(), ln.Endpoint(), bad); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("Dial by no device = %v, want ENODEV", err)
	}
	if _, err := Listen(t.Context(), mustParse(t, "tcp://127.0.0.1:*"), bad); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("Listen on no device = %v, want ENODEV", err)
	}
}

func TestSourceAddress(t *testing.T) {
	first := mustListen(t, "tcp://127.0.0.1:*", nil)
	second := mustListen(t, "tcp://127.0.0.1:*", nil)
	_, a := join(t, first, "tcp://127.0.0.2:0;"+first.Endpoint().Address, nil)
	from := a.RemoteAddr().(*net.TCPAddr)
	if from.IP.String() != "127.0.0.2" {
		t.Errorf("the peer is %s, want 127.0.0.2", from)
	}
	// The port leads to several peers at once.
	source := fmt.Sprintf("tcp://127.0.0.3:%d;", from.Port)
	for _, ln := range []Listener{first, second} {
		_, a := join(t, ln, source+ln.Endpoint().Address, nil)
		if got := a.RemoteAddr().String(); got != fmt.Sprintf("127.0.0.3:%d", from.Port) {
			t.Errorf("the peer is %s, want %s", got, source)
		}
	}
}

func TestIPCAbstract(t *testing.T) {
	name := fmt.Sprintf("ipc://@transport-test-%d", os.Getpid())
	ln := mustListen(t, name, nil)
	if ln.Endpoint().String() != name {
		t.Errorf("Endpoint() = %s, want %s", ln.Endpoint(), name)
	}
	join(t, ln, name, nil)
	if _, err := Listen(t.Context(), mustParse(t, name), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second Listen = %v, want EADDRINUSE", err)
	}
	// It is the same name for everybody: no NUL at its end.
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "unix", strings.TrimPrefix(name, "ipc://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
