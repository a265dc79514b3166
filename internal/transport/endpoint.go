package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

var (
	// ErrInvalid is wrapped by the errors of an endpoint that can't be
	// understood, or not for the direction asked for.
	ErrInvalid = errors.New("invalid endpoint")

	// ErrScheme is wrapped by the errors of a scheme that is not known.
	ErrScheme = errors.New("protocol not supported")
)

const (
	maxInprocName = 256 // libzmq's documented limit for inproc names
	maxHostName   = 255 // RFC 1035 "Size limits"
)

// Endpoint is a parsed endpoint. Only Parse and Listener.Endpoint make valid
// ones. Endpoints can be compared with ==.
type Endpoint struct {
	Scheme  string // "tcp", "tls+tcp", "ipc" or "inproc"
	Address string // what follows "://", normalised

	host   hostPort // tcp: the address to bind or to connect to
	source hostPort // tcp: the address to connect from, if hasSource
	// hasSource tells "no source" from a source that says nothing.
	hasSource bool
}

// hostPort is one half of a tcp address. Port 0 is "any port".
type hostPort struct {
	name string     // "*", an interface name or a DNS name; empty if ip is valid
	ip   netip.Addr // a numeric address
	port uint16
}

// Parse reads an endpoint of any direction:
//
//	tcp://HOST:PORT             HOST is *, a numeric address, an interface or a DNS name
//	tls+tcp://...               the same, inside TLS
//	tcp://SOURCE:PORT;HOST:PORT connect from SOURCE, numeric or an interface, PORT 0 for any
//	ipc://PATH                  a file system path
//	ipc://*                     a path in a fresh private directory
//	ipc://@NAME                 an abstract name (Linux)
//	inproc://NAME               1 to 256 octets
//
// PORT is 0 to 65535 or "*", which is 0. An IPv6 address stands in brackets,
// with a zone as in [fe80::1%eth0]; without brackets the last colon divides,
// as in libzmq. An empty HOST is "*". CheckBind and CheckConnect say whether
// the endpoint fits a direction.
func Parse(s string) (Endpoint, error) {
	scheme, address, ok := strings.Cut(s, "://")
	if !ok {
		return Endpoint{}, invalid(s, "no scheme; write tcp://host:port, ipc://path or inproc://name")
	}
	switch scheme {
	case "tcp", schemeTLS:
		return parseTCP(s, scheme, address)
	case "ipc":
		return parseIPC(s, address)
	case "inproc":
		if n := len(address); n < 1 || n > maxInprocName {
			return Endpoint{}, invalid(s, "an inproc name has 1 to 256 octets")
		}
		return Endpoint{Scheme: scheme, Address: address}, nil
	}
	return Endpoint{}, fmt.Errorf("%w: %q in endpoint %q; use tcp, tls+tcp, ipc or inproc", ErrScheme, scheme, s)
}

func invalid(endpoint, why string) error {
	return fmt.Errorf("%w %q: %s", ErrInvalid, endpoint, why)
}

func parseTCP(s, scheme, address string) (Endpoint, error) {
	e := Endpoint{Scheme: scheme}
	var err error
	if i := strings.LastIndexByte(address, ';'); i >= 0 {
		e.hasSource = true
		if e.source, err = parseHostPort(s, address[:i]); err != nil {
			return Endpoint{}, err
		}
		address = address[i+1:]
	}
	if e.host, err = parseHostPort(s, address); err != nil {
		return Endpoint{}, err
	}
	e.Address = e.host.text("*")
	if e.hasSource {
		e.Address = e.source.text("0") + ";" + e.Address
	}
	return e, nil
}

func parseHostPort(s, text string) (hostPort, error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return hostPort{}, invalid(s, "no port; write host:port, or host:* for any free port")
	}
	host, port := text[:i], text[i+1:]
	var h hostPort
	if port != "*" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return hostPort{}, invalid(s, "the port must be a number from 0 to 65535, or *")
		}
		h.port = uint16(n)
	}
	if n := len(host); n >= 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" && !validZone(ip.Zone()) {
			return hostPort{}, invalid(s, "the zone after % must be an interface name or a number from 1")
		}
		h.ip = ip.Unmap()
		return h, nil
	}
	switch {
	case host == "":
		host = "*"
	case strings.Contains(host, ":"):
		return hostPort{}, invalid(s, "not an IPv6 address, or the port is missing; write [address]:port")
	case host != "*" && !validName(host):
		return hostPort{}, invalid(s, "the host must be *, an address, an interface name or a host name")
	}
	h.name = host
	return h, nil
}

// validName accepts what may be an interface name on some system, and so more
// than a host name: Windows has spaces and brackets in them.
func validName(s string) bool {
	if s == "" || len(s) > maxHostName || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r == 0x7f || strings.ContainsRune(`*/\:;[]%`, r)
	})
}

func validZone(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return validName(s) && (err != nil || n > 0)
}

// validHost accepts host names, and underscores as libzmq does.
func validHost(s string) bool {
	return s[0] != '-' && s[0] != '.' && !strings.ContainsFunc(s, func(r rune) bool {
		alnum := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		return !alnum && r != '-' && r != '.' && r != '_'
	})
}

// text is the normal form, with anyPort in the place of port 0.
func (h hostPort) text(anyPort string) string {
	port := anyPort
	if h.port != 0 {
		port = strconv.Itoa(int(h.port))
	}
	return h.hostText() + ":" + port
}

func (h hostPort) hostText() string {
	switch {
	case !h.ip.IsValid():
		return h.name
	case h.ip.Is6():
		return "[" + h.ip.String() + "]"
	}
	return h.ip.String()
}

func parseIPC(s, path string) (Endpoint, error) {
	switch {
	case path == "":
		return Endpoint{}, invalid(s, "no path; write ipc:///tmp/name, or ipc://* for a temporary one")
	case path == "@":
		return Endpoint{}, invalid(s, "an abstract name needs at least one octet after @")
	case path[0] == '@' && !abstractNames:
		return Endpoint{}, invalid(s, "abstract names exist on Linux only; write ./@name for a file of that name")
	case path[0] == '*' && path != "*":
		return Endpoint{}, invalid(s, "write ipc://* for a temporary path, or ./*name for a file of that name")
	case strings.IndexByte(path, 0) >= 0:
		return Endpoint{}, invalid(s, "the path holds a NUL octet")
	}
	if err := checkPathLength(s, path); err != nil {
		return Endpoint{}, err
	}
	return Endpoint{Scheme: "ipc", Address: path}, nil
}

func checkPathLength(s, path string) error {
	if most := maxPath(); len(path) > most {
		return fmt.Errorf("%w %q: this system allows %d octets of path: %w", ErrInvalid, s, most, syscall.ENAMETOOLONG)
	}
	return nil
}

const abstractNames = runtime.GOOS == "linux" || runtime.GOOS == "android"

// maxPath is the room in the system's sockaddr_un without the closing NUL.
func maxPath() int {
	switch runtime.GOOS {
	case "darwin", "ios", "freebsd", "netbsd", "openbsd", "dragonfly":
		return 103
	}
	return 107
}

// String is Scheme://Address. Parse reads it back to an equal Endpoint.
func (e Endpoint) String() string {
	return e.Scheme + "://" + e.Address
}

// CheckBind returns an error if only a connection can have this endpoint.
// Whether a name is an interface of this machine is seen by Listen.
func (e Endpoint) CheckBind() error {
	if e.hasSource {
		return invalid(e.String(), "a source address is for connect only; write tcp://host:port")
	}
	return nil
}

// CheckConnect returns an error if only a listener can have this endpoint.
// Whether a name can be resolved is seen by Dial.
func (e Endpoint) CheckConnect() error {
	switch {
	case e.Scheme == "ipc" && e.Address == "*":
		return invalid(e.String(), "can't connect to *; use the path that the bind returned")
	case !e.isTCP():
		return nil
	case e.host.name == "*":
		return invalid(e.String(), "can't connect to * or to an empty host; name the peer, for example 127.0.0.1")
	case e.host.port == 0:
		return invalid(e.String(), "can't connect to port 0 or *; use the port of the peer's bind")
	case e.host.name != "" && !validHost(e.host.name):
		return invalid(e.String(), "not a host name: letters, digits, '-', '.' and '_' only")
	case e.hasSource && e.source.name == "*":
		return invalid(e.String(), "a source * says nothing; leave it out")
	}
	return nil
}
