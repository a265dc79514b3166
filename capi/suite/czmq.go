package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const czmqLimit = time.Minute

// czmq runs czmq_selftest, each class in a process of its own: the tests are in
// the installed libczmq, the program that calls them in Debian's source.
func (r *run) czmq(ctx context.Context) error {
	want, err := r.expected("czmq")
	if err != nil {
		return err
	}
	src, err := r.source(ctx, "czmq")
	if err != nil {
		return err
	}
	selftest := filepath.Join(r.cache, "czmq_selftest")
	if err := tool(ctx, filepath.Join(src, "src"), "gcc", "-w", "-O1", "-I.", "czmq_selftest.c", "-lczmq", "-lzmq", "-o", selftest); err != nil {
		return err
	}
	list, err := exec.CommandContext(ctx, selftest, "--list").Output()
	if err != nil {
		return err
	}
	var got []outcome
	for line := range strings.Lines(string(list)) {
		words := strings.Fields(line)
		if len(words) < 3 || words[1] != "-" || !r.only.MatchString(words[0]) {
			continue
		}
		o := r.czmqTest(ctx, src, selftest, words[0])
		fmt.Fprintf(os.Stdout, "%-16s %-8s %6d ms\n", o.name, o.what, o.took.Milliseconds())
		got = append(got, o)
	}
	return errors.Join(ctx.Err(), r.judge(got, want))
}

func (r *run) czmqTest(ctx context.Context, src, selftest, name string) outcome {
	o := outcome{name: name, what: failed}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		return o
	}
	defer os.RemoveAll(dir)
	// The tests read and write below src/.
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "src", "selftest-rw"), 0o755),
		os.Symlink(filepath.Join(src, "src", "selftest-ro"), filepath.Join(dir, "src", "selftest-ro")),
	); err != nil {
		return o
	}
	start := time.Now()
	cmd, end := r.program(ctx, czmqLimit, dir, selftest, "-t", name)
	defer end()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err == nil {
		o.what = pass
	} else {
		fmt.Fprintf(os.Stdout, "--- %s: %v\n%s\n", name, err, out.Bytes())
	}
	o.took = time.Since(start)
	return o
}
