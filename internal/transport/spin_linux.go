package transport

import (
	"runtime"
	"time"
)

const (
	// usualSpin is how long a reader looks for more before it sleeps, unless it was
	// told: a little more than what it takes to wake a thread on a processor that sleeps.
	usualSpin = 50 * time.Microsecond
	// spinFirst is how often a new connection sleeps before it looks: most of a crowd
	// say little.
	spinFirst = 8
	// spinDoubt is how much a reader may doubt that it pays before it sleeps at once, for
	// leastPause waits, and twice as many each time that a trial was in vain.
	spinDoubt  = 8
	leastPause = 64
	mostPause  = 1024
	// spinRow is how often in a row it pays before a reader sleeps nevertheless, so that
	// others get the processor: the system lets who never sleeps go on for milliseconds.
	spinRow = 64
)

// spin is what a reader knows of looking for more instead of sleeping.
type spin struct {
	limit    time.Duration
	spinners *Spinners // whose place it takes while it looks; nil: it was told to look, and does
	alone    bool      // it was told, and there is one processor, which the peer may want

	since time.Time // when it began to look; zero: it does not
	doubt int       // grows when nothing came in time
	pause int       // waits between trials; 0: it does not doubt
	skip  int       // waits that are left of them
	row   int       // how often something came in time since it slept
}

// more reports whether the reader, which found nothing, should look again. When it
// says so others have had the processor meanwhile.
func (s *spin) more() bool {
	if s.since.IsZero() && !s.begin() {
		return false
	}
	limit := s.limit
	if s.pause > 0 {
		limit *= 2 // a peer that sleeps as well has to be woken once
	}
	if time.Since(s.since) >= limit {
		s.end()
		s.vain()
		return false
	}
	if s.alone {
		Yield()
	} else {
		runtime.Gosched()
	}
	return true
}

// came notes that something was read.
func (s *spin) came() {
	if !s.since.IsZero() {
		s.end()
		s.doubt, s.pause = max(s.doubt-1, 0), 0
		s.row++
	}
}

// vain notes that nothing came in time.
func (s *spin) vain() {
	if s.doubt += 2; s.doubt > spinDoubt {
		s.pause = min(max(2*s.pause, leastPause), mostPause)
		s.skip, s.doubt = s.pause, spinDoubt-1
	}
}

func (s *spin) begin() bool {
	switch {
	case s.limit <= 0:
		return false
	case s.spinners == nil:
	case s.skip > 0:
		s.skip--
		return false
	case s.row >= spinRow:
		s.row = 0
		return false
	case !s.spinners.enter():
		return false
	}
	s.since = time.Now()
	return true
}

// end ends the looking, if it looks.
func (s *spin) end() {
	if !s.since.IsZero() && s.spinners != nil {
		s.spinners.leave()
	}
	s.since = time.Time{}
}
