package zmq_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/internal/wire"
)

// A victim is a bound socket that hostile peers come to. Whatever they did,
// good serves a good peer after it.
type victim struct {
	*zmq.Socket
	t      testing.TB
	peer   string       // socket type of its peers
	client []zmq.Option // what they need to enter
	served int
}

func newVictim(t testing.TB, typ zmq.Type, opts ...zmq.Option) *victim {
	t.Helper()
	s := open(t, typ, opts...)
	if _, err := s.Bind("tcp://127.0.0.1:*"); err != nil {
		t.Fatal(err)
	}
	peer := map[zmq.Type]string{zmq.PULL: "PUSH", zmq.ROUTER: "DEALER", zmq.XPUB: "SUB", zmq.PUB: "SUB", zmq.REP: "REQ"}[typ]
	return &victim{Socket: s, t: t, peer: peer}
}

// raw makes a connection that the test plays, before any greeting.
func (v *victim) raw() *wirePeer {
	v.t.Helper()
	return dialWire(v.t, v.Socket)
}

// greeted makes a connection whose handshake is done.
func (v *victim) greeted() *wirePeer {
	v.t.Helper()
	p := v.raw()
	p.handshake(v.peer)
	return p
}

// good wants a good peer to be served, and nothing of hostile peers delivered.
func (v *victim) good() {
	v.t.Helper()
	v.served++
	word := "good " + time.Duration(v.served).String()
	endpoint, err := v.Option("last_endpoint")
	if err != nil {
		v.t.Fatal(err)
	}
	typ := map[string]zmq.Type{"PUSH": zmq.PUSH, "DEALER": zmq.DEALER, "SUB": zmq.SUB, "REQ": zmq.REQ}[v.peer]
	opts := slices.Clone(v.client)
	if typ == zmq.DEALER {
		opts = append(opts, zmq.WithRoutingID(word))
	}
	peer := open(v.t, typ, opts...)
	defer peer.Close()
	if err := peer.Connect(endpoint); err != nil {
		v.t.Fatal(err)
	}
	switch typ {
	case zmq.PUSH:
		say(v.t, peer, word)
		expectHeard(v.t, v.Socket, word)
	case zmq.DEALER:
		say(v.t, peer, word)
		expectHeard(v.t, v.Socket, word, word)
		say(v.t, v.Socket, word, "answer")
		expectHeard(v.t, peer, "answer")
	case zmq.REQ:
		say(v.t, peer, word)
		expectHeard(v.t, v.Socket, word)
		say(v.t, v.Socket, "answer")
		expectHeard(v.t, peer, "answer")
	case zmq.SUB:
		if err := peer.Subscribe(word); err != nil {
			v.t.Fatal(err)
		}
		awaitSubscribers(v.t, v.Socket, word, 1)
		say(v.t, v.Socket, word)
		expectHeard(v.t, peer, word)
		for v.Type() == zmq.XPUB {
			if got := hear(v.t, v.Socket); got[0] == "\x01"+word {
				break
			} else if got[0][0] > 1 {
				v.t.Fatalf("received %.60q", got)
			}
		}
	}
}

// endsSoon wants a connection to be ended, whatever came before, octets that were
// not read included.
func endsSoon(p *wirePeer) {
	p.t.Helper()
	_ = p.rest()
}

// reset ends a connection as a crash does, by RST.
func (p *wirePeer) reset() {
	p.t.Helper()
	if err := p.conn.(*net.TCPConn).SetLinger(0); err != nil {
		p.t.Fatal(err)
	}
	p.cut()
}

// victims are what hostile octets are sent to.
func eachVictim(t *testing.T, f func(t *testing.T, v *victim)) {
	for _, typ := range []zmq.Type{zmq.PULL, zmq.ROUTER, zmq.XPUB, zmq.REP} {
		t.Run(typ.String(), func(t *testing.T) {
			leak.Check(t)
			f(t, newVictim(t, typ))
		})
	}
}

// noise is n octets that look like nothing, the same in each run.
func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestHostileGreetings: what is no greeting ends the connection at once, and
// costs nobody else anything.
func TestHostileGreetings(t *testing.T) {
	eachVictim(t, func(t *testing.T, v *victim) {
		for name, b := range map[string][]byte{
			"HTTP":               []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
			"TLS":                []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
			"SSH":                []byte("SSH-2.0-OpenSSH_9.2\r\n"),
			"telnet":             append([]byte("\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20"), make([]byte, 64)...),
			"zeros":              make([]byte, 1000),
			"ones":               bytes.Repeat([]byte{0xFF}, 1000),
			"noise":              noise(64 << 10),
			"ZMTP 1.0":           []byte("\x01\x00\x06\x00hello"),
			"ZMTP 1.0, wrapped":  []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xda\x00\x00"),
			"ZMTP 2.0":           []byte("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x08\x00\x00"),
			"another mechanism":  greeting(3, 1, "CURVE"),
			"a bad mechanism":    greeting(3, 1, "null"),
			"a message at once":  slices.Concat(ours, []byte("\x00\x05hello")),
			"no READY":           slices.Concat(ours, wire.AppendPing(nil, 0, nil)),
			"a huge READY":       slices.Concat(ours, []byte("\x06\x00\x00\x00\x00\x40\x00\x00\x00\x05READY")),
			"READY of 2^64-1":    slices.Concat(ours, []byte("\x06\xff\xff\xff\xff\xff\xff\xff\xff\x05READY")),
			"an empty property":  slices.Concat(ours, wire.AppendReady(nil, []byte("\x00\x00\x00\x00\x00"))),
			"a property too far": slices.Concat(ours, wire.AppendReady(nil, []byte("\x0bSocket-Type\x00\x00\xff\xffPUSH"))),
			"a wrong type":       slices.Concat(ours, wire.AppendReady(nil, wire.AppendProperty(nil, "Socket-Type", "PAIR"))),
			"many properties":    slices.Concat(ours, wire.AppendReady(nil, bytes.Repeat(wire.AppendProperty(nil, "A", ""), 10_000))),
		} {
			p := v.raw()
			p.send(b)
			endsSoon(p)
			p.cut()
			t.Log(name)
			v.good()
		}
		expectNoneButTopics(v)
	})
}

// expectNoneButTopics wants nothing to receive but what subscribers said.
func expectNoneButTopics(v *victim) {
	v.t.Helper()
	for {
		m, err := v.TryRecv()
		if v.Type() == zmq.XPUB && err == nil && m.Frames[0][0] <= 1 {
			continue
		}
		if !errors.Is(err, zmq.ErrAgain) && !errors.Is(err, zmq.ErrState) {
			v.t.Fatalf("received %v, %v, want nothing", m, err)
		}
		return
	}
}

func longHeader(flags byte, size uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{flags | wire.FlagLong}, size)
}

// TestHostileFrames comes from peers whose handshake was good. Each connection
// ends, by our doing or by theirs, and nothing is delivered of it.
func TestHostileFrames(t *testing.T) {
	part := wire.AppendFrame(nil, wire.FlagMore, []byte("part"))
	closes := map[string][]byte{
		"reserved flags":            {0x10, 0},
		"MORE on a command":         {0x05, 2, 1, 'X'},
		"an empty command":          {0x04, 0},
		"a nameless command":        {0x04, 1, 0},
		"a name beyond its command": {0x04, 2, 9, 'X'},
		"2^63":                      longHeader(0, 1<<63),
		"2^64-1":                    longHeader(0, 1<<64-1),
		"2^64-38":                   longHeader(0, 0xffffffffffffffda),
		"a command of 2^62":         longHeader(wire.FlagCommand, 1<<62),
		"a command of 1 MB":         longHeader(wire.FlagCommand, 1<<20),
		"2^63 in a message":         slices.Concat(part, longHeader(0, 1<<63)),
		"reserved in a message":     slices.Concat(part, []byte{0x80}),
		"a PING cut short":          wire.AppendCommand(nil, wire.NamePing, []byte{0}),
		"a PONG too long":           wire.AppendCommand(nil, wire.NamePong, make([]byte, 17)),
		"an ERROR":                  wire.AppendError(nil, "I have had enough"),
		"a malformed ERROR":         wire.AppendCommand(nil, wire.NameError, []byte("\x09too short")),
	}
	stays := map[string][]byte{
		"2^31 announced":    longHeader(0, 1<<31),
		"2^47 announced":    longHeader(0, 1<<47),
		"2^62 announced":    slices.Concat(longHeader(0, 1<<62), make([]byte, 100_000)),
		"2^63-1 announced":  slices.Concat(part, longHeader(wire.FlagMore, 1<<63-1), make([]byte, 1000)),
		"half a header":     {0x02, 0, 0},
		"half a frame":      {0x00, 200, 'x'},
		"half a message":    part,
		"many parts":        bytes.Repeat(part, 100_000),
		"half a command":    {0x04, 100, 4, 'P', 'I'},
		"a PING in between": slices.Concat(part, wire.AppendPing(nil, 0, nil)),
		"unknown commands":  bytes.Repeat(wire.AppendCommand(nil, "NONSENSE", noise(200)), 1000),
	}
	eachVictim(t, func(t *testing.T, v *victim) {
		for name, b := range closes {
			p := v.greeted()
			p.send(b)
			endsSoon(p)
			t.Log(name)
			v.good()
		}
		for name, b := range stays {
			for _, end := range []func(*wirePeer){(*wirePeer).end, (*wirePeer).reset} {
				p := v.greeted()
				p.send(b)
				end(p)
			}
			t.Log(name)
			v.good()
		}
		expectNoneButTopics(v)
	})
}

// TestHostileResets: peers that vanish at each octet of the handshake leave
// nothing behind.
func TestHostileResets(t *testing.T) {
	eachVictim(t, func(t *testing.T, v *victim) {
		whole := slices.Concat(ours, wire.AppendReady(nil, wire.AppendProperty(nil, "Socket-Type", v.peer)))
		for at := range len(whole) + 1 {
			p := v.raw()
			p.send(whole[:at])
			p.finish()
			p.reset()
		}
		v.good()
	})
}

// TestSilentPeers are many who connect and say nothing: others are served
// meanwhile, and the silent ones lose their connections in time.
func TestSilentPeers(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL, zmq.WithHandshakeTimeout(2*time.Second))
	var silent []*wirePeer
	for range 500 {
		silent = append(silent, v.raw())
	}
	v.good()
	for _, p := range silent {
		if got := p.rest(); !bytes.Equal(got, ours) {
			t.Fatalf("a silent peer got %x", got)
		}
	}
	v.good()
}

// TestSlowPeers say an octet now and then: the time of a handshake counts from
// its begin.
func TestSlowPeers(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL, zmq.WithHandshakeTimeout(100*time.Millisecond))
	p := v.raw()
	begun := slices.Concat(ours, []byte{0x04, 200, 5, 'R', 'E', 'A', 'D', 'Y'}, noise(100))
	p.recv(len(ours))
	for at := range begun {
		p.send(begun[at : at+1])
		p.readBy(time.Now().Add(10 * time.Millisecond)) // this is the pause between two octets
		if _, err := p.conn.Read(make([]byte, 1)); err == nil {
			t.Fatal("an octet for one who has said nothing yet")
		} else if !errors.Is(err, os.ErrDeadlineExceeded) {
			v.good()
			return
		}
	}
	t.Fatalf("a handshake of %d octets, one each 10 ms, was not ended after 100 ms", len(begun))
}

// heap is the octets in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools kept over the first goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// bounded wants f to leave not much more in use than there was before.
func bounded(t *testing.T, what string, most int64, f func()) {
	t.Helper()
	before := heap()
	f()
	if grown := heap() - before; grown > most {
		t.Errorf("%s: %d octets are in use that were not before, at most %d are allowed", what, grown, most)
	}
}

// TestPingFlood: who asks without end and reads no answer gets no more than a
// few, and others are served.
func TestPingFlood(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL)
	p := v.greeted()
	bounded(t, "a flood of PINGs", 8<<20, func() {
		for range 100 {
			p.send(bytes.Repeat(wire.AppendPing(nil, 0, noise(16)), 10_000))
		}
		p.sendMsg("behind the flood")
		expectHeard(t, v.Socket, "behind the flood")
	})
	v.good()
}

// TestBombs: what never becomes a message must cost no more than it is, and
// nothing any more when its connection ends.
func TestBombs(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL)
	v.good()
	bounded(t, "bombs that are over", 12<<20, func() {
		for range 5 {
			p := v.greeted()
			p.send(bytes.Repeat([]byte("\x01\x03bom"), 200_000))
			p.endSending()
			endsSoon(p)
			v.good()
		}
	})
	p := v.greeted()
	bounded(t, "4 GiB announced and 1 kB sent", 4<<20, func() {
		p.send(slices.Concat(longHeader(0, 4<<30), make([]byte, 1000)))
		v.good()
	})
	expectNone(t, v.Socket)
}

// TestTrickle: small messages that come one by one to a user who does not
// receive cost about as much as one chunk, and not one chunk each.
func TestTrickle(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL)
	v.good()
	p := v.greeted()
	bounded(t, "1000 messages of 1 octet", 4<<20, func() {
		for range 900 {
			p.sendMsg("x")
			p.sync()
		}
	})
	for range 900 {
		expectHeard(t, v.Socket, "x")
	}
}

// TestHostileTopics: long topics, unknown cancellations, and more topics than
// are allowed.
func TestHostileTopics(t *testing.T) {
	leak.Check(t)
	for _, typ := range []zmq.Type{zmq.PUB, zmq.XPUB} {
		v := newVictim(t, typ)
		long := strings.Repeat("t", 1<<20)
		p := v.raw()
		p.handshake30(v.peer)
		for _, m := range []string{"\x00unknown", "\x00", "\x01" + long, "\x00" + long, "\x00" + long, "\x00" + long[:1000]} {
			p.sendMsg(m)
		}
		p.sendCommand(wire.NameCancel, "unknown")
		p.sendCommand(wire.NameCancel, "")
		p.sendCommand(wire.NameSubscribe, strings.Repeat("t", 1<<16))
		p.sync()
		v.good()
		p.sendCommand(wire.NameSubscribe, long)
		endsSoon(p)
		v.good()
		if typ == zmq.PUB {
			continue
		}
		expectNoneButTopics(v)
	}
}

// TestOrdinaryMessagesToPub are dropped, however many.
func TestOrdinaryMessagesToPub(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PUB)
	v.good()
	p := v.greeted()
	bounded(t, "messages to a PUB", 4<<20, func() {
		for range 100 {
			p.send(bytes.Repeat([]byte("\x00\x08ordinary"), 3000))
		}
		p.sync()
	})
	v.good()
}

// TestMessagesToXPub wait for its user up to the high-water mark.
func TestMessagesToXPub(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.XPUB, zmq.WithRecvHWM(10))
	p := v.greeted()
	for range 10 {
		p.send(bytes.Repeat([]byte("\x00\x08ordinary"), 3000))
	}
	p.sync()
	n := 0
	for {
		if _, err := v.TryRecv(); err != nil {
			break
		}
		n++
	}
	if n != 10 {
		t.Errorf("%d messages wait, want 10", n)
	}
	v.good()
}

// TestSubscribeToPull: commands of another pattern are not delivered.
func TestSubscribeToPull(t *testing.T) {
	leak.Check(t)
	v := newVictim(t, zmq.PULL)
	p := v.greeted()
	p.sendCommand(wire.NameSubscribe, "topic")
	p.sendCommand(wire.NameCancel, "topic")
	p.sendCommand(wire.NameJoin, "group")
	p.sync()
	expectNone(t, v.Socket)
	v.good()
}
