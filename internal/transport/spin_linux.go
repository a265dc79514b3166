package transport

import (
	"runtime"
	"time"
)

const (
	// usualSpin is how long a reader looks for more before it sleeps, unless it was
	// told: a little more than what it takes to wake a thread on a processor that sleeps.
	usualSpin = 50 * time.Microsecond
	// A reader that looked in vain this often does not look again for a while.
	spinDoubt = 8
	spinRetry = 64
	// A connection that is new begins after so many waits: most of a crowd say little.
	spinFirst = 8
	// spinRow is how often in a row it pays before a reader sleeps nevertheless, so that
	// others get the processor: the system lets who never sleeps go on for milliseconds.
	spinRow = 64
)

// spin is what a reader knows of looking for more instead of sleeping.
type spin struct {
	limit    time.Duration
	spinners *Spinners // whose place it takes while it looks; nil: it needs none and never doubts
	alone    bool      // there is one processor, which the peer may want

	since time.Time // when it began to look; zero: it does not
	doubt int       // grows when nothing came in time
	row   int       // how often something came in time since it slept
}

// more reports whether the reader, which found nothing, should look again. When it
// says so others have had the processor meanwhile.
func (s *spin) more() bool {
	if s.since.IsZero() && !s.begin() {
		return false
	}
	if time.Since(s.since) >= s.limit {
		s.end()
		s.doubt += 2
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
		s.doubt = max(s.doubt-1, 0)
		s.row++
	}
}

func (s *spin) begin() bool {
	if s.limit <= 0 {
		return false
	}
	if s.spinners != nil {
		if s.row >= spinRow {
			s.row = 0
			return false
		}
		if s.doubt > spinDoubt {
			if s.doubt++; s.doubt < spinDoubt+spinRetry {
				return false
			}
			s.doubt = spinDoubt - 1
		}
		if !s.spinners.enter() {
			return false
		}
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
