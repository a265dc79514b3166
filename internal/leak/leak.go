// Package leak fails the tests that leave goroutines or file descriptors behind.
//
// A package calls Main from its TestMain; a test that is to be held by itself
// calls Check first. Both wait a bounded time for what is about to end.
package leak

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// grace is how long a goroutine or a descriptor may take to go. It is waited
// only where something is still there, so it may be long.
const grace = 10 * time.Second

// Main runs the tests of a package and ends the process: call it as the only
// statement of TestMain. If all tests pass and then goroutines or descriptors
// are left that were not there before, it prints them and the package fails.
func Main(m *testing.M) {
	os.Exit(run(m.Run, grace, os.Stderr))
}

func run(tests func() int, grace time.Duration, w io.Writer) int {
	before := take()
	code := tests()
	if code != 0 || fuzzing() {
		return code
	}
	if left := before.left(grace); left != nil {
		fmt.Fprintf(w, "after all tests these are left:\n\n%s\n", strings.Join(left, "\n\n"))
		return 1
	}
	return 0
}

// fuzzing tells whether this process fuzzes: then the testing package keeps
// workers, pipes and shared memory of its own.
func fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}

// Check fails t if goroutines or descriptors that are opened from now on are
// still there when the test and the cleanups registered after this call have
// ended. A test that has failed anyway is not looked at. Tests that run in
// parallel would see each other's: Check is not for them.
func Check(t testing.TB) {
	t.Helper()
	check(t, grace)
}

func check(t testing.TB, grace time.Duration) {
	t.Helper()
	before := take()
	t.Cleanup(func() {
		t.Helper()
		if t.Failed() {
			return
		}
		if left := before.left(grace); left != nil {
			t.Errorf("the test leaves behind:\n\n%s", strings.Join(left, "\n\n"))
		}
	})
}

// A snapshot is what there was at one moment.
type snapshot struct {
	goroutines  map[string]bool // by number
	descriptors map[string]int  // how many of each name
}

func take() snapshot {
	wakePoller()
	s := snapshot{goroutines: map[string]bool{}, descriptors: descriptors()}
	for _, g := range goroutines() {
		s.goroutines[g.id] = true
	}
	return s
}

// left waits until nothing is left that was not there at the snapshot, at most
// for the grace. Then it describes what is.
func (s snapshot) left(grace time.Duration) []string {
	deadline := time.Now().Add(grace)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := s.added()
		if left == nil || time.Now().After(deadline) {
			return left
		}
		<-time.After(pause)
	}
}

// added describes what is there now and was not at the snapshot.
func (s snapshot) added() []string {
	var added []string
	for _, g := range goroutines() {
		if !s.goroutines[g.id] {
			added = append(added, g.stack)
		}
	}
	for name, n := range descriptors() {
		if more := n - s.descriptors[name]; more > 0 {
			added = append(added, fmt.Sprintf("descriptor %s (%d more than before)", name, more))
		}
	}
	return added
}
