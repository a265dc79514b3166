package mech

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/wire"
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // SA1019: as in curve.go
)

// A recording is one CURVE handshake. Sides with the same random octets take
// and say the same, so each command of it can be tried on a fresh side.
type recording struct{ hello, welcome, initiate, ready []byte }

func curveConfigs() (client, server Config) {
	client, server = pullPush()
	client.random, server.random = known(7), known(8)
	return client, server
}

func freshClient() *CurveClient {
	c, _ := curveConfigs()
	return must(NewCurveClient(c, clientKeys, serverKeys.Public))
}

func freshServer() *CurveServer {
	_, c := curveConfigs()
	return must(NewCurveServer(c, serverKeys))
}

func record(t testing.TB) (r recording) {
	t.Helper()
	said, at, err := converse(t, freshClient(), freshServer(), nil)
	if err != nil {
		t.Fatal(at, err)
	}
	for i, b := range []*[]byte{&r.hello, &r.welcome, &r.initiate, &r.ready} {
		_, *b = split(t, said[i].frame)
	}
	return r
}

// Sides that have gone as far as the command that comes next.
func serverAtInitiate(t testing.TB, r recording) *CurveServer {
	t.Helper()
	s := freshServer()
	hears(t, s, wire.NameHello, r.hello)
	return s
}

func clientAtWelcome() *CurveClient {
	c := freshClient()
	must(c.Say())
	return c
}

func clientAtReady(t testing.TB, r recording) *CurveClient {
	t.Helper()
	c := clientAtWelcome()
	hears(t, c, wire.NameWelcome, r.welcome)
	return c
}

// hears lets a side take a command and say what it has to say.
func hears(t testing.TB, m Mechanism, name string, data []byte) {
	t.Helper()
	if err := m.Hear(name, data); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	must(m.Say())
}

// TestCurveFlippedBits: each bit of each command matters, and so does its length.
func TestCurveFlippedBits(t *testing.T) {
	r := record(t)
	for _, c := range []struct {
		name  string
		data  []byte
		least int // octets, where metadata can follow
		take  func(data []byte) error
	}{
		{"HELLO", r.hello, 0, func(data []byte) error { return takeHello(t, data) }},
		{"WELCOME", r.welcome, 0, func(data []byte) error { return clientAtWelcome().Hear(wire.NameWelcome, data) }},
		{"INITIATE", r.initiate, initiateSize, func(data []byte) error { return serverAtInitiate(t, r).Hear(wire.NameInitiate, data) }},
		{"READY", r.ready, readySize, func(data []byte) error { return clientAtReady(t, r).Hear(wire.NameReady, data) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := c.take(c.data); err != nil {
				t.Fatal("the command as it was is not taken:", err)
			}
			for i := range 8 * len(c.data) {
				data := bytes.Clone(c.data)
				data[i/8] ^= 1 << (i % 8)
				if c.take(data) == nil {
					t.Errorf("bit %d of octet %d can be any", i%8, i/8)
				}
			}
			for n := range len(c.data) + 2 {
				data := append(bytes.Clone(c.data), 0)[:n:n]
				want := wire.ErrCommand
				if n == len(c.data) {
					continue
				}
				if err := c.take(data); !errors.Is(err, want) && (c.least == 0 || n < c.least || !errors.Is(err, ErrBox)) {
					t.Errorf("with %d octets: %v", n, err)
				}
			}
		})
	}
}

// takeHello lets a server take a HELLO, and the client go on. The top bit of a
// public key means nothing: a HELLO that has another one opens, and the vouch
// then names another C'.
func takeHello(t *testing.T, data []byte) error {
	s, client := freshServer(), clientAtWelcome()
	if err := s.Hear(wire.NameHello, data); err != nil {
		return err
	}
	name, welcome := split(t, must(s.Say()))
	if err := client.Hear(name, welcome); err != nil {
		t.Fatal(err)
	}
	name, initiate := split(t, must(client.Say()))
	return s.Hear(name, initiate)
}

// lowOrder is the points with which every secret gives zero.
var lowOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// zeroKey is the key of the boxes with such a point: everybody has it.
func zeroKey() (key boxKey) {
	sigma := salsa.Sigma
	salsa.HSalsa20((*[32]byte)(&key), new([16]byte), new([32]byte), &sigma)
	return key
}

// craftHello makes a HELLO.
func craftHello(client []byte, key boxKey, counter uint64) []byte {
	nonce := shortNonce(counter)
	data := append([]byte{1, 0}, make([]byte, 72)...)
	data = slices.Concat(data, client, nonce)
	return key.seal(data, make([]byte, 64), nonceHello, nonce)
}

// TestCurveLowOrder: a key that makes the shared secret zero is refused
// wherever it stands.
func TestCurveLowOrder(t *testing.T) {
	r := record(t)
	zero := zeroKey()
	for _, text := range lowOrder {
		point := unhex(text)
		if err := freshServer().Hear(wire.NameHello, craftHello(point, zero, 1)); !errors.Is(err, ErrBox) {
			t.Errorf("HELLO, %s: %v", text, err)
		}

		server := private(serverKeys)
		client := clientAtWelcome()
		key := must(between(server, client.short.PublicKey().Bytes()))
		nonce := make([]byte, 16)
		welcome := key.seal(slices.Clone(nonce), slices.Concat(point, make([]byte, 96)), nonceWelcome, nonce)
		if err := client.Hear(wire.NameWelcome, welcome); !errors.Is(err, ErrBox) {
			t.Errorf("WELCOME, %s: %v", text, err)
		}

		f := newForger(t, r)
		f.long, f.vouchKey = point, zero
		if err := f.server.Hear(wire.NameInitiate, f.initiate()); !errors.Is(err, ErrBox) {
			t.Errorf("INITIATE, %s: %v", text, err)
		}
		c, _ := curveConfigs()
		if _, err := NewCurveClient(c, clientKeys, [32]byte(point)); err == nil {
			t.Errorf("a server with the key %s is accepted", text)
		}
	}
}

// A forger is a client that can say whatever it likes in an INITIATE.
type forger struct {
	server           *CurveServer
	cookie           []byte
	key, vouchKey    boxKey
	long, vouch      []byte
	metadata         []byte
	counter          uint64
	vouchNonce       []byte
	serverTransients []byte
}

func newForger(t testing.TB, r recording) *forger {
	t.Helper()
	client := clientAtWelcome()
	text := must(client.key.open(r.welcome[16:], nonceWelcome, r.welcome[:16]))
	long := private(clientKeys)
	return &forger{
		server: serverAtInitiate(t, r), cookie: text[32:], serverTransients: text[:32],
		key:      must(between(client.short, text[:32])),
		vouchKey: must(between(long, text[:32])),
		long:     clientKeys.Public[:], vouch: slices.Concat(client.short.PublicKey().Bytes(), serverKeys.Public[:]),
		metadata: properties("Socket-Type", "PUSH"), counter: 2, vouchNonce: make([]byte, 16),
	}
}

func (f *forger) initiate() []byte {
	text := slices.Concat(f.long, f.vouchNonce)
	text = f.vouchKey.seal(text, f.vouch, nonceVouch, f.vouchNonce)
	nonce := shortNonce(f.counter)
	return f.key.seal(slices.Concat(f.cookie, nonce), append(text, f.metadata...), nonceInitiate, nonce)
}

// TestCurveForgedInitiate: a client has to have the key that it says, to mean
// this server and this connection, and to bring the cookie of it.
func TestCurveForgedInitiate(t *testing.T) {
	r := record(t)
	other := private(strangerKeys)
	for _, c := range []struct {
		name   string
		change func(f *forger)
		want   error
	}{
		{"as it should be", func(*forger) {}, nil},
		{"a vouch from another key", func(f *forger) { f.vouchKey = must(between(other, f.serverTransients)) }, ErrBox},
		{"a vouch for another connection", func(f *forger) { copy(f.vouch, other.PublicKey().Bytes()) }, ErrBox},
		{"a vouch for another server", func(f *forger) { copy(f.vouch[32:], other.PublicKey().Bytes()) }, ErrBox},
		{"a vouch without the server", func(f *forger) {
			f.vouch = f.vouch[:32]
			f.metadata = properties("Socket-Type", "PUSH", "X-Fill", strings.Repeat("x", 100))
		}, ErrBox},
		{"another client's key", func(f *forger) { f.long = other.PublicKey().Bytes() }, ErrBox},
		{"a made-up cookie", func(f *forger) { f.cookie = make([]byte, 96) }, ErrBox},
		{"the nonce of HELLO", func(f *forger) { f.counter = 1 }, ErrNonce},
		{"a nonce below that of HELLO", func(f *forger) { f.counter = 0 }, ErrNonce},
		{"the last nonce", func(f *forger) { f.counter = math.MaxUint64 }, ErrNonce},
		{"a nonce far above", func(f *forger) { f.counter = math.MaxUint64 - 1 }, nil},
		{"metadata cut short", func(f *forger) { f.metadata = f.metadata[:10] }, wire.ErrMetadata},
	} {
		f := newForger(t, r)
		c.change(f)
		if err := f.server.Hear(wire.NameInitiate, f.initiate()); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if f.server.cookie != (boxKey{}) {
			t.Errorf("%s: the key of the cookie is still there", c.name)
		}
		if out, _ := f.server.Say(); (out != nil) != (c.want == nil) {
			t.Errorf("%s: the server says %q", c.name, out)
		}
	}
}

// TestCurveCookie: a cookie opens on its own connection only, and once.
func TestCurveCookie(t *testing.T) {
	r := record(t)
	_, c := curveConfigs()
	c.random = known(99)
	another := must(NewCurveServer(c, serverKeys))
	hears(t, another, wire.NameHello, r.hello)
	if err := another.Hear(wire.NameInitiate, r.initiate); !errors.Is(err, ErrBox) {
		t.Errorf("a whole handshake sent again: %v", err)
	}

	s := serverAtInitiate(t, r)
	hears(t, s, wire.NameInitiate, r.initiate)
	if err := s.Hear(wire.NameInitiate, r.initiate); !errors.Is(err, ErrUnexpected) {
		t.Errorf("a second INITIATE: %v", err)
	}

	s = serverAtInitiate(t, r)
	bad := bytes.Clone(r.initiate)
	bad[len(bad)-1] ^= 1
	if err := s.Hear(wire.NameInitiate, bad); !errors.Is(err, ErrBox) {
		t.Errorf("a bad INITIATE: %v", err)
	}
	if err := s.Hear(wire.NameInitiate, r.initiate); !errors.Is(err, ErrUnexpected) {
		t.Errorf("a good INITIATE behind a bad one: %v", err)
	}
}

// TestCurveKeepsNothing: between HELLO and INITIATE the server has the key of
// the cookie and no key of this connection, and each cookie is new.
func TestCurveKeepsNothing(t *testing.T) {
	r := record(t)
	s := serverAtInitiate(t, r)
	if s.long != nil || s.sealer != nil || s.out != nil || s.cookie == (boxKey{}) {
		t.Error("the server has kept more than the key of the cookie")
	}
	client := clientAtWelcome()
	text := must(client.key.open(r.welcome[16:], nonceWelcome, r.welcome[:16]))
	kept := must(s.cookie.open(text[48:], nonceCookie, text[32:48]))
	secret := must(ecdh.X25519().NewPrivateKey(kept[32:]))
	if !bytes.Equal(kept[:32], client.short.PublicKey().Bytes()) || !bytes.Equal(secret.PublicKey().Bytes(), text[:32]) {
		t.Error("the cookie does not hold C' and s'")
	}
	for _, key := range [][]byte{kept[:32], kept[32:]} {
		if slices.ContainsFunc([][]byte{s.public[:], s.cookie[:]}, func(b []byte) bool { return bytes.Equal(b, key) }) {
			t.Error("the server has kept a key of the connection")
		}
	}

	_, c := curveConfigs()
	c.random = nil // as in life
	seen := map[string]bool{}
	for range 3 {
		s := must(NewCurveServer(c, serverKeys))
		if err := s.Hear(wire.NameHello, r.hello); err != nil {
			t.Fatal(err)
		}
		_, data := split(t, must(s.Say()))
		text := must(client.key.open(data[16:], nonceWelcome, data[:16]))
		for _, part := range []string{string(data[:16]), string(text[:32]), string(text[32:48])} {
			if seen[part] {
				t.Errorf("%x comes twice", part)
			}
			seen[part] = true
		}
	}
}

// TestCurveClientTransients: each connection of a client has a key pair of its
// own, and each of its vouches a nonce of its own.
func TestCurveClientTransients(t *testing.T) {
	c, _ := curveConfigs()
	c.random = nil // as in life
	seen := map[string]bool{}
	for range 3 {
		client, server := must(NewCurveClient(c, clientKeys, serverKeys.Public)), freshServer()
		name, hello := split(t, must(client.Say()))
		if err := server.Hear(name, hello); err != nil {
			t.Fatal(err)
		}
		name, welcome := split(t, must(server.Say()))
		if err := client.Hear(name, welcome); err != nil {
			t.Fatal(err)
		}
		_, initiate := split(t, must(client.Say()))
		text := must(client.key.open(initiate[104:], nonceInitiate, initiate[96:104]))
		for _, part := range []string{string(hello[74:106]), string(text[32:48])} {
			if seen[part] {
				t.Errorf("%x comes twice", part)
			}
			seen[part] = true
		}
	}
}

// TestCurveHelloNonce: the first nonce can be any but the last.
func TestCurveHelloNonce(t *testing.T) {
	client := private(strangerKeys)
	key := must(between(client, serverKeys.Public[:]))
	for nonce, want := range map[uint64]error{0: nil, 1: nil, 1 << 40: nil, math.MaxUint64 - 1: nil, math.MaxUint64: ErrNonce} {
		if err := freshServer().Hear(wire.NameHello, craftHello(client.PublicKey().Bytes(), key, nonce)); !errors.Is(err, want) {
			t.Errorf("nonce %d: %v, want %v", nonce, err, want)
		}
	}
}

// TestCurveHelloText: the box of a HELLO holds 64 zeros.
func TestCurveHelloText(t *testing.T) {
	client := private(strangerKeys)
	key := must(between(client, serverKeys.Public[:]))
	hello := craftHello(client.PublicKey().Bytes(), key, 1)
	head, nonce := hello[:114:114], hello[106:114]
	for i := range 64 {
		text := make([]byte, 64)
		text[i] = 1
		if err := freshServer().Hear(wire.NameHello, key.seal(head, text, nonceHello, nonce)); !errors.Is(err, ErrBox) {
			t.Errorf("octet %d is not zero: %v", i, err)
		}
	}
	if err := freshServer().Hear(wire.NameHello, key.seal(head, make([]byte, 64), nonceHello, nonce)); err != nil {
		t.Errorf("all are zero: %v", err)
	}
}

// TestCurveReadyNonce: the messages of a server go on above its READY.
func TestCurveReadyNonce(t *testing.T) {
	r := record(t)
	for _, nonce := range []uint64{0, 1, 1000, math.MaxUint64 - 1, math.MaxUint64} {
		client := clientAtReady(t, r)
		ready := client.key.seal(shortNonce(nonce), properties("Socket-Type", "ROUTER"), nonceReady, shortNonce(nonce))
		err := client.Hear(wire.NameReady, ready)
		if (err == nil) != (nonce != math.MaxUint64) {
			t.Errorf("READY with nonce %d: %v", nonce, err)
		}
		if err != nil {
			continue
		}
		s := newCurveSealer(&boxKey{}, nonceServer, nonceClient, nonce-1, 0)
		s.out = client.sealer.in
		if _, _, err := unseal(client.Seal(), nil, body(t, seal(s, nil, 0, []byte("x")))); !errors.Is(err, ErrNonce) && nonce != 0 {
			t.Errorf("a MESSAGE with the nonce of READY, %d: %v", nonce, err)
		}
	}
}

// TestCurveWrongKeys: who has not the keys does not get in.
func TestCurveWrongKeys(t *testing.T) {
	clientConfig, serverConfig := curveConfigs()
	client := must(NewCurveClient(clientConfig, clientKeys, strangerKeys.Public))
	if _, at, err := converse(t, client, freshServer(), nil); at != "server" || !errors.Is(err, ErrBox) {
		t.Errorf("a client that means another server: %s: %v", at, err)
	}
	// Somebody in between, who knows what everybody knows.
	server := must(NewCurveServer(serverConfig, strangerKeys))
	if err := server.Hear(wire.NameHello, record(t).hello); !errors.Is(err, ErrBox) {
		t.Errorf("a server with another key: %v", err)
	}
	mixed := CurveKeys{Public: serverKeys.Public, Secret: clientKeys.Secret}
	if _, err := NewCurveClient(clientConfig, mixed, serverKeys.Public); err == nil {
		t.Error("a client takes a public key that is not that of its secret key")
	}
	if _, err := NewCurveServer(serverConfig, mixed); err == nil {
		t.Error("a server takes a public key that is not that of its secret key")
	}
	clientConfig, serverConfig = curveConfigs()
	client = must(NewCurveClient(clientConfig, CurveKeys{Secret: clientKeys.Secret}, serverKeys.Public))
	server = must(NewCurveServer(serverConfig, CurveKeys{Secret: serverKeys.Secret}))
	if _, at, err := converse(t, client, server, nil); err != nil {
		t.Errorf("without the public keys: %s: %v", at, err)
	}
}

// TestCurveSecrets: neither an error nor any way to print shows a secret.
func TestCurveSecrets(t *testing.T) {
	r := record(t)
	client, server := clientAtReady(t, r), serverAtInitiate(t, r)
	hears(t, client, wire.NameReady, r.ready)
	hears(t, server, wire.NameInitiate, r.initiate)
	plain := must(NewPlainClient(config("PUSH", 1), "admin", "secret"))
	who := Credentials{Mechanism: "PLAIN", Username: "admin", Password: "secret"}
	for _, thing := range []any{client, server, client.Seal(), serverKeys, &serverKeys, plain, NewPlainServer(config("PULL", 1)), who, &who,
		[]CurveKeys{serverKeys}, struct{ Keys CurveKeys }{serverKeys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			shown := fmt.Sprintf(verb, thing)
			for _, secret := range [][]byte{serverKeys.Secret[:], clientKeys.Secret[:], []byte("secret")} {
				for _, form := range []string{string(secret), hex.EncodeToString(secret), fmt.Sprintf("%d", secret)} {
					if bytes.Contains([]byte(shown), []byte(form)) {
						t.Errorf("%T shows its secret with %s: %s", thing, verb, shown)
					}
				}
			}
			if len(shown) > 200 {
				t.Errorf("%T shows with %s: %s", thing, verb, shown)
			}
		}
	}
	if client.key != (boxKey{}) || client.long != nil || client.short != nil || server.cookie != (boxKey{}) || server.long != nil {
		t.Error("a secret outlives the handshake")
	}
}

// body is the body of a frame.
func body(t testing.TB, frame []byte) []byte {
	t.Helper()
	h, ok, err := wire.ParseHeader(frame)
	if !ok || err != nil || int(h.Size) != len(frame)-h.Len {
		t.Fatalf("no frame: %x", frame)
	}
	return frame[h.Len:]
}
