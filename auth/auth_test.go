package auth_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
)

// TestAddresses lets peers of many addresses come. Who is denied is kept out
// whatever is allowed, and who is allowed keeps everybody else out.
func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name        string
		allow, deny []string
		in, out     []string
	}{
		{"no rules", nil, nil, []string{"10.1.2.3", "::1"}, nil},
		{"allowed", []string{"10.1.2.3", "192.168.0.0/16", "fd00::/8"}, nil,
			[]string{"10.1.2.3", "192.168.7.7", "fd12::1", "::ffff:10.1.2.3"}, []string{"10.1.2.4", "::1", "192.169.0.0"}},
		{"denied", nil, []string{"10.0.0.0/8", "::ffff:172.16.0.0/112"}, []string{"11.0.0.1", "::1"},
			[]string{"10.255.255.255", "::ffff:10.0.0.1", "172.16.3.4"}},
		{"both", []string{"10.0.0.0/8"}, []string{"10.1.0.0/16"}, []string{"10.2.0.1"}, []string{"10.1.0.1", "9.0.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAuth(t, auth.WithAllow(c.allow...), auth.WithDeny(c.deny...))
			server := open(t, zmq.ROUTER, zmq.WithAuth(a.Authenticate))
			for _, address := range c.in {
				if err := knock(t, server, address); err != nil {
					t.Errorf("%s: %v", address, err)
				}
			}
			for _, address := range c.out {
				if err := knock(t, server, address); !errors.Is(err, zmq.ErrAuth) {
					t.Errorf("%s: %v, want ErrAuth", address, err)
				}
			}
		})
	}
	for _, bad := range []string{"", "host", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "fe80::1%eth0"} {
		if _, err := auth.New(auth.WithAllow(bad)); !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", bad, err)
		}
	}
}

// TestPasswords lets users in whom the file or the program names, with plain
// and with hashed passwords, and nobody else.
func TestPasswords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hash, err := auth.HashPassword("hashed")
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, t.TempDir(), "passwords", "# who may enter\n\nann=secret\r\nbob="+hash+"\neve:"+hash+"\nequal=a=b\nempty=\n")
		log, journal := logs()
		a := newAuth(t, log, auth.WithPasswordFile(path), auth.WithPasswords(map[string]string{"zoe": "given"}))
		server := open(t, zmq.ROUTER, zmq.WithPlainServer(), zmq.WithAuth(a.Authenticate))
		for i, c := range []struct {
			user, password string
			in             bool
		}{
			{"ann", "secret", true}, {"bob", "hashed", true}, {"eve", "hashed", true}, {"zoe", "given", true},
			{"equal", "a=b", true}, {"empty", "", true},
			{"ann", "Secret", false}, {"ann", "", false}, {"ann", "secret ", false}, {"bob", hash, false}, {"bob", "wrong", false},
			{"bob", "hashed" + strings.Repeat("x", 100), false}, {"", "", false}, {"nobody", "secret", false}, {"# who may enter", "", false},
		} {
			err := knock(t, server, fmt.Sprintf("10.0.0.%d", i), zmq.WithPlain(c.user, c.password))
			if c.in && err != nil || !c.in && !errors.Is(err, zmq.ErrAuth) {
				t.Errorf("%q with %q: %v", c.user, c.password, err)
			}
		}
		users := map[string]bool{}
		for _, p := range server.Stats().Peers {
			users[p.Peer.UserID()] = true
		}
		for _, user := range []string{"ann", "bob", "eve", "zoe", "equal", "empty"} {
			if !users[user] {
				t.Errorf("%s is not among the users: %v", user, users)
			}
		}
		text := journal.String()
		for _, secret := range []string{"secret", "Secret", "given", "a=b", hash, "password=\"hashed"} {
			if strings.Contains(text, secret) {
				t.Errorf("the audit log has %q:\n%s", secret, text)
			}
		}
		for _, said := range []string{"let in", "kept out", "user=ann", "from=tcp://10.0.0.0:40000", "reason=\"wrong user name or password\""} {
			if !strings.Contains(text, said) {
				t.Errorf("the audit log lacks %q:\n%s", said, text)
			}
		}
	})
}

// TestPasswordFileErrors reads files that are none.
func TestPasswordFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"ann\n", "=secret\n", "ann=secret\nhunter2\n", "ann:secret\n", "ann=" + strings.Repeat("x", 256) + "\n",
		strings.Repeat("y", 300) + "=x", strings.Repeat("z", 100_000)} {
		_, err := auth.New(auth.WithPasswordFile(write(t, dir, "passwords", text)))
		if !errors.Is(err, zmq.ErrInvalid) && !errors.Is(err, zmq.ErrTooLarge) {
			t.Errorf("%.20q: %v", text, err)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error has a secret: %v", err)
		}
	}
	if _, err := auth.New(auth.WithPasswordFile(dir + "/none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := auth.New(auth.WithCertificates(os.DirFS(dir + "/none"))); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := auth.New(auth.WithPasswords(map[string]string{"": "x"})); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("a user without a name: %v", err)
	}
	if _, err := auth.New(auth.WithInterval(0)); !errors.Is(err, zmq.ErrInvalid) {
		t.Errorf("no interval: %v", err)
	}
	if _, err := auth.HashPassword(strings.Repeat("x", 73)); !errors.Is(err, zmq.ErrTooLarge) {
		t.Errorf("a password that is too long to be hashed: %v", err)
	}
}

// curve returns the options of a server and of a client, and the client's keys.
func curve() (server, client zmq.Option, keys zmq.CurveKeys) {
	own := zmq.NewCurveKeys()
	keys = zmq.NewCurveKeys()
	return zmq.WithCurveServer(own), zmq.WithCurve(zmq.CurveClient{ServerKey: own.Public(), Keys: keys}), keys
}

// TestKeys lets CURVE clients in by a list of keys, by certificates, and all.
func TestKeys(t *testing.T) {
	server, client, keys := curve()
	other := zmq.NewCurveKeys()
	dir := t.TempDir()
	cert := auth.NewCertificate(keys, map[string]string{"name": "Ann #1", "X-Role": "reader", "no/property": "x", "User-Id": "root"})
	if err := cert.SavePublic(dir + "/ann.cert"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "README", "no certificate")
	write(t, dir, ".hidden", "no certificate")
	for _, c := range []struct {
		name string
		opts []auth.Option
		in   bool
	}{
		{"nothing", nil, false},
		{"listed", []auth.Option{auth.WithKeys(other.Public(), keys.Public())}, true},
		{"others listed", []auth.Option{auth.WithKeys(other.Public())}, false},
		{"all", []auth.Option{auth.WithAnyKey()}, true},
		{"all, denied", []auth.Option{auth.WithAnyKey(), auth.WithDeny("10.0.0.0/8")}, false},
		{"certificate", []auth.Option{auth.WithCertificates(os.DirFS(dir))}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newAuth(t, c.opts...)
			s := open(t, zmq.ROUTER, server, zmq.WithAuth(a.Authenticate))
			err := knock(t, s, "10.0.0.1", client)
			if c.in && err != nil || !c.in && !errors.Is(err, zmq.ErrAuth) {
				t.Fatal(err)
			}
			if !c.in {
				return
			}
			p := s.Stats().Peers[0].Peer
			if p.UserID() != keys.Public().String() {
				t.Errorf("the user is %q", p.UserID())
			}
			if c.name == "certificate" && (p.Property("name") != "Ann #1" || p.Property("x-role") != "reader" || p.Property("no/property") != "") {
				t.Errorf("properties: name %q, X-Role %q", p.Property("name"), p.Property("x-role"))
			}
		})
	}
}

// TestFailuresAreSlow tries passwords. After five wrong ones an address has to
// wait, longer each time; others do not.
func TestFailuresAreSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuth(t, auth.WithPasswords(map[string]string{"ann": "secret"}))
		server := open(t, zmq.ROUTER, zmq.WithPlainServer(), zmq.WithAuth(a.Authenticate))
		right, wrong := zmq.WithPlain("ann", "secret"), zmq.WithPlain("ann", "guess")
		refused := func(address string, opt zmq.Option) {
			t.Helper()
			if err := knock(t, server, address, opt); !errors.Is(err, zmq.ErrAuth) || strings.Contains(err.Error(), "too many") {
				t.Errorf("%s: %v, want a refusal", address, err)
			}
		}
		putOff := func(address string, opt zmq.Option) { // a millisecond passes: there is no answer
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := knockFor(t, ctx, server, address, opt); err == nil || errors.Is(err, zmq.ErrAuth) && !strings.Contains(err.Error(), "too many") {
				t.Errorf("%s: %v, want to be put off", address, err)
			}
			<-ctx.Done()
		}
		for range 5 {
			refused("2001:db8::1", wrong)
		}
		for _, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			putOff("2001:db8::1", right)
			putOff("2001:db8::2:3", right) // of the same network
			if err := knock(t, server, "2001:db8:0:1::1", right); err != nil {
				t.Errorf("another network: %v", err)
			}
			pass(pause*time.Second - 4*time.Millisecond)
			putOff("2001:db8::1", right)
			pass(time.Millisecond)
			refused("2001:db8::1", wrong)
		}
		pass(time.Minute)
		if err := knock(t, server, "2001:db8::1", right); err != nil {
			t.Errorf("after all waits: %v", err)
		}
	})
}
