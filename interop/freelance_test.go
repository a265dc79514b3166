package interop

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
	"github.com/phimq/zmq/reliable/freelance"
)

// A flpPeer is flp_peer.py in one of its roles.
type flpPeer struct {
	name  string
	cmd   *exec.Cmd
	lines chan string // closed when it has ended
	bad   []string
	end   func()
}

func startFLP(t *testing.T, role string, args ...string) *flpPeer {
	t.Helper()
	p := &flpPeer{name: role, cmd: exec.Command("/usr/bin/python3", append([]string{"flp_peer.py", role}, args...)...), lines: make(chan string, 10_000)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	errors := &tail{}
	p.cmd.Stderr = errors
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, needPython)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.HasPrefix(s.Text(), "bad") {
				p.bad = append(p.bad, s.Text())
			}
			p.lines <- s.Text()
		}
	}()
	p.end = sync.OnceFunc(func() {
		p.cmd.Process.Kill()
		for range p.lines {
		}
		<-read
		p.cmd.Wait()
	})
	t.Cleanup(func() {
		p.end()
		if t.Failed() || len(p.bad) > 0 {
			t.Errorf("their %s: %q\n%s", role, p.bad, errors)
		}
	})
	return p
}

// expect waits for a line that contains a text, and consumes the lines up to it.
func (p *flpPeer) expect(t *testing.T, text string) {
	t.Helper()
	late := time.After(3 * patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				t.Fatalf("their %s ended without saying %q", p.name, text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-late:
			t.Fatalf("their %s has not said %q", p.name, text)
		}
	}
}

func (p *flpPeer) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// TestFreelanceTheirServers: our client asks libzmq's servers, which are frozen,
// thawed, killed and started again.
func TestFreelanceTheirServers(t *testing.T) {
	leak.Check(t)
	one, two := "tcp://"+stablePort(t), "tcp://"+stablePort(t)
	first, second := startFLP(t, "server", "endpoint="+one), startFLP(t, "server", "endpoint="+two)
	client, err := freelance.NewClient(freelance.ClientConfig{Timeout: patience, Try: 300 * time.Millisecond, Ping: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, endpoint := range []string{one, two} {
		if err := client.Connect(endpoint); err != nil {
			t.Fatal(err)
		}
	}
	ready := func(n int) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := client.WaitReady(ctx, n); err != nil {
			t.Fatalf("%v: %+v", err, client.Servers())
		}
	}
	number := 0
	ask := func(count int, by string) {
		t.Helper()
		for range count {
			number++
			request := fmt.Sprint(number)
			m, err := client.Request(t.Context(), []byte(request), nil)
			if err != nil || len(m.Frames) != 3 || string(m.Frames[0]) != by || string(m.Frames[1]) != request || len(m.Frames[2]) > 0 {
				t.Fatalf("%s: %v, %v; wants %s", request, m, err, by)
			}
		}
	}
	ready(2)
	ask(200, one)
	first.signal(t, syscall.SIGSTOP)
	ask(200, two)
	first.signal(t, syscall.SIGCONT)
	ready(2)
	second.end()
	ask(200, one)
	second = startFLP(t, "server", "endpoint="+two)
	second.expect(t, "ping")
	ready(2)
	first.end()
	ask(200, two)
	if s := client.Stats(); s.Replies != 800 || s.Retries == 0 || s.Malformed != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFreelanceOurServers: libzmq's client asks our servers, one of which goes and
// comes back.
func TestFreelanceOurServers(t *testing.T) {
	leak.Check(t)
	one, two := "tcp://"+stablePort(t), "tcp://"+stablePort(t)
	stopOne, stopTwo := serveFLP(t, one), serveFLP(t, two)
	defer stopTwo()
	client := startFLP(t, "client", "endpoints="+one+","+two, "count=600")
	client.expect(t, "pong")
	client.expect(t, "pong")
	client.expect(t, "answered 100 "+one)
	stopOne()
	client.expect(t, "answered 200 "+two)
	stopOne = serveFLP(t, one)
	defer stopOne()
	client.expect(t, "answered 300 "+two)
	client.expect(t, "done")
}

// serveFLP is a server of ours, by what flp_peer.py does.
func serveFLP(t *testing.T, endpoint string) (stop func()) {
	t.Helper()
	s := freelance.NewRouter(endpoint, zmq.WithLinger(0))
	if _, err := s.Bind(endpoint); err != nil {
		t.Fatal(err)
	}
	server := freelance.Server{Handler: func(_ context.Context, request zmq.Msg) ([][]byte, error) {
		return append([][]byte{[]byte(endpoint)}, request.Frames...), nil
	}}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(context.Background(), s) }()
	return sync.OnceFunc(func() {
		s.Close()
		<-ended
	})
}
