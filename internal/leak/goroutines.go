package leak

import (
	"runtime"
	"strings"
)

// A goroutine is one of the process, as its stack shows it.
type goroutine struct {
	id    string
	stack string
}

// goroutines are all of the process but the caller and those that the testing
// package, the runtime and os/signal keep for themselves.
func goroutines() []goroutine {
	var list []goroutine
	for i, stack := range strings.Split(stacks(), "\n\n") {
		if i == 0 || isHousekeeping(stack) { // the first is the caller
			continue
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(stack, "goroutine "), " ")
		list = append(list, goroutine{id: id, stack: strings.TrimSpace(stack)})
	}
	return list
}

// stacks is the dump of all goroutines, however long.
func stacks() string {
	buf := make([]byte, 64<<10)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			return string(buf[:n])
		}
		buf = make([]byte, 2*len(buf))
	}
}

// isHousekeeping tells whether a goroutine is nobody's leak: the main one, or
// one that was started by a package which starts none for its users.
func isHousekeeping(stack string) bool {
	_, creator, ok := strings.Cut(stack, "\ncreated by ")
	if !ok {
		return true
	}
	for _, pkg := range []string{"testing.", "testing/synctest.", "internal/synctest.", "internal/fuzz.", "runtime.", "runtime/", "os/signal."} {
		if strings.HasPrefix(creator, pkg) {
			return true
		}
	}
	return false
}
