package zmq_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// An authority makes certificates for one test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	a.key, a.cert = a.sign("authority", nil)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) sign(name string, key *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: key == nil, BasicConstraintsValid: true,
	}
	parent := template
	if key == nil {
		key = own
	} else {
		parent = a.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, own.Public(), key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return own, cert
}

// config is for one peer, who wants the other to show a certificate as well.
func (a *authority) config(name string) *tls.Config {
	key, cert := a.sign(name, a.key)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
		RootCAs:      a.pool, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}
}

const anyTLS = "tls+tcp://127.0.0.1:*"

// TestTLS talks inside TLS; the user is whom the certificate was made out to,
// unless the authenticator knows better.
func TestTLS(t *testing.T) {
	a := newAuthority(t)
	auth := zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		if p.Certificate() == nil || p.Certificate().Subject.CommonName != "ann" {
			return zmq.Identity{}, errStranger
		}
		return zmq.Identity{UserID: "ann from TLS"}, nil
	})
	keys := zmq.NewCurveKeys()
	for name, c := range map[string]struct {
		server, client []zmq.Option
		user           string
	}{
		"NULL":         {user: "ann"},
		"authenticate": {server: []zmq.Option{auth}, user: "ann from TLS"},
		"CURVE": {server: []zmq.Option{zmq.WithCurveServer(keys)},
			client: []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()})}, user: "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			leak.Check(t)
			server := open(t, zmq.ROUTER, append(c.server, zmq.WithTLS(a.config("server")))...)
			client := open(t, zmq.DEALER, append(c.client, zmq.WithTLS(a.config("ann")))...)
			b, err := server.Bind(anyTLS)
			if err != nil {
				t.Fatal(err)
			}
			if err := client.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
			bothWays(t, client, server, c.user)
		})
	}
}

// TestTLSKeepsOut lets peers try that have not what TLS asks for.
func TestTLSKeepsOut(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	nobody := &tls.Config{RootCAs: a.pool, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name   string
		scheme string
		config *tls.Config
	}{
		{"in clear", "tcp", a.config("ann")},
		{"without a certificate", "tls+tcp", nobody},
		{"a certificate of somebody's else", "tls+tcp", &tls.Config{RootCAs: a.pool, Certificates: other.config("ann").Certificates, MinVersion: tls.VersionTLS12}},
		{"wants another server", "tls+tcp", other.config("ann")},
	} {
		t.Run(c.name, func(t *testing.T) {
			leak.Check(t)
			s, sees := watched(t, zmq.PULL, []zmq.Option{zmq.WithTLS(a.config("server"))})
			p := open(t, zmq.PUSH, zmq.WithTLS(c.config), zmq.WithReconnect(patience), zmq.WithLinger(0))
			b, err := s.Bind(anyTLS)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Connect(c.scheme + b.Endpoint()[len("tls+tcp"):]); err != nil {
				t.Fatal(err)
			}
			if err := p.TrySend([]byte("in?")); err != nil {
				t.Fatal(err)
			}
			await(t, sees, zmq.EventHandshakeFailedNoDetail)
			if m, err := s.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("something was received: %s, %v", m, err)
			}
		})
	}
}

// TestTLSOptions needs a configuration, and a server a certificate.
func TestTLSOptions(t *testing.T) {
	s := open(t, zmq.PAIR)
	if _, err := s.Bind(anyTLS); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("bind without WithTLS: %v", err)
	}
	s = open(t, zmq.PAIR, zmq.WithTLS(&tls.Config{MinVersion: tls.VersionTLS12}))
	if _, err := s.Bind(anyTLS); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("bind without a certificate: %v", err)
	}
	if _, err := zmq.New(zmq.PAIR, zmq.WithTLS(nil)); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("no configuration: %v", err)
	}
}

// TestTLSCloseLosesNothing closes as soon as all is sent.
func TestTLSCloseLosesNothing(t *testing.T) {
	leak.Check(t)
	a := newAuthority(t)
	const count = 20_000
	pull := open(t, zmq.PULL, zmq.WithTLS(a.config("server")), zmq.WithRecvHWM(0))
	push := open(t, zmq.PUSH, zmq.WithTLS(a.config("client")), zmq.WithSendHWM(0), zmq.WithLinger(patience))
	b, err := pull.Bind(anyTLS)
	if err != nil {
		t.Fatal(err)
	}
	if err := push.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	ctx := soon(t)
	for i := range count {
		if err := push.Send(ctx, []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := push.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range count {
		m, err := pull.Recv(ctx)
		if err != nil || string(m.Frames[0]) != strconv.Itoa(i) {
			t.Fatalf("message %d is %s, %v", i, m, err)
		}
	}
}
