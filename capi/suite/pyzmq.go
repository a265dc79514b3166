package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	pyzmqTests = "/usr/lib/python3/dist-packages/zmq/tests"
	pyzmqLimit = 10 * time.Minute
)

// pyzmqLine is a line of pytest's report: PASSED path/test_x.py::Class::test.
var pyzmqLine = regexp.MustCompile(`(?m)^(PASSED|FAILED|ERROR|SKIPPED)\s+(\S*/)?(test_\w+\.py(?:::\S+)?)`)

// pyzmq runs the suite that is installed with python3-zmq. Some of its tests wait a
// fixed time, or none, for a subscription to arrive, and fail on a busy machine on the
// original too, so those that should not fail are tried once more, by themselves.
func (r *run) pyzmq(ctx context.Context) error {
	want, err := r.expected("pyzmq")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := []string{pyzmqTests}
	if only := r.only.String(); only != "" {
		args = []string{"-k", only, pyzmqTests}
	}
	got, err := r.pytest(ctx, dir, args...)
	if err != nil {
		return err
	}
	var again []string
	for _, o := range got {
		if o.what == failed && want[o.name].what != failed {
			again = append(again, filepath.Join(pyzmqTests, o.name))
		}
	}
	if len(again) == 0 {
		return r.judge(got, want)
	}
	fmt.Fprintf(os.Stdout, "%d failed that should not, and are tried once more\n", len(again))
	second, err := r.pytest(ctx, dir, again...)
	if err != nil {
		return err
	}
	got = slices.DeleteFunc(got, func(o outcome) bool { return slices.Contains(again, filepath.Join(pyzmqTests, o.name)) })
	return r.judge(append(got, second...), want)
}

// pytest runs some tests and returns how they ended.
func (r *run) pytest(ctx context.Context, dir string, tests ...string) (got []outcome, err error) {
	args := []string{"-m", "pytest", "-q", "-rA", "--tb=short", "--timeout=60", "-p", "no:cacheprovider", "-p", "no:logging", "-W", "ignore"}
	cmd, end := r.program(ctx, pyzmqLimit, dir, "/usr/bin/python3", append(args, tests...)...)
	defer end()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	failure := cmd.Run() // which tests failed is in the report
	for _, line := range pyzmqLine.FindAllStringSubmatch(out.String(), -1) {
		switch line[1] {
		case "PASSED":
			got = append(got, outcome{name: line[3], what: pass})
		case "FAILED", "ERROR":
			got = append(got, outcome{name: strings.TrimSuffix(line[3], ":"), what: failed})
		}
	}
	if len(got) == 0 {
		return nil, fmt.Errorf("pytest reports nothing: %w", errors.Join(failure, ctx.Err()))
	}
	return got, nil
}
