package interop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq/reliable/majordomo"
)

// The Majordomo of other hands, all of them written from the RFCs: mdp_peer.c on
// CZMQ speaks 0.1, mdp_peer.py on pyzmq both.
type mdpStack struct {
	name    string
	version majordomo.Version
	command func(role string, args ...string) []string
}

const needCZMQ = "CZMQ's side is missing: apt-get install --no-install-recommends gcc libczmq-dev"

// mdpPeer builds the program in C.
func mdpPeer(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "mdp_peer")
	if out, err := exec.Command("cc", "-O2", "-Wall", "-o", program, "mdp_peer.c", "-lczmq", "-lzmq").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, needCZMQ)
	}
	return program
}

func mdpStacks(t *testing.T) []mdpStack {
	program := mdpPeer(t, t.TempDir())
	python := func(version string) func(string, ...string) []string {
		return func(role string, args ...string) []string {
			return append([]string{"/usr/bin/python3", "mdp_peer.py", role, version}, args...)
		}
	}
	return []mdpStack{
		{"CZMQ 0.1", majordomo.Version01, func(role string, args ...string) []string { return append([]string{program, role}, args...) }},
		{"pyzmq 0.1", majordomo.Version01, python("1")},
		{"pyzmq 0.2", majordomo.Version02, python("2")},
	}
}

// run starts a role and returns its output. It is killed when the test ends.
func (s mdpStack) run(t *testing.T, role string, args ...string) (out *bufio.Reader, cmd *exec.Cmd) {
	t.Helper()
	line := s.command(role, args...)
	cmd = exec.Command(line[0], line[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr := &tail{}
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err, needPython, needCZMQ)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(s.name, role, stderr)
		}
	})
	return bufio.NewReader(pipe), cmd
}

// client runs their client and wants all replies to be right.
func (s mdpStack) client(t *testing.T, endpoint, service string, n int) {
	t.Helper()
	out, _ := s.run(t, "client", endpoint, service, fmt.Sprint(n))
	line, err := out.ReadString('\n')
	if right, _, _ := strings.Cut(strings.TrimSpace(line), " "); right != fmt.Sprint(n) {
		t.Errorf("%s's client: %q, %v; want %d right", s.name, line, err, n)
	}
}

// ourBroker serves on loopback until the test ends.
func ourBroker(t *testing.T) (endpoint string, b *majordomo.Broker) {
	t.Helper()
	b, err := majordomo.NewBroker(majordomo.BrokerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	bound, err := b.Bind("tcp://127.0.0.1:*")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- b.Serve(context.Background()) }()
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return bound.Endpoint(), b
}

// ourWorker echoes; each frame but the last is a part, where there are such.
func ourWorker(t *testing.T, endpoint, service string, v majordomo.Version) {
	t.Helper()
	w, err := majordomo.NewWorker(service, majordomo.HandlerFunc(func(_ context.Context, r *majordomo.Request) error {
		for v == majordomo.Version02 && len(r.Frames) > 1 {
			if err := r.Partial(r.Frames[0]); err != nil {
				return err
			}
			r.Frames = r.Frames[1:]
		}
		return r.Reply(r.Frames...)
	}), majordomo.WorkerConfig{Version: v, Concurrency: 8})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Serve(ctx, endpoint) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// ourClient asks from several goroutines at once, and looks the service up.
func ourClient(t *testing.T, endpoint, service string, v majordomo.Version, n int) {
	t.Helper()
	c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{Version: v})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var asking sync.WaitGroup
	for g := range 4 {
		asking.Go(func() {
			for i := range n {
				body := [][]byte{fmt.Appendf(nil, "%d of %d", i, g), {}, {0, 1, 2, 255}}
				reply, err := c.Call(ctx, service, body...)
				if err != nil || !bytes.Equal(bytes.Join(reply, []byte("|")), bytes.Join(body, []byte("|"))) {
					t.Errorf("%q, %v; want %q", reply, err, body)
					return
				}
			}
		})
	}
	asking.Wait()
	for name, want := range map[string]string{service: "200", "nobody": "404"} {
		if reply, err := c.Call(ctx, "mmi.service", []byte(name)); err != nil || string(reply[0]) != want {
			t.Errorf("mmi.service %s: %q, %v", name, reply, err)
		}
	}
	if reply, err := c.Call(ctx, "mmi.none", nil); err != nil || string(reply[0]) != "501" {
		t.Errorf("mmi.none: %q, %v", reply, err)
	}
}

// TestMajordomo: our broker under their peers, and our peers at their broker.
func TestMajordomo(t *testing.T) {
	for _, s := range mdpStacks(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			endpoint, broker := ourBroker(t)
			s.run(t, "worker", endpoint, "theirs")
			ourWorker(t, endpoint, "ours", majordomo.Version02)
			ourWorker(t, endpoint, "ours", majordomo.Version01)
			ourWorker(t, endpoint, "whole", majordomo.Version01)
			s.client(t, endpoint, "theirs", 50)
			s.client(t, endpoint, "whole", 50)
			ourClient(t, endpoint, "theirs", s.version, 50)
			ourClient(t, endpoint, "ours", s.version, 50)
			if st := broker.Stats(); st.Malformed+st.Disconnects+st.Late > 0 {
				t.Errorf("%+v", st)
			}

			out, _ := s.run(t, "broker", "tcp://127.0.0.1:*")
			endpoint, err := out.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			endpoint = strings.TrimSpace(endpoint)
			s.run(t, "worker", endpoint, "theirs")
			ourWorker(t, endpoint, "ours", s.version)
			s.client(t, endpoint, "ours", 50)
			ourClient(t, endpoint, "theirs", s.version, 50)
			ourClient(t, endpoint, "ours", s.version, 50)
		})
	}
}

// TestMajordomoTheirWorkerDies: what their worker had in hand goes to another.
func TestMajordomoTheirWorkerDies(t *testing.T) {
	for _, s := range mdpStacks(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			endpoint, _ := ourBroker(t)
			_, first := s.run(t, "worker", endpoint, "echo")
			s.client(t, endpoint, "echo", 5)
			if err := first.Process.Signal(syscall.SIGSTOP); err != nil { // it will get the next request
				t.Fatal(err)
			}
			c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			p, err := c.Start(t.Context(), majordomo.Call{Service: "echo", Frames: [][]byte{[]byte("x")}})
			if err != nil {
				t.Fatal(err)
			}
			s.run(t, "worker", endpoint, "echo")
			first.Process.Kill()
			if reply, err := p.Reply(); err != nil || string(reply[0]) != "x" {
				t.Errorf("%q, %v", reply, err)
			}
		})
	}
}
