package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/phimq/zmq/reliable/majordomo"
)

// role plays a part with our library, as mdp_peer.c does with CZMQ.
func role(name string, args []string) error {
	ctx := context.Background()
	switch name {
	case "broker":
		return broker(ctx, args[0])
	case "worker":
		return worker(ctx, args[0], args[1])
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return client(ctx, args[0], args[1], n)
}

// silent keeps the log out of the measure.
var silent = slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelError}))

func broker(ctx context.Context, endpoint string) error {
	b, err := majordomo.NewBroker(majordomo.BrokerConfig{Logger: silent})
	if err != nil {
		return err
	}
	bound, err := b.Bind(endpoint)
	if err != nil {
		return err
	}
	fmt.Println(bound.Endpoint())
	return b.Serve(ctx)
}

func worker(ctx context.Context, endpoint, service string) error {
	w, err := majordomo.NewWorker(service, majordomo.HandlerFunc(echo), majordomo.WorkerConfig{Concurrency: 100, Logger: silent})
	if err != nil {
		return err
	}
	return w.Serve(ctx, endpoint)
}

func echo(_ context.Context, r *majordomo.Request) error { return r.Reply(r.Frames...) }

// client sends n requests and takes the replies as they come.
func client(ctx context.Context, endpoint, service string, n int) error {
	c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{Logger: silent})
	if err != nil {
		return err
	}
	defer c.Close()
	began := time.Now()
	calls := make(chan *majordomo.Pending, 2000)
	wrong := make(chan error, 1)
	go checkLoop(calls, wrong)
	for i := range n {
		p, err := c.Start(ctx, majordomo.Call{Service: service, Frames: [][]byte{text(i)}})
		if err != nil {
			return err
		}
		calls <- p
	}
	close(calls)
	if err := <-wrong; err != nil {
		return err
	}
	fmt.Println(n, time.Since(began).Microseconds())
	return nil
}

func text(i int) []byte { return append([]byte("request "), strconv.Itoa(i)...) }

// checkLoop holds the reply to each call against its request.
func checkLoop(calls <-chan *majordomo.Pending, wrong chan<- error) {
	var bad error
	i := 0
	for p := range calls {
		reply, err := p.Reply()
		if err == nil && (len(reply) != 1 || string(reply[0]) != string(text(i))) {
			err = fmt.Errorf("request %d was answered by %q", i, reply)
		}
		bad = errors.Join(bad, err)
		i++
	}
	wrong <- bad
}

// soakFor runs broker, workers and clients in this process, and holds the heap
// of the end against that of the beginning.
func soakFor(ctx context.Context, d time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	b, err := majordomo.NewBroker(majordomo.BrokerConfig{Logger: silent, ReplyCache: 100 * time.Millisecond})
	if err != nil {
		return err
	}
	bound, err := b.Bind("tcp://127.0.0.1:*")
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	faults := make(chan error, 16)
	note := func(err error) {
		if err != nil && ctx.Err() == nil {
			faults <- err
			stop()
		}
	}
	all.Go(func() { note(b.Serve(ctx)) })
	all.Go(func() { note(worker(ctx, bound.Endpoint(), "echo")) })
	all.Go(func() { note(worker(ctx, bound.Endpoint(), "echo")) })
	for i := range 2 {
		all.Go(func() { note(askLoop(ctx, bound.Endpoint(), i == 0)) })
	}
	heap := watch(ctx, d, b)
	all.Wait()
	close(faults)
	for err := range faults {
		return err
	}
	return errors.Join(flat(heap), b.Close())
}

// askLoop asks at full rate; with keys, each request is one that is remembered.
func askLoop(ctx context.Context, endpoint string, keys bool) error {
	c, err := majordomo.NewClient(endpoint, majordomo.ClientConfig{Logger: silent})
	if err != nil {
		return err
	}
	defer c.Close()
	calls := make(chan *majordomo.Pending, 2000)
	wrong := make(chan error, 1)
	go checkLoop(calls, wrong)
	for i := 0; ctx.Err() == nil; i++ {
		call := majordomo.Call{Service: "echo", Frames: [][]byte{text(i)}}
		if keys {
			call.Key = strconv.Itoa(i)
		}
		p, err := c.Start(ctx, call)
		if err != nil {
			break
		}
		calls <- p
	}
	close(calls)
	if err := <-wrong; err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

const samples = 20

// watch takes the heap after a collection, as often as samples says.
func watch(ctx context.Context, d time.Duration, b *majordomo.Broker) (heap []uint64) {
	tick := time.NewTicker(d / (samples + 1))
	defer tick.Stop()
	for len(heap) < samples {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return heap
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		heap = append(heap, m.HeapAlloc)
		fmt.Printf("%2d: %8d KiB, %d goroutines, %d replies\n", len(heap), m.HeapAlloc>>10, runtime.NumGoroutine(), b.Stats().Replies)
	}
	return heap
}

// flat wants the most of the last half to be not much above that of the first,
// whose first samples warm up.
func flat(heap []uint64) error {
	if len(heap) < samples {
		return errors.New("interrupted")
	}
	var first, last uint64
	for _, h := range heap[2 : samples/2] {
		first = max(first, h)
	}
	for _, h := range heap[samples/2:] {
		last = max(last, h)
	}
	if last > first+first/4+4<<20 {
		return fmt.Errorf("the heap grew from %d to %d KiB", first>>10, last>>10)
	}
	return nil
}
