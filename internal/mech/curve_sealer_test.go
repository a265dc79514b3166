package mech

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/phimq/zmq/internal/wire"
)

// sealers are the two ends of a connection.
func sealers(t testing.TB) (client, server *curveSealer) {
	t.Helper()
	r := record(t)
	c, s := clientAtReady(t, r), serverAtInitiate(t, r)
	hears(t, c, wire.NameReady, r.ready)
	hears(t, s, wire.NameInitiate, r.initiate)
	return c.sealer, s.sealer
}

// frameFlags are the flags that a frame inside a MESSAGE can have.
var frameFlags = []byte{0, wire.FlagMore, wire.FlagCommand}

// TestSealer: what one end seals the other opens, whatever its size and flags,
// joined from parts, behind what is there already, in either direction.
func TestSealer(t *testing.T) {
	client, server := sealers(t)
	for _, size := range []int{0, 1, 15, 31, 32, 63, 64, 65, 221, 222, 223, 1000, 1 << 16} {
		for _, flags := range frameFlags {
			for _, ends := range [][2]*curveSealer{{client, server}, {server, client}} {
				text := bytes.Repeat([]byte{byte(size)}, size)
				frame := seal(ends[0], []byte("before"), flags, text[:size/3], nil, text[size/3:])
				frame, ok := bytes.CutPrefix(frame, []byte("before"))
				if h, _, err := wire.ParseHeader(frame); !ok || err != nil || h.Flags&^wire.FlagLong != 0 || int(h.Size) != size+33 || len(frame) != h.Len+size+33 {
					t.Fatalf("size %d: the frame is %.20x, %+v, %v", size, frame, h, err)
				}
				for _, dst := range []string{"", "d", "behind this"} {
					end := *ends[1] // the nonce is good once
					got, out, err := unseal(&end, []byte(dst), body(t, frame))
					if err != nil || got != flags || string(out) != dst+string(text) {
						t.Fatalf("size %d, flags %d behind %q: flags %d, %d octets, %v", size, flags, dst, got, len(out), err)
					}
				}
				if _, _, err := unseal(ends[1], nil, body(t, frame)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if client.Overhead() != 33 {
		t.Errorf("the overhead is %d", client.Overhead())
	}
}

// TestSealerNonces: nothing is taken twice, nor out of order; what is left out
// is no harm.
func TestSealerNonces(t *testing.T) {
	client, server := sealers(t)
	var frames [][]byte
	for i := range 6 {
		frame := seal(client, nil, 0, []byte{byte(i)})
		if nonce := binary.BigEndian.Uint64(body(t, frame)[8:]); nonce != uint64(3+i) {
			t.Errorf("message %d has the nonce %d", i, nonce)
		}
		frames = append(frames, body(t, frame))
	}
	for _, c := range []struct {
		frame int
		want  error
	}{{0, nil}, {0, ErrNonce}, {1, nil}, {0, ErrNonce}, {4, nil}, {3, ErrNonce}, {4, ErrNonce}, {5, nil}, {5, ErrNonce}} {
		if _, _, err := unseal(server, nil, frames[c.frame]); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("message %d: %v, want %v", c.frame, err, c.want)
		}
	}
	client, server = sealers(t)
	for nonce := range uint64(3) { // those of HELLO and INITIATE, and the one before
		client.sent = nonce - 1
		if _, _, err := unseal(server, nil, body(t, seal(client, nil, 0, nil))); !errors.Is(err, ErrNonce) {
			t.Errorf("a message with the nonce %d: %v", nonce, err)
		}
		server.sent = nonce - 1
		if _, _, err := unseal(client, nil, body(t, seal(server, nil, 0, nil))); !errors.Is(err, ErrNonce) && nonce < 2 {
			t.Errorf("a message of the server with the nonce %d: %v", nonce, err)
		}
	}
	if _, _, err := unseal(client, nil, body(t, seal(client, nil, 0, []byte("to myself")))); !errors.Is(err, ErrBox) {
		t.Errorf("a message that comes back to its sender: %v", err)
	}
}

// TestSealerNonceEnd: the last nonce is never used, and none comes again.
func TestSealerNonceEnd(t *testing.T) {
	client, server := sealers(t)
	client.sent = math.MaxUint64 - 2
	last := seal(client, nil, 0, []byte("last"))
	if _, out, err := unseal(server, nil, body(t, last)); err != nil || string(out) != "last" {
		t.Errorf("the last message is %q, %v", out, err)
	}
	for range 3 {
		if b := seal(client, []byte("before"), 0, []byte("too many")); b != nil {
			t.Fatalf("behind the last nonce comes %x", b)
		}
	}
	if _, _, err := unseal(server, nil, body(t, last)); !errors.Is(err, ErrNonce) {
		t.Errorf("the last message again: %v", err)
	}

	_, server = sealers(t)
	box := append([]byte(messageName), shortNonce(math.MaxUint64)...)
	box = client.out.Seal(box, []byte("\x00forged"), math.MaxUint64)
	if _, _, err := unseal(server, nil, box); !errors.Is(err, ErrNonce) {
		t.Errorf("the nonce 2^64-1: %v", err)
	}
}

// TestSealerFlippedBits: each bit of a MESSAGE matters, and so does its length.
func TestSealerFlippedBits(t *testing.T) {
	client, server := sealers(t)
	frame := body(t, seal(client, nil, wire.FlagMore, []byte("a text of no importance")))
	opens := func(b []byte) error {
		end := *server
		_, out, err := unseal(&end, nil, b)
		var refusal *Refusal
		if errors.As(err, &refusal) || err != nil && out != nil {
			t.Fatalf("the peer is told %v, out is %q", refusal, out)
		}
		return err
	}
	if err := opens(frame); err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(frame) {
		b := bytes.Clone(frame)
		b[i/8] ^= 1 << (i % 8)
		if opens(b) == nil {
			t.Errorf("bit %d of octet %d can be any", i%8, i/8)
		}
	}
	for n := range len(frame) {
		if opens(frame[:n:n]) == nil {
			t.Errorf("%d octets are taken", n)
		}
	}
	if opens(append(bytes.Clone(frame), 0)) == nil {
		t.Error("an octet behind is taken")
	}
}

// TestSealerKeepsDst: what stands in dst is there afterwards, whether the box
// TestSealerFlags: the reserved flags inside a MESSAGE are zero.
func TestSealerFlags(t *testing.T) {
	client, server := sealers(t)
	for flags := range 256 {
		want := map[int]error{0: nil, 1: nil, 2: nil, 3: wire.ErrMoreCommand}
		wanted, known := want[flags]
		if !known {
			wanted = wire.ErrReserved
		}
		client.sent++
		box := append([]byte(messageName), shortNonce(client.sent)...)
		box = client.out.Seal(box, []byte{byte(flags), 'x'}, client.sent)
		got, _, err := unseal(server, nil, box)
		if !errors.Is(err, wanted) || (err == nil) != (wanted == nil) {
			t.Errorf("flags %08b: %d, %v, want %v", flags, got, err, wanted)
		}
	}
}

// TestSealerClear: after the handshake nothing is taken in clear.
func TestSealerClear(t *testing.T) {
	client, server := sealers(t)
	sealed := body(t, seal(client, nil, 0, []byte("good")))
	for _, clear := range []string{
		"", "\x07", "hello", "\x05READY", "\x04PING\x00\x00", "\x09SUBSCRIBE", "\x05ERROR\x03400", "\x07MESSAG", "\x07message" + string(sealed[8:]),
		"\x07WELCOME" + string(sealed[8:]), "\x08INITIATE" + string(sealed[8:]), string(bytes.Repeat([]byte("MESSAGE"), 10)),
	} {
		if _, out, err := unseal(server, nil, []byte(clear)); !errors.Is(err, ErrUnexpected) || out != nil {
			t.Errorf("%q: %q, %v", clear, out, err)
		}
	}
	for n := len(messageName); n < 33; n++ {
		if _, _, err := unseal(server, nil, sealed[:n]); !errors.Is(err, wire.ErrCommand) {
			t.Errorf("a MESSAGE of %d octets: %v", n, err)
		}
	}
	if _, out, err := unseal(server, nil, sealed); err != nil || string(out) != "good" {
		t.Errorf("%q, %v", out, err)
	}
}

// run lays out frames of a text each, ready to be sealed.
func run(s Sealer, texts ...string) (b []byte) {
	for _, text := range texts {
		b = wire.AppendHeader(b, 0, s.Overhead()+len(text))
		b = append(append(b, make([]byte, s.Overhead())...), text...)
	}
	return b
}

// TestSealerRun seals and opens many frames at once. Of a run in which one is
// bad, those before it are open.
func TestSealerRun(t *testing.T) {
	var texts []string
	for i := range 3*gang + 5 {
		texts = append(texts, strings.Repeat("x", i*i%1500))
	}
	for _, bad := range []int{-1, 0, 1, gang - 1, gang, gang + 1, 2*gang + 7, len(texts) - 1} {
		client, server := sealers(t)
		b := run(client, texts...)
		if !client.Seal(b) {
			t.Fatal("the run can't be sealed")
		}
		want := len(b)
		if bad >= 0 {
			want = len(run(client, texts[:bad]...))
			b[len(run(client, texts[:bad+1]...))-1] ^= 1
		}
		n, err := server.Open(b)
		if n != want || (err == nil) != (bad < 0) {
			t.Errorf("frame %d is bad: %d octets are open, want %d: %v", bad, n, want, err)
		}
		for i, rest := 0, b[:n]; len(rest) > 0; i++ {
			h, _, _ := wire.ParseHeader(rest)
			end := h.Len + int(h.Size)
			if got := string(rest[h.Len+server.Overhead() : end]); got != texts[i] {
				t.Fatalf("frame %d has %d octets, want %d, or others", i, len(got), len(texts[i]))
			}
			rest = rest[end:]
		}
	}
}

// TestSealerAllocations: a message costs no allocation.
func TestSealerAllocations(t *testing.T) {
	client, server := sealers(t)
	b := run(client, "", strings.Repeat("x", 1000), "y")
	if n := testing.AllocsPerRun(100, func() {
		h, _, _ := wire.ParseHeader(b)
		if !client.Seal(b) || server.OpenFrame(b[h.Len:h.Len+int(h.Size)]) != nil {
			t.Fatal("the first frame is not sealed or not opened")
		}
		if n, err := server.Open(b[h.Len+int(h.Size):]); err != nil || n != len(b)-h.Len-int(h.Size) {
			t.Fatal(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestSealerBothWays seals and opens on one end at the same time; the race
// detector sees whether they share anything.
func TestSealerBothWays(t *testing.T) {
	client, server := sealers(t)
	var frames [][]byte
	for i := range 200 {
		frames = append(frames, body(t, seal(server, nil, 0, fmt.Append(nil, i))))
	}
	var sealing sync.WaitGroup
	sealing.Add(1)
	go func() {
		defer sealing.Done()
		for range 200 {
			seal(client, nil, 0, []byte("there"))
		}
	}()
	for i, frame := range frames {
		if _, out, err := unseal(client, nil, frame); err != nil || string(out) != fmt.Sprint(i) {
			t.Fatalf("message %d: %q, %v", i, out, err)
		}
	}
	sealing.Wait()
}
