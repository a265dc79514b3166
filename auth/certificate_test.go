package auth_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
)

// TestCertificateFiles writes certificates and reads them again.
func TestCertificateFiles(t *testing.T) {
	keys := zmq.NewCurveKeys()
	metadata := map[string]string{"name": "Ann", "email": "ann@example.com", "note": "#1 # in town", "quoted": `"yes"`}
	path := filepath.Join(t.TempDir(), "ann.cert")
	if err := auth.NewCertificate(keys, metadata).Save(path); err != nil {
		t.Fatal(err)
	}
	c, err := auth.LoadCertificate(path)
	if err != nil {
		t.Fatal(err)
	}
	again, ok := c.Keys()
	if !ok || again.Secret() != keys.Secret() || c.Public() != keys.Public() || !maps.Equal(c.Metadata, metadata) {
		t.Errorf("read again it is %v, %v", c, c.Metadata)
	}
	info, err := os.Stat(path + "_secret")
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the secret file has mode %v, %v", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), keys.Secret()) || strings.Contains(string(text), "secret-key") {
		t.Errorf("the public file has the secret:\n%s", text)
	}
	remove(t, path+"_secret")
	if c, err = auth.LoadCertificate(path); err != nil || c.Public() != keys.Public() {
		t.Errorf("the public file is %v, %v", c, err)
	}
	if _, ok := c.Keys(); ok {
		t.Error("the public file has a key pair")
	}
	if err := c.Save(path); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("saved without a secret key: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 1 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	c.Metadata["bad name"] = "x"
	if err := c.SavePublic(path); err == nil {
		t.Error("a bad name was written")
	}
}

// The certificates that CZMQ 4.2.1 writes, and what is in them.
const (
	czmqPublic = `#   ****  Generated on 2026-11-22 12:00:00 by CZMQ  ****
#   ZeroMQ CURVE Public Certificate
#   Exchange securely, or use a secure mechanism to verify the contents
#   of this file after exchange. Store public certificates in your home
#   directory, in the .curve subdirectory.

metadata
    name = "Ann"
curve
    public-key = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
`
	czmqSecret = czmqPublic + "    secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"\n"
	annPublic  = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
	annSecret  = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

	pemSecret = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq
-----END PRIVATE KEY-----
`
	pemPublic = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
-----END PUBLIC KEY-----
`
)

// TestKeySources reads keys from all that they come in.
func TestKeySources(t *testing.T) {
	pem, err := auth.ParseKeys([]byte(pemSecret))
	if err != nil {
		t.Fatal(err)
	}
	// RFC 7748 section 6.1: Alice's keys.
	if public, err := auth.ParseKey([]byte(pemPublic)); err != nil || public != pem.Public() {
		t.Errorf("PEM: %v and %v, %v", public, pem, err)
	}
	for name, text := range map[string]string{
		"Z85": annSecret, "line": annSecret + "\r\n", "certificate": czmqSecret,
	} {
		if keys, err := auth.ParseKeys([]byte(text)); err != nil || keys.Public().String() != annPublic {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	for name, text := range map[string]string{"Z85": annPublic, "certificate": czmqPublic, "secret certificate": czmqSecret} {
		if key, err := auth.ParseKey([]byte(text)); err != nil || key.String() != annPublic {
			t.Errorf("%s: %v, %v", name, key, err)
		}
	}
	files := fstest.MapFS{
		"ann":        {Data: []byte(czmqPublic)},
		"ann_secret": {Data: []byte(czmqSecret)},
		"only":       {Data: []byte(czmqPublic)},
		"key":        {Data: []byte(annSecret + "\n")},
	}
	for _, name := range []string{"ann", "ann_secret", "key"} {
		if keys, err := auth.ReadKeys(files, name); err != nil || keys.Public().String() != annPublic {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	if _, err := auth.ReadKeys(files, "only"); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("no secret: %v", err)
	}
	if _, err := auth.ReadKeys(files, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if key, err := auth.ReadKey(files, "only"); err != nil || key.String() != annPublic {
		t.Errorf("only: %v, %v", key, err)
	}
	t.Setenv("TEST_KEY", annSecret)
	if keys, err := auth.EnvKeys("TEST_KEY"); err != nil || keys.Public().String() != annPublic {
		t.Errorf("environment: %v, %v", keys, err)
	}
	if _, err := auth.EnvKeys("TEST_KEY_NONE"); !errors.Is(err, zmq.ErrNotFound) {
		t.Errorf("environment without it: %v", err)
	}
	path := write(t, t.TempDir(), "key", annSecret)
	if keys, err := auth.LoadKeys(path); err != nil || keys.Public().String() != annPublic {
		t.Errorf("file: %v, %v", keys, err)
	}
}

// TestKeyErrors reads what is no key. No error shows what it was.
func TestKeyErrors(t *testing.T) {
	for _, text := range []string{
		"", annSecret[1:], annSecret + "x", annSecret[:39] + "\"",
		"curve\n  secret-key = " + annSecret, "curve\n    secret-key = " + annSecret[:39] + "\n", "curve\n    " + annSecret + "\n",
		strings.Replace(czmqSecret, annPublic, annPublic[:39]+"E", 1),
		"-----BEGIN PRIVATE KEY-----\n" + annSecret + "\n-----END PRIVATE KEY-----\n", pemPublic,
		strings.Replace(pemSecret, "MC4CAQAwBQYDK2Vu", "MC4CAQAwBQYDK2Vw", 1), // Ed25519
	} {
		_, err := auth.ParseKeys([]byte(text))
		if err == nil {
			t.Errorf("%q was read", text)
			continue
		}
		if strings.Contains(err.Error(), annSecret[1:30]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if _, err := auth.ParseCertificate([]byte(strings.Replace(czmqSecret, annPublic, zmq.NewCurveKeys().Public().String(), 1))); !errors.Is(err, auth.ErrMismatch) {
		t.Errorf("keys that do not belong together: %v", err)
	}
}

// TestNothingShowsSecrets prints all that knows a secret.
func TestNothingShowsSecrets(t *testing.T) {
	keys, err := auth.ParseKeys([]byte(annSecret))
	if err != nil {
		t.Fatal(err)
	}
	c := auth.NewCertificate(keys, nil)
	a := newAuth(t, auth.WithPasswords(map[string]string{"ann": "hunter2"}))
	for _, text := range []string{
		fmt.Sprintf("%v %+v %s", c, c, c), fmt.Sprintf("%#v", c), fmt.Sprintf("%v %+v %#v", *c, *c, *c), fmt.Sprintf("%+v", a),
	} {
		if strings.Contains(text, annSecret[:20]) || strings.Contains(text, "hunter2") {
			t.Errorf("a secret is in %q", text)
		}
	}
}

// FuzzParseCertificate reads texts; what can be read can be written and is the
// same then.
func FuzzParseCertificate(f *testing.F) {
	for _, text := range []string{czmqPublic, czmqSecret, "", "curve\n", "curve\n    public-key = x\n", "metadata\n    a = b\n        c = d\n" + czmqPublic} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := auth.ParseCertificate(text)
		if err != nil {
			if c != nil {
				t.Error("a certificate besides an error")
			}
			return
		}
		path := filepath.Join(t.TempDir(), "c")
		if err := c.SavePublic(path); err != nil {
			return // a value that was in quotes which can't be written
		}
		again, err := auth.LoadCertificate(path)
		if err != nil || again.Public() != c.Public() || !maps.Equal(again.Metadata, c.Metadata) {
			t.Errorf("%v, %v became %v, %v: %v", c, c.Metadata, again, again.Metadata, err)
		}
	})
}

// FuzzParseKeys reads texts.
func FuzzParseKeys(f *testing.F) {
	for _, text := range []string{annSecret, czmqSecret, pemSecret, pemPublic, "-----BEGIN PRIVATE KEY-----", " \n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := auth.ParseKeys(text); (err == nil) == keys.IsZero() {
			t.Errorf("%v and %v", keys, err)
		}
		_, _ = auth.ParseKey(text)
	})
}
