package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"

	"github.com/phimq/zmq/bench/role"
	"golang.org/x/sys/unix"
)

// process is one end of a run.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs bytes.Buffer
}

// start starts an end, on one processor if cpu is not negative.
func start(ctx context.Context, program []string, args, env []string, cpu int) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program[0], append(program[1:len(program):len(program)], args...)...)}
	p.cmd.Stderr, p.cmd.Env = &p.errs, env
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if cpu < 0 {
		return p, p.cmd.Start()
	}
	return p, pinned(cpu, p.cmd.Start)
}

// pinned calls f on a thread that runs on one processor. What f starts stays there.
func pinned(cpu int, f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	for i := 0; cpu >= 0; i++ {
		if i >= len(all)*64 {
			return fmt.Errorf("the line needs more than the %d processors there are", all.Count())
		}
		if all.IsSet(i) {
			if cpu == 0 {
				one.Set(i)
			}
			cpu--
		}
	}
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	err := f()
	if restored := unix.SchedSetaffinity(0, &all); err == nil {
		err = restored
	}
	return err
}

// ready returns the endpoints that the process has bound.
func (p *process) ready() ([]string, error) {
	words, err := p.out.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("is not ready: %w", err)
	}
	return strings.Fields(strings.TrimPrefix(words, "ready")), nil
}

func (p *process) begin() error {
	_, err := io.WriteString(p.in, "go\n")
	return err
}

func (p *process) result() (r role.Result, err error) {
	text, err := p.out.ReadBytes('\n')
	if err != nil {
		return r, fmt.Errorf("has no result: %w", err)
	}
	return r, json.Unmarshal(text, &r)
}

// wait waits for the end and says what went wrong.
func (p *process) wait() error {
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(p.cmd.Args[1:], " "), err, strings.TrimSpace(p.errs.String()))
	}
	return nil
}
