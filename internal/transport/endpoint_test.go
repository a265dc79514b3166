package transport

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// parseCases hold a text, its normal form (empty: refused with err) and the
// directions it fits.
var parseCases = []struct {
	text, want    string
	bind, connect bool
	err           error
}{
	{"tcp://*:5555", "tcp://*:5555", true, false, nil},
	{"tcp://*:*", "tcp://*:*", true, false, nil},
	{"tcp://*:0", "tcp://*:*", true, false, nil},
	{"tcp://:5555", "tcp://*:5555", true, false, nil},
	{"tcp://[*]:5555", "tcp://*:5555", true, false, nil},
	{"tcp://eth0:5555", "tcp://eth0:5555", true, true, nil},
	{"tcp://eth0.100:*", "tcp://eth0.100:*", true, false, nil},
	{"tcp://vEthernet (Default Switch):5", "tcp://vEthernet (Default Switch):5", true, false, nil},
	{"tcp://127.0.0.1:5555", "tcp://127.0.0.1:5555", true, true, nil},
	{"tcp://127.0.0.1:*", "tcp://127.0.0.1:*", true, false, nil},
	{"tcp://127.0.0.1:0", "tcp://127.0.0.1:*", true, false, nil},
	{"tcp://0.0.0.0:1", "tcp://0.0.0.0:1", true, true, nil},
	{"tcp://255.255.255.255:65535", "tcp://255.255.255.255:65535", true, true, nil},
	{"tcp://[192.168.1.1]:5555", "tcp://192.168.1.1:5555", true, true, nil},
	{"tcp://127.0.0.1:00080", "tcp://127.0.0.1:80", true, true, nil},
	{"tcp://[::1]:5555", "tcp://[::1]:5555", true, true, nil},
	{"tcp://::1:5555", "tcp://[::1]:5555", true, true, nil},
	{"tcp://:::5555", "tcp://[::]:5555", true, true, nil},
	{"tcp://[1234::1]:*", "tcp://[1234::1]:*", true, false, nil},
	{"tcp://abcd:1234::1:0:234:123", "tcp://[abcd:1234::1:0:234]:123", true, true, nil},
	{"tcp://[::ffff:127.0.0.1]:80", "tcp://127.0.0.1:80", true, true, nil},
	{"tcp://[fe80::1%eth0]:5555", "tcp://[fe80::1%eth0]:5555", true, true, nil},
	{"tcp://3000:4:5::1:234%2:1111", "tcp://[3000:4:5::1:234%2]:1111", true, true, nil},
	{"tcp://3000:4:5::1:234%eth0:8080", "tcp://[3000:4:5::1:234%eth0]:8080", true, true, nil},
	{"tcp://ip.zeromq.org:1234", "tcp://ip.zeromq.org:1234", true, true, nil},
	{"tcp://[ip.zeromq.org]:22", "tcp://ip.zeromq.org:22", true, true, nil},
	{"tcp://my_host-1:22", "tcp://my_host-1:22", true, true, nil},
	{"tcp://a b:22", "tcp://a b:22", true, false, nil},
	{"tcp://-a:22", "tcp://-a:22", true, false, nil},
	{"tcp://192.168.1.1:0;10.0.0.1:5555", "tcp://192.168.1.1:0;10.0.0.1:5555", false, true, nil},
	{"tcp://192.168.1.1:*;10.0.0.1:5555", "tcp://192.168.1.1:0;10.0.0.1:5555", false, true, nil},
	{"tcp://192.168.1.1:5556;host:5555", "tcp://192.168.1.1:5556;host:5555", false, true, nil},
	{"tcp://eth0:0;10.0.0.1:5555", "tcp://eth0:0;10.0.0.1:5555", false, true, nil},
	{"tcp://[::1]:0;[::1]:5555", "tcp://[::1]:0;[::1]:5555", false, true, nil},
	{"tcp://localhost:5555;localhost:1235", "tcp://localhost:5555;localhost:1235", false, true, nil},
	{"tcp://*:0;10.0.0.1:5555", "tcp://*:0;10.0.0.1:5555", false, false, nil},
	{"tcp://10.0.0.1:0;*:5555", "tcp://10.0.0.1:0;*:5555", false, false, nil},
	{"ipc:///tmp/feed", "ipc:///tmp/feed", true, true, nil},
	{"ipc://feed;1:2", "ipc://feed;1:2", true, true, nil},
	{"ipc://./*x", "ipc://./*x", true, true, nil},
	{"ipc://*", "ipc://*", true, false, nil},
	{"inproc://a", "inproc://a", true, true, nil},
	{"inproc://" + strings.Repeat("x", 256), "inproc://" + strings.Repeat("x", 256), true, true, nil},

	{"tcp://127.0.0.1", "", false, false, ErrInvalid},
	{"tcp://", "", false, false, ErrInvalid},
	{"tcp://127.0.0.1:", "", false, false, ErrInvalid},
	{"tcp://127.0.0.1:65536", "", false, false, ErrInvalid},
	{"tcp://127.0.0.1:99999", "", false, false, ErrInvalid}, // libzmq wraps it
	{"tcp://127.0.0.1:-1", "", false, false, ErrInvalid},
	{"tcp://127.0.0.1:+80", "", false, false, ErrInvalid},
	{"tcp://127.0.0.1: 80", "", false, false, ErrInvalid},
	{"tcp://1.2.3.4:567bad", "", false, false, ErrInvalid}, // libzmq reads 567
	{"tcp://1.2.3.4:bad", "", false, false, ErrInvalid},
	{"tcp://1.2.3.4:**", "", false, false, ErrInvalid},
	{"tcp://1.2.3.4]:80", "", false, false, ErrInvalid},
	{"tcp://[1.2.3.4:80", "", false, false, ErrInvalid},
	{"tcp://[1.2.3].4:80", "", false, false, ErrInvalid},
	{"tcp://[192.168.1.1:]5555", "", false, false, ErrInvalid},
	{"tcp://[192.168.1.1:5555]", "", false, false, ErrInvalid},
	{"tcp://[192.168.1.1:*]", "", false, false, ErrInvalid},
	{"tcp://[::1", "", false, false, ErrInvalid},
	{"tcp://::1", "", false, false, ErrInvalid},
	{"tcp://[abcd:1234::1:]0:234", "", false, false, ErrInvalid},
	{"tcp://eth0:1:80", "", false, false, ErrInvalid},
	{"tcp://[fe80::1%]:80", "", false, false, ErrInvalid},
	{"tcp://[fe80::1%0]:80", "", false, false, ErrInvalid},
	{"tcp://[fe80::1%a]b]:80", "", false, false, ErrInvalid},
	{"tcp://1.2.3.4%eth0:80", "", false, false, ErrInvalid},
	{"tcp://host/path:80", "", false, false, ErrInvalid},
	{"tcp://ho*st:80", "", false, false, ErrInvalid},
	{"tcp://a\nb:80", "", false, false, ErrInvalid},
	{"tcp:// a:80", "", false, false, ErrInvalid},
	{"tcp://" + strings.Repeat("x", 256) + ":80", "", false, false, ErrInvalid},
	{"tcp://eth0;10.0.0.1:5555", "", false, false, ErrInvalid},
	{"tcp://;10.0.0.1:5555", "", false, false, ErrInvalid},
	{"tcp://1.2.3.4:0;", "", false, false, ErrInvalid},
	{"tcp://1.1.1.1:0;2.2.2.2:0;3.3.3.3:1", "", false, false, ErrInvalid},
	{"ipc://", "", false, false, ErrInvalid},
	{"ipc://@", "", false, false, ErrInvalid},
	{"ipc://*x", "", false, false, ErrInvalid},
	{"ipc://a\x00b", "", false, false, ErrInvalid},
	{"ipc://" + strings.Repeat("x", 108), "", false, false, syscall.ENAMETOOLONG},
	{"inproc://", "", false, false, ErrInvalid},
	{"inproc://" + strings.Repeat("x", 257), "", false, false, ErrInvalid},
	{"", "", false, false, ErrInvalid},
	{"127.0.0.1:80", "", false, false, ErrInvalid},
	{"tcp:/127.0.0.1:80", "", false, false, ErrInvalid},
	{"://127.0.0.1:80", "", false, false, ErrScheme},
	{"TCP://127.0.0.1:80", "", false, false, ErrScheme},
	{"foo://x", "", false, false, ErrScheme},
	{"udp://1.2.3.4:80", "", false, false, ErrScheme},
	{"@tcp://*:80", "", false, false, ErrScheme},
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		e, err := Parse(c.text)
		if c.err != nil {
			if !errors.Is(err, c.err) {
				t.Errorf("Parse(%q) = %q, %v; want error %v", c.text, e, err, c.err)
			}
			continue
		}
		if err != nil || e.String() != c.want {
			t.Errorf("Parse(%q) = %q, %v; want %q", c.text, e, err, c.want)
			continue
		}
		checkDirection(t, "CheckBind", c.text, e.CheckBind(), c.bind)
		checkDirection(t, "CheckConnect", c.text, e.CheckConnect(), c.connect)
	}
}

func checkDirection(t *testing.T, check, text string, err error, fits bool) {
	t.Helper()
	if fits && err != nil || !fits && !errors.Is(err, ErrInvalid) {
		t.Errorf("%s(%q) = %v; fits should be %v", check, text, err, fits)
	}
}

func TestParseAbstract(t *testing.T) {
	e, err := Parse("ipc://@name")
	if abstractNames && (err != nil || e.Address != "@name") {
		t.Errorf("Parse = %v, %v", e, err)
	}
	if !abstractNames && !errors.Is(err, ErrInvalid) {
		t.Errorf("Parse = %v, %v; want ErrInvalid where abstract names do not exist", e, err)
	}
}

func TestParseErrorNamesTheEndpoint(t *testing.T) {
	_, err := Parse("tcp://127.0.0.1")
	if err == nil || !strings.Contains(err.Error(), `"tcp://127.0.0.1"`) || !strings.Contains(err.Error(), "host:port") {
		t.Errorf("error %v does not name the endpoint and what to write", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add(c.text)
	}
	f.Add("ipc://@name")
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrScheme) {
				t.Fatalf("Parse(%q): %v wraps neither sentinel", s, err)
			}
			return
		}
		again, err := Parse(e.String())
		if err != nil || again != e {
			t.Fatalf("Parse(%q) = %#v, but its text %q gives %#v, %v", s, e, e, again, err)
		}
		_ = e.CheckBind()
		_ = e.CheckConnect()
	})
}
