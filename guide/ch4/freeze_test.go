//go:build unix

package ch4

import (
	"syscall"
	"testing"
)

// freeze stops a program: its connections stay, and are silent.
func freeze(t *testing.T, p *program) { p.signal(t, syscall.SIGSTOP) }

// thaw lets it go on.
func thaw(t *testing.T, p *program) { p.signal(t, syscall.SIGCONT) }

func TestParanoidWorkerFindsItsQueueAgain(t *testing.T) {
	workers := free(t)
	queue := func() *program {
		return start(t, "ppqueue", "-frontend", free(t), "-backend", workers, "-interval", "100ms")
	}
	w := start(t, "ppworker", "-endpoint", workers, "-interval", "100ms")
	q := queue()
	q.expect(t, "new worker")
	freeze(t, q)
	w.expect(t, "the queue is silent")
	q.kill()
	q = queue()
	q.expect(t, "new worker")
	freeze(t, w)
	q.expect(t, "silent for too long")
	thaw(t, w)
	q.expect(t, "new worker")
}
