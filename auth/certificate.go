package auth

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/zpl"
)

// Certificate is a public key of CURVE with a description of its owner, and the
// secret key where it is known. Printing it shows no secret.
type Certificate struct {
	// Metadata describe the owner: "name", "email" and whatever else. Names
	// have letters, digits and -_.+@/$&.
	Metadata map[string]string

	public zmq.CurveKey
	keys   zmq.CurveKeys // zero without a secret key
}

// secretSuffix ends the name of the file with the secret key.
const secretSuffix = "_secret"

// NewCertificate makes a certificate of a key pair.
func NewCertificate(keys zmq.CurveKeys, metadata map[string]string) *Certificate {
	return &Certificate{Metadata: maps.Clone(metadata), public: keys.Public(), keys: keys}
}

// NewPublicCertificate makes a certificate of a public key.
func NewPublicCertificate(key zmq.CurveKey, metadata map[string]string) *Certificate {
	return &Certificate{Metadata: maps.Clone(metadata), public: key}
}

// Public returns the public key.
func (c *Certificate) Public() zmq.CurveKey { return c.public }

// Keys returns the key pair; ok is false if the secret key is not known.
func (c *Certificate) Keys() (keys zmq.CurveKeys, ok bool) { return c.keys, !c.keys.IsZero() }

// String returns the public key.
func (c *Certificate) String() string { return "certificate of " + c.public.String() }

// ErrMismatch: a file has a public key that does not belong to its secret key.
var ErrMismatch = errors.New("auth: the public key is not that of the secret key")

// ParseCertificate reads the text of a certificate, public or secret.
func ParseCertificate(b []byte) (*Certificate, error) {
	root, err := zpl.Parse(b)
	if err != nil {
		return nil, hideText(err)
	}
	public := root.Get("curve/public-key", "")
	secret := root.Get("curve/secret-key", "")
	if public == "" && secret == "" {
		return nil, fmt.Errorf("auth: %w: no certificate: there is no curve/public-key", zmq.ErrInvalid)
	}
	c := &Certificate{Metadata: map[string]string{}}
	if public != "" {
		if c.public, err = zmq.ParseCurveKey(public); err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
	}
	if secret != "" {
		if c.keys, err = zmq.ParseCurveKeys(secret); err != nil {
			return nil, fmt.Errorf("auth: %w", err)
		}
		if public != "" && c.public != c.keys.Public() {
			return nil, ErrMismatch
		}
		c.public = c.keys.Public()
	}
	if metadata := root.Find("metadata"); metadata != nil {
		for property := range metadata.Children() {
			c.Metadata[property.Name()] = property.Value()
		}
	}
	return c, nil
}

// hideText keeps an error's place and drops what may be the text of a secret.
func hideText(err error) error {
	var syntax *zpl.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("auth: %w: no certificate: line %d is not ZPL", zmq.ErrInvalid, syntax.Line)
	}
	return fmt.Errorf("auth: %w: no certificate", zmq.ErrInvalid)
}

// LoadCertificate reads a certificate from a file: with its secret key if there
// is a file of this name and _secret behind it.
func LoadCertificate(path string) (*Certificate, error) {
	fsys, name := fileSystem(path)
	return ReadCertificate(fsys, name)
}

// ReadCertificate is [LoadCertificate] for a file of a file system.
func ReadCertificate(fsys fs.FS, name string) (*Certificate, error) {
	b, err := readAll(fsys.Open(name + secretSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		b, err = readAll(fsys.Open(name))
	}
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	c, err := ParseCertificate(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Save writes the certificate to path, without the secret key, and to
// path_secret with it; that file nobody else may read. Files that are there are
// replaced, each at once or not at all.
func (c *Certificate) Save(path string) error {
	if c.keys.IsZero() {
		return fmt.Errorf("auth: %s: %w: the certificate has no secret key", path, zmq.ErrInvalid)
	}
	text, err := c.text(true)
	if err != nil {
		return err
	}
	if err := replace(path+secretSuffix, text, 0o600); err != nil {
		return err
	}
	return c.SavePublic(path)
}

// SavePublic writes the certificate without the secret key: what peers may have.
func (c *Certificate) SavePublic(path string) error {
	text, err := c.text(false)
	if err != nil {
		return err
	}
	return replace(path, text, 0o644)
}

// The comments of the files.
const (
	publicComment = "#   ZeroMQ CURVE public certificate\n#   Check with the owner that it is the owner's before you trust it.\n\n"
	secretComment = "#   ZeroMQ CURVE **secret** certificate\n#   DO NOT SHARE THIS FILE: whoever has it is its owner.\n\n"
)

func (c *Certificate) text(secret bool) ([]byte, error) {
	comment := publicComment
	if secret {
		comment = secretComment
	}
	root, err := zpl.Parse([]byte(comment + "metadata\ncurve\n"))
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	metadata, keys := root.Find("metadata"), root.Find("curve")
	for _, name := range slices.Sorted(maps.Keys(c.Metadata)) {
		if _, err := metadata.Append(name, c.Metadata[name]); err != nil {
			return nil, fmt.Errorf("auth: metadata %q: %w", name, err)
		}
	}
	err = keys.Set("public-key", c.public.String())
	if secret {
		err = errors.Join(err, keys.Set("secret-key", c.keys.Secret()))
	}
	if err != nil {
		return nil, fmt.Errorf("auth: %w: the key can't be written", zmq.ErrInvalid)
	}
	return root.Bytes(), nil
}

// replace writes a file beside the old one and then puts it in its place.
func replace(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".certificate-*") // nobody else may read it
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("auth: %w", err)
	}
	return nil
}

// properties are the metadata that can be properties of a peer. RFC 37
// "Connection Metadata" has fewer characters for names than ZPL, and what the
// peer or the connection itself is can't be said here.
func (c *Certificate) properties() map[string]string {
	properties := map[string]string{}
	for name, value := range c.Metadata {
		if isPropertyName(name) {
			properties[name] = value
		}
	}
	return properties
}

func isPropertyName(name string) bool {
	switch strings.ToLower(name) {
	case "", "socket-type", "identity", "resource", "user-id", "peer-address", "routing-id":
		return false
	}
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.ContainsRune("-_.+", c):
		default:
			return false
		}
	}
	return len(name) <= maxCredential
}
