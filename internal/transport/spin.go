package transport

import (
	"runtime"
	"sync/atomic"
)

// Spinners counts the readers that look for more instead of sleeping. They leave a
// processor to find out what comes on all other connections of the process: the
// runtime asks the system for that when it has nothing else to do. Where there is one
// processor only, one reader may look.
type Spinners struct{ n, most atomic.Int32 }

// Measure takes note of how many processors there are.
func (s *Spinners) Measure() { s.most.Store(int32(max(runtime.GOMAXPROCS(0)-1, 1))) }

func (s *Spinners) enter() bool {
	most := s.most.Load()
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
