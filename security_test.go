package zmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// A guard is one way to secure a server, with a client that may enter.
type guard struct {
	name   string
	server []zmq.Option
	client []zmq.Option
	user   string // what messages of the client say of it
	zap    bool   // a handler is asked
}

var errStranger = errors.New("a stranger")

// admit lets in whom PLAIN, CURVE or NULL has shown to be right.
func admit(key zmq.CurveKey) func(context.Context, zmq.Peer) (zmq.Identity, error) {
	return func(_ context.Context, p zmq.Peer) (zmq.Identity, error) {
		name, password := p.Credentials()
		shown, _ := p.CurveKey()
		switch {
		case p.Mechanism() == "NULL" && strings.Contains(p.Address(), "127.0.0.1"),
			p.Mechanism() == "NULL" && strings.HasPrefix(p.Address(), "ipc://"):
			return zmq.Identity{UserID: "local"}, nil
		case p.Mechanism() == "PLAIN" && name == "ann" && password == "secret":
			return zmq.Identity{UserID: name, Properties: map[string]string{"X-Role": "reader"}}, nil
		case p.Mechanism() == "CURVE" && shown == key:
			return zmq.Identity{UserID: shown.String()}, nil
		}
		return zmq.Identity{}, errStranger
	}
}

func guards() []guard {
	server, client := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	curve := zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: client})
	plain := zmq.WithPlain("ann", "secret")
	auth := zmq.WithAuth(admit(client.Public()))
	domain := zmq.WithZAPDomain("test")
	return []guard{
		{name: "NULL, asked", server: []zmq.Option{auth}, user: "local"},
		{name: "NULL, ZAP", server: []zmq.Option{domain}, user: "local", zap: true},
		{name: "PLAIN", server: []zmq.Option{zmq.WithPlainServer(), auth}, client: []zmq.Option{plain}, user: "ann"},
		{name: "PLAIN, ZAP", server: []zmq.Option{zmq.WithPlainServer()}, client: []zmq.Option{plain}, user: "ann", zap: true},
		{name: "CURVE, anybody", server: []zmq.Option{zmq.WithCurveServer(server)}, client: []zmq.Option{curve}},
		{name: "CURVE", server: []zmq.Option{zmq.WithCurveServer(server), auth}, client: []zmq.Option{curve},
			user: client.Public().String()},
		{name: "CURVE, ZAP", server: []zmq.Option{zmq.WithCurveServer(server), domain}, client: []zmq.Option{curve},
			user: client.Public().String(), zap: true},
	}
}

// TestSecurity exchanges messages of all sizes with every mechanism, whoever
// of the two binds.
func TestSecurity(t *testing.T) {
	for _, g := range guards() {
		for _, bind := range []string{"tcp://127.0.0.1:*", "ipc://*"} {
			for _, serverBinds := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%.3s/server binds %v", g.name, bind, serverBinds), func(t *testing.T) {
					leak.Check(t)
					d := zmq.NewDomain()
					if g.zap {
						handle(t, d, zapAdmits(g.user))
					}
					server := open(t, zmq.ROUTER, append(g.server, zmq.WithDomain(d))...)
					client := open(t, zmq.DEALER, append(g.client, zmq.WithDomain(d))...)
					binds, connects := server, client
					if !serverBinds {
						binds, connects = client, server
					}
					b, err := binds.Bind(bind)
					if err != nil {
						t.Fatal(err)
					}
					if err := connects.Connect(b.Endpoint()); err != nil {
						t.Fatal(err)
					}
					bothWays(t, client, server, g.user)
				})
			}
		}
	}
}

// bothWays sends messages from client to server and back.
func bothWays(t *testing.T, client, server *zmq.Socket, user string) {
	t.Helper()
	ctx := soon(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	for i, frames := range [][][]byte{
		{[]byte("a")}, {{}}, {{}, {}, []byte("b")}, {large}, {[]byte("a"), large, []byte("c")}, {large, large, {}},
		bytes.Split(bytes.Repeat([]byte("frame"), 2000), []byte("e")), {large[:300]}, {large[:70_000], []byte("x")},
	} {
		if err := client.Send(ctx, frames...); err != nil {
			t.Fatal(i, err)
		}
		m, err := server.Recv(ctx)
		if err != nil {
			t.Fatal(i, err)
		}
		if !equalFrames(m.Frames[1:], frames) {
			t.Fatalf("message %d came as %.200s", i, m)
		}
		if got := m.Property("User-Id"); got != user {
			t.Fatalf("the user is %q, want %q", got, user)
		}
		if err := server.Send(ctx, m.Frames...); err != nil {
			t.Fatal(i, err)
		}
		if m, err = client.Recv(ctx); err != nil || !equalFrames(m.Frames, frames) {
			t.Fatalf("reply %d came as %.200s, %v", i, m, err)
		}
	}
}

func equalFrames(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// handle serves ZAP requests of a domain with a REP until the test ends.
func handle(t *testing.T, d *zmq.Domain, answer func(request [][]byte) [][]byte) *zmq.Socket {
	t.Helper()
	rep := open(t, zmq.REP, zmq.WithDomain(d))
	if _, err := rep.Bind("inproc://zeromq.zap.01"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go zapLoop(rep, answer, ended)
	t.Cleanup(func() {
		_ = rep.Close()
		<-ended
	})
	return rep
}

func zapLoop(rep *zmq.Socket, answer func([][]byte) [][]byte, ended chan<- struct{}) {
	defer close(ended)
	for m := range rep.Msgs(context.Background()) {
		if len(m.Frames) > 0 {
			_ = rep.Send(context.Background(), answer(m.Frames)...)
		}
	}
}

// zapAdmits answers 200 with a user id to whoever shows what it should.
func zapAdmits(user string) func([][]byte) [][]byte {
	return func(r [][]byte) [][]byte {
		status, metadata := "200", "\x06X-Role\x00\x00\x00\x06reader"
		if string(r[0]) != "1.0" || (string(r[5]) == "PLAIN" && (string(r[6]) != "ann" || string(r[7]) != "secret")) {
			status, user, metadata = "400", "", ""
		}
		return [][]byte{[]byte("1.0"), r[1], []byte(status), []byte("text"), []byte(user), []byte(metadata)}
	}
}

// TestSecurityKeepsOut lets clients try that must not enter: nothing of theirs
// arrives, and both sides are told as the mechanism allows.
func TestSecurityKeepsOut(t *testing.T) {
	server, client := zmq.NewCurveKeys(), zmq.NewCurveKeys()
	auth := zmq.WithAuth(admit(client.Public()))
	never := zmq.WithAuth(func(context.Context, zmq.Peer) (zmq.Identity, error) { return zmq.Identity{}, errStranger })
	later := zmq.WithAuth(func(context.Context, zmq.Peer) (zmq.Identity, error) { return zmq.Identity{}, zmq.ErrAgain })
	curve := zmq.WithCurve(zmq.CurveClient{ServerKey: server.Public(), Keys: client})
	plainServer, curveServer := zmq.WithPlainServer(), zmq.WithCurveServer(server)
	right := zmq.WithPlain("ann", "secret")
	protocol, refused, none := zmq.EventHandshakeFailedProtocol, zmq.EventHandshakeFailedAuth, zmq.EventKind(0)
	for _, c := range []struct {
		name           string
		server, client []zmq.Option
		serverSees     zmq.EventKind
		value          uint64
		clientSees     zmq.EventKind
	}{
		{"wrong password", []zmq.Option{plainServer, auth}, []zmq.Option{zmq.WithPlain("ann", "wrong")}, refused, 400, refused},
		{"PLAIN without an authenticator", []zmq.Option{plainServer}, []zmq.Option{right}, zmq.EventHandshakeFailedNoDetail, 0, none},
		{"not now", []zmq.Option{plainServer, later}, []zmq.Option{right}, refused, 300, none},
		{"unknown key", []zmq.Option{curveServer, never}, []zmq.Option{curve}, refused, 400, refused},
		{"another server", []zmq.Option{curveServer}, []zmq.Option{zmq.WithCurve(zmq.CurveClient{ServerKey: client.Public()})},
			protocol, uint64(zmq.ProtocolCryptographic), none},
		{"NULL, refused", []zmq.Option{never}, nil, refused, 400, refused},
		{"NULL, domain without a handler", []zmq.Option{zmq.WithZAPDomain("x")}, nil, zmq.EventHandshakeFailedNoDetail, 0, none},
		{"NULL to PLAIN", []zmq.Option{plainServer, auth}, nil, protocol, uint64(zmq.ProtocolMechanismMismatch), protocol},
		{"NULL to CURVE", []zmq.Option{curveServer}, nil, protocol, uint64(zmq.ProtocolMechanismMismatch), protocol},
		{"PLAIN to CURVE", []zmq.Option{curveServer}, []zmq.Option{right}, protocol, uint64(zmq.ProtocolMechanismMismatch), protocol},
		{"CURVE to PLAIN", []zmq.Option{plainServer, auth}, []zmq.Option{curve}, protocol, uint64(zmq.ProtocolMechanismMismatch), protocol},
		{"CURVE to NULL", nil, []zmq.Option{curve}, protocol, uint64(zmq.ProtocolMechanismMismatch), protocol},
	} {
		t.Run(c.name, func(t *testing.T) {
			leak.Check(t)
			d := zmq.NewDomain()
			s, sees := watched(t, zmq.PULL, append(c.server, zmq.WithDomain(d), zmq.WithHandshakeTimeout(patience)))
			p, seen := watched(t, zmq.PUSH, append(c.client, zmq.WithDomain(d), zmq.WithReconnect(patience), zmq.WithLinger(0)))
			b, err := s.Bind("tcp://127.0.0.1:*")
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Connect(b.Endpoint()); err != nil {
				t.Fatal(err)
			}
			if err := p.TrySend([]byte("in?")); err != nil {
				t.Fatal(err)
			}
			e := await(t, sees, c.serverSees)
			if e.Value != c.value && c.value != 0 {
				t.Errorf("the event says %#x, want %#x: %s", e.Value, c.value, e)
			}
			if c.clientSees != none {
				await(t, seen, c.clientSees)
			}
			if m, err := s.TryRecv(); !errors.Is(err, zmq.ErrAgain) {
				t.Errorf("something was received: %s, %v", m, err)
			}
			if n := s.Peers(); n != 0 {
				t.Errorf("%d peers took part", n)
			}
		})
	}
}

// watched opens a socket with a channel of its events.
func watched(t *testing.T, typ zmq.Type, opts []zmq.Option) (*zmq.Socket, <-chan zmq.Event) {
	t.Helper()
	events := make(chan zmq.Event, 1000)
	return open(t, typ, append(opts, zmq.WithEvents(func(e zmq.Event) { events <- e }))...), events
}

// await waits for an event of a kind.
func await(t *testing.T, events <-chan zmq.Event, kind zmq.EventKind) zmq.Event {
	t.Helper()
	var before []string
	for timer := time.After(patience); ; {
		select {
		case e := <-events:
			if e.Kind == kind {
				return e
			}
			before = append(before, e.String())
		case <-timer:
			t.Fatalf("no event %q, but %q", kind, before)
		}
	}
}

// TestSecuritySubscriptions sends what no user sees, subscriptions and
// heartbeats, through the boxes of CURVE.
func TestSecuritySubscriptions(t *testing.T) {
	leak.Check(t)
	keys := zmq.NewCurveKeys()
	pub := open(t, zmq.PUB, zmq.WithCurveServer(keys), zmq.WithHeartbeat(5*time.Millisecond), zmq.WithHeartbeatTimeout(patience))
	sub := open(t, zmq.SUB, zmq.WithCurve(zmq.CurveClient{ServerKey: keys.Public()}))
	b, err := pub.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	ctx := soon(t)
	for _, topic := range []string{"a", strings.Repeat("t", 60_000), "c"} {
		if err := sub.Subscribe(topic); err != nil {
			t.Fatal(err)
		}
		if err := pub.WaitSubscribers(ctx, topic, 1); err != nil {
			t.Fatal(err)
		}
		if err := pub.Send(ctx, []byte(topic), []byte("body")); err != nil {
			t.Fatal(err)
		}
		m, err := sub.Recv(ctx)
		if err != nil || string(m.Frames[0]) != topic {
			t.Fatalf("%.80s, %v", m, err)
		}
	}
	for pub.Stats().Peers[0].RoundTrip == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("no PONG came")
		default:
		}
	}
}

// TestCurveKeysAreSecret prints a key pair in all ways.
func TestCurveKeysAreSecret(t *testing.T) {
	keys := zmq.NewCurveKeys()
	secret := keys.Secret()
	again, err := zmq.ParseCurveKeys(secret)
	if err != nil || again.Public() != keys.Public() || again.Secret() != secret {
		t.Fatalf("the key pair is not the same when it is read again: %v", err)
	}
	c := zmq.CurveClient{ServerKey: keys.Public(), Keys: keys}
	_, parse := zmq.ParseCurveKeys(secret + "x")
	_, option := zmq.ParseOption("curve_secretkey", secret[1:])
	_, marshal := keys.MarshalText()
	for _, text := range []string{
		fmt.Sprint(keys), fmt.Sprintf("%v %+v %#v %s", keys, keys, keys, keys), fmt.Sprintf("%v %+v %#v", c, c, c),
		fmt.Sprintf("%v %+v", &c, []zmq.CurveKeys{keys}), keys.LogValue().String(), parse.Error(), option.Error(), marshal.Error(),
	} {
		if strings.Contains(text, secret) || strings.Contains(text, secret[1:20]) {
			t.Errorf("the secret key is in %q", text)
		}
	}
	s := open(t, zmq.PAIR, zmq.WithCurveServer(keys))
	if v, err := s.Option("curve_secretkey"); err == nil {
		t.Errorf("the secret key can be read: %q", v)
	}
	if v, err := s.Option("curve_publickey"); err != nil || v != keys.Public().String() {
		t.Errorf("curve_publickey is %q, %v", v, err)
	}
}

// TestPeerLeavesWhileAskedAbout: an authenticator that takes its time is told
// when the peer has gone, and what the peer says too early is not lost.
func TestPeerLeavesWhileAskedAbout(t *testing.T) {
	leak.Check(t)
	asked, answered := make(chan struct{}), make(chan struct{})
	s, sees := watched(t, zmq.PULL, []zmq.Option{zmq.WithAuth(func(ctx context.Context, _ zmq.Peer) (zmq.Identity, error) {
		close(asked)
		defer close(answered)
		<-ctx.Done()
		return zmq.Identity{}, ctx.Err()
	})})
	b, err := s.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, zmq.PUSH, zmq.WithLinger(0))
	if err := p.Connect(b.Endpoint()); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	<-answered
	if e := await(t, sees, zmq.EventHandshakeFailedNoDetail); e.Value != uint64(syscall.EPIPE) {
		t.Errorf("the event says %d: %s", e.Value, e)
	}
}
