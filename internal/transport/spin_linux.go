package transport

import (
	"runtime"
	"time"
)

const (
	// spinTime is how long a reader looks for more before it sleeps. It is a little
	// more than what it takes to wake a thread on a processor that sleeps.
	spinTime = 50 * time.Microsecond
	// A reader that looked in vain this often does not look again for a while.
	spinDoubt = 8
	spinRetry = 64
)

// spin is what a reader knows of looking for more instead of sleeping.
type spin struct {
	on    bool
	since time.Time // when it began to look; zero: it does not
	doubt int       // grows when nothing came in time
}

// more reports whether the reader, which found nothing, should look again.
func (s *spin) more() bool {
	if !s.on {
		return false
	}
	now := time.Now()
	if s.since.IsZero() {
		if s.doubt > spinDoubt {
			if s.doubt++; s.doubt < spinDoubt+spinRetry {
				return false
			}
			s.doubt = spinDoubt - 1
		}
		s.since = now
	}
	if now.Sub(s.since) < spinTime {
		if runtime.GOMAXPROCS(0) == 1 {
			Yield() // the peer may want this very processor
		} else {
			runtime.Gosched()
		}
		return true
	}
	s.since = time.Time{}
	s.doubt += 2
	return false
}

// came notes that something was read.
func (s *spin) came() {
	if s.on && !s.since.IsZero() {
		s.since = time.Time{}
		s.doubt = max(s.doubt-1, 0)
	}
}
