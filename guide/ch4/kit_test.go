package ch4

import (
	"os"
	"testing"

	"github.com/phimq/zmq/internal/guidetest"
)

func TestMain(m *testing.M) { guidetest.Main(m) }

// A program is a program of this chapter that runs.
type program struct{ run *guidetest.Program }

// start builds a program of this chapter, once, and runs it. It is killed when
// the test ends.
func start(t *testing.T, name string, args ...string) *program {
	t.Helper()
	return &program{guidetest.Start(t, name, args...)}
}

// expect waits for a line that contains a text, and consumes the lines up to it.
func (p *program) expect(t *testing.T, text string) {
	t.Helper()
	p.run.Expect(t, text)
}

// wait waits until the program ends, and with success.
func (p *program) wait(t *testing.T) {
	t.Helper()
	p.run.Wait(t)
}

// signal sends a signal to the program: os.Interrupt ends it in peace.
func (p *program) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	p.run.Signal(t, sig)
}

// kill ends the program at once and waits for its end.
func (p *program) kill() { p.run.Kill() }

// free returns an endpoint of loopback that nobody is bound to.
func free(t *testing.T) string {
	t.Helper()
	return guidetest.Free(t)
}
