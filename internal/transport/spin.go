package transport

import (
	"runtime"
	"sync/atomic"
)

// Spinners counts the readers that look for more instead of sleeping. They leave a
// processor to find out what comes on all other connections of the process: the
// runtime asks the system for that when it has nothing else to do. Where there is one
// processor a reader looks only if its connection is the only one.
type Spinners struct{ n, most, links atomic.Int32 }

// Join takes note of a link, and of how many processors there are now.
func (s *Spinners) Join() {
	s.links.Add(1)
	s.most.Store(int32(runtime.GOMAXPROCS(0) - 1))
}

// Leave takes note of the end of a link.
func (s *Spinners) Leave() { s.links.Add(-1) }

func (s *Spinners) enter() bool {
	most := s.most.Load()
	if most == 0 && s.links.Load() == 1 {
		most = 1
	}
	if s.n.Load() >= most {
		return false
	}
	if s.n.Add(1) > most {
		s.n.Add(-1)
		return false
	}
	return true
}

func (s *Spinners) leave() { s.n.Add(-1) }
