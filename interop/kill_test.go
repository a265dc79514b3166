package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

// kills is how many workers are killed.
var kills = flag.Int("kills", 50, "how many workers TestKill kills")

// TestKill kills workers under load, ours and libzmq's, and starts others in
// their place. No socket gets stuck: after each restart every road is in use
// again. On no road is a message doubled or out of order. In the end all
// goroutines and descriptors are gone.
func TestKill(t *testing.T) {
	leak.Check(t)
	f := newFleet(t)
	for i, s := range f.slots {
		if err := f.start(s); err != nil {
			t.Fatalf("slot %d: %v", i, err)
		}
	}
	for _, s := range f.slots {
		if err := f.alive(s, 1); err != nil {
			t.Fatal(err)
		}
	}
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	begin := time.Now()
	var left atomic.Int64
	left.Store(int64(*kills))
	results := make(chan error, len(f.slots))
	for _, s := range f.slots {
		go func() { results <- f.killLoop(s, &left) }()
	}
	for range f.slots {
		if err := <-results; err != nil {
			left.Store(0)
			t.Error(err)
		}
	}
	t.Logf("%d kills in %v, %d messages recorded; goroutines %d before and %d after, descriptors %d and %d",
		*kills, time.Since(begin).Round(time.Second), f.messages.Load(), goroutines, runtime.NumGoroutine(), descriptors, openDescriptors())
	f.close()
	for _, err := range f.faults {
		t.Error(err)
	}
}

func openDescriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd") // 0 where there is none
	return len(entries)
}

// A slot is the place of one worker after the other.
type slot struct {
	name   string
	libzmq bool
	args   []string // the roads' endpoints
	own    *zmq.Socket
	feed   *zmq.Socket
	serve  *zmq.Socket

	me     string // the worker that lives there
	cmd    *exec.Cmd
	stderr *tail
}

// fleet is the sockets that stay while the workers go.
type fleet struct {
	ctx      context.Context
	stop     context.CancelFunc
	wg       sync.WaitGroup
	born     atomic.Int64
	messages atomic.Int64

	work, news, ask, sink *zmq.Socket
	slots                 []*slot

	mu      sync.Mutex
	seen    map[string]int             // the last number of a worker on a road
	had     map[string]map[uint64]bool // the numbers that came on a road which doubles none
	counts  map[string]int             // how many came from a worker on a road
	changed chan struct{}              // closed when counts change
	faults  []error
}

func newFleet(t *testing.T) *fleet {
	f := &fleet{seen: map[string]int{}, had: map[string]map[uint64]bool{}, counts: map[string]int{}, changed: make(chan struct{})}
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.work, f.news, f.ask, f.sink = zmq.NewPush(zmq.WithSendHWM(100)), zmq.NewPub(), zmq.NewRouter(), zmq.NewPull()
	dir := t.TempDir()
	bound := map[string]string{}
	for road, s := range map[string]*zmq.Socket{"work": f.work, "news": f.news, "ask": f.ask, "sink": f.sink} {
		for transport, endpoint := range map[string]string{"tcp": "tcp://127.0.0.1:*", "ipc": "ipc://" + filepath.Join(dir, road)} {
			b, err := s.Bind(endpoint)
			if err != nil {
				t.Fatal(err)
			}
			bound[road+transport] = b.Endpoint()
		}
	}
	for i := range 4 {
		transport := []string{"tcp", "ipc"}[i%2]
		s := &slot{name: fmt.Sprint("slot", i), libzmq: i >= 2}
		for _, road := range []string{"work", "news", "ask", "sink"} {
			s.args = append(s.args, road+"="+bound[road+transport])
		}
		again := []zmq.Option{zmq.WithReconnect(10 * time.Millisecond), zmq.WithReconnectMax(50 * time.Millisecond)}
		s.own, s.feed, s.serve = zmq.NewPush(again...), zmq.NewSub(again...), zmq.NewDealer(again...)
		for road, socket := range map[string]*zmq.Socket{"own": s.own, "feed": s.feed, "serve": s.serve} {
			endpoint := "ipc://" + filepath.Join(dir, fmt.Sprint(road, i))
			if transport == "tcp" {
				endpoint = "tcp://" + stablePort(t)
			}
			s.args = append(s.args, road+"="+endpoint)
			if err := socket.Connect(endpoint); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.feed.Subscribe("feed"); err != nil {
			t.Fatal(err)
		}
		f.slots = append(f.slots, s)
	}
	f.run()
	return f
}

// stablePort is a free address whose port no connection is given by chance.
func stablePort(t *testing.T) string {
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10000+rand.IntN(20000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// run starts what sends and receives.
func (f *fleet) run() {
	f.wg.Go(f.loadLoop)
	f.wg.Go(func() { f.recv(f.sink, f.recorded) })
	f.wg.Go(func() {
		f.recv(f.ask, func(m [][]byte) { f.note(f.ask.TrySend(m...)) })
	})
	for _, s := range f.slots {
		f.wg.Go(func() {
			f.recv(s.feed, func(m [][]byte) { f.came("feed", string(m[1]), s.name, number64(m[2])) })
		})
		f.wg.Go(func() {
			f.recv(s.serve, func(m [][]byte) { f.came("serve", string(m[1]), s.name, number64(m[2])) })
		})
	}
}

// loadLoop sends on every road. A few messages are so large that a kill finds
// them half written.
func (f *fleet) loadLoop() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 0; ; {
		select {
		case <-ticker.C:
		case <-f.ctx.Done():
			return
		}
		for range 10 {
			size := 8 + rand.IntN(2000)
			if n%1000 == 0 {
				size = 1 << 20
			}
			f.note(f.work.TrySend(numbered(n, size)))
			f.note(f.news.TrySend([]byte("news"), numbered(n, size)))
			for _, s := range f.slots {
				f.note(s.own.TrySend(numbered(n, size)))
				if n%2 == 0 {
					f.note(s.serve.TrySend(nil, numbered(n, 8)))
				}
			}
			n++
		}
	}
}

// note keeps an error that is no lack of room.
func (f *fleet) note(err error) {
	if err != nil && !errors.Is(err, zmq.ErrAgain) && f.ctx.Err() == nil {
		f.fault(err)
	}
}

func (f *fleet) fault(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faultLocked("%w", err)
}

// maxFaults is enough to see what is wrong.
const maxFaults = 20

func (f *fleet) faultLocked(format string, args ...any) {
	if len(f.faults) < maxFaults {
		f.faults = append(f.faults, fmt.Errorf(format, args...))
	}
}

func (f *fleet) recv(s *zmq.Socket, handle func(frames [][]byte)) {
	for m, err := range s.Msgs(f.ctx) {
		if err != nil {
			f.note(err)
			return
		}
		handle(m.Frames)
	}
}

// recorded takes a record of a worker's.
func (f *fleet) recorded(m [][]byte) {
	if len(m) != 4 {
		f.fault(fmt.Errorf("a record of %d frames", len(m)))
		return
	}
	me, road := string(m[0]), string(m[2])
	name, _, _ := bytes.Cut(m[0], []byte("/"))
	f.came("sink", me, string(name), uint64(atoi(m[1])))
	f.came(road, me, string(name), uint64(atoi(m[3])))
}

// came checks a message that came from a worker on a road, or that the worker
// says has come to it.
func (f *fleet) came(road, me, slotName string, number uint64) {
	f.messages.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	key := road + " of " + me
	last, known := f.seen[key]
	switch {
	case known && int(number) <= last:
		f.faultLocked("%s: %d came after %d", key, number, last)
	case road == "sink" && int(number) != last+1 && known, road == "sink" && !known && number != 0:
		f.faultLocked("%s: %d came after %d: records are lost", key, number, last)
	}
	f.seen[key] = int(number)
	// A message goes to one worker, once, whoever dies: what was given to the
	// dead is not given again.
	switch road {
	case "own", "serve":
		f.once(road+" of "+slotName, number)
	case "work":
		f.once(road, number)
	}
	f.counts[key]++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fleet) once(road string, number uint64) {
	if f.had[road] == nil {
		f.had[road] = map[uint64]bool{}
	}
	if f.had[road][number] {
		f.faultLocked("%s: %d came twice", road, number)
	}
	f.had[road][number] = true
}

func number64(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// start puts a worker into a slot.
func (f *fleet) start(s *slot) error {
	s.me = fmt.Sprint(s.name, "/", f.born.Add(1))
	args := append([]string{"me=" + s.me, "name=" + s.name}, s.args...)
	if s.libzmq {
		s.cmd = exec.Command("/usr/bin/python3", append([]string{"worker.py"}, args...)...)
	} else {
		s.cmd = exec.Command(os.Args[0], args...)
		s.cmd.Env = append(os.Environ(), roleVariable+"="+roleWorker)
	}
	s.stderr = &tail{}
	s.cmd.Stderr = s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return s.cmd.Start()
}

func (s *slot) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// alive waits until n messages of the slot's worker have come on every road.
func (f *fleet) alive(s *slot, n int) error {
	over := time.After(patience)
	for {
		f.mu.Lock()
		var missing []string
		for _, road := range roads {
			if f.counts[road+" of "+s.me] < n {
				missing = append(missing, road)
			}
		}
		news := f.changed
		f.mu.Unlock()
		if missing == nil {
			return nil
		}
		select {
		case <-news:
		case <-over:
			return fmt.Errorf("%s is stuck: less than %d messages on %q after %v%s", s.me, n, missing, patience, s.stderr)
		}
	}
}

// killLoop kills and restarts the workers of a slot while there are kills left.
func (f *fleet) killLoop(s *slot, left *atomic.Int64) error {
	for left.Add(-1) >= 0 {
		if err := f.alive(s, 1+rand.IntN(20)); err != nil {
			return err
		}
		s.kill()
		if err := f.start(s); err != nil {
			return err
		}
	}
	return f.alive(s, 1)
}

// close ends the workers and the sockets.
func (f *fleet) close() {
	f.stop()
	for _, s := range f.slots {
		s.kill()
	}
	sockets := []*zmq.Socket{f.work, f.news, f.ask, f.sink}
	for _, s := range f.slots {
		sockets = append(sockets, s.own, s.feed, s.serve)
	}
	for _, s := range sockets {
		f.note(s.Set(zmq.WithLinger(0)))
		f.note(s.Close())
	}
	f.wg.Wait()
}
