package transport

import (
	"context"
	"crypto/tls"
	"net"
)

// schemeTLS is tcp inside TLS.
const schemeTLS = "tls+tcp"

// isTCP reports whether the endpoint has a host and a port.
func (e Endpoint) isTCP() bool { return e.Scheme == "tcp" || e.Scheme == schemeTLS }

// dialTLS connects. The handshake of TLS is left to who reads or writes first,
// or asks for it.
func dialTLS(ctx context.Context, e Endpoint, o *Options) (net.Conn, error) {
	if o.TLS == nil {
		return nil, invalid(e.String(), "there is no TLS configuration")
	}
	config := o.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName = e.host.name
		if e.host.ip.IsValid() {
			config.ServerName = e.host.ip.WithZone("").String()
		}
	}
	c, err := dialTCP(ctx, e, o)
	if err != nil {
		return nil, err
	}
	return tls.Client(c, config), nil
}

// listenTLS binds. Like dialTLS it leaves the handshake to others, so that a
// peer that says nothing holds up nobody.
func listenTLS(ctx context.Context, e Endpoint, o *Options) (Listener, error) {
	if o.TLS == nil {
		return nil, invalid(e.String(), "there is no TLS configuration")
	}
	if c := o.TLS; len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil {
		return nil, invalid(e.String(), "the TLS configuration has no certificate")
	}
	l, err := listenTCP(ctx, e, o)
	if err != nil {
		return nil, err
	}
	bound := l.Endpoint()
	bound.Scheme = schemeTLS
	return &tlsListener{Listener: l, endpoint: bound, config: o.TLS.Clone()}, nil
}

type tlsListener struct {
	Listener
	endpoint Endpoint
	config   *tls.Config
}

func (l *tlsListener) Endpoint() Endpoint { return l.endpoint }

func (l *tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(c, l.config), nil
}
