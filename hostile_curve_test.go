package zmq_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// afterwards is what a peer of CURVE sends behind its handshake; told is how many
// of the messages "one", "two", "three" it may have delivered by that.
type afterwards struct {
	name string
	make func(p *securePeer) []byte
	told int
}

// three are sealed messages with rising nonces.
func three(p *securePeer) (one, two, more []byte) {
	return p.message("one"), p.message("two"), p.message("three")
}

func repeated(of func(one, two, more []byte) [][]byte) func(*securePeer) []byte {
	return func(p *securePeer) []byte { return slices.Concat(of(three(p))...) }
}

func inClear(b []byte) func(*securePeer) []byte {
	return func(p *securePeer) []byte { return slices.Concat(p.message("one"), b, p.message("two")) }
}

// changed is a message with some octets of its body, from at on, replaced.
func changed(at int, octets ...byte) func(*securePeer) []byte {
	return func(p *securePeer) []byte {
		one, two := p.message("one"), p.message("two")
		copy(two[2+at:], octets)
		return slices.Concat(one, two, p.message("three"))
	}
}

func curveAfterwards() []afterwards {
	highest := bytes.Repeat([]byte{0xFF}, 8)
	return []afterwards{
		{"the same again", repeated(func(a, b, c []byte) [][]byte { return [][]byte{a, a, b, c} }), 1},
		{"the first again later", repeated(func(a, b, c []byte) [][]byte { return [][]byte{a, b, a, c} }), 2},
		{"the second before the first", repeated(func(a, b, c []byte) [][]byte { return [][]byte{b, a, c} }), 1},
		{"one left out, then sent", repeated(func(a, b, c []byte) [][]byte { return [][]byte{a, c, b} }), 2},
		{"nonce 0", changed(8, make([]byte, 8)...), 1},
		{"nonce 2^64-1", changed(8, highest...), 1},
		{"nonce 2^64-2", changed(8, append(highest[:7:7], 0xFE)...), 1},
		{"a message in clear", inClear(wire.AppendFrame(nil, 0, []byte("clear"))), 1},
		{"an empty message in clear", inClear(wire.AppendFrame(nil, 0, nil)), 1},
		{"a long message in clear", inClear(wire.AppendFrame(nil, 0, noise(100_000))), 1},
		{"frames in clear", inClear([]byte("\x01\x05clear\x00\x01x")), 1},
		{"PING in clear", inClear(wire.AppendPing(nil, 0, nil)), 1},
		{"PONG in clear", inClear(wire.AppendPong(nil, nil)), 1},
		{"SUBSCRIBE in clear", inClear(wire.AppendSubscribe(nil, []byte("topic"))), 1},
		{"ERROR in clear", inClear(wire.AppendError(nil, "400")), 1},
		{"READY in clear", inClear(wire.AppendReady(nil, nil)), 1},
		{"a name and no more", inClear([]byte("\x00\x08\x07MESSAGE")), 1},
		{"a name and zeros", inClear(slices.Concat([]byte("\x00\x40\x07MESSAGE"), make([]byte, 56))), 1},
		{"MORE outside", func(p *securePeer) []byte {
			two := p.message("two")
			two[0] |= wire.FlagMore
			return slices.Concat(p.message("one"), two, p.message("three"))
		}, 1},
		{"reserved flags inside", func(p *securePeer) []byte {
			return slices.Concat(p.message("one"), p.frame(0, []byte("two"))[:2], noise(36))
		}, 1},
		{"MORE on a command inside", func(p *securePeer) []byte {
			return slices.Concat(p.message("one"), p.frame(wire.FlagMore|wire.FlagCommand, wire.AppendPing(nil, 0, nil)[2:]))
		}, 1},
		{"ERROR inside", func(p *securePeer) []byte {
			return slices.Concat(p.message("one"), p.frame(wire.FlagCommand, wire.AppendError(nil, "400")[2:]), p.message("two"))
		}, 1},
		{"a malformed command inside", func(p *securePeer) []byte {
			return slices.Concat(p.message("one"), p.frame(wire.FlagCommand, []byte{9, 'X'}), p.message("two"))
		}, 1},
		{"too long a message inside", func(p *securePeer) []byte {
			return slices.Concat(p.message("one"), p.frame(0, noise(80_000)), p.message("two"))
		}, 1},
	}
}

// TestCurveAfterwards: whatever comes that is not the next box, as it was
// sealed, ends the connection. What came before it is delivered, once; nothing of
// it is, and nothing behind it. All in one write, so that the good and the bad
// are opened together, and an octet at a time, so that they are not.
func TestCurveAfterwards(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t, zmq.WithMaxMessageSize(70_000))
	for _, a := range curveAfterwards() {
		for _, piece := range []int{1 << 20, 1} {
			p := f.inside()
			b := a.make(p)
			cut := min(len(b), 1<<22, 4000*min(piece, 1<<10))
			for chunk := range slices.Chunk(b[:cut], piece) {
				p.send(chunk)
			}
			p.send(b[cut:])
			p.expectEnd()
			t.Log(a.name)
			for _, word := range []string{"one", "two", "three"}[:a.told] {
				if a.name == "the second before the first" {
					word = "two"
				} else if a.name == "one left out, then sent" && word == "two" {
					word = "three"
				}
				expectHeard(t, f.Socket, word)
			}
			f.good()
		}
	}
	expectNone(t, f.Socket)
}

// TestCurveCutBoxes: a MESSAGE that is cut short, with a size that says so, ends
// the connection at each length; one that only ends is not delivered.
func TestCurveCutBoxes(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	for size := range 36 {
		p := f.inside()
		b := p.message("one")
		b[1] = byte(size)
		p.send(slices.Concat(b[:2+size], p.message("two")))
		p.expectEnd()
		p = f.inside()
		p.send(p.message("one")[:2+size])
		p.end()
	}
	f.good()
	expectNone(t, f.Socket)
}

// welcomeFrame is the octets of a WELCOME of CURVE with all that is around it.
const welcomeFrame = 2 + 8 + 160

// TestCurveReplay: a session that was recorded whole opens nothing when it is
// sent again, on one connection or on many at once.
func TestCurveReplay(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	p := f.inside()
	p.tell(p.message("one"))
	p.tell(p.message("two"))
	expectHeard(t, f.Socket, "one")
	expectHeard(t, f.Socket, "two")
	for _, again := range [][]byte{
		p.recorded(),                                   // all
		slices.Concat(p.said[0], p.said[2]),            // INITIATE without HELLO
		slices.Concat(p.said[0], p.said[3]),            // MESSAGE at once
		slices.Concat(p.said[:2]...),                   // HELLO, and then nothing
		slices.Concat(p.said[0], p.said[1], p.said[3]), // MESSAGE for INITIATE
	} {
		thief := f.raw()
		thief.send(again)
		thief.endSending()
		if got := thief.rest(); bytes.Contains(got, []byte("READY")) || len(got) > 64+welcomeFrame {
			t.Errorf("a recorded session got %d octets: %q", len(got), got)
		}
		f.good()
	}
	p.send(p.message("three")) // the one who was recorded notices nothing
	expectHeard(t, f.Socket, "three")
	expectNone(t, f.Socket)
}

// TestCurveCrossedSessions: the cookie, the INITIATE and the MESSAGE of one
// connection are none of another's, though the client is the same.
func TestCurveCrossedSessions(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	one, two := f.comes(), f.comes()
	one.step()
	two.step()
	one.send(two.next())
	one.expectEnd()
	two.end()
	f.good()
	one, two = f.inside(), f.inside()
	one.send(two.message("crossed"))
	one.expectEnd()
	two.end()
	f.good()
	expectNone(t, f.Socket)
}

// TestCurveEarlyMessages come before their time: with the greeting, with
// HELLO, instead of INITIATE.
func TestCurveEarlyMessages(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	box := f.inside().message("early")
	command := bytes.Clone(box)
	command[0] |= wire.FlagCommand
	for _, early := range [][]byte{box, command, wire.AppendFrame(nil, 0, []byte("early")), wire.AppendReady(nil, nil)} {
		for steps := range 2 {
			p := f.comes()
			for range steps {
				p.step() // HELLO, WELCOME
			}
			p.send(early)
			p.expectEnd()
		}
		p := f.comes()
		p.send(slices.Concat(p.next(), early)) // behind HELLO
		p.recv(welcomeFrame)
		p.expectEnd()
		f.good()
	}
	expectNone(t, f.Socket)
}

// TestCurveClaimedSize: a size buys nothing, before the handshake and after it.
func TestCurveClaimedSize(t *testing.T) {
	leak.Check(t)
	f := newCurveFort(t)
	f.good()
	bounded(t, "300 MB claimed", 4<<20, func() {
		for range 5 {
			p := f.comes()
			p.send(longHeader(wire.FlagCommand, 300_000_000))
			p.expectEnd()
			p = f.inside()
			p.send(slices.Concat(longHeader(0, 300_000_000), []byte("\x07MESSAGE"), make([]byte, 1000)))
			p.end()
			p = f.inside()
			p.send(longHeader(0, 1<<62))
			p.expectEnd()
			f.good()
		}
	})
	expectNone(t, f.Socket)
}
