package leak

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

// A recorder stands in for a test that may fail.
type recorder struct {
	testing.TB
	cleanups []func()
	errors   []string
	failed   bool
}

func (r *recorder) Helper()          {}
func (r *recorder) Failed() bool     { return r.failed }
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// report is what the check says at the end of the recorded test.
func (r *recorder) report() string {
	for _, f := range r.cleanups {
		f()
	}
	return strings.Join(r.errors, "\n")
}

// startBlocked starts a goroutine that ends when its channel is closed, and
// returns once it runs.
func startBlocked() (release chan struct{}) {
	started := make(chan struct{})
	release = make(chan struct{})
	go blockedLoop(started, release)
	<-started
	return release
}

func blockedLoop(started chan<- struct{}, release <-chan struct{}) {
	close(started)
	<-release
}

func TestCheckReportsGoroutine(t *testing.T) {
	r := &recorder{TB: t}
	check(r, time.Millisecond)
	defer close(startBlocked())
	if got := r.report(); !strings.Contains(got, "blockedLoop") {
		t.Errorf("the stack of the goroutine is not in the report %q", got)
	}
}

func TestCheckIgnoresWhatWasThere(t *testing.T) {
	defer close(startBlocked())
	r := &recorder{TB: t}
	check(r, time.Millisecond)
	if got := r.report(); got != "" {
		t.Errorf("reported: %s", got)
	}
}

func TestCheckWaitsForTheEnd(t *testing.T) {
	r := &recorder{TB: t}
	check(r, grace)
	release := startBlocked()
	time.AfterFunc(20*time.Millisecond, func() { close(release) })
	if got := r.report(); got != "" {
		t.Errorf("did not wait: %s", got)
	}
}

func TestCheckLeavesFailedTestsAlone(t *testing.T) {
	r := &recorder{TB: t, failed: true}
	check(r, time.Millisecond)
	defer close(startBlocked())
	if got := r.report(); got != "" {
		t.Errorf("reported: %s", got)
	}
}

func TestCheckIgnoresTheRunner(t *testing.T) {
	r := &recorder{TB: t}
	check(r, time.Millisecond)
	t.Run("subtest", func(t *testing.T) {
		if got := r.report(); got != "" {
			t.Errorf("reported: %s", got)
		}
	})
}

func TestCheckInsideSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		Check(t)
		release := startBlocked()
		time.AfterFunc(time.Second, func() { close(release) })
	})
}

// TestMainReports runs what Main runs, with tests that leave a goroutine.
func TestMainReports(t *testing.T) {
	var release chan struct{}
	leaky := func() int { release = startBlocked(); return 0 }
	var out strings.Builder
	if code := run(leaky, time.Millisecond, &out); code != 1 || !strings.Contains(out.String(), "blockedLoop") {
		t.Errorf("the exit code is %d, the report %q", code, out.String())
	}
	close(release)
}

func TestMainKeepsTheCodeOfTheTests(t *testing.T) {
	for _, want := range []int{0, 2} {
		var out strings.Builder
		if code := run(func() int { return want }, time.Millisecond, &out); code != want || out.Len() > 0 {
			t.Errorf("the exit code is %d, wants %d; the report is %q", code, want, out.String())
		}
	}
}
