package session

import (
	"sync"
	"time"

	"github.com/phimq/zmq/internal/transport"
)

// Shared is what the groups of one domain have in common.
type Shared struct {
	spinners transport.Spinners
	marks    sync.Pool // of *mark: in effect one for each processor
}

// mark is when somebody on a processor last wrote to a connection.
type mark struct{ at time.Time }

// wrote notes that the caller has just written.
func (s *Shared) wrote(now time.Time) {
	m, ok := s.marks.Get().(*mark)
	if !ok {
		m = new(mark)
	}
	m.at = now
	s.marks.Put(m)
}

// quiet reports whether nobody on the caller's processor has written of late, to
// whatever connection of the domain.
func (s *Shared) quiet(now time.Time) bool {
	m, ok := s.marks.Get().(*mark)
	if !ok {
		return true
	}
	ago := now.Sub(m.at)
	s.marks.Put(m)
	return ago < 0 || ago > quiet // less than nothing: a test with a clock of its own
}
