package transport

import (
	"errors"
	"os"
	"runtime"
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
		if b.fast.in.spin.more() {
			t.Errorf("%s: a new link looks at once", bind)
		}
		b.fast.in.spin.skip = 0
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
		l.fast.in.spin.skip = 0
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

// TestSpinDoubt: what comes in time mends the doubt; doubt is tried again, more rarely
// each time that it was right; and who was told to look never doubts.
func TestSpinDoubt(t *testing.T) {
	spinners := new(Spinners)
	spinners.most.Store(1)
	s := spin{limit: usualSpin, spinners: spinners}
	inVain := func() (waits int) {
		for ; !s.more(); waits++ {
		}
		s.since = s.since.Add(-time.Second)
		if s.more() {
			t.Fatal("it looks without end")
		}
		return waits
	}
	for range spinDoubt/2 + 1 {
		if n := inVain(); n > 0 {
			t.Fatalf("it doubts after too little: %d waits", n)
		}
	}
	for want := leastPause; want <= mostPause; want *= 2 {
		if n := inVain(); n != want {
			t.Fatalf("tried again after %d waits, want %d", n, want)
		}
	}
	if n := inVain(); n != mostPause {
		t.Fatalf("tried again after %d waits, at most %d are wanted", n, mostPause)
	}
	for !s.more() {
	}
	s.came()
	for s.row < spinRow {
		if !s.more() {
			t.Fatalf("it sleeps after %d times that paid", s.row)
		}
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
	if s = (spin{limit: time.Hour, doubt: 10 * spinDoubt, skip: 10, row: spinRow}); !s.more() {
		t.Error("who was told to look does not")
	}
	s.since = s.since.Add(-time.Hour)
	if s.more() {
		t.Error("it looks without end")
	}
}

// TestSpinners: with one processor only a connection that is the only one looks.
func TestSpinners(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var s Spinners
	s.Join()
	if !s.enter() {
		t.Error("the only connection may not look")
	}
	if s.enter() {
		t.Error("two look on one processor")
	}
	s.leave()
	if s.Join(); s.enter() {
		t.Error("one of two connections looks where there is one processor")
	}
	if s.Leave(); !s.enter() {
		t.Error("a connection that is the only one again may not look")
	}
}
