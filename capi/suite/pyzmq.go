package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

const (
	pyzmqTests = "/usr/lib/python3/dist-packages/zmq/tests"
	pyzmqLimit = 10 * time.Minute
)

// pyzmqLine is a line of pytest's report: PASSED path/test_x.py::Class::test.
var pyzmqLine = regexp.MustCompile(`(?m)^(PASSED|FAILED|ERROR|SKIPPED)\s+(\S*/)?(test_\w+\.py(?:::\S+)?)`)

// pyzmq runs the suite that is installed with python3-zmq.
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
	args := []string{"-m", "pytest", "-q", "-rA", "--tb=short", "--timeout=60", "-p", "no:cacheprovider", "-p", "no:logging", "-W", "ignore"}
	if only := r.only.String(); only != "" {
		args = append(args, "-k", only)
	}
	cmd, end := r.program(ctx, pyzmqLimit, dir, "/usr/bin/python3", append(args, pyzmqTests)...)
	defer end()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stdout), os.Stderr
	failure := cmd.Run() // which tests failed is in the report
	var got []outcome
	for _, line := range pyzmqLine.FindAllStringSubmatch(out.String(), -1) {
		switch line[1] {
		case "PASSED":
			got = append(got, outcome{name: line[3], what: pass})
		case "FAILED", "ERROR":
			got = append(got, outcome{name: strings.TrimSuffix(line[3], ":"), what: failed})
		}
	}
	if len(got) == 0 {
		return fmt.Errorf("pytest reports nothing: %w", errors.Join(failure, ctx.Err()))
	}
	return r.judge(got, want, pass)
}
