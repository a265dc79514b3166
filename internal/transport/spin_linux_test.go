package transport

import (
	"errors"
	"os"
	"testing"
	"time"
)

// idles counts how often a reader was about to park.
type idles int

func (n *idles) Idle() { *n++ }

// TestSpin: a reader that spins comes back empty-handed with its memory before it
// parks, and one that looked in vain too often parks at once.
func TestSpin(t *testing.T) {
	for _, bind := range fastBinds {
		a, b := fastPair(t, bind)
		b.Spin()
		read := func() (looks int, parked bool) {
			t.Helper()
			var parks idles
			for ; parks == 0; looks++ {
				if err := b.Conn().SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
					t.Fatal(err)
				}
				n, err := b.Read(make([]byte, 1), nil, &parks)
				if n > 0 {
					return looks, parks > 0
				}
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatal(err)
				}
			}
			return looks, true
		}
		if looks, parked := read(); looks < 2 || !parked {
			t.Errorf("%s: with nothing to read: %d looks, parked: %v", bind, looks, parked)
		}
		for range spinDoubt { // each in vain
			read()
		}
		if looks, _ := read(); looks != 1 {
			t.Errorf("%s: a reader that doubts looks %d times", bind, looks)
		}
		if _, err := a.Write([][]byte{[]byte("x")}); err != nil {
			t.Fatal(err)
		}
		if _, parked := read(); parked {
			t.Errorf("%s: parked with something to read", bind)
		}
	}
}

// TestSpinDoubt: what comes in time mends the doubt, and doubt is tried again.
func TestSpinDoubt(t *testing.T) {
	s := spin{on: true, doubt: spinDoubt + 1}
	for i := range spinRetry - 2 {
		if s.more() {
			t.Fatalf("tried again after %d", i)
		}
	}
	if !s.more() {
		t.Fatalf("not tried again after %d", spinRetry)
	}
	for s.doubt > 0 {
		s.more()
		before := s.doubt
		if s.came(); s.doubt >= before {
			t.Fatal("what came in time did not count")
		}
	}
	if (&spin{}).more() {
		t.Error("it spins where nobody asked for it")
	}
}
