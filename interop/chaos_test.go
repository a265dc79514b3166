package interop

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq/reliable/majordomo"
)

// chaosRounds is how many processes TestChaos harms: make chaos has 1,000.
var chaosRounds = flag.Int("rounds", 8, "processes that the chaos test kills or freezes")

// The roles of the chaos test.
const (
	roleMDPBroker = "mdpbroker"
	roleMDPWorker = "mdpworker"
)

// runMDPBroker is a process with a broker: ENDPOINT HEARTBEAT LIVENESS.
func runMDPBroker() {
	b, err := majordomo.NewBroker(majordomo.BrokerConfig{
		Heartbeat: mdpDuration(os.Args[2]), Liveness: number([]byte(os.Args[3])), ReplyCache: 10 * time.Second,
	})
	check(err)
	bound, err := b.Bind(os.Args[1])
	check(err)
	fmt.Println(bound.Endpoint())
	check(b.Serve(context.Background()))
}

// runMDPWorker is a process with a worker: ENDPOINT HEARTBEAT VERSION CONCURRENCY.
func runMDPWorker() {
	version := majordomo.Version(number([]byte(os.Args[3])))
	me := strconv.Itoa(os.Getpid())
	w, err := majordomo.NewWorker("echo", majordomo.HandlerFunc(func(ctx context.Context, r *majordomo.Request) error {
		select { // some work
		case <-time.After(rand.N(5 * time.Millisecond)):
		case <-ctx.Done():
			return ctx.Err()
		}
		return r.Reply(append([]byte(me+" "), r.Frames[0]...))
	}), majordomo.WorkerConfig{
		Heartbeat: mdpDuration(os.Args[2]), Version: version, Concurrency: number([]byte(os.Args[4])),
		Reconnect: 50 * time.Millisecond, ReconnectMax: 500 * time.Millisecond,
	})
	check(err)
	check(w.Serve(context.Background(), os.Args[1]))
}

func mdpDuration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	check(err)
	return d
}

// mdpProcess is a broker or a worker that can be harmed.
type mdpProcess struct {
	t    *testing.T
	role string
	args []string
	cmd  *exec.Cmd
}

func (p *mdpProcess) start() (endpoint string) {
	p.t.Helper()
	p.cmd = exec.Command(os.Args[0], p.args...)
	p.cmd.Env = append(os.Environ(), roleVariable+"="+p.role)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = os.Stderr
	if p.role != roleMDPBroker {
		if err := p.cmd.Start(); err != nil {
			p.t.Fatal(err)
		}
		return ""
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.t.Fatal("the broker does not start:", err)
	}
	endpoint = strings.TrimSpace(line)
	p.args[0] = endpoint // where it comes back
	return endpoint
}

func (p *mdpProcess) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// freeze stops the process for a time.
func (p *mdpProcess) freeze(d time.Duration) {
	p.signal(syscall.SIGSTOP)
	<-time.After(d)
	p.signal(syscall.SIGCONT)
}

func (p *mdpProcess) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

func startMDP(t *testing.T, role string, args ...string) *mdpProcess {
	t.Helper()
	p := &mdpProcess{t: t, role: role, args: args}
	p.start()
	t.Cleanup(func() { p.kill() })
	return p
}

// history is what clients asked and what they got.
type history struct {
	asked, answered atomic.Int64
	mu              sync.Mutex
	faults          []string
}

func (h *history) fault(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// load asks until ctx ends: each request is one of a kind, and is asked until
// it is answered.
func (h *history) load(ctx context.Context, c *majordomo.Client, who string, keys bool) {
	for i := 0; ctx.Err() == nil; i++ {
		text := fmt.Sprintf("%s/%d", who, i)
		call := majordomo.Call{Service: "echo", Frames: [][]byte{[]byte(text)}}
		if keys {
			call.Key = text
		}
		h.asked.Add(1)
		patient, cancel := context.WithTimeout(context.Background(), time.Minute)
		reply, err := c.Do(patient, call)
		cancel()
		switch {
		case err != nil:
			h.fault("%s: %v", text, err)
		case len(reply) != 1 || !strings.HasSuffix(string(reply[0]), " "+text):
			h.fault("%s was answered by %q", text, reply)
		}
		h.answered.Add(1)
	}
}

// TestChaos kills and freezes workers, and kills and freezes the broker, under
// load: every request is answered, and by the reply to it.
func TestChaos(t *testing.T) {
	const beat = 200 * time.Millisecond
	broker := startMDP(t, roleMDPBroker, "tcp://127.0.0.1:*", beat.String(), "3")
	endpoint := broker.args[0]
	var workers []*mdpProcess
	for i := range 5 {
		version, concurrency := "2", "4"
		if i == 0 {
			version, concurrency = "1", "1"
		}
		workers = append(workers, startMDP(t, roleMDPWorker, endpoint, beat.String(), version, concurrency))
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	h := &history{}
	var loads sync.WaitGroup
	for i := range 3 {
		c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{Timeout: 250 * time.Millisecond, Attempts: 100})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for g := range 4 {
			loads.Go(func() { h.load(ctx, c, fmt.Sprintf("%d.%d", i, g), g%2 == 0) })
		}
	}
	kinds := map[string]int{}
	for round := range *chaosRounds {
		before := h.answered.Load()
		kinds[harm(round, broker, workers, beat)]++
		if !h.progress(before + 50) {
			t.Fatalf("round %d, %v: no progress after %d answers", round, kinds, before)
		}
	}
	stop()
	loads.Wait()
	t.Logf("%d rounds %v, %d requests answered", *chaosRounds, kinds, h.answered.Load())
	for _, f := range h.faults {
		t.Error(f)
	}
}

// progress waits until so many requests are answered.
func (h *history) progress(n int64) bool {
	late := time.After(patience)
	for h.answered.Load() < n {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			return false
		}
	}
	return true
}

// harm does something to somebody, and says what.
func harm(round int, broker *mdpProcess, workers []*mdpProcess, beat time.Duration) string {
	w := workers[rand.IntN(len(workers))]
	switch round % 8 {
	case 3:
		broker.kill()
		broker.start()
		return "broker killed"
	case 5:
		broker.freeze(5 * beat)
		return "broker frozen"
	case 1, 6:
		w.freeze(time.Duration(1+rand.IntN(8)) * beat)
		return "worker frozen"
	default:
		w.kill()
		w.start()
		return "worker killed"
	}
}

// workersOf asks the broker how many workers offer echo.
func workersOf(t *testing.T, c *majordomo.Client) int {
	t.Helper()
	reply, err := c.Call(t.Context(), "mmi.workers", []byte("echo"))
	if err != nil {
		t.Fatal(err)
	}
	if string(reply[0]) != "200" {
		return 0
	}
	return number(reply[1])
}

// until waits until the broker has so many workers, and says how long that took.
func until(t *testing.T, c *majordomo.Client, n int) time.Duration {
	t.Helper()
	began := time.Now()
	for time.Since(began) < patience {
		if workersOf(t, c) == n {
			return time.Since(began)
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Fatalf("the broker has %d workers, want %d", workersOf(t, c), n)
	return 0
}

// TestDeadWorkerIsNoticed: within two heartbeats, be it killed or frozen.
func TestDeadWorkerIsNoticed(t *testing.T) {
	const beat = 2 * time.Second
	broker := startMDP(t, roleMDPBroker, "tcp://127.0.0.1:*", beat.String(), "2")
	c := mdpClient(t, broker.args[0])
	w := startMDP(t, roleMDPWorker, broker.args[0], beat.String(), "2", "4")
	until(t, c, 1)
	w.kill()
	killed := until(t, c, 0)
	w.start()
	until(t, c, 1)
	w.signal(syscall.SIGSTOP)
	frozen := until(t, c, 0)
	w.signal(syscall.SIGCONT)
	back := until(t, c, 1)
	t.Logf("heartbeat %v: killed, noticed after %v; frozen, after %v; thawed, back after %v", beat, killed, frozen, back)
	for _, took := range []time.Duration{killed, frozen} {
		if took > 2*beat+beat/2 { // the half is the machine's
			t.Errorf("noticed after %v", took)
		}
	}
}

func mdpClient(t *testing.T, endpoint string) *majordomo.Client {
	t.Helper()
	c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{Timeout: 250 * time.Millisecond, Attempts: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestThousandWorkersComeBack: within 5 s of the broker's restart, besides what the
// machine takes for so many, of which the first time gives an idea.
func TestThousandWorkersComeBack(t *testing.T) {
	const workers = 1000
	broker := startMDP(t, roleMDPBroker, "tcp://127.0.0.1:*", "2500ms", "3")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	for range workers {
		w, err := majordomo.NewWorker("echo", majordomo.HandlerFunc(func(_ context.Context, r *majordomo.Request) error {
			return r.Reply(r.Frames...)
		}), majordomo.WorkerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if err := w.Serve(ctx, broker.args[0]); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	c := mdpClient(t, broker.args[0])
	first := until(t, c, workers)
	broker.kill()
	<-time.After(2 * time.Second)
	broker.start()
	again := until(t, c, workers)
	t.Logf("%d workers registered in %v, and were back %v after a restart", workers, first, again)
	if again > 3*first+5*time.Second {
		t.Errorf("they were back after %v", again)
	}
}
