package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

func dialTCP(ctx context.Context, e Endpoint, o *Options) (net.Conn, error) {
	network := "tcp4"
	if o.IPv6 {
		network = "tcp"
	}
	if e.host.ip.IsValid() && o.Proxy.Address == "" { // how a proxy gets there is its own affair
		if err := checkLiteral(e, e.host.ip, o); err != nil {
			return nil, err
		}
	}
	if !e.hasSource {
		return o.dialHost(ctx, &net.Dialer{}, network, e.host)
	}
	if o.Dial != nil {
		return nil, invalid(e.String(), "a dialer of your own chooses the source address itself; leave it out here")
	}
	sources, err := resolveLocal(e, e.source, o)
	if err != nil {
		return nil, err
	}
	return dialFrom(ctx, e, o, sources, network)
}

// dialHost connects to a host, straight or through the proxy.
func (o *Options) dialHost(ctx context.Context, d *net.Dialer, network string, host hostPort) (net.Conn, error) {
	if o.Proxy.Address != "" {
		return o.dialProxy(ctx, d, network, host)
	}
	name := host.name
	if host.ip.IsValid() {
		name = host.ip.String()
	}
	return o.dial(ctx, d, network, net.JoinHostPort(name, strconv.Itoa(int(host.port))))
}

// dialFrom tries the source addresses in turn, leaving out those that can't
// reach a numeric destination.
func dialFrom(ctx context.Context, e Endpoint, o *Options, sources []netip.Addr, network string) (net.Conn, error) {
	var errs []error
	for _, ip := range sources {
		if o.Proxy.Address == "" && e.host.ip.IsValid() && e.host.ip.Is4() != ip.Is4() {
			continue
		}
		local := net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, e.source.port))
		c, err := o.dialHost(ctx, &net.Dialer{LocalAddr: local}, network, e.host)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	if errs == nil {
		return nil, invalid(e.String(), "the source and the destination are not of the same kind (IPv4, IPv6)")
	}
	return nil, errors.Join(errs...)
}

func listenTCP(ctx context.Context, e Endpoint, o *Options) (Listener, error) {
	port := strconv.Itoa(int(e.host.port))
	network, address := "tcp4", "0.0.0.0:"+port
	switch {
	case e.host.name == "*" && o.IPv6:
		network, address = "tcp", ":"+port // both, or IPv4 if the machine has nothing else
	case e.host.name != "*":
		ips, err := resolveLocal(e, e.host, o)
		if err != nil {
			return nil, err
		}
		address = net.JoinHostPort(ips[0].String(), port)
		if ips[0].Is6() {
			network = "tcp6"
		}
		if ips[0].IsUnspecified() && ips[0].Is6() {
			network = "tcp" // [::] takes IPv4 too, as libzmq's does
		}
	}
	ln, err := o.listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	bound, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		_ = ln.Close() // can't happen: tcp listeners have tcp addresses
		return nil, fmt.Errorf("listen %s: unexpected address %s", e, ln.Addr())
	}
	return &tcpListener{Listener: ln, endpoint: tcpEndpoint(bound), o: *o}, nil
}

func tcpEndpoint(a *net.TCPAddr) Endpoint {
	ap := a.AddrPort()
	e := Endpoint{Scheme: "tcp", host: hostPort{ip: ap.Addr().Unmap(), port: ap.Port()}}
	e.Address = e.host.text("*")
	return e
}

type tcpListener struct {
	net.Listener
	endpoint Endpoint
	o        Options
}

func (l *tcpListener) Endpoint() Endpoint { return l.endpoint }

func (l *tcpListener) Accept() (net.Conn, error) { return acceptTuned(l.Listener, &l.o) }

// acceptTuned leaves a connection as it is if an option can't be set: the
// listener took the same option, so what failed is the connection, and its
// reader will see that.
func acceptTuned(ln net.Listener, o *Options) (net.Conn, error) {
	c, err := ln.Accept()
	if err != nil {
		return nil, err
	}
	_ = o.tune(c)
	return c, nil
}

// resolveLocal finds the addresses of this machine that h stands for, the best
// first: h itself if it is numeric, else those of the interface of that name.
// Host names are not looked up, as libzmq documents it for bind.
func resolveLocal(e Endpoint, h hostPort, o *Options) ([]netip.Addr, error) {
	if h.ip.IsValid() {
		return []netip.Addr{h.ip}, checkLiteral(e, h.ip, o)
	}
	ifc, err := net.InterfaceByName(h.name)
	if err != nil {
		return nil, fmt.Errorf("%s: %q is no interface of this machine; use *, a numeric address or an interface name: %w",
			e, h.name, syscall.ENODEV)
	}
	addrs, err := ifc.Addrs()
	if err != nil {
		return nil, fmt.Errorf("%s: addresses of %q: %w", e, h.name, err)
	}
	var v4, v6, linkLocal []netip.Addr
	for _, a := range addrs {
		ipNet, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		ip, _ := netip.AddrFromSlice(ipNet.IP)
		switch ip = ip.Unmap(); {
		case ip.Is4():
			v4 = append(v4, ip)
		case ip.Is6() && ip.IsLinkLocalUnicast():
			linkLocal = append(linkLocal, ip.WithZone(ifc.Name))
		case ip.Is6():
			v6 = append(v6, ip)
		}
	}
	found := v4
	if o.IPv6 {
		found = append(append(v6, v4...), linkLocal...)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: interface %q has no address that can be used: %w", e, h.name, syscall.ENODEV)
	}
	return found, nil
}

// checkLiteral refuses an IPv6 address that can't be used: package net takes
// an unknown zone for no zone.
func checkLiteral(e Endpoint, ip netip.Addr, o *Options) error {
	if ip.Is4() {
		return nil
	}
	if !o.IPv6 {
		return invalid(e.String(), "an IPv6 address needs the IPv6 option")
	}
	zone := ip.Zone()
	if zone == "" {
		return nil
	}
	if _, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return nil
	}
	if _, err := net.InterfaceByName(zone); err != nil {
		return fmt.Errorf("%s: zone %q is no interface of this machine: %w", e, zone, syscall.ENODEV)
	}
	return nil
}
