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
