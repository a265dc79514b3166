package mech

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// known is random octets that are the same in each run.
func known(seed byte) func([]byte) {
	source := rand.NewChaCha8([32]byte{seed})
	return func(b []byte) { _, _ = source.Read(b) }
}

// pair is a key pair that is the same in each run.
func pair(seed byte) (k CurveKeys) {
	known(seed)(k.Secret[:])
	copy(k.Public[:], private(k).PublicKey().Bytes())
	return k
}

func private(k CurveKeys) *ecdh.PrivateKey { return must(ecdh.X25519().NewPrivateKey(k.Secret[:])) }

var (
	serverKeys   = pair(1)
	clientKeys   = pair(2)
	strangerKeys = pair(9)
)

// properties is metadata, each a name and a value.
func properties(words ...string) (b []byte) {
	for i := 0; i < len(words); i += 2 {
		b = wire.AppendProperty(b, words[i], words[i+1])
	}
	return b
}

// property is the value of a property, "" if there is none.
func property(props []wire.Property, name string) string {
	for _, p := range props {
		if p.Name == name {
			return string(p.Value)
		}
	}
	return ""
}

func content([]wire.Property) error { return nil }

// config is that of a side which says that it is of a socket type, and for
// which the random octets are known.
func config(socketType string, seed byte) Config {
	return Config{Metadata: properties("Socket-Type", socketType, "Identity", ""), Check: content, random: known(seed)}
}

// admits is an Auth that lets everybody in, and knows them by name.
func admits(who Credentials) Verdict {
	return Verdict{Status: 200, UserID: fmt.Sprint("user of ", who.Mechanism), Metadata: []wire.Property{{Name: "Group", Value: []byte("all")}}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// split takes a command frame apart.
func split(t testing.TB, frame []byte) (name string, data []byte) {
	t.Helper()
	h, ok, err := wire.ParseHeader(frame)
	if !ok || err != nil || h.Flags&^wire.FlagLong != wire.FlagCommand || int(h.Size) != len(frame)-h.Len {
		t.Fatalf("no command frame: %x", frame)
	}
	name, data, err = wire.ParseCommand(frame[h.Len:])
	if err != nil {
		t.Fatal(err)
	}
	return name, data
}

// A flight is one command on its way.
type flight struct {
	from  string // "client" or "server"
	frame []byte
}

// errStuck is two sides that wait for each other.
var errStuck = errors.New("both sides wait")

// converse lets two sides talk until both are done. Change, if there is one,
// may change a command on its way. The error is that of the side at fault.
func converse(t testing.TB, client, server Mechanism, change func(n int, data []byte) []byte) (said []flight, at string, err error) {
	t.Helper()
	sides := [2]Mechanism{client, server}
	names := [2]string{"client", "server"}
	for range 10 {
		moved := false
		for i, from := range sides {
			frame, err := from.Say()
			if err != nil {
				return said, names[i], err
			}
			if frame == nil {
				continue
			}
			moved = true
			said = append(said, flight{from: names[i], frame: frame})
			name, data := split(t, frame)
			if change != nil {
				data = change(len(said)-1, data)
			}
			if err := sides[1-i].Hear(name, data); err != nil {
				return said, names[1-i], err
			}
		}
		if client.Done() && server.Done() {
			return said, "", nil
		}
		if !moved {
			return said, "", errStuck
		}
	}
	t.Fatal("the handshake does not end")
	return nil, "", nil
}

// seal appends one whole frame to dst, sealed; nil when there can be no more.
func seal(s Sealer, dst []byte, flags byte, body ...[]byte) []byte {
	text := bytes.Join(body, nil)
	at := len(dst)
	dst = wire.AppendHeader(dst, 0, s.Overhead()+len(text))
	dst = append(dst, make([]byte, s.Overhead())...)
	dst[len(dst)-1] = flags
	dst = append(dst, text...)
	if !s.Seal(dst[at:]) {
		return nil
	}
	return dst
}

// unseal appends the body of a sealed frame to dst. The frame, which comes
// without its header, stays as it is. Both ways of opening must agree.
func unseal(s Sealer, dst, frame []byte) (flags byte, out []byte, err error) {
	frame = bytes.Clone(frame)
	if c, ok := s.(*curveSealer); ok {
		twin, run := curveSealer{in: c.in, heard: c.heard}, wire.AppendFrame(nil, 0, frame)
		n, err := twin.Open(run)
		if once := c.OpenFrame(frame); (once == nil) != (err == nil) || (err == nil) != (n == len(run)) {
			return 0, nil, fmt.Errorf("opened alone: %w; in a run: %d octets, %w", once, n, err)
		} else if once == nil && !bytes.HasSuffix(run, frame) {
			return 0, nil, errors.New("what was opened alone is not what was opened in a run")
		} else if once != nil {
			return 0, nil, once
		}
	} else if err := s.OpenFrame(frame); err != nil {
		return 0, nil, err
	}
	return frame[s.Overhead()-1], append(dst, frame[s.Overhead():]...), nil
}
