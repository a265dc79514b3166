package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// patience is how long anything may take. Every call of the soak is bounded
// by less than a second.
const patience = 20 * time.Second

// watchdog ends the process when somebody makes no progress.
type watchdog struct {
	mu      sync.Mutex
	watched map[*watched]struct{}
}

// watched is somebody who must show that it lives.
type watched struct {
	dog  *watchdog
	name string
	step atomic.Int64           // counts what it began
	what atomic.Pointer[string] // what it does now

	seen  int64 // the step at the watchdog's last look
	looks int   // for so many looks it has been the same
}

// enter watches somebody until it leaves.
func (d *watchdog) enter(name string) *watched {
	w := &watched{dog: d, name: name}
	w.beat("nothing yet")
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.watched == nil {
		d.watched = map[*watched]struct{}{}
	}
	d.watched[w] = struct{}{}
	return w
}

func (w *watched) leave() {
	w.dog.mu.Lock()
	delete(w.dog.watched, w)
	w.dog.mu.Unlock()
}

// beat says that something new begins.
func (w *watched) beat(what string) {
	w.what.Store(&what)
	w.step.Add(1)
}

// watchLoop looks once a second. It counts looks instead of asking the clock,
// so that a machine that was asleep, or busy with others, is not taken for
// somebody who is stuck.
func (d *watchdog) watchLoop(done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-done:
			return
		}
		if stuck := d.look(); stuck != "" {
			fmt.Fprintf(os.Stderr, "%s\nsoak: FAIL: no progress for more than %v:\n%s", stacks(), patience, stuck)
			os.Exit(1)
		}
	}
}

// look describes who did nothing new for all of the last looks.
func (d *watchdog) look() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var stuck strings.Builder
	for w := range d.watched {
		if step := w.step.Load(); step != w.seen {
			w.seen, w.looks = step, 0
			continue
		}
		if w.looks++; w.looks > int(patience/time.Second) {
			fmt.Fprintf(&stuck, "\t%s: %s (step %d)\n", w.name, *w.what.Load(), w.seen)
		}
	}
	return stuck.String()
}

// stacks is the dump of all goroutines.
func stacks() string {
	buf := make([]byte, 4<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// counts is what must be at the end what it was at the beginning.
type counts struct{ goroutines, descriptors int }

func count() counts {
	c := counts{goroutines: runtime.NumGoroutine()}
	// Where there is no such folder, descriptors are not counted.
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.descriptors = len(entries)
	}
	return c
}

// lasting are the descriptors that the runtime opens for its network poller and
// keeps: epoll, its event and, once a signal is asked for, nothing more.
const lasting = 2

// compare waits until nothing is left that was not there before.
func (c counts) compare() error {
	deadline := time.Now().Add(patience)
	for {
		now := count()
		if now.goroutines <= c.goroutines+1 && now.descriptors <= c.descriptors+lasting { // os/signal keeps a goroutine
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d goroutines and %d descriptors are left, %d and %d were there before\n%s",
				now.goroutines, now.descriptors, c.goroutines, c.descriptors, stacks())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// heapLog is how much memory was in use, looked at in equal intervals.
type heapLog struct {
	mu      sync.Mutex
	samples []uint64 // octets, each after a collection
}

func (h *heapLog) look() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	h.mu.Lock()
	h.samples = append(h.samples, m.HeapAlloc)
	h.mu.Unlock()
}

// String is the least, the median and the most.
func (h *heapLog) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.samples) == 0 {
		return "not looked at"
	}
	sorted := slices.Sorted(slices.Values(h.samples))
	return fmt.Sprintf("%d to %d MiB, median %d MiB", sorted[0]>>20, sorted[len(sorted)-1]>>20, sorted[len(sorted)/2]>>20)
}

const (
	heapSlack = 32 << 20  // by how much the heap may wander
	heapLimit = 512 << 20 // and what it must never reach
)

// judge finds a heap that grows without end: its median in the last quarter
// against that in the second.
func (h *heapLog) judge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if most := slices.Max(append(h.samples, 0)); most > heapLimit {
		return fmt.Errorf("the heap reached %d MiB", most>>20)
	}
	quarter := len(h.samples) / 4
	if quarter < 3 {
		return nil
	}
	early, late := median(h.samples[quarter:2*quarter]), median(h.samples[len(h.samples)-quarter:])
	if late > early+early/2+heapSlack {
		return fmt.Errorf("the heap grows: %d MiB in the second quarter, %d MiB in the last", early>>20, late>>20)
	}
	return nil
}

func median(samples []uint64) uint64 {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}
