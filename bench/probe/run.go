package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long one run may take: many times what it needs.
const patience = 30 * time.Second

//go:embed peer.c
var peerSource []byte

// buildPeer compiles the program on libzmq into dir.
func buildPeer(ctx context.Context, dir string) (program string, err error) {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		return "", fmt.Errorf("the probe measures beside libzmq and needs a C compiler: %w (Debian: apt-get install gcc)", err)
	}
	source, program := filepath.Join(dir, "peer.c"), filepath.Join(dir, "peer")
	if err := os.WriteFile(source, peerSource, 0o600); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, cc, "-O2", "-o", program, source, "-lzmq").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: the probe needs libzmq's headers (Debian: apt-get install libzmq3-dev)\n%s", cc, err, out)
	}
	return program, nil
}

// A lane is one pair of programs that is measured: who sends and who receives.
type lane struct {
	Name string
	push []string // program and what follows the endpoint
	pull []string // program and what follows the count
}

// sample is one run.
type sample struct {
	Rate float64 `json:"messages_per_s"`
	CPU  float64 `json:"cpu_us_per_message"` // both processes
}

// run sends count messages from one process to another and checks that all
// came, in order and unharmed.
func (l lane) run(ctx context.Context, size int, count, sum uint64) (s sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	numbers := []string{strconv.Itoa(size), strconv.FormatUint(count, 10)}
	receiver, err := start(ctx, l.pull[0], "pull", numbers, l.pull[1:])
	if err != nil {
		return s, err
	}
	endpoint, err := receiver.out.ReadString('\n')
	if err != nil {
		cancel()
		return s, errors.Join(fmt.Errorf("%s: the receiver names no endpoint: %w", l.Name, err), receiver.wait())
	}
	sender, err := start(ctx, l.push[0], "push", numbers, append([]string{strings.TrimSpace(endpoint)}, l.push[1:]...))
	if err != nil {
		cancel()
		return s, errors.Join(err, receiver.wait())
	}
	sent, errSender := sender.result()
	if errSender != nil {
		cancel()
	}
	got, errReceiver := receiver.result()
	if err := errors.Join(errSender, errReceiver); err != nil {
		return s, fmt.Errorf("%s: %w", l.Name, err)
	}
	if got.Count != count || got.Sum != sum {
		return s, fmt.Errorf("%s: %d messages with sum %x came, want %d with %x", l.Name, got.Count, got.Sum, count, sum)
	}
	s.Rate = float64(count-1) / got.Elapsed.Seconds() // the first starts the clock
	s.CPU = (got.CPU + sent.CPU).Seconds() * 1e6 / float64(count)
	return s, nil
}

// process is one end of a run.
type process struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	errs bytes.Buffer
}

func start(ctx context.Context, program, role string, args ...[]string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, program, role)}
	for _, more := range args {
		p.cmd.Args = append(p.cmd.Args, more...)
	}
	p.cmd.Stderr = &p.errs
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, p.cmd.Start()
}

// result reads the last line and waits for the end.
func (p *process) result() (r result, err error) {
	decodeErr := json.NewDecoder(p.out).Decode(&r)
	if err := p.wait(); err != nil {
		return r, err
	}
	return r, decodeErr
}

func (p *process) wait() error {
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(p.cmd.Args, " "), err, strings.TrimSpace(p.errs.String()))
	}
	return nil
}
