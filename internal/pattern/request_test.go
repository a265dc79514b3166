package pattern

import (
	"encoding/binary"
	"testing"
)

// TestReqAlternates: RFC 28 "The REQ Socket Type".
func TestReqAlternates(t *testing.T) {
	b := newBench(t, "REQ", Config{})
	if _, _, v := b.recv(); v != State {
		t.Errorf("receives before it sends: verdict %d", v)
	}
	b.refuses(Again, "no peer")
	p := b.join("", 0)
	b.canSend(true)
	b.sends(p, "question", "more")
	b.got(p, "|question|more")
	b.canSend(false)
	b.refuses(State, "again")
	b.receives()
	b.comes(p, "", "answer", "more")
	b.comes(p, "", "a second answer")
	b.receives("answer|more")
	b.sends(p, "next")
	b.comes(p, "", "answer")
	b.receives("answer") // what came before the request is dropped
}

// TestReqTakesTurns asks one peer after the other, and hears only the one that
// it has asked.
func TestReqTakesTurns(t *testing.T) {
	b := newBench(t, "REQ", Config{})
	pipes := b.joins(3, 0)
	asked := map[int]bool{}
	for range pipes {
		p, _ := b.send("question")
		for i, other := range pipes {
			b.comes(other, "", number(i))
			asked[i] = asked[i] || other == p
		}
		for i, other := range pipes {
			if other == p {
				b.receives(number(i))
			}
		}
	}
	if len(asked) != 3 || !asked[0] || !asked[1] || !asked[2] {
		t.Errorf("asked %v", asked)
	}
}

// TestReqDropsMalformed: RFC 28 "The REQ Socket Type": an answer begins with
// an empty frame, and the state stays.
func TestReqDropsMalformed(t *testing.T) {
	b := newBench(t, "REQ", Config{})
	p := b.join("", 0)
	b.sends(p, "question")
	b.comes(p, "no delimiter")
	b.comes(p, "no", "delimiter")
	b.comes(p, "")
	b.receives()
	b.refuses(State, "x")
	b.comes(p, "", "")
	b.receives("")
}

func TestReqCorrelates(t *testing.T) {
	b := newBench(t, "REQ", Config{ReqCorrelate: true, ReqRelaxed: true, Seed: 1<<32 - 2})
	p := b.join("", 0)
	id := func(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
	for n := uint32(1<<32 - 1); n != 3; n++ {
		b.sends(p, "question")
		b.got(p, id(n)+"||question")
		b.comes(p, id(n-1), "", "old")
		b.comes(p, "", "none")
		b.comes(p, id(n), "no delimiter")
		b.comes(p, id(n)+"x", "", "long")
		b.comes(p, id(n), "", "answer")
		b.receives("answer")
	}
	b.sends(p, "first")
	b.sends(p, "second") // relaxed
	b.comes(p, id(3), "", "to the first")
	b.comes(p, id(4), "", "to the second")
	b.receives("to the second")
}

// TestReqRelaxed asks again without an answer, and does not take the answer
// of the peer that it asked before.
func TestReqRelaxed(t *testing.T) {
	b := newBench(t, "REQ", Config{ReqRelaxed: true})
	b.joins(2, 0)
	first, _ := b.send("question")
	b.canSend(true)
	second, v := b.send("question")
	if v != Go || first == second {
		t.Fatalf("verdict %d; the same peer: %v", v, first == second)
	}
	b.comes(first, "", "late")
	b.comes(second, "", "answer")
	b.receives("answer")
}

// TestReqOutlivesItsPeer: a request to a peer that is lost can still be
// answered by what came before; another one needs the relaxed mode.
func TestReqOutlivesItsPeer(t *testing.T) {
	b := newBench(t, "REQ", Config{})
	p := b.join("", 0)
	b.sends(p, "question")
	b.comes(p, "", "answer")
	b.p.Lost(p)
	b.receives("answer")
	b.canSend(false)
	b.refuses(Again, "x")
	p = b.join("", 0)
	b.sends(p, "question")
	b.p.Lost(p)
	b.receives()
	b.refuses(State, "x")
}

// TestRepAlternates: RFC 28 "The REP Socket Type".
func TestRepAlternates(t *testing.T) {
	b := newBench(t, "REP", Config{})
	p := b.join("", 0)
	b.canSend(false)
	b.refuses(State, "x")
	b.comes(p, "a", "b", "", "question", "", "more")
	b.comes(p, "", "second")
	if got, _, _ := b.recv(); got != "question||more" {
		t.Errorf("received %q", got)
	}
	if _, _, v := b.recv(); v != State {
		t.Errorf("receives by turns: verdict %d", v)
	}
	b.canSend(true)
	b.sends(p, "answer", "more")
	b.got(p, "a|b||answer|more")
	b.refuses(State, "x")
	b.receives("second")
	b.sends(p, "answer")
	b.got(p, "|answer")
}

// TestRepDropsMalformed: a request without a delimiter, or with nothing
// behind it, is dropped and the turn stays.
func TestRepDropsMalformed(t *testing.T) {
	b := newBench(t, "REP", Config{})
	p := b.join("", 0)
	b.comes(p, "no delimiter")
	b.comes(p, "no", "delimiter")
	b.comes(p, "")
	b.comes(p, "a", "")
	b.receives()
	b.canSend(false)
	b.comes(p, "", "good")
	b.receives("good")
	b.sends(p, "answer")
	b.got(p, "|answer")
}

// TestRepNeverBlocks: RFC 28 "The REP Socket Type": the answer is dropped if
// the peer is gone or has no room, and the turn passes.
func TestRepNeverBlocks(t *testing.T) {
	b := newBench(t, "REP", Config{})
	full, gone := b.join("", 2), b.join("", 0)
	b.fills(full)
	b.comes(full, "", "of the full one")
	b.receives("of the full one")
	b.refuses(Discard, "answer")
	b.comes(gone, "", "of the lost one")
	b.p.Lost(gone)
	b.receives("of the lost one")
	b.refuses(Discard, "answer")
	b.refuses(State, "answer")
	b.got(gone)
}

// TestRepAnswersWhoAsked, in the order of the requests.
func TestRepAnswersWhoAsked(t *testing.T) {
	b := newBench(t, "REP", Config{})
	pipes := b.joins(3, 0)
	for i, p := range pipes {
		b.comes(p, number(i), "", "question")
	}
	for range pipes {
		_, from, v := b.recv()
		if v != Go {
			t.Fatalf("verdict %d", v)
		}
		b.sends(from, "answer")
	}
	for i, p := range pipes {
		b.got(p, number(i)+"||answer")
	}
}
