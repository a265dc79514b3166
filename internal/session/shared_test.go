package session

import (
	"testing"
	"time"
)

// TestShared: who has just written is not quiet for a while, and a clock that goes
// back silences nobody. The pool of the marks may lose one at any time.
func TestShared(t *testing.T) {
	var s Shared
	now := time.Now()
	if !s.quiet(now) {
		t.Error("somebody has written before anybody did")
	}
	noticed := false
	for range 1000 {
		s.wrote(now)
		if !s.quiet(now.Add(2 * quiet)) {
			t.Fatal("the mark stays too long")
		}
		s.wrote(now)
		if !s.quiet(now.Add(-time.Hour)) {
			t.Fatal("the clock went back, and a writer counts as busy")
		}
		s.wrote(now)
		noticed = noticed || !s.quiet(now.Add(quiet/2))
	}
	if !noticed {
		t.Error("nobody notices who has just written")
	}
}
