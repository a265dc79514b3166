package auth_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/auth"
	"github.com/phimq/zmq/internal/leak"
)

const handlerEndpoint = "inproc://zeromq.zap.01"

// serveZAP serves a domain until the test ends.
func serveZAP(t *testing.T, a *auth.Authenticator, d *zmq.Domain) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.ServeZAP(ctx, d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ServeZAP: %v", err)
		}
	})
	probe := open(t, zmq.DEALER, zmq.WithDomain(d))
	if err := probe.Connect(handlerEndpoint); err != nil {
		t.Fatal(err)
	}
	if err := probe.WaitReady(soon(t), 1); err != nil {
		t.Fatal(err)
	}
}

// ask makes a ZAP request and returns status, user id and metadata of the reply.
func ask(t *testing.T, s *zmq.Socket, frames ...string) (status, user, metadata string) {
	t.Helper()
	request := zmq.MsgFromStrings(append([]string{""}, frames...)...)
	if err := s.SendMsg(soon(t), &request); err != nil {
		t.Fatal(err)
	}
	m, err := s.Recv(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Frames) != 7 || len(m.Frames[0]) != 0 || string(m.Frames[1]) != "1.0" || string(m.Frames[2]) != frames[1] {
		t.Fatalf("the reply to %q is %v", frames, m)
	}
	return string(m.Frames[3]), string(m.Frames[5]), string(m.Frames[6])
}

// TestServeZAP asks the handler by hand.
func TestServeZAP(t *testing.T) {
	leak.Check(t)
	keys, other := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	a := newAuth(t, auth.WithPasswords(map[string]string{"ann": "secret"}), auth.WithKeys(keys.Public()), auth.WithDeny("10.0.0.0/8"))
	d := zmq.NewDomain()
	serveZAP(t, a, d)
	s := open(t, zmq.DEALER, zmq.WithDomain(d))
	if err := s.Connect(handlerEndpoint); err != nil {
		t.Fatal(err)
	}
	raw := func(k zmq.CurveKey) string { return string(k[:]) }
	for i, c := range []struct {
		request      []string
		status, user string
	}{
		{[]string{"1.0", "1", "d", "127.0.0.1", "", "NULL"}, "200", ""},
		{[]string{"1.0", "\x00\xff", "d", "::1", "me", "NULL"}, "200", ""},
		{[]string{"1.0", "", "d", "127.0.0.1", "", "NULL"}, "200", ""},
		{[]string{"1.0", "2", "", "10.0.0.1", "", "NULL"}, "400", ""},
		{[]string{"1.0", "3", "d", "127.0.0.1", "", "NULL", "more"}, "500", ""},
		{[]string{"1.0", "4", "d", "127.0.0.1", "", "PLAIN", "ann", "secret"}, "200", "ann"},
		{[]string{"1.0", "5", "d", "127.0.0.1", "", "PLAIN", "ann", "guess"}, "400", ""},
		{[]string{"1.0", "6", "d", "127.0.0.1", "", "PLAIN", "ann"}, "500", ""},
		{[]string{"1.0", "7", "d", "127.0.0.1", "", "CURVE", raw(keys.Public())}, "200", keys.Public().String()},
		{[]string{"1.0", "8", "d", "127.0.0.1", "", "CURVE", raw(other.Public())}, "400", ""},
		{[]string{"1.0", "9", "d", "127.0.0.1", "", "CURVE", raw(keys.Public())[1:]}, "500", ""},
		{[]string{"1.0", "10", "d", "127.0.0.1", "", "GSSAPI", "ann@EXAMPLE"}, "400", ""},
		{[]string{"2.0", "11", "d", "127.0.0.1", "", "NULL"}, "500", ""},
		{[]string{"1.0", "12", "d", "127.0.0.1", ""}, "500", ""},
		{[]string{"1.0", "13", "d", "127.0.0.1", "", ""}, "500", ""},
		{[]string{"1.0", "14", strings.Repeat("d", 256), "127.0.0.1", "", "NULL"}, "500", ""},
	} {
		status, user, metadata := ask(t, s, c.request...)
		if status != c.status || user != c.user {
			t.Errorf("request %d: %s %q, want %s %q", i, status, user, c.status, c.user)
		}
		if (status == "200" && user == "ann") != strings.Contains(metadata, "X-Auth-Entry") {
			t.Errorf("request %d: metadata %q", i, metadata)
		}
	}
	if err := a.ServeZAP(soon(t), d); err == nil {
		t.Error("there are two handlers")
	}
}

// TestServeZAPToSockets lets sockets be guarded by ZAP, and revokes.
func TestServeZAPToSockets(t *testing.T) {
	leak.Check(t)
	a := newAuth(t, auth.WithPasswords(map[string]string{"ann": "secret"}))
	d := zmq.NewDomain()
	serveZAP(t, a, d)
	server := open(t, zmq.PULL, zmq.WithDomain(d), zmq.WithPlainServer(), zmq.WithZAPDomain("global"))
	a.Guard(server)
	b, err := server.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"guess", "secret"} {
		client := open(t, zmq.PUSH, zmq.WithPlain("ann", password))
		if err := client.Connect(b.Endpoint()); err != nil {
			t.Fatal(err)
		}
		if err := client.Send(soon(t), []byte(password)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := server.Recv(soon(t))
	if err != nil || string(m.Frames[0]) != "secret" || m.Peer().UserID() != "ann" {
		t.Fatalf("%s from %q, %v", m, m.Peer().UserID(), err)
	}
	if err := a.Deny("127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	for server.Peers() > 0 {
		if soon(t).Err() != nil {
			t.Fatal("the peer stays")
		}
	}
}

// TestServeZAPEnds ends the handler: by its context, and with requests in work.
func TestServeZAPEnds(t *testing.T) {
	leak.Check(t)
	hash, err := auth.HashPassword("secret")
	if err != nil {
		t.Fatal(err)
	}
	a := newAuth(t, auth.WithPasswords(map[string]string{"ann": hash}))
	for round := range 2 {
		d := zmq.NewDomain()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.ServeZAP(ctx, d) }()
		s := open(t, zmq.DEALER, zmq.WithDomain(d))
		if err := s.Connect(handlerEndpoint); err != nil {
			t.Fatal(err)
		}
		for i := range 30 * round {
			m := zmq.MsgFromStrings("", "1.0", fmt.Sprint(i), "", "127.0.0.1", "", "PLAIN", "ann", "secret")
			if err := s.SendMsg(soon(t), &m); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ServeZAP: %v", err)
		}
	}
	if err := a.ServeZAP(t.Context(), closedDomain(t)); !errors.Is(err, zmq.ErrClosed) {
		t.Errorf("in a closed domain: %v", err)
	}
}

func closedDomain(t *testing.T) *zmq.Domain {
	t.Helper()
	d := zmq.NewDomain()
	if err := d.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestServeZAPEnvelope asks through intermediaries: the reply has their
// identities in front, as they were.
func TestServeZAPEnvelope(t *testing.T) {
	leak.Check(t)
	d := zmq.NewDomain()
	serveZAP(t, newAuth(t), d)
	s := open(t, zmq.DEALER, zmq.WithDomain(d))
	if err := s.Connect(handlerEndpoint); err != nil {
		t.Fatal(err)
	}
	request := zmq.MsgFromStrings("first", "second", "", "1.0", "id", "", "::1", "", "NULL")
	if err := s.SendMsg(soon(t), &request); err != nil {
		t.Fatal(err)
	}
	m, err := s.Recv(soon(t))
	want := zmq.MsgFromStrings("first", "second", "", "1.0", "id", "200", "OK", "", "")
	if err != nil || m.String() != want.String() {
		t.Errorf("the reply is %s, want %s; %v", m, want, err)
	}
}
