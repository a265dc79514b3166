package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What becomes of a test.
const (
	pass     = "pass"
	skipped  = "skipped" // by itself
	failed   = "fail"
	excluded = "excluded"
)

// outcome is a line of a list: a test, what becomes of it, and why.
type outcome struct {
	name, what, why string
	took            time.Duration
}

// expected reads a list of outcomes.
func (r *run) expected(suite string) (map[string]outcome, error) {
	text, err := os.ReadFile(filepath.Join(r.testdata, suite+".txt"))
	if err != nil {
		return nil, err
	}
	list := map[string]outcome{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		head, why, _ := strings.Cut(line, ": ")
		words := strings.Fields(head)
		if len(words) != 2 || (words[1] != pass && words[1] != skipped && why == "") {
			return nil, fmt.Errorf("%s.txt: %q is not: name outcome: reason", suite, line)
		}
		list[words[0]] = outcome{name: words[0], what: words[1], why: why}
	}
	return list, lines.Err()
}

// judge prints the outcomes and holds them against the list. What is not in the list
// is to pass.
func (r *run) judge(got []outcome, want map[string]outcome) error {
	slices.SortFunc(got, func(a, b outcome) int { return strings.Compare(a.name, b.name) })
	counts := map[string]int{}
	var wrong []string
	for _, o := range got {
		counts[o.what]++
		expected, listed := want[o.name]
		if !listed {
			expected.what = pass
		}
		if r.lib == "" || o.what == expected.what {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s: %s, want %s", o.name, o.what, expected.what))
	}
	for _, what := range []string{pass, skipped, failed, excluded} {
		fmt.Fprintf(os.Stdout, "%4d %s\n", counts[what], what)
	}
	if len(wrong) > 0 {
		return errors.New("outcomes that differ from the list:\n  " + strings.Join(wrong, "\n  "))
	}
	return nil
}
