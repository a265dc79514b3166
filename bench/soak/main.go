// Command soak runs everything at once for a long time and believes nothing: any
// method from any goroutine at any time, on sockets of all twelve types, over
// tcp, ipc and inproc, while steady streams between sockets that stay check
// that nothing is lost, doubled, torn or out of order.
//
//	go run -race ./soak -for 10m [-seed N] [-workers 40]
//
// It ends with an error if an invariant breaks, if somebody makes no progress
// for 20 seconds (with all stacks), if memory grows without end, or if
// goroutines or descriptors are left. The seed decides what each worker does;
// how their doings interleave is up to the scheduler.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phimq/zmq"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "soak: FAIL:", err)
		os.Exit(1)
	}
}

func run() error {
	length := flag.Duration("for", time.Minute, "how long to run")
	seed := flag.Uint64("seed", rand.Uint64(), "what decides what the workers do")
	workers := flag.Int("workers", 40, "goroutines that do anything to any socket")
	flag.Parse()
	if flag.NArg() > 0 || *length <= 0 || *workers < 1 {
		flag.Usage()
		return errors.New("bad arguments")
	}
	fmt.Printf("soak: for %v, %d workers, -seed %d\n", *length, *workers, *seed)
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	before := count()
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	s := &soak{dir: dir, seed: *seed, domain: zmq.NewDomain(), began: time.Now(), broken: make(chan struct{})}
	s.ctx, s.stop = context.WithTimeout(interrupted, *length)
	err = s.run(*workers, *length)
	if err == nil && interrupted.Err() != nil {
		err = errors.New("interrupted")
	}
	s.stop()
	stop()
	return errors.Join(err, before.compare())
}

// soak is what all who take part share.
type soak struct {
	ctx    context.Context // ends when the time is over, or something broke
	stop   context.CancelFunc
	dir    string // for ipc
	seed   uint64
	domain *zmq.Domain
	began  time.Time
	dog    watchdog
	slots  []*slot
	tally  tally

	streams  sync.WaitGroup
	streamed atomic.Int64 // messages that streams received

	once    sync.Once
	failure error         // what broke first
	broken  chan struct{} // closed then
}

// failf notes what broke and ends the soak. Only the first counts.
func (s *soak) failf(format string, args ...any) {
	s.once.Do(func() {
		s.failure = fmt.Errorf(format, args...)
		close(s.broken)
		s.stop()
	})
}

// run starts everybody, waits for the end and closes all.
func (s *soak) run(workers int, length time.Duration) error {
	if err := s.startStreams(); err != nil {
		return err
	}
	s.makeSlots()
	var helpers, chaos sync.WaitGroup
	done := make(chan struct{})
	var heap heapLog
	helpers.Go(func() { s.dog.watchLoop(done) })
	helpers.Go(func() { s.reportLoop(done, &heap, length) })
	for i := range workers {
		w := newWorker(s, i)
		chaos.Go(w.workLoop)
	}
	chaos.Wait()
	err := s.closeAll()
	close(done)
	helpers.Wait()
	fmt.Print(s.tally.String())
	fmt.Printf("soak: %d calls and %d stream messages in %v; heap %s\n", s.tally.total(), s.streamed.Load(), time.Since(s.began).Round(time.Second), &heap)
	select {
	case <-s.broken:
		return s.failure
	default:
		return errors.Join(err, heap.judge())
	}
}

// closeAll closes the sockets of the slots, lets the streams come to their
// ends, and closes theirs.
func (s *soak) closeAll() error {
	alive := s.dog.enter("the end")
	defer alive.leave()
	alive.beat("closing the sockets of the slots")
	for _, slot := range s.slots {
		slot.get().s.CloseAsync()
	}
	alive.beat("waiting for the streams")
	streamed := make(chan struct{})
	go func() { s.streams.Wait(); close(streamed) }()
	select {
	case <-streamed:
	case <-s.broken:
	}
	alive.beat("closing the sockets of the streams")
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	err := s.domain.Shutdown(ctx)
	<-streamed
	return err
}

// reportLoop says now and then that the soak lives, and looks at the heap.
func (s *soak) reportLoop(done <-chan struct{}, heap *heapLog, length time.Duration) {
	look := time.NewTicker(max(time.Second, length/40))
	defer look.Stop()
	said := time.Now()
	for {
		select {
		case <-look.C:
			heap.look()
		case <-done:
			return
		}
		if time.Since(said) >= 30*time.Second {
			said = time.Now()
			fmt.Printf("soak: %v: %d calls, %d stream messages, heap %s\n", time.Since(s.began).Round(time.Second), s.tally.total(), s.streamed.Load(), heap)
		}
	}
}
