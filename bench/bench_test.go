package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLines: each lane can be read, each goal is of a lane that there is, and no
// two lines have the same name.
func TestLines(t *testing.T) {
	names := map[string]bool{}
	for _, l := range slices.Concat(lines(), growthLines(1)) {
		for _, way := range l.Lanes {
			for _, words := range way.Ends {
				if _, err := parseEnd(words, l.Count); err != nil {
					t.Errorf("%s: %v", l.title(), err)
				}
			}
		}
		for _, g := range l.Goals {
			if _, known := metrics[g.Metric]; !known {
				t.Errorf("%s: no metric %s", l.title(), g.Metric)
			}
			if !slices.ContainsFunc(l.Lanes, func(way lane) bool { return way.By == ours && way.Name == g.Lane }) {
				t.Errorf("%s: no lane %q", l.title(), g.Lane)
			}
		}
		if names[l.Curve+l.title()] {
			t.Errorf("two lines %s", l.title())
		}
		names[l.Curve+l.title()] = true
	}
}

func TestParseEnd(t *testing.T) {
	e, err := parseEnd("peer/push bind=ipc at=1 cpu=1 copies=4 peers={count} way=data io=2", 1000)
	if err != nil {
		t.Fatal(err)
	}
	if e.program != programPeer || e.role != "push" || e.bind != "ipc" || e.at != 1 || e.cpu != 1 {
		t.Errorf("%+v", e)
	}
	if e.count != 250 || e.peers != 250 || e.args["way"] != "data" || e.args["io"] != "2" {
		t.Errorf("%+v", e)
	}
	if _, err := parseEnd("push cpu=one", 1); err == nil {
		t.Error("a processor named one")
	}
}

// aReport has one line where ours is better, and one where it is not.
func aReport(rate float64) *report {
	lanes := func(ourRate float64) []laneResult {
		list := []laneResult{
			{By: ours, Name: sendInto, Samples: []sample{{"rate": ourRate, "CPU": 1}, {"rate": 1.1 * ourRate, "CPU": 1}, {"rate": 0.9 * ourRate, "CPU": 1}}},
			{By: libzmq + " 4", Name: "1 I/O", Samples: []sample{{"rate": 1e6, "CPU": 2}}},
			{By: libzmq + " 4", Name: "2 I/O", Samples: []sample{{"rate": 5e5, "CPU": 3}}},
			{By: libzmq + " 5", Name: "1 I/O", Failed: "broken"},
		}
		for i := range list {
			list[i].summarize()
		}
		return list
	}
	return &report{Lines: []measured{
		{Name: "fast", Goals: []goal{rateGoal(3)}, Lanes: lanes(rate), Curve: bySize, X: 64},
		{Name: "slow", Goals: []goal{rateGoal(3)}, Lanes: lanes(5e5), Curve: bySize, X: 1024},
	}}
}

func rateGoal(ratio float64) goal { return rate(sendInto, ratio) }

// TestVerdicts: the ratio is that of the medians, to the better libzmq.
func TestVerdicts(t *testing.T) {
	r := aReport(4e6)
	for i, want := range []struct {
		ratio   float64
		reached string
	}{{4, "yes"}, {0.5, "no"}} {
		v := r.Lines[i].verdicts()[0]
		if v.ratio != want.ratio || v.reached() != want.reached || v.theirs.Name != "1 I/O" {
			t.Errorf("%s: ratio %v to %s, reached %s", r.Lines[i].Name, v.ratio, v.theirs.Name, v.reached())
		}
	}
	cpu := r.Lines[0]
	cpu.Goals = []goal{{Metric: "CPU", Lane: sendInto, Ratio: 0.4}}
	if v := cpu.verdicts()[0]; v.ratio != 0.5 || v.reached() != "no" {
		t.Errorf("CPU: ratio %v, reached %s", v.ratio, v.reached())
	}
	if err := r.failure(); err == nil {
		t.Error("two lanes failed, and nobody says so")
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0.00", 0.0123: "0.0123", 1.234: "1.23", 45.67: "45.7", 999.6: "1,000", 1234567: "1,234,567"} {
		if is := significant(v); is != want {
			t.Errorf("%v is written %s, want %s", v, is, want)
		}
	}
	if s := spreadOf([]float64{5, 1, 3, 2}); s != (spread{Median: 2.5, Min: 1, Max: 5}) {
		t.Errorf("%+v", s)
	}
}

// TestPublish: the page gets tables and pictures, keeps what else is on it, and
// comes out the same when it is made again.
func TestPublish(t *testing.T) {
	docs := t.TempDir()
	for _, file := range []string{linesFile, growthFile} {
		if err := writeJSON(filepath.Join(docs, folder, file), aReport(4e6)); err != nil {
			t.Fatal(err)
		}
	}
	var pages [2]string
	for i := range pages {
		if err := publish(docs); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(docs, page))
		if err != nil {
			t.Fatal(err)
		}
		pages[i] = string(text)
	}
	for _, part := range []string{"## How it is measured", "| fast | Send, RecvInto | rate | 4.00 M/s (3.60 to 4.40) | 1.00 M/s (1.00 to 1.00) | 4.00 | ≥ 3 | yes |", "### By size"} {
		if n := strings.Count(pages[0], part); n != 1 {
			t.Errorf("the page has %d times %s", n, part)
		}
	}
	if pages[0] != pages[1] {
		t.Error("the page is another one when it is made again")
	}
	for _, name := range []string{"ratios", "cpu", bySize} {
		checkSVG(t, filepath.Join(docs, folder, name+".svg"))
	}
}

func checkSVG(t *testing.T, file string) {
	t.Helper()
	svg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(bytes.NewReader(svg)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
		t.Errorf("%s has what is no number", file)
	}
}

// TestLoadLines: under load libzmq works as it does at its peak.
func TestLoadLines(t *testing.T) {
	peak := measured{Curve: bySize, Size: 64, Lanes: []laneResult{{By: ours, Name: sendInto, Samples: []sample{{"rate": 4e6}}}}}
	for i, way := range sends("pull bind=tcp", "push") {
		peak.Lanes = append(peak.Lanes, laneResult{By: libzmq + " 4", Name: way.Name, ends: way.Ends, Samples: []sample{{"rate": float64(i+1) * 1e5}}})
	}
	for i := range peak.Lanes {
		peak.Lanes[i].summarize()
	}
	list := loadLines(&report{Lines: []measured{peak}}, 1)
	if len(list) != 3 {
		t.Fatalf("%d lines", len(list))
	}
	for _, l := range list {
		theirs := l.Lanes[len(l.Lanes)-1]
		if theirs.By != libzmq+" 4" || theirs.Name != "zmq_msg_init_data, 2 I/O" {
			t.Errorf("%s: %s, %s", l.Name, theirs.By, theirs.Name)
		}
		want := []string{"timed bind=tcp way=data io=2", fmt.Sprintf("pace rate=%.0f way=data io=2", l.X*6e3)}
		if !slices.Equal(theirs.Ends, want) {
			t.Errorf("%s: %q, want %q", l.Name, theirs.Ends, want)
		}
		for _, way := range l.Lanes[:2] {
			if strings.Contains(strings.Join(way.Ends, " "), "way=") {
				t.Errorf("%s, %s: %q", l.Name, way.Name, way.Ends)
			}
		}
	}
}

// TestCompare tells a change that is larger than the spread.
func TestCompare(t *testing.T) {
	var files [2]string
	for i, rate := range []float64{2e6, 4e6} {
		files[i] = filepath.Join(t.TempDir(), "r.json")
		if err := writeJSON(files[i], aReport(rate)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := compareFiles(&out, files[0], files[1]); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, part := range []string{"fast Send, RecvInto rate 2.00 M/s 4.00 M/s 2.00 4.00 +100 % apart", "slow Send, RecvInto rate 500 k/s 500 k/s 0.500 0.500 +0 %"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, out.String())
		}
	}
	if compareFiles(&out, files[0], "nowhere.json") == nil {
		t.Error("a file that is not there")
	}
}
