package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Proxy is a SOCKS 5 proxy (RFC 1928) through which tcp connections are made.
type Proxy struct {
	Address        string // host:port; empty for no proxy
	User, Password string // RFC 1929, 1 to 255 octets each, sent in clear; empty offers none
}

// proxyPatience bounds the exchange with a proxy when the caller's context has
// no deadline. The proxy waits as long as a system does for a connection.
const proxyPatience = 2 * time.Minute

const (
	socksVersion    = 5
	socksNoAuth     = 0
	socksPassword   = 2
	socksNoMethod   = 0xff
	socksConnect    = 1
	socksIPv4       = 1
	socksName       = 3
	socksIPv6       = 4
	passwordVersion = 1
)

// CheckProxy refuses what is not host:port.
func CheckProxy(address string) error {
	host, port, err := net.SplitHostPort(address)
	n, perr := strconv.ParseUint(port, 10, 16)
	if err != nil || perr != nil || n == 0 || host == "" || len(host) > maxHostName || strings.ContainsAny(host, "/ \x00") {
		return fmt.Errorf("%w %q: a proxy is host:port", ErrInvalid, address)
	}
	return nil
}

// dialProxy asks the proxy for a connection to host. A name is resolved by the
// proxy. Nothing is read beyond the proxy's reply.
func (o *Options) dialProxy(ctx context.Context, d *net.Dialer, network string, host hostPort) (net.Conn, error) {
	c, err := o.dial(ctx, d, network, o.Proxy.Address)
	if err != nil {
		return nil, fmt.Errorf("SOCKS proxy %s: %w", o.Proxy.Address, err)
	}
	if err := o.Proxy.ask(ctx, c, host); err != nil {
		_ = c.Close() // the error that counts is the proxy's
		return nil, fmt.Errorf("SOCKS proxy %s: %w", o.Proxy.Address, err)
	}
	return c, nil
}

// ask holds the exchange, within the time of ctx.
func (p *Proxy) ask(ctx context.Context, c net.Conn, host hostPort) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, proxyPatience)
		defer cancel()
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	err := p.negotiate(c)
	if err == nil {
		err = request(c, host)
	}
	if !stop() {
		return ctx.Err() // the deadline is set, or will be at any moment
	}
	return err
}

// negotiate agrees on how to authenticate, and does it. RFC 1928 "Procedure for
// TCP-based clients".
func (p *Proxy) negotiate(c net.Conn) error {
	methods := []byte{socksNoAuth}
	if p.User != "" {
		methods = []byte{socksNoAuth, socksPassword}
	}
	var answer [2]byte
	if err := exchange(c, append([]byte{socksVersion, byte(len(methods))}, methods...), answer[:]); err != nil {
		return err
	}
	switch method := answer[1]; {
	case answer[0] != socksVersion:
		return fmt.Errorf("it answers with version %d: it does not speak SOCKS 5", answer[0])
	case method == socksNoAuth:
		return nil
	case method == socksPassword && p.User != "":
		return p.authenticate(c)
	case method == socksNoMethod && p.User == "":
		return errors.New("it wants a user and a password, or another way to authenticate")
	case method == socksNoMethod:
		return errors.New("it takes no password")
	default:
		return fmt.Errorf("it chose authentication %d, which was not offered", method)
	}
}

// authenticate says user and password. RFC 1929 "Initial negotiation".
func (p *Proxy) authenticate(c net.Conn) error {
	b := append([]byte{passwordVersion, byte(len(p.User))}, p.User...)
	b = append(append(b, byte(len(p.Password))), p.Password...)
	var answer [2]byte
	if err := exchange(c, b, answer[:]); err != nil {
		return err
	}
	if answer[0] != passwordVersion {
		return fmt.Errorf("it answers a password with version %d", answer[0])
	}
	if answer[1] != 0 {
		return fmt.Errorf("it refuses user and password: %w", syscall.EACCES)
	}
	return nil
}

// request asks for the connection and reads the reply, which ends with an
// address of the proxy's that is of no use. RFC 1928 "Requests", RFC 1928
// "Replies".
func request(c net.Conn, host hostPort) error {
	b := appendAddress([]byte{socksVersion, socksConnect, 0}, host)
	var head [5]byte // version, reply, reserved, kind of address, its first octet
	if err := exchange(c, b, head[:]); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return fmt.Errorf("it replies with version %d", head[0])
	}
	if head[1] != 0 {
		return refusal(head[1])
	}
	rest := 2 // the port
	switch head[3] {
	case socksIPv4:
		rest += 4 - 1
	case socksIPv6:
		rest += 16 - 1
	case socksName:
		rest += int(head[4])
	default:
		return fmt.Errorf("its reply has an address of kind %d", head[3])
	}
	var address [255 + 2]byte
	return fill(c, address[:rest])
}

func appendAddress(b []byte, host hostPort) []byte {
	switch ip := host.ip; {
	case !ip.IsValid():
		b = append(append(b, socksName, byte(len(host.name))), host.name...)
	case ip.Is4():
		b = append(append(b, socksIPv4), ip.AsSlice()...)
	default:
		b = append(append(b, socksIPv6), ip.AsSlice()...)
	}
	return append(b, byte(host.port>>8), byte(host.port))
}

// exchange writes a question and reads an answer of fixed length.
func exchange(c net.Conn, question, answer []byte) error {
	if _, err := c.Write(question); err != nil {
		return err
	}
	return fill(c, answer)
}

func fill(c net.Conn, b []byte) error {
	_, err := io.ReadFull(c, b)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// refusal is what a reply that is not 0 means. RFC 1928 "Replies".
func refusal(reply byte) error {
	reasons := [...]error{
		1: errors.New("general failure"),
		2: syscall.EACCES,
		3: syscall.ENETUNREACH,
		4: syscall.EHOSTUNREACH,
		5: syscall.ECONNREFUSED,
		6: syscall.ETIMEDOUT,
		7: errors.New("it does not make connections"),
		8: errors.New("it does not take such addresses"),
	}
	if int(reply) < len(reasons) {
		return fmt.Errorf("it can't connect: %w", reasons[reply])
	}
	return fmt.Errorf("it can't connect: reply %d", reply)
}
