package interop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/reliable/pirate"
)

// pirateBeat is how often the pirates send heartbeats: often, to be quick, and not
// so often that a busy machine makes them miss three.
const pirateBeat = 300 * time.Millisecond

// A pirateRun is a client, queue or worker, of ours or on libzmq (ppp_peer.py), whose
// lines say what happens to it.
type pirateRun struct {
	name  string
	end   func()
	cmd   *exec.Cmd // nil: ours
	ended chan struct{}

	mu    sync.Mutex
	lines []string
	seen  int           // lines that expect has consumed
	more  chan struct{} // holds one when there may be more lines
}

func (p *pirateRun) say(line string) {
	p.mu.Lock()
	p.lines = append(p.lines, line)
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// expect waits for a line that contains a text, and consumes the lines up to it.
func (p *pirateRun) expect(t *testing.T, text string) {
	t.Helper()
	late := time.After(patience)
	for ended := false; !p.find(text); {
		select {
		case <-p.more:
			continue
		case <-p.ended:
			if !ended {
				ended = true // look once more: all is said now
				continue
			}
		case <-late:
		}
		p.mu.Lock()
		said := strings.Join(p.lines, "\n")
		p.mu.Unlock()
		t.Fatalf("%s has not said %q, but:\n%s", p.name, text, said)
	}
}

func (p *pirateRun) find(text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, line := range p.lines[p.seen:] {
		if strings.Contains(line, text) {
			p.seen += i + 1
			return true
		}
	}
	return false
}

// stop ends it, and wants nobody to have broken the protocol.
func (p *pirateRun) stop(t *testing.T) {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.lines {
		if strings.HasPrefix(line, "bad") || strings.Contains(line, "level=WARN") {
			t.Errorf("%s says: %s", p.name, line)
		}
	}
}

// signal freezes or thaws a pirate on libzmq.
func (p *pirateRun) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// theirPirate starts a pirate on libzmq.
func theirPirate(t *testing.T, role string, args ...string) *pirateRun {
	t.Helper()
	args = append([]string{"ppp_peer.py", role, fmt.Sprintf("interval=%g", pirateBeat.Seconds())}, args...)
	cmd := exec.Command("/usr/bin/python3", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errors := &tail{}
	cmd.Stderr = errors
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v\n%s", err, needPython)
	}
	p := &pirateRun{name: "their " + role, cmd: cmd, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	go func() {
		defer close(p.ended)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.say(s.Text())
		}
		p.say("ended" + errors.String())
	}()
	p.end = sync.OnceFunc(func() {
		cmd.Process.Kill()
		<-p.ended
		cmd.Wait()
	})
	t.Cleanup(func() { p.stop(t) })
	return p
}

// ourPirate starts a pirate of ours.
func ourPirate(t *testing.T, role string, run func(ctx context.Context, p *pirateRun) error) *pirateRun {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pirateRun{name: "our " + role, ended: make(chan struct{}), more: make(chan struct{}, 1)}
	go func() {
		defer close(p.ended)
		if err := run(ctx, p); ctx.Err() == nil && err != nil {
			p.say("bad: " + err.Error())
		}
	}()
	p.end = sync.OnceFunc(func() {
		cancel()
		<-p.ended
	})
	t.Cleanup(func() { p.stop(t) })
	return p
}

// Write makes a line of what is logged.
func (p *pirateRun) Write(b []byte) (int, error) {
	p.say(string(b))
	return len(b), nil
}

func (p *pirateRun) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Writer(p), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// pirateEndpoint is one that stays the same when what is bound to it begins anew.
func pirateEndpoint(t *testing.T) string { return "tcp://" + stablePort(t) }

// The pirates of ours, by the same roles and arguments as ppp_peer.py.

func ourPirateQueue(t *testing.T, front, back string) *pirateRun {
	return ourPirate(t, "queue", func(ctx context.Context, p *pirateRun) error {
		q := &pirate.Queue{Clients: zmq.NewRouter(zmq.WithLinger(0)), Workers: zmq.NewRouter(zmq.WithLinger(0)),
			Interval: pirateBeat, Logger: p.logger()}
		defer q.Clients.Close()
		defer q.Workers.Close()
		if _, err := q.Clients.Bind(front); err != nil {
			return err
		}
		if _, err := q.Workers.Bind(back); err != nil {
			return err
		}
		return q.Run(ctx)
	})
}

func ourPirateWorker(t *testing.T, endpoint, name string) *pirateRun {
	return ourPirate(t, "worker", func(ctx context.Context, p *pirateRun) error {
		w := &pirate.Worker{Endpoint: endpoint, Interval: pirateBeat, Logger: p.logger(),
			Backoff: pirate.Backoff{First: pirateBeat, Most: 32 * pirateBeat},
			Handler: func(_ context.Context, m zmq.Msg) (zmq.Msg, error) {
				p.say("replied")
				return zmq.NewMsg([]byte(name), m.Frames[0]), nil
			}}
		return w.Run(ctx)
	})
}

func ourPirateClient(t *testing.T, endpoint string, count int, plain bool) *pirateRun {
	return ourPirate(t, "client", func(ctx context.Context, p *pirateRun) error {
		c := &pirate.Client{Endpoints: []string{endpoint}, Tries: 20, Plain: plain, Logger: p.logger()}
		defer c.Close()
		for n := 1; n <= count; n++ {
			request := fmt.Sprint(n)
			reply, err := c.Request(ctx, []byte(request))
			if err != nil {
				return err
			}
			if len(reply.Frames) != 2 || string(reply.Frames[1]) != request {
				return fmt.Errorf("the reply to %s is %v", request, reply)
			}
		}
		p.say("done")
		return nil
	})
}

// TestPirates puts clients, queues and workers of ours and on libzmq together in
// all ways.
func TestPirates(t *testing.T) {
	const count = 40
	clients := []func(t *testing.T, endpoint string) *pirateRun{
		func(t *testing.T, e string) *pirateRun {
			return theirPirate(t, "client", "endpoint="+e, fmt.Sprintf("count=%d", count))
		},
		func(t *testing.T, e string) *pirateRun { return ourPirateClient(t, e, count, false) },
		func(t *testing.T, e string) *pirateRun { return ourPirateClient(t, e, count, true) },
	}
	for _, queue := range []string{"our", "their"} {
		for _, worker := range []string{"our", "their"} {
			t.Run(fmt.Sprintf("%s queue, %s workers", queue, worker), func(t *testing.T) {
				front, back := pirateEndpoint(t), pirateEndpoint(t)
				q := startPirateQueue(t, queue, front, back)
				var workers []*pirateRun
				for _, name := range []string{"a", "b"} {
					workers = append(workers, startPirateWorker(t, worker, back, name))
					q.expect(t, "worker")
				}
				for _, client := range clients {
					client(t, front).expect(t, "done")
					for _, w := range workers { // both have their share
						w.expect(t, "replied")
					}
				}
			})
		}
	}
}

func startPirateQueue(t *testing.T, who, front, back string) *pirateRun {
	if who == "our" {
		return ourPirateQueue(t, front, back)
	}
	q := theirPirate(t, "queue", "front="+front, "back="+back)
	q.expect(t, "ready")
	return q
}

func startPirateWorker(t *testing.T, who, back, name string) *pirateRun {
	if who == "our" {
		return ourPirateWorker(t, back, name)
	}
	return theirPirate(t, "worker", "endpoint="+back, "name="+name)
}

// TestPiratesFrozen: heartbeats tell each side that the other is frozen, and both
// come together again.
func TestPiratesFrozen(t *testing.T) {
	t.Run("their worker", func(t *testing.T) {
		front, back := pirateEndpoint(t), pirateEndpoint(t)
		q, w := ourPirateQueue(t, front, back), startPirateWorker(t, "their", back, "a")
		q.expect(t, "new worker")
		w.signal(t, syscall.SIGSTOP)
		q.expect(t, "worker lost")
		c := ourPirateClient(t, front, 5, true)
		w.signal(t, syscall.SIGCONT)
		c.expect(t, "done")
	})
	t.Run("their queue", func(t *testing.T) {
		front, back := pirateEndpoint(t), pirateEndpoint(t)
		q := startPirateQueue(t, "their", front, back)
		w := ourPirateWorker(t, back, "a")
		q.expect(t, "worker")
		q.signal(t, syscall.SIGSTOP)
		w.expect(t, "the queue is silent")
		q.end()
		q = startPirateQueue(t, "their", front, back)
		q.expect(t, "worker")
		ourPirateClient(t, front, 5, false).expect(t, "done")
	})
}
