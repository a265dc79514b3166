package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// speedSizes are the payloads, and how many messages make a run of about a
// second.
var speedSizes = []struct{ size, count int }{
	{64, 1_000_000}, {256, 1_000_000}, {1024, 500_000}, {4096, 200_000}, {16384, 80_000}, {65536, 20_000}, {262144, 6_000}, {1 << 20, 1_500},
}

const (
	speedRepeats = 5
	speedLimit   = time.Minute
)

// speed measures PUSH to PULL over tcp through the C interface: the program of
// bench/probe, both ends on the same library, ours and the original in turn.
func (r *run) speed(ctx context.Context) error {
	peer := filepath.Join(r.cache, "peer")
	source, err := filepath.Abs("../bench/probe/peer.c")
	if err != nil {
		return err
	}
	if err := tool(ctx, "/", "gcc", "-O2", source, "-lzmq", "-o", peer); err != nil {
		return err
	}
	original := *r
	original.lib = ""
	fmt.Fprintln(os.Stdout, "| octets | libzmq 4.3.4, msg/s | MB/s | PhiMQ through C, msg/s | MB/s | ratio |")
	fmt.Fprintln(os.Stdout, "| --: | --: | --: | --: | --: | --: |")
	for _, s := range speedSizes {
		var theirs, ours []float64
		for range speedRepeats {
			a, err := original.transfer(ctx, peer, s.size, s.count)
			if err != nil {
				return err
			}
			b, err := r.transfer(ctx, peer, s.size, s.count)
			if err != nil {
				return err
			}
			theirs, ours = append(theirs, a), append(ours, b)
		}
		a, b := median(theirs), median(ours)
		mega := float64(s.size) / 1e6
		fmt.Fprintf(os.Stdout, "| %d | %.0f | %.0f | %.0f | %.0f | %.2f |\n", s.size, a, a*mega, b, b*mega, b/a)
	}
	return nil
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// transfer returns how many messages passed in a second.
func (r *run) transfer(ctx context.Context, peer string, size, count int) (rate float64, err error) {
	pull, end := r.program(ctx, speedLimit, "/", peer, "pull", strconv.Itoa(size), strconv.Itoa(count))
	defer end()
	var complaints bytes.Buffer
	pull.Stderr = &complaints
	out, err := pull.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := pull.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	push, endPush := r.program(ctx, speedLimit, "/", peer, "push", strconv.Itoa(size), strconv.Itoa(count), strings.TrimSpace(lines.Text()), "copy")
	defer endPush()
	if err := sent(push); err != nil {
		return 0, err
	}
	lines.Scan()
	var report struct{ Count, Elapsed int64 }
	if err := json.Unmarshal(lines.Bytes(), &report); err != nil {
		return 0, fmt.Errorf("the receiver says %q: %w: %s", lines.Text(), err, complaints.Bytes())
	}
	return float64(report.Count) / (float64(report.Elapsed) / 1e9), pull.Wait()
}

func sent(push *exec.Cmd) error {
	if text, err := push.CombinedOutput(); err != nil {
		return fmt.Errorf("the sender: %w: %s", err, text)
	}
	return nil
}
