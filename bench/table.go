package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// unitOf is the unit in which a number of a metric is written, and its size.
func unitOf(metric string, value float64) (name string, size float64) {
	switch {
	case metric != "rate":
		return metrics[metric].unit, 1
	case value >= 1e6:
		return "M/s", 1e6
	case value >= 1e3:
		return "k/s", 1e3
	}
	return "/s", 1
}

// number is a lane's median of a metric, with its unit.
func number(l *laneResult, of string) string {
	if l == nil || len(l.Samples) == 0 {
		return "failed"
	}
	median := l.Metrics[of].Median
	unit, size := unitOf(of, median)
	return strings.TrimSpace(significant(median/size) + " " + unit)
}

// numberAndSpread is a median and, in brackets, what it lies between.
func numberAndSpread(l *laneResult, of string) string {
	if l == nil || len(l.Samples) == 0 {
		return "failed"
	}
	s := l.Metrics[of]
	_, size := unitOf(of, s.Median)
	return fmt.Sprintf("%s (%s to %s)", number(l, of), significant(s.Min/size), significant(s.Max/size))
}

// significant writes three digits.
func significant(v float64) string {
	digits := 2
	if v != 0 {
		digits = min(max(2-int(math.Floor(math.Log10(math.Abs(v)))), 0), 4)
	}
	text := fmt.Sprintf("%.*f", digits, v)
	for i := len(text) - 3; digits == 0 && i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func ratioText(r float64) string {
	if r == 0 || math.IsNaN(r) || math.IsInf(r, 0) {
		return "-"
	}
	return significant(r)
}

func (g goal) goalText() string {
	sign := "≤"
	if metrics[g.Metric].rising {
		sign = "≥"
	}
	switch {
	case g.Value != 0:
		return fmt.Sprintf("%s %s %s", sign, significant(g.Value), metrics[g.Metric].unit)
	case g.Ratio != 0:
		return fmt.Sprintf("%s %v", sign, g.Ratio)
	}
	return "-"
}

// writeTable writes the two tables of a report: the goals, and all lanes.
func (r *report) writeTable(w io.Writer) error {
	var b strings.Builder
	r.writeMachine(&b)
	r.writeGoals(&b)
	r.writeLanes(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) writeMachine(b *strings.Builder) {
	m := r.Machine
	fmt.Fprintf(b, "%s, revision %s. %s, %d CPUs, %d MiB, %s. %s, %s, %s. %d repeats, in %.0f s. Load of a minute %s before, %s after.",
		r.Began.UTC().Format("2006-01-02 15:04 UTC"), m.Revision, m.CPU, m.CPUs, m.Memory, m.Kernel,
		m.Go, strings.Join(m.Libraries, " and "), m.Compiler, r.Repeats, r.Took, m.LoadBefore, m.LoadAfter)
	if r.Scale != 1 {
		fmt.Fprintf(b, " **Scale %v: the numbers mean nothing.**", r.Scale)
	}
	b.WriteString("\n\n")
}

func (r *report) writeGoals(b *strings.Builder) {
	reached := map[string]int{}
	failed := 0
	for _, m := range r.Lines {
		for _, v := range m.verdicts() {
			reached[v.reached()]++
		}
		for _, way := range m.Lanes {
			if way.Failed != "" {
				failed++
			}
		}
	}
	fmt.Fprintf(b, "%d goals reached, %d not. %d lanes failed, and are not counted.\n\n", reached["yes"], reached["no"], failed)
	b.WriteString("| work | calls | | PhiMQ (spread) | libzmq (spread) | ratio | goal | reached | CPU a message: PhiMQ | libzmq | ratio | allocations |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, m := range r.Lines {
		for _, v := range m.verdicts() {
			cpuRatio := 0.0
			if v.ratio != 0 {
				cpuRatio = v.mine.Metrics["CPU"].Median / v.theirs.Metrics["CPU"].Median
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
				m.Name, v.Lane, v.Metric, numberAndSpread(v.mine, v.Metric), numberAndSpread(v.theirs, v.Metric),
				ratioText(v.ratio), v.goalText(), v.reached(),
				number(v.mine, "CPU"), number(v.theirs, "CPU"), ratioText(cpuRatio), number(v.mine, "allocations"))
		}
	}
	b.WriteString("\n")
}

// laneMetrics are the columns of the table of all lanes.
var laneMetrics = []string{"rate", "CPU", "allocations", "p50", "p99", "time", "proxy CPU", "resident"}

func (r *report) writeLanes(b *strings.Builder) {
	fmt.Fprintf(b, "Every lane: its median, and what it lies between.\n\n| work | by | calls | %s |\n| --- | --- | --- |%s\n",
		strings.Join(laneMetrics, " | "), strings.Repeat(" --- |", len(laneMetrics)))
	for _, m := range r.Lines {
		shown := m.shown()
		for i := range m.Lanes {
			l := &m.Lanes[i]
			name := l.Name
			if l.Failed != "" {
				name += ": **failed**"
			}
			fmt.Fprintf(b, "| %s | %s | %s |", m.Name, l.By, name)
			for _, of := range laneMetrics {
				text := ""
				if _, has := l.Metrics[of]; has && shown[of] && (of != "allocations" || l.By == ours) {
					text = numberAndSpread(l, of)
				}
				fmt.Fprintf(b, " %s |", text)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
}

// shown are the metrics that say something about the line.
func (m *measured) shown() map[string]bool {
	shown := map[string]bool{"CPU": true, "allocations": true}
	for _, g := range m.Goals {
		shown[g.Metric] = true
	}
	return shown
}
