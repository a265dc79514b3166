package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// report is everything that was measured, and on what.
type report struct {
	Machine machine    `json:"machine"`
	Began   time.Time  `json:"began"`
	Took    float64    `json:"took_s"`
	Repeats int        `json:"repeats"`
	Scale   float64    `json:"scale"`
	Lines   []measured `json:"lines"`
}

// measured is a line and what came of it.
type measured struct {
	Name  string       `json:"name"`
	Work  string       `json:"work"`
	Size  int          `json:"size"`
	Count uint64       `json:"count"`
	Goals []goal       `json:"goals,omitempty"`
	Curve string       `json:"curve,omitempty"`
	X     float64      `json:"x,omitempty"`
	Lanes []laneResult `json:"lanes"`
}

// sample is one run: numbers by metric.
type sample map[string]float64

// laneResult is what came of a lane.
type laneResult struct {
	By      string            `json:"by"`
	Name    string            `json:"name"`
	Metrics map[string]spread `json:"metrics"`
	Samples []sample          `json:"samples"`
	Failed  string            `json:"failed,omitempty"`

	ends []string // of the lane
}

// spread is the median of a number and what it lies between.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func spreadOf(all []float64) spread {
	all = slices.Sorted(slices.Values(all))
	n := len(all)
	return spread{Median: (all[(n-1)/2] + all[n/2]) / 2, Min: all[0], Max: all[n-1]}
}

func (l *laneResult) summarize() {
	all := map[string][]float64{}
	for _, s := range l.Samples {
		for metric, value := range s {
			all[metric] = append(all[metric], value)
		}
	}
	l.Metrics = map[string]spread{}
	for metric, values := range all {
		l.Metrics[metric] = spreadOf(values)
	}
}

// metrics are the numbers that runs have: their unit, and whether more is better.
var metrics = map[string]struct {
	unit   string
	rising bool
}{
	"rate":            {"/s", true},
	"accepted":        {"messages", true},
	"CPU":             {"µs", false},
	"proxy CPU":       {"µs", false},
	"p50":             {"µs", false},
	"p99":             {"µs", false},
	"p99.9":           {"µs", false},
	"time":            {"ms", false},
	"resident":        {"B", false},
	"sender memory":   {"MiB", false},
	"receiver memory": {"MiB", false},
	"allocations":     {"", false},
}

// A verdict is one of our lanes beside the best of libzmq's, in one metric.
type verdict struct {
	goal
	mine, theirs *laneResult
	ratio        float64 // 0 if one of them failed
}

// verdicts are those of the line's goals.
func (m *measured) verdicts() []verdict {
	var list []verdict
	for _, g := range m.Goals {
		v := verdict{goal: g, theirs: m.best(g.Metric)}
		for i := range m.Lanes {
			if l := &m.Lanes[i]; l.By == ours && l.Name == g.Lane {
				v.mine = l
			}
		}
		if v.mine != nil && v.theirs != nil && len(v.mine.Samples) > 0 {
			v.ratio = v.mine.Metrics[g.Metric].Median / v.theirs.Metrics[g.Metric].Median
		}
		list = append(list, v)
	}
	return list
}

// best is the lane of libzmq that is best in a metric.
func (m *measured) best(of string) *laneResult {
	var best *laneResult
	for i := range m.Lanes {
		l := &m.Lanes[i]
		if !strings.HasPrefix(l.By, libzmq) || len(l.Samples) == 0 {
			continue
		}
		if best == nil || metrics[of].rising == (l.Metrics[of].Median > best.Metrics[of].Median) {
			best = l
		}
	}
	return best
}

// reached says "yes" or "no", "" where there is no goal.
func (v *verdict) reached() string {
	var reached bool
	switch {
	case v.Ratio == 0 && v.Value == 0:
		return ""
	case v.ratio == 0:
		return "failed"
	case v.Value != 0:
		reached = v.mine.Metrics[v.Metric].Median <= v.Value
	case metrics[v.Metric].rising:
		reached = v.ratio >= v.Ratio
	default:
		reached = v.ratio <= v.Ratio
	}
	if reached {
		return "yes"
	}
	return "no"
}

// progress is a line of talk.
func (m *measured) progress() string {
	text := m.Name
	for _, v := range m.verdicts() {
		text += fmt.Sprintf("; %s %s %s, libzmq %s, ratio %s, goal %s", v.Metric, v.Lane, number(v.mine, v.Metric),
			number(v.theirs, v.Metric), ratioText(v.ratio), v.goalText())
	}
	for _, l := range m.Lanes {
		if l.Failed != "" {
			text += "\n        FAILED: " + l.Failed
		}
	}
	return text
}

// failure is an error if a run has failed.
func (r *report) failure() error {
	failed := 0
	for _, m := range r.Lines {
		for _, l := range m.Lanes {
			if l.Failed != "" {
				failed++
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d lanes failed", failed)
	}
	return nil
}

func writeJSON(file string, r *report) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(b, '\n'), 0o644)
}

// readReport returns nil if there is no such file.
func readReport(file string) (*report, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(report)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}
