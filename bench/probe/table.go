package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// spread is the median of a number and what it lies between.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(samples []sample, number func(sample) float64) spread {
	var all []float64
	for _, s := range samples {
		all = append(all, number(s))
	}
	slices.Sort(all)
	n := len(all)
	return spread{Median: (all[(n-1)/2] + all[n/2]) / 2, Min: all[0], Max: all[n-1]}
}

// line is what is reported of one lane at one size.
type line struct {
	Size     int      `json:"size"`
	Messages uint64   `json:"messages"`
	Lane     string   `json:"lane"`
	Rate     spread   `json:"messages_per_s"`
	CPU      spread   `json:"cpu_us_per_message"`
	Ratio    float64  `json:"rate_ratio"` // to the fastest libzmq line of the size
	CPURatio float64  `json:"cpu_ratio"`
	Samples  []sample `json:"samples"`
}

// report is everything that was measured, and on what.
type report struct {
	Go      string    `json:"go"`
	Libzmq  string    `json:"libzmq"`
	CPUs    int       `json:"cpus"`
	Repeats int       `json:"repeats"`
	HWM     int       `json:"hwm"`
	Load    [2]string `json:"load"` // of a minute, before and after
	Lines   []line    `json:"lines"`
}

// compare fills in the ratios: each line to the fastest of libzmq's at its size.
func (r *report) compare() {
	for i := range r.Lines {
		l := &r.Lines[i]
		var best *line
		for j := range r.Lines {
			other := &r.Lines[j]
			if other.Size == l.Size && strings.HasPrefix(other.Lane, "libzmq") && (best == nil || other.Rate.Median > best.Rate.Median) {
				best = other
			}
		}
		l.Ratio = l.Rate.Median / best.Rate.Median
		l.CPURatio = l.CPU.Median / best.CPU.Median
	}
}

func (r *report) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func (r *report) writeTable(w io.Writer) error {
	fmt.Fprintf(w, "PUSH to PULL, tcp over loopback, two processes, high-water marks %d, %d interleaved repeats: median (least to most).\n", r.HWM, r.Repeats)
	fmt.Fprintf(w, "Payloads are written by the sender for each message; the receiver reads every octet. Time: receiver, first message to last.\n")
	fmt.Fprintf(w, "CPU: user and system of both processes. Ratios are to the fastest libzmq line of the size.\n")
	fmt.Fprintf(w, "%s, libzmq %s, %d CPUs, load before %s, after %s\n\n", r.Go, r.Libzmq, r.CPUs, r.Load[0], r.Load[1])
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "octets\tmessages\tlane\tM msg/s\t\tratio\tCPU us/msg\t\tratio")
	for _, l := range r.Lines {
		fmt.Fprintf(t, "%d\t%d\t%s\t%.2f\t(%.2f to %.2f)\t%.2f\t%.3f\t(%.3f to %.3f)\t%.2f\n", l.Size, l.Messages, l.Lane,
			l.Rate.Median/1e6, l.Rate.Min/1e6, l.Rate.Max/1e6, l.Ratio, l.CPU.Median, l.CPU.Min, l.CPU.Max, l.CPURatio)
	}
	return t.Flush()
}

// load is the load average of the last minute: how quiet the machine is.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown on " + runtime.GOOS
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
