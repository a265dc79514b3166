package engine

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/phimq/zmq/internal/mech"
	"github.com/phimq/zmq/internal/pipe"
	"github.com/phimq/zmq/internal/wire"
)

// A script is the link to a peer that says what was written down before.
type script struct {
	io.Reader
	wrote bytes.Buffer
}

func (s *script) Write(b []byte) (int, error) { return s.wrote.Write(b) }

// says makes the link to a peer that says b: at once, and octet by octet.
func says(b []byte, torn bool) *script {
	var r io.Reader = bytes.NewReader(b)
	if torn {
		r = iotest.OneByteReader(r)
	}
	return &script{Reader: r}
}

// greets writes the greeting of a peer by hand. RFC 37 "Formal Grammar".
func greets(major, minor byte, mechanism string) []byte {
	b := make([]byte, 64)
	b[0], b[9], b[10], b[11] = 0xFF, 0x7F, major, minor
	copy(b[12:32], mechanism)
	return b
}

// ready writes READY with properties, each a name and a value.
func ready(properties ...string) []byte {
	var b []byte
	for i := 0; i < len(properties); i += 2 {
		b = wire.AppendProperty(b, properties[i], properties[i+1])
	}
	return wire.AppendReady(nil, b)
}

func pullConfig() *Config {
	return &Config{SocketType: "PULL", Legal: func(peer string) bool { return peer == "PUSH" }, Pool: &pipe.Pool{}}
}

func shake(s *script, c *Config, bound bool) (*pipe.Peer, []byte, error) {
	m, err := c.NewMechanism(bound, nil)
	if err != nil {
		return nil, nil, err
	}
	return Handshake(s, c, m)
}

// TestHandshake plays peers of all versions, and what they send too early.
func TestHandshake(t *testing.T) {
	behind := append(frame(0, 3), 0, 200)
	for _, version := range [][2]byte{{3, 0}, {3, 1}, {3, 2}, {4, 0}, {255, 255}} {
		want := [2]byte{3, 1}
		if version == [2]byte{3, 0} {
			want = version
		}
		for _, bound := range []bool{false, true} {
			for _, torn := range []bool{false, true} {
				s := says(slices.Concat(greets(version[0], version[1], "NULL"), ready("Socket-Type", "PUSH", "X-Colour", "red"), behind), torn)
				p, rest, err := shake(s, pullConfig(), bound)
				if err != nil {
					t.Fatalf("version %d: %v", version, err)
				}
				if p.Version != want || p.Type != "PUSH" || p.Mechanism != "NULL" || p.Properties.Get("x-colour") != "red" || p.Identity != "" {
					t.Errorf("version %d: the peer is %+v", version, p)
				}
				left, _ := io.ReadAll(s)
				if got := append(bytes.Clone(rest), left...); !bytes.Equal(got, behind) {
					t.Errorf("behind the handshake came %x, want %x", got, behind)
				}
				if said := slices.Concat(greets(3, 1, "NULL"), ready("Socket-Type", "PULL")); !bytes.Equal(s.wrote.Bytes(), said) {
					t.Errorf("said %x\nwant %x", s.wrote.Bytes(), said)
				}
			}
		}
	}
}

// TestHandshakeRefuses what is wrong, with the error that says so.
func TestHandshakeRefuses(t *testing.T) {
	good := greets(3, 1, "NULL")
	at := func(b []byte, i int, v byte) []byte {
		b = bytes.Clone(b)
		b[i] = v
		return b
	}
	for _, c := range []struct {
		name string
		says []byte
		want error
		told string // the reason in the ERROR that the peer gets
	}{
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ErrVersion, ""},
		{"TLS", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), ErrVersion, ""},
		{"ZMTP 1.0", []byte("\x01\x00"), ErrVersion, ""},
		{"ZMTP 2.0", []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x00"), ErrVersion, ""},
		{"a long identity of 1.0", []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00"), ErrVersion, ""},
		{"another mechanism", greets(3, 1, "PLAIN"), ErrMechanism, ""},
		{"no mechanism", greets(3, 1, ""), nil, ""},
		{"a mechanism that goes on behind its end", at(good, 20, 'X'), nil, ""},
		{"a message first", slices.Concat(good, frame(0, 5)), mech.ErrUnexpected, ""},
		{"a long message first", slices.Concat(good, long(0, 5), []byte("12345")), mech.ErrUnexpected, ""},
		{"another command first", slices.Concat(good, wire.AppendPing(nil, 0, nil)), mech.ErrUnexpected, ""},
		{"a command too large", slices.Concat(good, long(4, 1<<17)), ErrCommand, ""},
		{"a command of 2^62 octets", slices.Concat(good, long(4, 1<<62)), ErrCommand, ""},
		{"a command of 2^64-1 octets", slices.Concat(good, long(4, 1<<64-1)), wire.ErrSize, ""},
		{"an empty command", slices.Concat(good, []byte{4, 0}), wire.ErrCommand, ""},
		{"reserved flags", slices.Concat(good, []byte{0x84, 1, 1}), wire.ErrReserved, ""},
		{"no socket type", slices.Concat(good, ready()), ErrSocketType, "Invalid socket type"},
		{"a socket type that does not fit", slices.Concat(good, ready("Socket-Type", "SUB")), ErrSocketType, "Invalid socket type"},
		{"an identity too long", slices.Concat(good, ready("Socket-Type", "DEALER", "Identity", strings.Repeat("i", 256))), ErrIdentity, "Invalid identity"},
		{"an identity that begins with 0", slices.Concat(good, ready("Socket-Type", "DEALER", "Identity", "\x00x")), ErrIdentity, "Invalid identity"},
		{"metadata cut short", slices.Concat(good, wire.AppendReady(nil, []byte("\x0bSocket-Type\x00\x00\x00\x04PU"))), wire.ErrMetadata, ""},
	} {
		for _, bound := range []bool{false, true} {
			for _, torn := range []bool{false, true} {
				s := says(c.says, torn)
				_, _, err := shake(s, pullConfig(), bound)
				if err == nil || (c.want != nil && !errors.Is(err, c.want)) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
				told := bytes.HasSuffix(s.wrote.Bytes(), wire.AppendError(nil, c.told))
				if told != (c.told != "") {
					t.Errorf("%s: said %q, want the reason %q", c.name, s.wrote.Bytes(), c.told)
				}
			}
		}
	}
}

// TestHandshakeHearsError: the words of the peer reach the user.
func TestHandshakeHearsError(t *testing.T) {
	for _, bound := range []bool{false, true} {
		s := says(slices.Concat(greets(3, 1, "NULL"), wire.AppendError(nil, "No room")), true)
		_, _, err := shake(s, pullConfig(), bound)
		var refused *mech.PeerError
		if !errors.As(err, &refused) || refused.Reason != "No room" {
			t.Errorf("bound %v: %v", bound, err)
		}
	}
}

// TestHandshakeCutAtEveryOctet: a peer that goes away in the handshake is an
// error and nothing else.
func TestHandshakeCutAtEveryOctet(t *testing.T) {
	whole := slices.Concat(greets(3, 1, "NULL"), ready("Socket-Type", "PUSH", "Name", strings.Repeat("n", 300)))
	for at := range whole {
		for _, bound := range []bool{false, true} {
			for _, torn := range []bool{false, true} {
				_, _, err := shake(says(whole[:at], torn), pullConfig(), bound)
				want := io.ErrUnexpectedEOF
				if at == 0 {
					want = io.EOF
				}
				if !errors.Is(err, want) {
					t.Fatalf("cut at %d: %v, want %v", at, err, want)
				}
			}
		}
	}
}

// TestHandshakeLeastVersion refuses a peer that is too old.
func TestHandshakeLeastVersion(t *testing.T) {
	c := pullConfig()
	c.LeastVersion = [2]byte{3, 1}
	for minor := range byte(2) {
		_, _, err := shake(says(slices.Concat(greets(3, minor, "NULL"), ready("Socket-Type", "PUSH")), false), c, true)
		if errors.Is(err, ErrVersion) != (minor == 0) {
			t.Errorf("3.%d: %v", minor, err)
		}
	}
}

// TestHandshakeIdentity: who has an identity says it, and only who may have
// one is known by it.
func TestHandshakeIdentity(t *testing.T) {
	c := pullConfig()
	c.SocketType, c.Identity, c.Metadata = "ROUTER", "me", wire.AppendProperty(nil, "X-More", "data")
	c.Legal = func(string) bool { return true }
	for peer, want := range map[string]string{"DEALER": "you", "REQ": "you", "ROUTER": "you", "PUSH": ""} {
		s := says(slices.Concat(greets(3, 1, "NULL"), ready("socket-TYPE", peer, "IDENTITY", "you")), false)
		p, _, err := shake(s, c, false)
		if err != nil {
			t.Fatal(err)
		}
		if p.Identity != want || p.Properties.Get("identity") != "you" {
			t.Errorf("%s is %+v, want the identity %q", peer, p, want)
		}
		if said := ready("Socket-Type", "ROUTER", "Identity", "me", "X-More", "data"); !bytes.HasSuffix(s.wrote.Bytes(), said) {
			t.Errorf("said %q", s.wrote.Bytes())
		}
	}
}

// FuzzHandshake: whatever a peer says, the handshake ends and does not panic.
func FuzzHandshake(f *testing.F) {
	f.Add(slices.Concat(greets(3, 1, "NULL"), ready("Socket-Type", "PUSH")), true)
	f.Add(slices.Concat(greets(3, 0, "NULL"), wire.AppendError(nil, "why")), false)
	f.Add([]byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x00"), false)
	f.Add(slices.Concat(greets(3, 1, "NULL"), long(4, 1<<63-1)), true)
	f.Fuzz(func(t *testing.T, b []byte, bound bool) {
		p, rest, err := shake(says(b, false), pullConfig(), bound)
		torn, _, tornErr := shake(says(b, true), pullConfig(), bound)
		if (err == nil) != (tornErr == nil) || (p == nil) != (torn == nil) {
			t.Fatalf("at once: %v, octet by octet: %v", err, tornErr)
		}
		if err == nil && (p.Type != "PUSH" || !bytes.HasSuffix(b, rest)) {
			t.Fatalf("the peer is %+v, behind it %x", p, rest)
		}
	})
}
