// Command probe measures how fast messages go from PUSH to PULL beside libzmq, and
// what they cost, as ratios that hold on a machine whose own speed wanders.
//
//	go run ./probe [-json] [-curve] [-repeats 7] [-scale 1]
//
// It runs itself and a C program that it builds (peer.c), each as a sender and
// a receiver, one lane after the other, and that again for each repeat.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"

	"github.com/phimq/zmq"
)

const hwm = 1000

// sizes are the payloads and how many messages make a run of about half a
// second.
var sizes = []struct {
	size  int
	count uint64
}{{64, 2_000_000}, {1024, 500_000}, {65536, 20_000}}

func main() {
	run := probe
	if len(os.Args) > 1 && (os.Args[1] == "push" || os.Args[1] == "pull") {
		run = func() error { return ours(os.Args[1:]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func probe() error {
	asJSON := flag.Bool("json", false, "write JSON instead of a table")
	secure := flag.Bool("curve", false, "encrypt with CURVE on both sides")
	repeats := flag.Int("repeats", 7, "runs of each lane, interleaved")
	scale := flag.Float64("scale", 1, "multiplies the messages of each run")
	flag.Parse()
	if flag.NArg() > 0 || *repeats < 1 || !(*scale > 0 && *scale <= 1000) {
		flag.Usage()
		return errors.New("bad arguments")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "probe")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	peer, err := buildPeer(ctx, dir)
	if err != nil {
		return err
	}
	version, err := exec.CommandContext(ctx, peer, "version").Output()
	if err != nil {
		return fmt.Errorf("libzmq's version: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	r := &report{Go: runtime.Version(), Libzmq: strings.TrimSpace(string(version)), CPUs: runtime.NumCPU(), Repeats: *repeats, HWM: hwm}
	if *secure {
		keys := zmq.NewCurveKeys()
		if err := errors.Join(os.Setenv(envPublic, keys.Public().String()), os.Setenv(envSecret, keys.Secret())); err != nil {
			return err
		}
	}
	r.Load[0] = load()
	for _, s := range sizes {
		lines, err := measure(ctx, lanes(self, peer), s.size, max(2, uint64(float64(s.count)**scale)), *repeats)
		if err != nil {
			return err
		}
		r.Lines = append(r.Lines, lines...)
	}
	r.Load[1] = load()
	r.compare()
	if *asJSON {
		return r.writeJSON(os.Stdout)
	}
	return r.writeTable(os.Stdout)
}

// lanes are what is compared. libzmq sends in each of its ways, since which
// is the fastest depends on the size.
func lanes(self, peer string) []lane {
	return []lane{
		{Name: "phimq RecvInto", push: []string{self}, pull: []string{self, "into"}},
		{Name: "libzmq zmq_send", push: []string{peer, "copy"}, pull: []string{peer}},
		{Name: "phimq Recv", push: []string{self}, pull: []string{self, "recv"}},
		{Name: "libzmq zmq_msg_init_size", push: []string{peer, "size"}, pull: []string{peer}},
		{Name: "libzmq zmq_msg_init_data", push: []string{peer, "data"}, pull: []string{peer}},
	}
}

// measure runs every lane, one after the other, as often as asked.
func measure(ctx context.Context, lanes []lane, size int, count uint64, repeats int) ([]line, error) {
	sum := expectedSum(size, count)
	samples := make([][]sample, len(lanes))
	for range repeats {
		for i, l := range lanes {
			s, err := l.run(ctx, size, count, sum)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	var lines []line
	for i, l := range lanes {
		lines = append(lines, line{
			Size: size, Messages: count, Lane: l.Name, Samples: samples[i],
			Rate: spreadOf(samples[i], func(s sample) float64 { return s.Rate }),
			CPU:  spreadOf(samples[i], func(s sample) float64 { return s.CPU }),
		})
	}
	return lines, nil
}
