package mech

import (
	"errors"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// A couple makes the two sides of a mechanism.
type couple struct {
	name  string
	sizes []int // of the commands without their frames
	make  func(client, server Config) (Mechanism, Mechanism)
}

var couples = []couple{
	{"NULL", []int{26, 41}, func(client, server Config) (Mechanism, Mechanism) {
		server.Bound = true
		return NewNull(client), NewNull(server)
	}},
	{"PLAIN", []int{6 + 1 + 5 + 1 + 6, 8, 9 + 20, 6 + 35}, func(client, server Config) (Mechanism, Mechanism) {
		return must(NewPlainClient(client, "admin", "secret")), NewPlainServer(server)
	}},
	{"CURVE", []int{200, 168, 257 + 20, 30 + 35}, func(client, server Config) (Mechanism, Mechanism) {
		return must(NewCurveClient(client, clientKeys, serverKeys.Public)), must(NewCurveServer(server, serverKeys))
	}},
}

// pull and push are the metadata of a server and of a client.
func pullPush() (client, server Config) {
	client, server = config("PUSH", 5), config("ROUTER", 6)
	client.Metadata = properties("Socket-Type", "PUSH")
	server.Auth = admits
	return client, server
}

// TestConversation: two of our sides come to terms, in every mechanism, and
// whoever has bound.
func TestConversation(t *testing.T) {
	for _, c := range couples {
		for _, bound := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				clientConfig, serverConfig := pullPush()
				clientConfig.Bound, serverConfig.Bound = bound, !bound
				if c.name == "NULL" {
					clientConfig.Bound = false
				}
				asked := Credentials{}
				serverConfig.Auth = func(who Credentials) Verdict { asked = who; return admits(who) }
				client, server := c.make(clientConfig, serverConfig)
				if client.Name() != c.name || server.Name() != c.name || client.Server() || server.Server() != (c.name != "NULL") {
					t.Errorf("the greetings say %q %v and %q %v", client.Name(), client.Server(), server.Name(), server.Server())
				}
				said, at, err := converse(t, client, server, nil)
				if err != nil {
					t.Fatalf("%s: %v", at, err)
				}
				checkSizes(t, said, c.sizes)
				if property(server.Properties(), "Socket-Type") != "PUSH" || property(client.Properties(), "Socket-Type") != "ROUTER" {
					t.Errorf("the properties are %v and %v", server.Properties(), client.Properties())
				}
				if id, metadata := server.User(); id != "user of "+c.name || property(metadata, "Group") != "all" {
					t.Errorf("the server knows %q %v", id, metadata)
				}
				if id, metadata := client.User(); id != "" || metadata != nil {
					t.Errorf("the client knows %q %v", id, metadata)
				}
				if sealed := client.Seal() != nil; sealed != (server.Seal() != nil) || sealed != (c.name == "CURVE") {
					t.Error("one side seals, and the other not")
				}
				checkAsked(t, c.name, asked)
			})
		}
	}
}

func checkSizes(t *testing.T, said []flight, want []int) {
	t.Helper()
	for i, f := range said {
		h, _, err := wire.ParseHeader(f.frame)
		if err != nil || int(h.Size) != want[i] {
			t.Errorf("command %d, %.12q, has %d octets, want %d", i, f.frame, h.Size, want[i])
		}
		if from := []string{"client", "server"}[i%2]; f.from != from {
			t.Errorf("command %d is the %s's", i, f.from)
		}
	}
	if len(said) != len(want) {
		t.Errorf("%d commands, want %d", len(said), len(want))
	}
}

func checkAsked(t *testing.T, mechanism string, asked Credentials) {
	t.Helper()
	want := Credentials{Mechanism: mechanism}
	switch mechanism {
	case "PLAIN":
		want.Username, want.Password = "admin", "secret"
	case "CURVE":
		want.PublicKey = clientKeys.Public[:]
	}
	if asked.Mechanism != want.Mechanism || asked.Username != want.Username || asked.Password != want.Password ||
		string(asked.PublicKey) != string(want.PublicKey) {
		t.Errorf("asked for %v %q, want %v %q", asked, asked.Password, want, want.Password)
	}
	if known := property(asked.Properties, "Socket-Type") == "PUSH"; known != (mechanism != "PLAIN") {
		t.Errorf("asked with the properties %v", asked.Properties)
	}
}

// TestDenied: who may not enter is told so with 400 and 500, told nothing with
// 300, and does not get any further.
func TestDenied(t *testing.T) {
	for _, c := range couples {
		for status, told := range map[int]string{300: "", 400: "400", 500: "500", 0: "500", 201: "500", -1: "500", 3000: "500"} {
			clientConfig, serverConfig := pullPush()
			serverConfig.Auth = func(Credentials) Verdict {
				return Verdict{Status: status, Reason: "for my own log", UserID: "nobody", Metadata: []wire.Property{{Name: "a"}}}
			}
			client, server := c.make(clientConfig, serverConfig)
			_, at, err := converse(t, client, server, nil)
			var denied *Denied
			if at != "server" || !errors.As(err, &denied) {
				t.Errorf("%s %d: %s: %v", c.name, status, at, err)
				continue
			}
			if want := "500"; told == want && denied.Verdict.Status != 500 || told != want && denied.Verdict.Status != status {
				t.Errorf("%s %d: denied with %d", c.name, status, denied.Verdict.Status)
			}
			checkTold(t, c.name, err, told)
			if id, metadata := server.User(); server.Done() || id != "" || metadata != nil {
				t.Errorf("%s %d: the server is done: %v, and knows %q", c.name, status, server.Done(), id)
			}
			if b, err := server.Say(); b != nil || err != nil {
				t.Errorf("%s %d: the server goes on with %q, %v", c.name, status, b, err)
			}
		}
	}
}

// TestNoAnswer: where nobody answers who may enter, the peer does not, and is
// told nothing, whatever else the verdict says.
func TestNoAnswer(t *testing.T) {
	errAway := errors.New("nobody is there")
	for _, c := range couples {
		clientConfig, serverConfig := pullPush()
		serverConfig.Auth = func(Credentials) Verdict {
			return Verdict{Status: 200, UserID: "joe", Err: errors.Join(errAway, &Refusal{Reason: "away"})}
		}
		client, server := c.make(clientConfig, serverConfig)
		_, at, err := converse(t, client, server, nil)
		if id, _ := server.User(); at != "server" || !errors.Is(err, errAway) || id != "" || server.Done() {
			t.Errorf("%s: %s: %v, the user is %q, done %v", c.name, at, err, id, server.Done())
		}
		checkTold(t, c.name, err, "")
	}
}

// checkTold wants the ERROR that the peer is to get, "" for none.
func checkTold(t *testing.T, name string, err error, want string) {
	t.Helper()
	var refusal *Refusal
	if errors.As(err, &refusal) != (want != "") || refusal != nil && refusal.Reason != want {
		t.Errorf("%s: the peer is told %v, want %q", name, refusal, want)
	}
}

// TestNullAsksFirst: a side that connects with NULL asks before it says READY,
// so the peer does not begin to send what nobody will take.
func TestNullAsksFirst(t *testing.T) {
	asked := 0
	c := config("PUSH", 1)
	c.Auth = func(who Credentials) Verdict {
		asked++
		if who.Mechanism != "NULL" || who.Properties != nil {
			t.Errorf("asked for %v, %v", who, who.Properties)
		}
		return Verdict{Status: 400}
	}
	n := NewNull(c)
	b, err := n.Say()
	var denied *Denied
	if b != nil || !errors.As(err, &denied) || denied.Verdict.Status != 400 {
		t.Errorf("said %q, %v", b, err)
	}
	if b, err := n.Say(); b != nil || err != nil || asked != 1 || n.Done() {
		t.Errorf("then said %q, %v, asked %d times", b, err, asked)
	}

	c.Auth = func(Credentials) Verdict { asked++; return Verdict{Status: 200, UserID: "joe"} }
	n = NewNull(c)
	must(n.Say())
	if err := n.Hear(wire.NameReady, properties("Socket-Type", "PULL")); err != nil || !n.Done() || asked != 2 {
		t.Errorf("heard %v, asked %d times", err, asked-1)
	}
	if id, _ := n.User(); id != "joe" {
		t.Errorf("the user is %q", id)
	}
}

// errTaste is what a side has against the other, and tells it.
var errTaste = errors.New("not to my taste")

// TestCheck: metadata that does not please ends the handshake. A server says
// why; a client of PLAIN or CURVE never says ERROR.
func TestCheck(t *testing.T) {
	refuses := func([]wire.Property) error { return errors.Join(errTaste, &Refusal{Reason: "Invalid taste"}) }
	for _, c := range couples {
		for _, who := range []string{"client", "server"} {
			clientConfig, serverConfig := pullPush()
			if who == "client" {
				clientConfig.Check = refuses
			} else {
				serverConfig.Check = refuses
			}
			client, server := c.make(clientConfig, serverConfig)
			_, at, err := converse(t, client, server, nil)
			if at != who || !errors.Is(err, errTaste) || !strings.Contains(err.Error(), "taste") {
				t.Errorf("%s %s: %s: %v", c.name, who, at, err)
			}
			told := "Invalid taste"
			if who == "client" && c.name != "NULL" {
				told = ""
			}
			checkTold(t, c.name, err, told)
		}
	}
}

// TestMetadataLimits: no side takes more metadata than wire.Limits says.
func TestMetadataLimits(t *testing.T) {
	for _, c := range couples {
		for _, who := range []string{"client", "server"} {
			for name, metadata := range map[string][]byte{
				"octets":     properties("a", strings.Repeat("v", wire.MaxMetadata)),
				"properties": []byte(strings.Repeat("\x01a\x00\x00\x00\x00", wire.MaxProperties+1)),
				"broken":     []byte("\x01a\x00\x00\x00\x01"),
			} {
				clientConfig, serverConfig := pullPush()
				other := "server"
				if who == "server" {
					other, serverConfig.Metadata = "client", metadata
				} else {
					clientConfig.Metadata = metadata
				}
				client, server := c.make(clientConfig, serverConfig)
				_, at, err := converse(t, client, server, nil)
				want := wire.ErrLimit
				if name == "broken" {
					want = wire.ErrMetadata
				}
				var malformed wire.Malformed
				if at != other || !errors.Is(err, want) || !errors.As(err, &malformed) {
					t.Errorf("%s, %s of the %s: %s: %v", c.name, name, who, at, err)
				}
			}
		}
	}
}
