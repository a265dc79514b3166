package majordomo

import (
	"fmt"
	"slices"
	"testing"
)

// A client that pushes its own first asking out of a keyed request is still one
// that waits.
func TestAskerReplacesItself(t *testing.T) {
	s := newStage(t, BrokerConfig{})
	ask := func(id string, number uint64) {
		s.from(id, numbered{number, "key"}.client(request, "tea", "please")...)
	}
	ask("c", 1)
	for i := range maxAskers - 1 {
		ask(fmt.Sprint("other", i), 1)
	}
	ask("c", 2)
	s.got("c")
	s.from("c", numbered{number: 2}.client(pending, "tea")...)
	if got := s.got("c"); len(got) != 1 || !equal(got[0], numbered{number: 2}.client(pending, "tea")) {
		t.Errorf("%q", got)
	}
}

// Frames without octets take memory too.
func TestEmptyFramesCount(t *testing.T) {
	s := newStage(t, BrokerConfig{Limits: Limits{Bytes: 100 * frameCost}})
	for i := range uint64(10) {
		s.from("c", numbered{number: i}.client(request, "tea", make([]string, 40)...)...)
	}
	if len(s.m.jobs) != 2 {
		t.Errorf("%d requests of 40 frames wait where 100 frames may", len(s.m.jobs))
	}
}

// What is put in front moves nothing of what stands there, so the loss of a worker
// with many requests does not hold the broker up.
func TestFrontOfALongLine(t *testing.T) {
	var q fairQueue
	j := &job{address: []byte("c")}
	for range 100_000 {
		q.put(j, false)
	}
	const often = 1000
	copies := testing.AllocsPerRun(10, func() {
		for range often {
			q.put(j, true)
		}
		for range often {
			q.take()
		}
	})
	if copies > often/10 {
		t.Errorf("for %d jobs in front the line was copied %v times", often, copies)
	}
}

// Jobs are taken in their order, whether one by one or by a test.
func TestLineInOrder(t *testing.T) {
	for _, sifted := range []bool{false, true} {
		var q fairQueue
		put := func(number uint64, front bool) { q.put(&job{number: number, size: 1, address: []byte("c")}, front) }
		for n := range uint64(4) {
			put(4+n, false)
			put(3-n, true)
		}
		var numbers []uint64
		if sifted {
			for _, j := range q.takeIf(func(j *job) bool { return j.number%2 == 1 }) {
				numbers = append(numbers, j.number)
			}
		}
		for q.n > 0 {
			numbers = append(numbers, q.take().number)
		}
		want := []uint64{0, 1, 2, 3, 4, 5, 6, 7}
		if sifted {
			want = []uint64{1, 3, 5, 7, 0, 2, 4, 6}
		}
		if !slices.Equal(numbers, want) || q.size != 0 || len(q.lines) != 0 {
			t.Errorf("%d, want %d; %d octets, %d lines", numbers, want, q.size, len(q.lines))
		}
	}
}

// Who asks for made-up services keeps no worker out, and workers with made-up
// services keep no request out. Each kind has its limit.
func TestServicesAreCountedApart(t *testing.T) {
	s := newStage(t, BrokerConfig{MaxServices: 3})
	for i := range 10 {
		s.from("c", mdp2.client(request, fmt.Sprint("asked", i), "x")...)
	}
	if len(s.m.jobs) != 3 {
		t.Errorf("requests wait for %d services", len(s.m.jobs))
	}
	for i := range 10 {
		s.from(fmt.Sprint("w", i), mdp2.ready(fmt.Sprint("offered", i))...)
	}
	if len(s.m.workers) != 3 {
		t.Errorf("workers offer %d services", len(s.m.workers))
	}
	s.from("w0", mdp2.worker(disconnect)...)
	s.from("late", mdp2.ready("asked0")...) // which now counts as offered
	s.from("c", mdp2.client(request, "asked9", "x")...)
	if len(s.m.workers) != 3 || s.m.services["asked9"] == nil {
		t.Error("a service that is asked for and one that is offered are counted as one")
	}
}

// A service that somebody has asked for is offered within the limit, too.
func TestOffersOfWhatIsAskedFor(t *testing.T) {
	s := newStage(t, BrokerConfig{MaxServices: 2})
	for i := range 10 {
		name := fmt.Sprint("made-up", i)
		s.from("c", mdp2.client(request, name, "x")...)
		s.from(fmt.Sprint("w", i), mdp2.ready(name)...)
	}
	s.from("more", mdp2.ready("made-up0")...) // which is offered already
	if s.m.offers != 2 || len(s.m.workers) != 3 {
		t.Errorf("%d workers offer %d services", len(s.m.workers), s.m.offers)
	}
}
