package zmqtest

import (
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// grace is how long a goroutine may take to end. It is waited only where one is
// still there.
const grace = 5 * time.Second

// label is the key of the label that says to which test a goroutine belongs.
const label = "zmqtest"

// checkLeaks labels the goroutine and all that will descend from it, and fails
// the test if any of those is left in the end. The first call in a test makes the
// check, so that it comes after every cleanup of this package.
func checkLeaks(t testing.TB) {
	t.Helper()
	owner := fmt.Sprintf("%s %p", t.Name(), t)
	if len(labelled(owner)) > 0 {
		return // the goroutine of the first call is one of them
	}
	pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(label, owner)))
	t.Cleanup(func() {
		t.Helper()
		pprof.SetGoroutineLabels(context.Background()) // this goroutine may go on
		if t.Failed() {
			return
		}
		if left := awaitEnd(owner); len(left) > 0 {
			t.Errorf("zmqtest: the test leaves behind:\n\n%s", strings.Join(left, "\n\n"))
		}
	})
}

// awaitEnd waits until no goroutine has the label, at most for the grace. Then
// it describes those that have.
func awaitEnd(owner string) []string {
	deadline := time.Now().Add(grace)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		left := labelled(owner)
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		<-time.After(pause)
	}
}

// labelled are the stacks of all goroutines with this label: those that are the
// same in one, with their number in front.
func labelled(owner string) []string {
	var profile strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return []string{err.Error()} // a strings.Builder takes everything
	}
	var stacks []string
	for stack := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(stack, fmt.Sprintf("%q:%q", label, owner)) {
			stacks = append(stacks, strings.TrimSpace(stack))
		}
	}
	return stacks
}
