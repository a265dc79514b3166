// Package guidetest runs the programs of a chapter of the guide in tests: it
// builds them, starts them, waits for what they print and for their end.
package guidetest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what has to come. Only a test that
// fails waits so long.
const patience = 60 * time.Second

// builds are the programs that were built, by name.
var builds = struct {
	mu   sync.Mutex
	dir  string
	made map[string]bool
}{made: map[string]bool{}}

// Main runs the tests of a chapter and removes what was built for them.
func Main(m *testing.M) {
	code := m.Run()
	if builds.dir != "" {
		os.RemoveAll(builds.dir)
	}
	os.Exit(code)
}

// build returns the path of a program of the chapter, whose folder is the
// current one. A program is built once.
func build(t *testing.T, name string) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if builds.dir == "" {
		dir, err := os.MkdirTemp("", "guide") //nolint:usetesting // the programs are for all tests of the chapter
		if err != nil {
			t.Fatal(err)
		}
		builds.dir = dir
	}
	path := filepath.Join(builds.dir, name)
	if !builds.made[name] {
		if out, err := exec.Command("go", "build", "-o", path, "./"+name).CombinedOutput(); err != nil {
			t.Fatalf("build of %s: %v\n%s", name, err, out)
		}
		builds.made[name] = true
	}
	return path
}

// Program is a program of the guide that runs.
type Program struct {
	name  string
	cmd   *exec.Cmd
	ended chan struct{} // closed when the program has ended and all it printed is read
	err   error         // how it ended; read it after ended

	mu     sync.Mutex
	lines  []string      // all it has printed
	seen   int           // lines that Expect has consumed
	change chan struct{} // closed and replaced when there are more lines
}

// Start runs a program of the chapter, and kills it when the test ends.
// What it printed is logged if the test fails.
func Start(t *testing.T, name string, args ...string) *Program {
	t.Helper()
	p := &Program{
		name:   name,
		cmd:    exec.Command(build(t, name), args...),
		ended:  make(chan struct{}),
		change: make(chan struct{}),
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	err = p.cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		t.Fatal(err)
	}
	go p.readLoop(out)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%s %s printed:\n%s", name, strings.Join(args, " "), p.output())
		}
	})
	return p
}

// readLoop takes the lines that the program prints, until it ends.
func (p *Program) readLoop(out io.ReadCloser) {
	defer close(p.ended)
	defer out.Close()
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if line != "" {
			p.mu.Lock()
			p.lines = append(p.lines, strings.TrimRight(line, "\r\n"))
			close(p.change)
			p.change = make(chan struct{})
			p.mu.Unlock()
		}
		if err != nil {
			p.err = p.cmd.Wait()
			return
		}
	}
}

// Expect waits for a line that contains a text, and consumes the lines up to it.
func (p *Program) Expect(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for ended := false; ; {
		found, change := p.find(text)
		if found {
			return
		}
		if ended {
			t.Fatalf("%s ended (%v) without printing %q", p.name, p.err, text)
		}
		select {
		case <-change:
		case <-p.ended:
			ended = true // look once more: all is read now
		case <-late:
			t.Fatalf("%s has not printed %q for %v", p.name, text, patience)
		}
	}
}

func (p *Program) find(text string) (found bool, change <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, line := range p.lines[p.seen:] {
		if strings.Contains(line, text) {
			p.seen += i + 1
			return true, nil
		}
	}
	return false, p.change
}

// Wait waits until the program ends, and with success.
func (p *Program) Wait(t *testing.T) {
	t.Helper()
	select {
	case <-p.ended:
		if p.err != nil {
			t.Fatalf("%s ended: %v", p.name, p.err)
		}
	case <-time.After(patience):
		t.Fatalf("%s has not ended for %v", p.name, patience)
	}
}

// Signal sends a signal to the program.
func (p *Program) Signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatalf("%s: signal %v: %v", p.name, sig, err)
	}
}

// Kill ends the program at once and waits for its end.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

func (p *Program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// Free returns an endpoint of loopback that nobody is bound to. Its port is not one
// of those that the kernel gives to connections, so it stays free.
func Free(t *testing.T) string {
	t.Helper()
	for range 1000 {
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10000+rand.N(20000)))
		if err == nil {
			defer ln.Close()
			return fmt.Sprintf("tcp://%s", ln.Addr())
		}
	}
	t.Fatal("no free port")
	return ""
}
