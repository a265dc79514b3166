package interop

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phimq/zmq"
)

// The roads between the kill test and a worker. All messages are numbered.
var roads = []string{
	"work",  // PUSH binds, the workers' PULLs connect: shared out
	"news",  // PUB binds, the workers' SUBs connect
	"ask",   // ROUTER binds, the workers' DEALERs connect and get their numbers back
	"own",   // the worker's PULL binds, a PUSH connects
	"feed",  // the worker's PUB binds, a SUB connects
	"serve", // the worker's REP binds, a DEALER connects
}

// tick is how often everybody sends.
const tick = 5 * time.Millisecond

// worker is under load on every road until it is killed. What it receives it
// records at the sink: who it is, the record's number, the road, the number.
type worker struct {
	args map[string]string
	ctx  context.Context
	wg   sync.WaitGroup

	mu      sync.Mutex
	sink    *zmq.Socket
	records int
}

// runWorker is the program of a worker of ours.
func runWorker() {
	w := &worker{args: map[string]string{}, ctx: context.Background()}
	for _, a := range os.Args[1:] {
		name, value, _ := strings.Cut(a, "=")
		w.args[name] = value
	}
	w.sink = w.connect("sink", zmq.NewPush())
	pull, sub := w.connect("work", zmq.NewPull()), zmq.NewSub()
	check(sub.Subscribe("news"))
	w.connect("news", sub)
	dealer := w.connect("ask", zmq.NewDealer(zmq.WithRoutingID(w.args["name"])))
	w.wg.Go(func() { w.record("work", pull) })
	w.wg.Go(func() { w.record("news", sub) })
	w.wg.Go(func() { w.record("ask", dealer) })
	w.wg.Go(func() { w.ask(dealer) })
	own, rep, pub := w.bind("own", zmq.NewPull()), w.bind("serve", zmq.NewRep()), w.bind("feed", zmq.NewPub())
	w.wg.Go(func() { w.record("own", own) })
	w.wg.Go(func() { w.serve(rep) })
	w.wg.Go(func() { w.feed(pub) })
	w.wg.Wait()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (w *worker) connect(road string, s *zmq.Socket) *zmq.Socket {
	check(s.Connect(w.args[road]))
	return s
}

func (w *worker) bind(road string, s *zmq.Socket) *zmq.Socket {
	_, err := s.Bind(w.args[road])
	check(err)
	return s
}

func (w *worker) record(road string, s *zmq.Socket) {
	for m, err := range s.Msgs(w.ctx) {
		check(err)
		w.mu.Lock()
		number := binary.BigEndian.Uint64(m.Frames[len(m.Frames)-1])
		check(w.sink.Send(w.ctx, []byte(w.args["me"]), decimal(w.records), []byte(road), decimal(int(number))))
		w.records++
		w.mu.Unlock()
	}
}

func (w *worker) ask(dealer *zmq.Socket) {
	asked := 0
	for range time.Tick(tick) {
		check(dealer.Send(w.ctx, numbered(asked, 8)))
		asked++
	}
}

func (w *worker) serve(rep *zmq.Socket) {
	for m, err := range rep.Msgs(w.ctx) {
		check(err)
		check(rep.Send(w.ctx, []byte(w.args["me"]), m.Frames[len(m.Frames)-1]))
	}
}

func (w *worker) feed(pub *zmq.Socket) {
	fed := 0
	for range time.Tick(tick) {
		for range 10 {
			check(pub.Send(w.ctx, []byte("feed"), []byte(w.args["me"]), numbered(fed, 8)))
			fed++
		}
	}
}

// numbered is a frame that begins with a number.
func numbered(n, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint64(b, uint64(n))
	return b
}

func atoi(b []byte) int {
	n, err := strconv.Atoi(string(b))
	if err != nil {
		return -1
	}
	return n
}
