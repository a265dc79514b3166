package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certificates writes an authority and a certificate for each name, with its
// key: certificates AUTHORITY.pem NAME... makes NAME.pem and NAME.key.
func certificates(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: certificates FILE NAME...")
	}
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: args[0]}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	key := newKey(ts)
	writePEM(ts, args[0], "CERTIFICATE", signed(ts, authority, authority, key, key))
	for i, name := range args[1:] {
		own := newKey(ts)
		cert := *authority
		cert.SerialNumber, cert.Subject, cert.IsCA = big.NewInt(int64(i)+2), pkix.Name{CommonName: name}, false
		cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		writePEM(ts, name+".pem", "CERTIFICATE", signed(ts, &cert, authority, own, key))
		der, err := x509.MarshalPKCS8PrivateKey(own)
		ts.Check(err)
		writePEM(ts, name+".key", "PRIVATE KEY", der)
	}
}

func newKey(ts *testscript.TestScript) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	return key
}

func signed(ts *testscript.TestScript, cert, parent *x509.Certificate, own, by *ecdsa.PrivateKey) []byte {
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, own.Public(), by)
	ts.Check(err)
	return der
}

func writePEM(ts *testscript.TestScript, file, kind string, der []byte) {
	ts.Check(os.WriteFile(ts.MkAbs(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
