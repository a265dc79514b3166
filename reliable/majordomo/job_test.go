package majordomo

import (
	"fmt"
	"testing"
)

// A client that pushes its own first asking out of a keyed request is still one
// that waits.
func TestAskerReplacesItself(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	ask := func(id string, number uint64) {
		s.from(id, numbered{number, "key"}.client(request, "tea", "please")...)
	}
	ask("c", 1)
	for i := range maxAskers - 1 {
		ask(fmt.Sprint("other", i), 1)
	}
	ask("c", 2)
	s.got("c")
	s.from("c", numbered{number: 2}.client(pending, "tea")...)
	if got := s.got("c"); len(got) != 1 || !equal(got[0], numbered{number: 2}.client(pending, "tea")) {
		t.Errorf("%q", got)
	}
}

// Frames without octets take memory too.
func TestEmptyFramesCount(t *testing.T) {
	s := newStage(t, BrokerConfig{Limits: Limits{Bytes: 100 * frameCost}})
	for i := range uint64(10) {
		s.from("c", numbered{number: i}.client(request, "tea", make([]string, 40)...)...)
	}
	if len(s.m.jobs) != 2 {
		t.Errorf("%d requests of 40 frames wait where 100 frames may", len(s.m.jobs))
	}
}
