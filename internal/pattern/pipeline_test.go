package pattern

import (
	"slices"
	"testing"

	"github.com/phimq/zmq/internal/pipe"
)

// TestTurns: who sends to many sends to each in turn; nobody is left out who
// has room, whoever comes, goes, fills up and drains meanwhile.
func TestTurns(t *testing.T) {
	for _, typ := range []string{"PUSH", "DEALER"} {
		b := newBench(t, typ, Config{})
		b.canSend(false)
		b.refuses(Again, "x")
		pipes := b.joins(5, 0)
		b.canSend(true)
		one := func() *pipe.Pipe { p, _ := b.send("x"); return p }
		if got := counts(50, pipes, one); !even(got) {
			t.Errorf("%s: the peers got %v", typ, got)
		}
		b.p.Lost(pipes[2])
		pipes = slices.Delete(pipes, 2, 3)
		if got := counts(40, pipes, one); !even(got) {
			t.Errorf("%s: with one lost, the others got %v", typ, got)
		}
		pipes = append(pipes, b.joins(2, 0)...)
		if got := counts(60, pipes, one); !even(got) {
			t.Errorf("%s: with two more, the peers got %v", typ, got)
		}
	}
}

// TestTurnsPassOverTheFull: a peer without room takes no part until it has.
func TestTurnsPassOverTheFull(t *testing.T) {
	b := newBench(t, "PUSH", Config{})
	pipes := b.joins(4, 3)
	one := func() *pipe.Pipe { p, _ := b.send("x"); return p }
	b.fills(pipes[1])
	if got := counts(9, pipes, one); !slices.Equal(got, []int{3, 0, 3, 3}) {
		t.Errorf("with one full, the peers got %v", got)
	}
	b.canSend(false)
	b.refuses(Again, "x")
	out(pipes[1])
	out(pipes[3])
	b.canSend(true)
	if got := counts(6, pipes, one); !slices.Equal(got, []int{0, 3, 0, 3}) {
		t.Errorf("with room again in two, the peers got %v", got)
	}
	b.p.Lost(pipes[0]) // one that is out of turn
	out(pipes[2])
	if got := counts(3, pipes, one); !slices.Equal(got, []int{0, 0, 3, 0}) {
		t.Errorf("with a full one lost, the peers got %v", got)
	}
}

// TestTurnsAtRandom keeps the list of a lb right under whatever happens.
func TestTurnsAtRandom(t *testing.T) {
	b := newBench(t, "PUSH", Config{})
	l := &b.p.(*push).lb
	var pipes []*pipe.Pipe
	seed := uint32(1)
	for range 5000 {
		seed = seed*1664525 + 1013904223
		switch op := seed >> 28; {
		case op < 3 && len(pipes) < 8:
			pipes = append(pipes, b.join("", 2))
		case op < 5 && len(pipes) > 0:
			i := int(seed>>8) % len(pipes)
			b.p.Lost(pipes[i])
			pipes = slices.Delete(pipes, i, i+1)
		case op < 8 && len(pipes) > 0:
			out(pipes[int(seed>>8)%len(pipes)])
		default:
			room := slices.ContainsFunc(pipes, func(p *pipe.Pipe) bool { return p.Out.Len() < 2 })
			if p, v := b.send("x"); (v == Go) != room || (v == Go && !slices.Contains(pipes, p)) {
				t.Fatalf("verdict %d; there is room: %v", v, room)
			}
		}
		if len(l.pipes) != len(pipes) || l.active > len(pipes) || (l.active > 0 && l.current >= l.active) {
			t.Fatalf("%d pipes are %d, %d active, current %d", len(pipes), len(l.pipes), l.active, l.current)
		}
		for i, p := range l.pipes {
			if p.Send.Index != i+1 || p.Send.Blocked != (i >= l.active) {
				t.Fatalf("pipe %d of %d active says index %d, blocked %v", i, l.active, p.Send.Index, p.Send.Blocked)
			}
		}
	}
}

// TestFairQueue: who receives from many takes one message of each in turn.
func TestFairQueue(t *testing.T) {
	for _, typ := range []string{"PULL", "DEALER", "ROUTER", "XSUB"} {
		b := newBench(t, typ, Config{})
		pipes := b.joins(4, 0)
		for _, p := range pipes {
			for range 20 {
				b.comes(p, "x")
			}
		}
		one := func() *pipe.Pipe { _, p, _ := b.recv(); return p }
		for range 5 {
			if got := counts(8, pipes, one); !even(got) {
				t.Errorf("%s: of the peers came %v", typ, got)
			}
		}
		for range 30 { // the first has much more to say
			b.comes(pipes[0], "x")
		}
		if got := counts(40, pipes, one); !slices.Equal(got, []int{10, 10, 10, 10}) {
			t.Errorf("%s: of the peers came %v", typ, got)
		}
		if got := counts(40, pipes, one); !slices.Equal(got, []int{30, 0, 0, 0}) {
			t.Errorf("%s: at the end came %v", typ, got)
		}
		b.receives()
	}
}

// TestFairQueueIsInOrder: each peer's messages stay in order, and none is
// lost when the peer is.
func TestFairQueueIsInOrder(t *testing.T) {
	b := newBench(t, "PULL", Config{})
	pipes := b.joins(3, 0)
	next := map[*pipe.Pipe]int{}
	come := map[*pipe.Pipe]int{}
	seed := uint32(7)
	for range 3000 {
		seed = seed*1664525 + 1013904223
		p := pipes[seed>>16%3]
		if seed>>28 < 7 {
			b.comes(p, number(come[p]))
			come[p]++
			continue
		}
		message, from, v := b.recv()
		if v != Go {
			continue
		}
		if message != number(next[from]) {
			t.Fatalf("received %s, want %d", message, next[from])
		}
		next[from]++
	}
	for _, p := range pipes {
		b.p.Lost(p)
	}
	for {
		if _, from, v := b.recv(); v == Go {
			next[from]++
			continue
		}
		break
	}
	for _, p := range pipes {
		if next[p] != come[p] {
			t.Errorf("%d messages of %d were received", next[p], come[p])
		}
	}
}

func TestOneWayTypes(t *testing.T) {
	b := newBench(t, "PULL", Config{})
	b.join("", 0)
	b.refuses(Unsupported, "x")
	b.canSend(false)
	b = newBench(t, "PUSH", Config{})
	p := b.join("", 0)
	b.comes(p, "should not have come")
	if p.In.Len() != 0 {
		t.Error("a PUSH keeps what it can't receive")
	}
	if _, _, v := b.recv(); v != Unsupported {
		t.Errorf("verdict %d", v)
	}
}

// TestPairTakesOnePeer, and another one when that is gone. RFC 31 "The PAIR
// Socket Type".
func TestPairTakesOnePeer(t *testing.T) {
	b := newBench(t, "PAIR", Config{})
	first := b.join("", 0)
	second := b.make("", 0)
	if b.p.Attach(second) {
		t.Fatal("a second peer is taken")
	}
	b.p.Lost(second)
	b.sends(first, "x")
	b.comes(first, "late")
	b.p.Lost(first)
	b.refuses(Again, "x")
	if !b.p.Attach(second) {
		t.Fatal("no other peer is taken when the first is gone")
	}
	b.sends(second, "x")
	b.receives("late")
}

// TestProbe: with the option, a new peer gets an empty message before all
// else.
func TestProbe(t *testing.T) {
	for _, typ := range []string{"DEALER", "REQ", "ROUTER"} {
		for _, on := range []bool{false, true} {
			b := newBench(t, typ, Config{ProbeRouter: on})
			p := b.make("peer", 0)
			b.p.Attach(p)
			p.Out.Put(nil, octets([]string{"waits"}))
			b.p.Opened(p)
			if on {
				b.got(p, "", "waits")
			} else {
				b.got(p, "waits")
			}
		}
	}
}
