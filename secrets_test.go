package zmq_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/z85"
)

// A notebook keeps all that is written to it.
type notebook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notebook) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(b)
}

// note writes things in all ways of package fmt.
func (n *notebook) note(things ...any) {
	for _, thing := range things {
		fmt.Fprintf(n, "%v\n%+v\n%#v\n%s\n", thing, thing, thing, thing)
	}
}

// lacks wants a secret in none of its forms.
func (n *notebook) lacks(t *testing.T, name, secret string, forms ...[]byte) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	text := n.text.String()
	found := func(form string) {
		t.Helper()
		if at := strings.Index(text, form); at >= 0 {
			t.Errorf("%s is told: %.300q", name, text[max(0, at-100):])
		}
	}
	found(secret)
	for _, form := range append(forms, []byte(secret)) {
		found(hex.EncodeToString(form))
		found(strings.ToUpper(hex.EncodeToString(form)))
		found(strings.Trim(fmt.Sprintf("%d", form), "[]")) // as a list of numbers
		found(string(form))
	}
}

// events is an option that notes what happens to a socket.
func (n *notebook) events() []zmq.Option {
	handler := slog.NewJSONHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true})
	return []zmq.Option{
		zmq.WithLogger(slog.New(handler)),
		zmq.WithEvents(func(e zmq.Event) { n.note(e, e.Err, e.Peer) }),
	}
}

// socket notes all that can be read of a socket.
func (n *notebook) socket(s *zmq.Socket) {
	for _, o := range zmq.Options() {
		text, err := s.Option(o.Name)
		n.note(text, err)
	}
	stats := s.Stats()
	n.note(stats)
	for _, p := range stats.Peers {
		n.note(p, p.Peer)
	}
}

// TestSecretsAreNotTold lets peers in and keeps others out, and reads all that
// there is to read of it: events, logs, errors, options, statistics, messages.
// Neither passwords nor secret keys are in it. The name and the password of a
// peer are there while it is asked about and not later.
func TestSecretsAreNotTold(t *testing.T) {
	leak.Check(t)
	const password, guess = "PasswordOfAnn", "GuessOfEve"
	server, client, stranger := zmq.NewCurveKeys(), zmq.NewCurveKeys(), zmq.NewCurveKeys()
	auth := zmq.WithAuth(func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		if name, shown := p.Credentials(); p.Mechanism() == "PLAIN" && (name != "ann" || shown != password) {
			return zmq.Identity{}, errStranger
		}
		if key, ok := p.CurveKey(); ok && key != client.Public() {
			return zmq.Identity{}, errStranger
		}
		return zmq.Identity{UserID: "ann"}, nil
	})
	var n notebook
	for _, c := range []struct{ server, right, wrong zmq.Option }{
		{zmq.WithPlainServer(), zmq.WithPlain("ann", password), zmq.WithPlain("eve", guess)},
		{zmq.WithCurveServer(server), zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: client}),
			zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: stranger})},
		{zmq.WithCurveServer(server), zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: client}), zmq.WithPlain("eve", guess)},
		{zmq.WithPlainServer(), zmq.WithPlain("ann", password), zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: stranger})},
	} {
		pull := open(t, zmq.PULL, append(n.events(), c.server, auth)...)
		b, err := pull.Bind("tcp://127.0.0.1:*")
		if err != nil {
			t.Fatal(err)
		}
		wrong, sees := watched(t, zmq.PUSH, []zmq.Option{n.events()[0], c.wrong, zmq.WithReconnect(patience)})
		right := open(t, zmq.PUSH, append(n.events(), c.right)...)
		for _, s := range []*zmq.Socket{wrong, right} {
			if err := s.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
		}
		n.note(await(t, sees, zmq.EventConnectRetried))
		say(t, right, "in")
		m, err := pull.Recv(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if name, shown := m.Peer().Credentials(); name != "" || shown != "" {
			t.Errorf("after the handshake the credentials are %q and %q", name, shown)
		}
		n.note(m, m.Peer(), c.server, c.right, c.wrong)
		for _, s := range []*zmq.Socket{pull, wrong, right} {
			n.socket(s)
			n.note(s.Close())
		}
		for _, s := range []*zmq.Socket{pull, wrong, right} {
			n.note(s) // not before: package fmt reads what goroutines write
		}
	}
	_, tooLong := zmq.New(zmq.PAIR, zmq.WithPlain("ann", password+strings.Repeat("x", 255)))
	_, option := zmq.ParseOption("plain_password", guess+strings.Repeat("x", 255))
	_, key := zmq.ParseOption("curve_secretkey", client.Secret()[1:])
	n.note(tooLong, option, key)
	n.lacks(t, "the password", password)
	n.lacks(t, "the guess", guess)
	for _, k := range []zmq.CurveKeys{server, client, stranger} {
		octets, err := z85.Decode(k.Secret())
		if err != nil {
			t.Fatal(err)
		}
		n.lacks(t, "a secret key", k.Secret(), octets)
		n.lacks(t, "part of a secret key", k.Secret()[:20], octets[:12])
	}
	if !strings.Contains(n.text.String(), server.Public().String()) {
		t.Error("the notebook has not even a public key: this test reads nothing")
	}
}
