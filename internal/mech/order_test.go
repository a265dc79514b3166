package mech

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// everyName is the commands of all mechanisms and of traffic, and no command.
var everyName = []string{
	wire.NameHello, wire.NameWelcome, wire.NameInitiate, wire.NameReady, wire.NameError, wire.NameMessage,
	wire.NamePing, wire.NamePong, wire.NameSubscribe, wire.NameCancel, wire.NameJoin, wire.NameLeave, "hello", "HELLOX", "",
}

// TestOrder: each side takes the one command that is due, with the data that
// belongs to it, and from nobody another. In particular the commands of a
// weaker mechanism get nobody into a stronger one.
func TestOrder(t *testing.T) {
	for _, c := range couples {
		clientConfig, serverConfig := pullPush()
		client, server := c.make(clientConfig, serverConfig)
		said, at, err := converse(t, client, server, nil)
		if err != nil {
			t.Fatal(at, err)
		}
		// upTo makes both sides again and lets n commands pass.
		upTo := func(n int) (sides map[string]Mechanism) {
			clientConfig, serverConfig := pullPush()
			client, server := c.make(clientConfig, serverConfig)
			must(client.Say())
			for _, f := range said[:n] {
				to := client
				if f.from == "client" {
					to = server
				}
				name, data := split(t, f.frame)
				hears(t, to, name, data)
			}
			return map[string]Mechanism{"client": client, "server": server}
		}
		for n := range len(said) + 1 {
			for _, who := range []string{"client", "server"} {
				for _, name := range everyName {
					side := upTo(n)[who]
					due := name == dueFor(t, who, said[n:])
					errorDue := name == wire.NameError && (c.name == "NULL" || who == "client") && !side.Done()
					if due || errorDue {
						continue
					}
					if err := side.Hear(name, dataOf(t, said, name)); !errors.Is(err, ErrUnexpected) {
						t.Errorf("%s: the %s after %d commands hears %q: %v", c.name, who, n, name, err)
					}
					if b, err := side.Say(); b != nil || err != nil || side.Done() {
						t.Errorf("%s: the %s after %d commands, having heard %q, says %q, done %v", c.name, who, n, name, b, side.Done())
					}
				}
			}
		}
	}
}

// TestTurn: a side hears nothing before it has said what it has to say.
func TestTurn(t *testing.T) {
	for _, c := range couples {
		clientConfig, serverConfig := pullPush()
		client, server := c.make(clientConfig, serverConfig)
		said, at, err := converse(t, client, server, nil)
		if err != nil {
			t.Fatal(at, err)
		}
		clientConfig, serverConfig = pullPush()
		client, server = c.make(clientConfig, serverConfig)
		name, data := split(t, said[0].frame)
		if err := server.Hear(name, data); err != nil {
			t.Fatal(err)
		}
		name, data = split(t, said[len(said)-2].frame)
		if err := server.Hear(name, data); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: a server that has not answered hears %s: %v", c.name, name, err)
		}
		name, data = split(t, said[1].frame)
		if err := client.Hear(name, data); !errors.Is(err, ErrUnexpected) && c.name != "NULL" {
			t.Errorf("%s: a client that has said nothing hears %s: %v", c.name, name, err)
		}
	}
}

// dueFor is the command that a side waits for, of those that are still to come.
func dueFor(t testing.TB, who string, toCome []flight) string {
	for _, f := range toCome {
		if f.from != who {
			name, _ := split(t, f.frame)
			return name
		}
	}
	return "none"
}

// dataOf is good data of a command, if it was said.
func dataOf(t testing.TB, said []flight, name string) []byte {
	for _, f := range said {
		if got, data := split(t, f.frame); got == name {
			return data
		}
	}
	return nil
}

// TestHearError: a client hears why it was refused, whenever it waits.
func TestHearError(t *testing.T) {
	for _, c := range couples {
		for _, wait := range []string{"WELCOME", "READY"} {
			clientConfig, serverConfig := pullPush()
			client, server := c.make(clientConfig, serverConfig)
			hello := must(client.Say())
			if wait == "READY" && c.name != "NULL" {
				name, data := split(t, hello)
				if err := server.Hear(name, data); err != nil {
					t.Fatal(err)
				}
				name, data = split(t, must(server.Say()))
				hears(t, client, name, data)
			}
			var refused *PeerError
			if err := client.Hear(wire.NameError, []byte("\x03400")); !errors.As(err, &refused) || refused.Status() != 400 {
				t.Errorf("%s, instead of %s: %v", c.name, wait, err)
			}
			if client.Done() {
				t.Errorf("%s: done in spite of it", c.name)
			}
		}
		for _, data := range []string{"", "\x04400", "\x02400", "\xff"} {
			client, _ := c.make(config("PUSH", 1), config("PULL", 2))
			must(client.Say())
			if err := client.Hear(wire.NameError, []byte(data)); !errors.Is(err, wire.ErrCommand) {
				t.Errorf("%s: ERROR with %q: %v", c.name, data, err)
			}
		}
	}
}

// TestPlainHello: names and passwords of 0 to 255 octets, and nothing else.
func TestPlainHello(t *testing.T) {
	long := strings.Repeat("l", 255)
	for _, c := range [][2]string{{"", ""}, {"a", ""}, {"", "b"}, {long, long}, {"\x00\xff", "\n"}} {
		server := config("PULL", 1)
		asked := Credentials{}
		server.Auth = func(who Credentials) Verdict { asked = who; return admits(who) }
		client, serverSide := must(NewPlainClient(config("PUSH", 2), c[0], c[1])), NewPlainServer(server)
		if _, at, err := converse(t, client, serverSide, nil); err != nil || asked.Username != c[0] || asked.Password != c[1] {
			t.Errorf("%q: %s: %v, asked for %q %q", c, at, err, asked.Username, asked.Password)
		}
	}
	for _, c := range [][2]string{{long + "x", ""}, {"", long + "x"}} {
		if _, err := NewPlainClient(config("PUSH", 2), c[0], c[1]); err == nil || strings.Contains(err.Error(), "lll") {
			t.Errorf("of %d and %d octets: %v", len(c[0]), len(c[1]), err)
		}
	}
	whole := "\x05admin\x06secret"
	for n := range len(whole) {
		refusesHello(t, whole[:n])
	}
	for _, data := range []string{whole + "x", "\x06admin\x06secret", "\x05admin\x05secret", "\x05admin\x07secret", "\xffadmin\x06secret", "\x0cadmin\x06secret"} {
		refusesHello(t, data)
	}
}

func refusesHello(t *testing.T, data string) {
	t.Helper()
	c := config("PULL", 1)
	c.Auth = func(Credentials) Verdict {
		t.Errorf("HELLO with %q: Auth is asked", data)
		return Verdict{Status: 200}
	}
	if err := NewPlainServer(c).Hear(wire.NameHello, []byte(data)); !errors.Is(err, wire.ErrCommand) {
		t.Errorf("HELLO with %q: %v", data, err)
	}
}

// TestPlainWelcome has no data.
func TestPlainWelcome(t *testing.T) {
	client := must(NewPlainClient(config("PUSH", 1), "a", "b"))
	must(client.Say())
	if err := client.Hear(wire.NameWelcome, []byte{0}); !errors.Is(err, wire.ErrCommand) {
		t.Error(err)
	}
}

// TestPlainWithoutAuth: with nobody to judge passwords, none is good.
func TestPlainWithoutAuth(t *testing.T) {
	client, server := must(NewPlainClient(config("PUSH", 1), "a", "b")), NewPlainServer(config("PULL", 2))
	_, at, err := converse(t, client, server, nil)
	var denied *Denied
	if at != "server" || !errors.As(err, &denied) || denied.Verdict.Status != 500 {
		t.Errorf("%s: %v", at, err)
	}
	checkTold(t, "PLAIN", err, "500")
}

// TestTwoOfAKind: two clients, or two servers, never come to terms.
func TestTwoOfAKind(t *testing.T) {
	for _, c := range couples[1:] {
		client, server := c.make(config("PUSH", 1), config("PULL", 2))
		client2, server2 := c.make(config("PUSH", 3), config("PULL", 4))
		if _, _, err := converse(t, client, client2, nil); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s clients: %v", c.name, err)
		}
		if _, _, err := converse(t, server, server2, nil); !errors.Is(err, errStuck) {
			t.Errorf("%s servers: %v", c.name, err)
		}
	}
}

// TestErrors: what is said of a denial names its status, and nothing of Auth's
// but the reason.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&Denied{Verdict{Status: 400, Reason: "no\nsuch user", UserID: "joe"}}, `the peer may not enter: 400 "no\nsuch user"`},
		{&Denied{Verdict{Status: 300}}, "the peer may not enter: 300"},
		{&Refusal{Reason: "Invalid socket type"}, "Invalid socket type"},
		{&PeerError{Reason: "a\nb"}, `refused by the peer: "a\nb"`},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%T says %q, want %q", c.err, got, c.want)
		}
	}
	for reason, want := range map[string]int{"300": 300, "400": 400, "500": 500, "200": 0, "4000": 0, "": 0, "no": 0} {
		if got := (&PeerError{Reason: reason}).Status(); got != want {
			t.Errorf("%q has the status %d, want %d", reason, got, want)
		}
	}
	if got := fmt.Sprint(unexpected("X")); !strings.Contains(got, `"X"`) {
		t.Error(got)
	}
}
