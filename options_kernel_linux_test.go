package zmq_test

import (
	"errors"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phimq/zmq"
)

// TestKernelOptions: options of the operating system come to the sockets that
// bind, that connect and that are accepted, as the kernel tells.
func TestKernelOptions(t *testing.T) {
	keep := map[string]string{"tcp_keepalive": "1"}
	for name, c := range map[string]struct {
		value       string
		with        map[string]string
		level, name int
		want        int
	}{
		"sndbuf":              {"40000", nil, unix.SOL_SOCKET, unix.SO_SNDBUF, 80000}, // Linux doubles it
		"rcvbuf":              {"50000", nil, unix.SOL_SOCKET, unix.SO_RCVBUF, 100000},
		"tcp_keepalive":       {"1", nil, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"tcp_keepalive_cnt":   {"3", keep, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
		"tcp_keepalive_idle":  {"77", keep, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 77},
		"tcp_keepalive_intvl": {"11", keep, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 11},
		"tos":                 {"40", nil, unix.IPPROTO_IP, unix.IP_TOS, 40},
		"tcp_maxrt":           {"12345", nil, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 12345},
		"priority":            {"3", nil, unix.SOL_SOCKET, unix.SO_PRIORITY, 3},
	} {
		t.Run(name, func(t *testing.T) {
			opts := []zmq.Option{optionally(t, name, c.value)}
			for also, value := range c.with {
				opts = append(opts, optionally(t, also, value))
			}
			connected, accepted := kernelSockets(t, opts...)
			for side, fd := range map[string]int{"connected": connected, "accepted": accepted} {
				if got, err := unix.GetsockoptInt(fd, c.level, c.name); err != nil || got != c.want {
					t.Errorf("%s: the kernel has %d (%v), want %d", side, got, err, c.want)
				}
			}
			connected, _ = kernelSockets(t)
			if got, err := unix.GetsockoptInt(connected, c.level, c.name); err != nil || got == c.want {
				t.Errorf("without the option the kernel has %d too (%v): the test shows nothing", got, err)
			}
		})
	}
}

func TestKernelBacklogOption(t *testing.T) {
	for _, n := range []int{1, 7} {
		s := open(t, zmq.PULL, optionally(t, "backlog", strconv.Itoa(n)))
		listening, _, _ := descriptorsOf(t, bind(t, s, "tcp://127.0.0.1:*"))
		info, err := unix.GetsockoptTCPInfo(listening, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil || int(info.Sacked) != n { // on a listener this field is the length of the queue
			t.Errorf("the backlog is %v (%v), want %d", info, err, n)
		}
	}
}

func TestKernelBindToDeviceOption(t *testing.T) {
	connected, accepted := kernelSockets(t, optionally(t, "bindtodevice", "lo"))
	for _, fd := range []int{connected, accepted} {
		name, err := unix.GetsockoptString(fd, unix.SOL_SOCKET, unix.SO_BINDTODEVICE)
		if name = strings.TrimRight(name, "\x00"); err != nil || name != "lo" {
			t.Errorf("the device is %q, %v", name, err)
		}
	}
	s := open(t, zmq.PULL, optionally(t, "bindtodevice", "no-such-if"))
	if _, err := s.Bind("tcp://127.0.0.1:*"); !errors.Is(err, syscall.ENODEV) {
		t.Errorf("bind to no device: %v", err)
	}
}

// kernelSockets joins two sockets of ours that have these options, and returns
// the descriptors of their connection.
func kernelSockets(t *testing.T, opts ...zmq.Option) (connected, accepted int) {
	t.Helper()
	pull, push := open(t, zmq.PULL, opts...), open(t, zmq.PUSH, opts...)
	endpoint := bind(t, pull, "tcp://127.0.0.1:*")
	connect(t, push, endpoint)
	say(t, push, "joined")
	expectHeard(t, pull, "joined")
	_, connected, accepted = descriptorsOf(t, endpoint)
	if connected < 0 || accepted < 0 {
		t.Fatal("the process has no such descriptors")
	}
	return connected, accepted
}

// descriptorsOf finds those of this process that belong to an endpoint; -1 for
// what is not there.
func descriptorsOf(t *testing.T, endpoint string) (listening, connected, accepted int) {
	t.Helper()
	listening, connected, accepted = -1, -1, -1
	at := netip.MustParseAddrPort(strings.TrimPrefix(endpoint, "tcp://"))
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range list {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		near, err := unix.Getsockname(fd)
		if err != nil {
			continue // no socket
		}
		far, err := unix.Getpeername(fd)
		switch {
		case err != nil && addressOf(near) == at:
			listening = fd
		case err == nil && addressOf(near) == at:
			accepted = fd
		case err == nil && addressOf(far) == at:
			connected = fd
		}
	}
	return listening, connected, accepted
}

func addressOf(a unix.Sockaddr) netip.AddrPort {
	if a, ok := a.(*unix.SockaddrInet4); ok {
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	}
	return netip.AddrPort{}
}
