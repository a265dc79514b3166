package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/phimq/zmq"
	"github.com/spf13/cobra"
)

// tlsFlags are for tls+tcp endpoints.
type tlsFlags struct{ ca, cert, key string }

func (f *tlsFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.ca, "tls-ca", "", "TLS: trust the authorities in `FILE` (PEM) instead of the system's; a server with it wants certificates")
	fs.StringVar(&f.cert, "tls-cert", "", "TLS: show the certificate in `FILE` (PEM)")
	fs.StringVar(&f.key, "tls-key", "", "TLS: the key of --tls-cert, in `FILE` (PEM)")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

// config returns the configuration of both sides.
func (f *tlsFlags) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: there is no certificate in %s", f.ca)
		}
		c.RootCAs, c.ClientCAs, c.ClientAuth = pool, pool, tls.RequireAndVerifyClientCert
	}
	return c, nil
}

// option returns the configuration as a socket takes it.
func (f *tlsFlags) option() (zmq.Option, error) {
	c, err := f.config()
	if err != nil {
		return zmq.Option{}, err
	}
	return zmq.WithTLS(c), nil
}

// schemeTLS is tcp inside TLS.
const schemeTLS = "tls+tcp"

// dialOnce connects, inside TLS if the network is that.
func (f *tlsFlags) dialOnce(ctx context.Context, network, address string) (net.Conn, error) {
	if network != schemeTLS {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	c, err := f.config()
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{Config: c}).DialContext(ctx, "tcp", address)
}

// tlsText says what TLS has agreed on; "" without TLS.
func tlsText(conn net.Conn) string {
	inside, ok := conn.(*tls.Conn)
	if !ok {
		return ""
	}
	state := inside.ConnectionState()
	text := tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
	if len(state.PeerCertificates) > 0 {
		text += ", " + visible([]byte(state.PeerCertificates[0].Subject.String()))
	}
	return text
}

// isTLS reports whether TLS refused the peer, or was refused.
func isTLS(err error) bool {
	var alert tls.AlertError
	var unverified *tls.CertificateVerificationError
	return errors.As(err, &alert) || errors.As(err, &unverified)
}
