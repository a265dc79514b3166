package auth

import (
	"bytes"
	"crypto/ecdh"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/phimq/zmq"
)

// ParseKeys reads a key pair from a text that has its secret key: 40 characters
// of Z85, a secret certificate, or PEM as "openssl genpkey -algorithm X25519"
// writes it. Space around it does not matter. Errors say nothing of the text.
func ParseKeys(text []byte) (zmq.CurveKeys, error) {
	text = bytes.TrimSpace(text)
	switch {
	case isCertificate(text):
		c, err := ParseCertificate(text)
		if err != nil {
			return zmq.CurveKeys{}, err
		}
		keys, ok := c.Keys()
		if !ok {
			return keys, fmt.Errorf("auth: %w: a public certificate, which has no secret key", zmq.ErrInvalid)
		}
		return keys, nil
	case isPEM(text):
		return parsePEMKeys(text)
	}
	keys, err := zmq.ParseCurveKeys(string(text))
	if err != nil {
		return keys, fmt.Errorf("auth: %w", err)
	}
	return keys, nil
}

// ParseKey reads a public key from 40 characters of Z85, a certificate, or PEM
// as "openssl pkey -pubout" writes it.
func ParseKey(text []byte) (zmq.CurveKey, error) {
	text = bytes.TrimSpace(text)
	switch {
	case isCertificate(text):
		c, err := ParseCertificate(text)
		if err != nil {
			return zmq.CurveKey{}, err
		}
		return c.Public(), nil
	case isPEM(text):
		return parsePEMKey(text)
	}
	key, err := zmq.ParseCurveKey(string(text))
	if err != nil {
		return key, fmt.Errorf("auth: %w", err)
	}
	return key, nil
}

// LoadKeys reads a key pair from a file: see [ParseKeys]. The name of a
// certificate stands for its file with the secret key.
func LoadKeys(path string) (zmq.CurveKeys, error) {
	fsys, name := fileSystem(path)
	return ReadKeys(fsys, name)
}

// ReadKeys is [LoadKeys] for a file of a file system.
func ReadKeys(fsys fs.FS, name string) (zmq.CurveKeys, error) {
	b, err := readSecret(fsys, name)
	if err != nil {
		return zmq.CurveKeys{}, err
	}
	keys, err := ParseKeys(b)
	if err != nil {
		return keys, fmt.Errorf("%s: %w", name, err)
	}
	return keys, nil
}

// readSecret reads a file, or the one beside it that is secret if it is a
// public certificate.
func readSecret(fsys fs.FS, name string) ([]byte, error) {
	b, err := readAll(fsys.Open(name))
	if err != nil && !isMissing(err) {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if err == nil && !isCertificate(b) {
		return b, nil
	}
	if s, serr := readAll(fsys.Open(name + secretSuffix)); serr == nil {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return b, nil
}

// LoadKey reads a public key from a file: see [ParseKey].
func LoadKey(path string) (zmq.CurveKey, error) {
	fsys, name := fileSystem(path)
	return ReadKey(fsys, name)
}

// ReadKey is [LoadKey] for a file of a file system.
func ReadKey(fsys fs.FS, name string) (zmq.CurveKey, error) {
	b, err := readAll(fsys.Open(name))
	if err != nil {
		return zmq.CurveKey{}, fmt.Errorf("auth: %w", err)
	}
	key, err := ParseKey(b)
	if err != nil {
		return key, fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// EnvKeys reads a key pair from an environment variable: see [ParseKeys].
// zmq.ErrNotFound if it is not there or empty.
func EnvKeys(variable string) (zmq.CurveKeys, error) {
	text := os.Getenv(variable)
	if text == "" {
		return zmq.CurveKeys{}, fmt.Errorf("auth: %w: the environment has no %s", zmq.ErrNotFound, variable)
	}
	keys, err := ParseKeys([]byte(text))
	if err != nil {
		return keys, fmt.Errorf("%s: %w", variable, err)
	}
	return keys, nil
}

func fileSystem(path string) (fs.FS, string) {
	dir, name := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	return os.DirFS(dir), name
}

// isCertificate: Z85 has no line ends and no words.
func isCertificate(text []byte) bool {
	return bytes.Contains(text, []byte("curve")) && bytes.ContainsAny(text, "\r\n")
}

func isPEM(text []byte) bool { return bytes.Contains(text, []byte("-----BEGIN ")) }

// parsePEMKeys reads a private key of X25519 in PKCS #8.
func parsePEMKeys(text []byte) (zmq.CurveKeys, error) {
	if block := findPEM(text, "PRIVATE KEY"); block != nil {
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if secret, ok := key.(*ecdh.PrivateKey); ok && secret.Curve() == ecdh.X25519() {
				return zmq.ParseCurveKeys(zmq.CurveKey(secret.Bytes()).String())
			}
		}
	}
	return zmq.CurveKeys{}, fmt.Errorf("auth: %w: no X25519 private key in the PEM text", zmq.ErrInvalid)
}

// parsePEMKey reads a public key of X25519 in PKIX, or that of a private key.
func parsePEMKey(text []byte) (zmq.CurveKey, error) {
	if block := findPEM(text, "PUBLIC KEY"); block != nil {
		if key, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if public, ok := key.(*ecdh.PublicKey); ok && public.Curve() == ecdh.X25519() {
				return zmq.CurveKey(public.Bytes()), nil
			}
		}
	}
	return zmq.CurveKey{}, fmt.Errorf("auth: %w: no X25519 public key in the PEM text", zmq.ErrInvalid)
}

// findPEM finds the first block of a type.
func findPEM(text []byte, typ string) *pem.Block {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == typ {
			return block
		}
	}
	return nil
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
