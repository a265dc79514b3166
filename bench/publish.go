package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What is written, in the folder of the docs.
const (
	page       = "performance.md"
	folder     = "performance"
	linesFile  = "lines.json"
	growthFile = "growth.json"
)

//go:embed performance.md
var template string

// publish writes the page and the pictures from the JSON that is there. On the
// page it touches nothing but what stands between its marks.
func publish(docs string) error {
	text, err := os.ReadFile(filepath.Join(docs, page))
	if errors.Is(err, os.ErrNotExist) {
		text, err = []byte(template), nil
	}
	if err != nil {
		return err
	}
	all, err := readReport(filepath.Join(docs, folder, linesFile))
	if err != nil {
		return err
	}
	growth, err := readReport(filepath.Join(docs, folder, growthFile))
	if err != nil {
		return err
	}
	content := string(text)
	if all != nil {
		content, err = all.publishLines(docs, content)
	}
	if growth != nil && err == nil {
		content, err = growth.publishCurves(docs, content)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, page), []byte(content), 0o644)
}

// putBetween puts text between the marks of a name.
func putBetween(page, name, text string) (string, error) {
	begin, end := fmt.Sprintf("<!-- %s: made by bench -->\n", name), fmt.Sprintf("<!-- %s: end -->", name)
	head, rest, found := strings.Cut(page, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("the page has no marks %q", name)
	}
	return head + begin + "\n" + text + end + tail, nil
}

func writeChart(docs, name, svg string) error {
	file := filepath.Join(docs, folder, name+".svg")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(svg), 0o644)
}

func (r *report) publishLines(docs, page string) (string, error) {
	var better, cheaper []bar
	for _, m := range r.Lines {
		for _, v := range m.verdicts() {
			if v.ratio == 0 {
				continue
			}
			name := fmt.Sprintf("%s, %s: %s", m.Name, v.Lane, v.Metric)
			if metrics[v.Metric].rising {
				better = append(better, bar{name, v.ratio, v.Ratio})
				cheaper = append(cheaper, bar{name, v.theirs.Metrics["CPU"].Median / v.mine.Metrics["CPU"].Median, 1})
			} else {
				wanted := 0.0
				if v.Ratio > 0 {
					wanted = 1 / v.Ratio
				}
				better = append(better, bar{name, 1 / v.ratio, wanted})
			}
		}
	}
	err := errors.Join(
		writeChart(docs, "ratios", barChart("Times better than the better libzmq (black tick: goal)", better)),
		writeChart(docs, "cpu", barChart("Times less CPU a message than libzmq", cheaper)))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	r.writeMachine(&b)
	fmt.Fprintf(&b, "![Ratios to libzmq](%s/ratios.svg)\n\n![CPU beside libzmq](%s/cpu.svg)\n\n", folder, folder)
	r.writeGoals(&b)
	r.writeLanes(&b)
	return putBetween(page, "lines", b.String())
}

// charts are the curves that are drawn.
var charts = []struct{ curve, title, about, x, y, metric string }{
	{bySize, "By size", "PUSH to PULL over tcp.", "octets a message", "messages/s", "rate"},
	{byPeers, "By peers", "So many PUSH sockets to one PULL over tcp, 64 B.", "peers", "messages/s", "rate"},
	{bySubscriptions, "By subscriptions", "One PUB to one SUB over tcp, 64 B; each message matches one of so many subscriptions.", "subscriptions", "messages/s", "rate"},
	{byMark, "By queue depth", "PUSH to PULL over tcp, 64 B, with the same high-water mark on both sides.", "high-water mark", "messages/s", "rate"},
	{byMemory, "Memory under a slow receiver", "A PUSH sends 1 KiB messages to a PULL that receives nothing, at most 300,000; what both processes grow by, and how many messages were taken. 0 is no mark.", "high-water mark (0 is drawn at 1)", "MiB, sender", "sender memory"},
	{byLoad, "Latency under load", "Open loop, 64 B, PUSH to PULL over tcp: bursts every 100 µs at a share of the peak, for one second; the age of a message counts from when it was due, so a sender that falls behind is not let off.", "percent of the peak", "µs", "p50"},
}

func (r *report) publishCurves(docs, page string) (string, error) {
	for _, c := range charts {
		all := r.series(c.curve, c.metric)
		if c.curve == byLoad {
			all = append(all, append(r.series(c.curve, "p99"), r.series(c.curve, "p99.9")...)...)
		}
		if svg := curveChart(c.title, c.x, c.y, all); svg != "" {
			if err := writeChart(docs, c.curve, svg); err != nil {
				return "", err
			}
		}
	}
	var b strings.Builder
	r.writeMachine(&b)
	r.writeCurves(&b)
	return putBetween(page, "growth", b.String())
}

// series are the lanes of a curve in one metric: ours, and the best of libzmq's.
func (r *report) series(curve, of string) []series {
	dash := map[string]string{"p99": "6 3", "p99.9": "2 3"}[of]
	byLane, theirs := map[string]*series{}, &series{name: libzmq, color: colorLibzmq, dash: dash}
	var all []*series
	for _, m := range r.points(curve) {
		x := max(m.X, 1)
		told := false
		for _, v := range m.verdicts() {
			if v.Metric != of || v.ratio == 0 {
				continue
			}
			s := byLane[v.Lane]
			if s == nil {
				s = &series{name: ours, color: colorOurs, dash: dash}
				if v.Lane == atLibzmqPeak {
					s.name, s.color = ours+" at libzmq's load", colorOther
				}
				byLane[v.Lane] = s
				all = append(all, s)
			}
			s.points = append(s.points, [2]float64{x, max(v.mine.Metrics[of].Median, 0.01)})
			if !told {
				told = true
				theirs.points = append(theirs.points, [2]float64{x, max(v.theirs.Metrics[of].Median, 0.01)})
			}
		}
	}
	var list []series
	for _, s := range append(all, theirs) {
		if curve == byLoad {
			s.name += " " + of
		}
		if len(s.points) > 0 {
			list = append(list, *s)
		}
	}
	return list
}
