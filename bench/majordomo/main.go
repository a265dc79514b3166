// Command majordomo measures requests through a Majordomo broker of ours beside one
// in C on CZMQ, and runs ours for a long time to see that its memory stays flat.
//
//	go run ./majordomo [-requests 100000] [-runs 5] [-workers 1]
//	go run ./majordomo -soak 10m
//
// A run is a broker, workers and an asynchronous client, each a process of its
// own, on loopback; every reply is checked against its request. The C program is
// interop/mdp_peer.c.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	run := measure
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "broker", "worker", "async":
			run = func() error { return role(os.Args[1], os.Args[2:]) }
		}
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "majordomo:", err)
		os.Exit(1)
	}
}

// stack is who plays which role.
type stack struct {
	name                   string
	broker, worker, client string
	rates                  []float64
}

func measure() error {
	requests := flag.Int("requests", 100_000, "requests of a run")
	runs := flag.Int("runs", 5, "runs of each stack, in turn")
	workers := flag.Int("workers", 1, "workers of a run")
	soak := flag.Duration("soak", 0, "instead, run ours at full rate for so long")
	source := flag.String("peer", "../interop/mdp_peer.c", "the program in C")
	flag.Parse()
	if flag.NArg() > 0 || *requests < 1 || *runs < 1 || *workers < 1 || *soak < 0 {
		flag.Usage()
		return errors.New("bad arguments")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *soak > 0 {
		return soakFor(ctx, *soak)
	}
	dir, err := os.MkdirTemp("", "majordomo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peer := filepath.Join(dir, "mdp_peer")
	out, err := exec.CommandContext(ctx, "cc", "-O2", "-o", peer, *source, "-lczmq", "-lzmq").CombinedOutput()
	if err != nil {
		return fmt.Errorf("cc: %w (Debian: apt-get install gcc libczmq-dev)\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stacks := []*stack{
		{name: "all of ours", broker: self, worker: self, client: self},
		{name: "all of CZMQ", broker: peer, worker: peer, client: peer},
		{name: "our broker, CZMQ's peers", broker: self, worker: peer, client: peer},
	}
	for range *runs {
		for _, s := range stacks {
			rate, err := s.run(ctx, *requests, *workers)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			s.rates = append(s.rates, rate)
		}
	}
	base := median(stacks[1].rates)
	fmt.Printf("%d requests, %d workers, median of %d runs\n\n| stack | requests/s | ratio |\n| --- | --- | --- |\n",
		*requests, *workers, *runs)
	for _, s := range stacks {
		fmt.Printf("| %s | %.0f | %.2f |\n", s.name, median(s.rates), median(s.rates)/base)
	}
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// patience bounds a run.
const patience = 2 * time.Minute

// run is one run of a stack. It returns requests a second, as the client saw it.
func (s *stack) run(ctx context.Context, requests, workers int) (rate float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	broker := exec.CommandContext(ctx, s.broker, "broker", "tcp://127.0.0.1:*")
	out, err := broker.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := start(broker); err != nil {
		return 0, err
	}
	defer end(broker)
	var endpoint string
	if _, err := fmt.Fscan(out, &endpoint); err != nil {
		return 0, err
	}
	for range workers {
		worker := exec.CommandContext(ctx, s.worker, "worker", endpoint, "echo")
		if err := start(worker); err != nil {
			return 0, err
		}
		defer end(worker)
	}
	client := exec.CommandContext(ctx, s.client, "async", endpoint, "echo", fmt.Sprint(requests))
	client.Stderr = os.Stderr
	report, err := client.Output()
	if err != nil {
		return 0, err
	}
	var right, micros int
	if _, err := fmt.Sscan(string(report), &right, &micros); err != nil || right != requests {
		return 0, fmt.Errorf("the client says %q: %w", report, err)
	}
	return float64(requests) / float64(micros) * 1e6, nil
}

func start(cmd *exec.Cmd) error {
	cmd.Stderr = os.Stderr
	return cmd.Start()
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // it may have ended
	_ = cmd.Wait()         // it was killed
}
