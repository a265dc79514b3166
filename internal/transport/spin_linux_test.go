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
		spinners := new(Spinners)
		b.Spin(-1, spinners)
		spinners.most.Store(1)
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
		if n := spinners.n.Load(); n != 0 {
			t.Errorf("%s: %d places are taken and nobody looks", bind, n)
		}
	}
}

// TestSpinPlaces: only so many look at once, and the end of a link gives the place back.
func TestSpinPlaces(t *testing.T) {
	a, b := fastPair(t, "tcp://127.0.0.1:0")
	_, c := fastPair(t, "tcp://127.0.0.1:0")
	spinners := new(Spinners)
	for _, l := range []*Link{b, c} {
		l.Spin(-1, spinners)
	}
	spinners.most.Store(1)
	var parks idles
	octet := make([]byte, 1)
	if n, err := b.Read(octet, nil, &parks); n > 0 || err != nil || parks > 0 {
		t.Fatalf("the first: %d, %v, parked %d times", n, err, parks)
	}
	if err := c.Conn().SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(octet, nil, &parks); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the second: %v", err)
	}
	_ = a.Close()
	_ = b.Close()
	if _, err := b.Read(octet, nil, &parks); err == nil {
		t.Fatal("a link that is closed can be read")
	}
	if n := spinners.n.Load(); n != 0 {
		t.Errorf("%d places are taken and nobody looks", n)
	}
	spinners.most.Store(0)
	if c.fast.in.spin.more() {
		t.Error("it looks where there is one processor")
	}
}

// TestSpinDoubt: what comes in time mends the doubt, and doubt is tried again; who
// was told to look never doubts.
func TestSpinDoubt(t *testing.T) {
	spinners := new(Spinners)
	spinners.most.Store(1)
	s := spin{limit: usualSpin, spinners: spinners, doubt: spinDoubt + 1}
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
	for s.row < spinRow {
		s.more()
		s.came()
	}
	if s.more() {
		t.Errorf("it did not sleep after %d times", spinRow)
	}
	if !s.more() {
		t.Error("it slept twice")
	}
	if (&spin{}).more() {
		t.Error("it spins where nobody asked for it")
	}
	if s = (spin{limit: time.Hour, doubt: 10 * spinDoubt}); !s.more() {
		t.Error("who was told to look does not")
	}
	s.since = s.since.Add(-time.Hour)
	if s.more() {
		t.Error("it looks without end")
	}
}
