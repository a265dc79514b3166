package mech

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// captured reads what libzmq said, a frame a line.
func captured(t testing.TB, name string) (frames [][]byte) {
	t.Helper()
	text, err := os.ReadFile("testdata/libzmq_" + name + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "#") {
			continue
		}
		frame, err := hex.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	return frames
}

// The sides that the captures were made with. A change of the order in which
// they use random octets makes the captures worthless.
func capturedSide(name string) Mechanism {
	client, server := config("DEALER", 3), config("ROUTER", 4)
	server.Auth = admits
	switch name {
	case "curve_server":
		return must(NewCurveClient(client, clientKeys, serverKeys.Public))
	case "plain_server":
		return must(NewPlainClient(client, "admin", "secret"))
	case "curve_client_sub", "plain_client_sub":
		server.Metadata = properties("Socket-Type", "PUB", "Identity", "")
	}
	if strings.HasPrefix(name, "curve") {
		return must(NewCurveServer(server, serverKeys))
	}
	return NewPlainServer(server)
}

// replay plays a capture to the side that it was made with, and returns the
// frames behind the handshake.
func replay(t testing.TB, name string, side Mechanism) (rest [][]byte) {
	t.Helper()
	frames := captured(t, name)
	for {
		for {
			b, err := side.Say()
			if err != nil {
				t.Fatal(err)
			}
			if b == nil {
				break
			}
		}
		if side.Done() {
			return frames
		}
		command, data := split(t, frames[0])
		frames = frames[1:]
		if err := side.Hear(command, data); err != nil {
			t.Fatalf("%s: %s: %v", name, command, err)
		}
	}
}

// TestCaptures: what libzmq says to each of our sides is what it means.
func TestCaptures(t *testing.T) {
	const ping = "[4 \x04PING\x00\x00]"
	z := strings.Repeat("z", 300)
	for _, c := range []struct{ name, socketType, user, behind string }{
		{"curve_server", "ROUTER", "", "[1 first][0 " + strings.Repeat("x", 300) + "][0 ]" + ping + ping + ping},
		{"curve_client_dealer", "DEALER", "user of CURVE", "[1 ][1 one][0 " + z + "][0 ]" + ping},
		{"curve_client_sub", "SUB", "user of CURVE", "[4 \x09SUBSCRIBEtopic]" + ping},
		{"plain_server", "ROUTER", "", ""},
		{"plain_client_dealer", "DEALER", "user of PLAIN", "[1 ][1 one][0 " + z + "][0 ]" + ping},
		{"plain_client_sub", "SUB", "user of PLAIN", "[4 \x09SUBSCRIBEtopic]" + ping},
	} {
		t.Run(c.name, func(t *testing.T) {
			side := capturedSide(c.name)
			frames := replay(t, c.name, side)
			if got := property(side.Properties(), "Socket-Type"); got != c.socketType {
				t.Errorf("the peer is a %q, want %q", got, c.socketType)
			}
			if id, _ := side.User(); id != c.user {
				t.Errorf("the user is %q, want %q", id, c.user)
			}
			if got := behind(t, side.Seal(), frames); got != c.behind {
				t.Errorf("then came %q\nwant %q", got, c.behind)
			}
		})
	}
}

// behind shows the flags and the bodies of frames.
func behind(t testing.TB, sealer Sealer, frames [][]byte) string {
	t.Helper()
	var shown strings.Builder
	for _, frame := range frames {
		h, _, err := wire.ParseHeader(frame)
		if err != nil {
			t.Fatal(err)
		}
		flags, body := h.Flags&^wire.FlagLong, frame[h.Len:]
		if sealer != nil {
			if flags != 0 {
				t.Errorf("a MESSAGE came with the flags %d in clear", flags)
			}
			if flags, body, err = unseal(sealer, nil, body); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&shown, "[%d %s]", flags, body)
	}
	return shown.String()
}

// TestCapturedPlainError: the ERROR of libzmq 4.3.4's PLAIN server, which is
// misspelt, is understood.
func TestCapturedPlainError(t *testing.T) {
	client := capturedSide("plain_server")
	must(client.Say())
	frame := captured(t, "plain_error")[0]
	if _, _, err := wire.ParseCommand(frame[2:]); err == nil {
		t.Fatal("the capture is no misspelt ERROR")
	}
	name, data, err := ParseCommand(frame[2:])
	if err != nil {
		t.Fatal(err)
	}
	var refused *PeerError
	if err := client.Hear(name, data); !errors.As(err, &refused) || refused.Status() != 400 {
		t.Fatalf("heard %v, want the status 400", err)
	}
	for n := range frame[2:] {
		if name, _, err := ParseCommand(frame[2 : 2+n]); err == nil && (name != wire.NameError || n < 5) {
			t.Errorf("%d octets of it are the command %q", n, name)
		}
	}
}
