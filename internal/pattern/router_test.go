package pattern

import (
	"strings"
	"testing"
)

// TestRouterAddresses: RFC 28 "The ROUTER Socket Type".
func TestRouterAddresses(t *testing.T) {
	b := newBench(t, "ROUTER", Config{})
	one, two := b.join("one", 0), b.join("two", 0)
	b.sends(one, "one", "a", "")
	b.sends(two, "two", "b")
	b.refuses(Discard, "nobody", "c")
	b.refuses(Discard, "one")
	b.got(one, "a|")
	b.got(two, "b")
	b.comes(two, "", "d")
	b.receives("two||d")
	b.canSend(true)
	b.p.Lost(one)
	b.refuses(Discard, "one", "x")
}

// TestRouterNames gives a peer without a name one that no peer can choose.
func TestRouterNames(t *testing.T) {
	b := newBench(t, "ROUTER", Config{Seed: 1<<32 - 3})
	names := map[string]bool{}
	for range 10 {
		p := b.join("", 0)
		if len(p.ID) != 5 || p.ID[0] != 0 || names[string(p.ID)] {
			t.Errorf("name %x, known %v", p.ID, names[string(p.ID)])
		}
		names[string(p.ID)] = true
		b.sends(p, string(p.ID), "x")
	}
}

// TestRouterPreset: the name that the user chose counts, not the peer's.
func TestRouterPreset(t *testing.T) {
	b := newBench(t, "ROUTER", Config{})
	p := b.make("its own", 0)
	p.ID, p.Preset = []byte("chosen"), true
	b.p.Attach(p)
	b.sends(p, "chosen", "x")
	b.refuses(Discard, "its own", "x")
}

func TestRouterMandatory(t *testing.T) {
	b := newBench(t, "ROUTER", Config{RouterMandatory: true})
	p := b.join("p", 2)
	b.refuses(NoPeer, "nobody", "x")
	b.fills(p)
	b.refuses(Again, "p", "x")
	out(p)
	b.sends(p, "p", "x")
	b.c.RouterMandatory = false
	b.fills(p)
	b.refuses(Discard, "p", "x")
	b.p.Lost(p)
	b.c.RouterMandatory = true
	b.refuses(NoPeer, "p", "x")
}

// TestRouterRefusesASecond peer of a name; with handover it takes the name.
func TestRouterRefusesASecond(t *testing.T) {
	b := newBench(t, "ROUTER", Config{})
	first := b.join("p", 0)
	second := b.make("p", 0)
	if b.p.Attach(second) {
		t.Fatal("a second peer takes the name")
	}
	b.p.Lost(second)
	b.sends(first, "p", "x")

	b.c.RouterHandover = true
	b.comes(first, "late")
	third := b.join("p", 0)
	if b.ends[first] != 1 {
		t.Errorf("the connection of the first was ended %d times", b.ends[first])
	}
	b.sends(third, "p", "x")
	b.p.Lost(first) // its connection ends only now
	b.sends(third, "p", "x")
	b.receives("p|late")
	b.p.Lost(third)
	b.refuses(Discard, "p", "x")
}

func TestStream(t *testing.T) {
	for _, notify := range []bool{false, true} {
		b := newBench(t, "STREAM", Config{StreamNotify: notify})
		p := b.join("", 0)
		id := string(p.ID)
		b.comes(p, "octets")
		b.p.Lost(p)
		b.p.Lost(p)
		if notify {
			b.receives(id+"|", id+"|octets", id+"|")
		} else {
			b.receives(id + "|octets")
		}
		b.refuses(NoPeer, id, "x")
	}
	b := newBench(t, "STREAM", Config{})
	p := b.join("", 2)
	id := string(p.ID)
	r, v := b.p.Pick([]byte(id), 2)
	if v != Go || !r.Hangup || r.Skip != 1 || r.Pipe != p {
		t.Errorf("verdict %d, route %+v", v, r)
	}
	b.refuses(Discard, id)
	b.fills(p)
	b.refuses(Again, id, "x")
	preset := b.make("", 0)
	preset.ID = []byte(id)
	if b.p.Attach(preset) {
		t.Error("a second connection takes the name")
	}
	if strings.HasPrefix(id, "\x00") == false || len(id) != 5 {
		t.Errorf("name %x", id)
	}
}
