// Package transport turns endpoint text into a byte link: a net.Conn or a
// listener, tuned with the socket options of the operating system.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"
)

// KeepAlive says what to do with TCP keep-alive probes.
type KeepAlive int8

const (
	KeepAliveSystem KeepAlive = iota // leave what the operating system does; the same as libzmq's -1
	KeepAliveOff                     // switch probes off; libzmq's 0
	KeepAliveOn                      // switch probes on; libzmq's 1
)

// Options tune what Dial and Listen make. The zero value leaves everything to
// the operating system, but for TCP_NODELAY, which is always set. What a
// platform does not have is silently left; only Linux has all of them.
type Options struct {
	// IPv6 allows IPv6 beside IPv4. Without it only IPv4 is used: names
	// resolve to IPv4 and an IPv6 address is refused. With it "*" binds
	// both, and an interface name stands for its IPv6 address if it has one.
	IPv6 bool

	// Backlog is the length of a listener's queue in connections; 0 or less
	// leaves the default. Unix only.
	Backlog int

	// SendBuffer and RecvBuffer are the kernel's buffers in bytes, for tcp
	// and ipc; 0 or less leaves them. Linux doubles what it is given.
	SendBuffer, RecvBuffer int

	// KeepAlive and the three values of TCP keep-alive: probes until the
	// connection is given up, seconds of silence before the first, seconds
	// between two. 0 or less leaves a value, and the three count only with
	// KeepAliveOn.
	KeepAlive         KeepAlive
	KeepAliveCount    int
	KeepAliveIdle     int
	KeepAliveInterval int

	// TOS is the type of service (the DSCP and ECN octet) of IP packets; 0
	// or less leaves it. Unix only, tcp only.
	TOS int

	// MaxRetransmit is how long sent data may stay unacknowledged before
	// the connection fails; it counts in milliseconds, 0 or less leaves it.
	// Linux only (TCP_USER_TIMEOUT), tcp only.
	MaxRetransmit time.Duration

	// BindToDevice ties the socket to a network interface or VRF by name,
	// and may need a privilege. Linux only, tcp only.
	BindToDevice string

	// Priority is SO_PRIORITY; 0 or less leaves it. Linux only, tcp only.
	Priority int

	// TLS is for tls+tcp endpoints.
	TLS *tls.Config

	// Proxy is what tcp connections are made through.
	Proxy Proxy

	// Dial replaces net.Dialer; nil uses net.Dialer. It is given "tcp4",
	// "tcp" (with IPv6) or "unix" and an address that may hold a name. The
	// other options, but for IPv6 and BindToDevice, are applied to the
	// connection it returns if that is a socket of package net.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Listener is a net.Listener that knows what it is bound to. Close removes
// the path of an ipc endpoint and waits for nothing.
type Listener interface {
	net.Listener

	// Endpoint is the resolved endpoint: with the real address and port,
	// or the path of the temporary socket.
	Endpoint() Endpoint
}

// Dial connects to e, once. Names are resolved at each call and all addresses
// of a name are tried. o may be nil. An endpoint that only a listener can
// have is refused as CheckConnect does; inproc has no byte link and fails
// with ErrScheme.
func Dial(ctx context.Context, e Endpoint, o *Options) (net.Conn, error) {
	if err := e.CheckConnect(); err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	switch e.Scheme {
	case "tcp":
		return dialTCP(ctx, e, o)
	case schemeTLS:
		return dialTLS(ctx, e, o)
	case "ipc":
		return dialIPC(ctx, e, o)
	}
	return nil, noLinkError(e)
}

// Listen binds e and listens. o may be nil. An endpoint that only a
// connection can have is refused as CheckBind does; inproc fails with
// ErrScheme. An address or path in use is syscall.EADDRINUSE, an interface
// that is not there syscall.ENODEV.
func Listen(ctx context.Context, e Endpoint, o *Options) (Listener, error) {
	if err := e.CheckBind(); err != nil {
		return nil, err
	}
	if o == nil {
		o = &Options{}
	}
	switch e.Scheme {
	case "tcp":
		return listenTCP(ctx, e, o)
	case schemeTLS:
		return listenTLS(ctx, e, o)
	case "ipc":
		return listenIPC(ctx, e, o)
	}
	return nil, noLinkError(e)
}

func noLinkError(e Endpoint) error {
	return fmt.Errorf("%w: %q has no byte link", ErrScheme, e.String())
}

// dial connects by the user's dialer if there is one.
func (o *Options) dial(ctx context.Context, d *net.Dialer, network, address string) (net.Conn, error) {
	dial := o.Dial
	if dial == nil {
		d.KeepAlive = -1 // net would switch probes on
		d.Control = o.controlFunc(d.LocalAddr != nil)
		dial = d.DialContext
	}
	c, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := o.tune(c); err != nil {
		_ = c.Close() // the error that counts is the option's
		return nil, err
	}
	return c, nil
}

// listen binds with the options that must be set before.
func (o *Options) listen(ctx context.Context, network, address string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1, Control: o.controlFunc(false)}
	lc.SetMultipathTCP(false) // plain TCP takes every option and is what peers speak
	ln, err := lc.Listen(ctx, network, address)
	if isErrno(err, syscall.EADDRINUSE, wsaEADDRINUSE) && !errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w: %w", err, syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, err
	}
	if err := control(ln, func(fd uintptr) error { return setBacklog(fd, o.Backlog) }); err != nil {
		_ = ln.Close() // the error that counts is the option's
		return nil, err
	}
	return ln, nil
}

// controlFunc sets what must be set before a socket is bound or connected:
// buffers decide the TCP window scale, a device the route.
func (o *Options) controlFunc(source bool) func(network, address string, c syscall.RawConn) error {
	return func(network, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) {
			if err = setBeforeBind(fd, network, o, source); err == nil {
				err = setSocket(fd, network, o)
			}
		}); cerr != nil {
			return cerr
		}
		return err
	}
}

// tune sets the options of a connection that is up. It repeats those that
// were set before, because a dialer of the user's did not set them and not
// every system lets a connection inherit from its listener.
func (o *Options) tune(c net.Conn) error {
	network := "unix"
	if tc, ok := c.(*net.TCPConn); ok {
		network = "tcp6"
		if a, ok := tc.LocalAddr().(*net.TCPAddr); ok && a.IP.To4() != nil {
			network = "tcp4"
		}
		if err := o.setKeepAlive(tc); err != nil {
			return err
		}
	}
	b, ok := c.(kernelBuffers)
	if !ok {
		return nil // not a socket
	}
	if err := o.setBuffers(b); err != nil {
		return err
	}
	return control(c, func(fd uintptr) error { return setSocket(fd, network, o) })
}

// kernelBuffers is what *net.TCPConn and *net.UnixConn have.
type kernelBuffers interface {
	SetReadBuffer(bytes int) error
	SetWriteBuffer(bytes int) error
}

func (o *Options) setBuffers(c kernelBuffers) error {
	if o.SendBuffer > 0 {
		if err := c.SetWriteBuffer(o.SendBuffer); err != nil {
			return err
		}
	}
	if o.RecvBuffer > 0 {
		return c.SetReadBuffer(o.RecvBuffer)
	}
	return nil
}

func (o *Options) setKeepAlive(c *net.TCPConn) error {
	leaveOr := func(seconds int) time.Duration {
		if seconds <= 0 {
			return -1 // net leaves a value for -1 and takes its own for 0
		}
		return time.Duration(seconds) * time.Second
	}
	switch o.KeepAlive {
	case KeepAliveOff:
		return c.SetKeepAlive(false)
	case KeepAliveOn:
		cfg := net.KeepAliveConfig{
			Enable:   true,
			Idle:     leaveOr(o.KeepAliveIdle),
			Interval: leaveOr(o.KeepAliveInterval),
			Count:    max(o.KeepAliveCount, 0),
		}
		if cfg.Count == 0 {
			cfg.Count = -1
		}
		return c.SetKeepAliveConfig(cfg)
	}
	return nil
}

// control calls f with the descriptor of c, if c has one.
func control(c any, f func(fd uintptr) error) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	if cerr := raw.Control(func(fd uintptr) { err = f(fd) }); cerr != nil {
		return cerr
	}
	return err
}

// Windows reports these instead of the numbers in package syscall.
const (
	wsaEADDRINUSE   = syscall.Errno(10048)
	wsaECONNREFUSED = syscall.Errno(10061)
)

func isErrno(err error, errno, wsa syscall.Errno) bool {
	return errors.Is(err, errno) || runtime.GOOS == "windows" && errors.Is(err, wsa)
}
