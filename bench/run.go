package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/phimq/zmq/bench/role"
)

// patience is how long one run may take: many times what it needs.
const patience = 2 * time.Minute

// An end is one process of a run, from the words of a lane.
type end struct {
	program, role string
	args          map[string]string // but bench's own
	bind          string
	at, cpu       int
	copies        uint64
	count, peers  uint64 // of this process
}

// parseEnd reads an end of a lane.
func parseEnd(words string, count uint64) (end, error) {
	fields := strings.Fields(strings.ReplaceAll(words, "{count}", strconv.FormatUint(count, 10)))
	e := end{program: programOurs, role: fields[0], args: map[string]string{}, cpu: -1, copies: 1, count: count, peers: 1}
	if program, name, ok := strings.Cut(e.role, "/"); ok {
		e.program, e.role = program, name
	}
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		var err error
		switch key {
		case "bind":
			e.bind = value
		case "at":
			e.at, err = strconv.Atoi(value)
		case "cpu":
			e.cpu, err = strconv.Atoi(value)
		case "copies":
			e.copies, err = strconv.ParseUint(value, 10, 64)
		case "peers":
			e.peers, err = strconv.ParseUint(value, 10, 64)
		default:
			e.args[key] = value
		}
		if err != nil {
			return e, fmt.Errorf("%q: %w", words, err)
		}
	}
	if e.copies > 1 {
		e.count, e.peers = e.count/e.copies, e.peers/e.copies
	}
	return e, nil
}

// number is one of the end's arguments.
func (e *end) number(key string) uint64 {
	n, _ := strconv.ParseUint(e.args[key], 10, 64)
	return n
}

// expected is what the end has to have received; false if it does not tell.
func (e *end) expected(size int, ends []end) (sum uint64, told bool) {
	all := func(count uint64) uint64 { return role.ExpectedSum(size, count, e.number("topics")) }
	switch e.role {
	case "pull", "raw-pull":
		sender := ends[len(ends)-1]
		return sender.copies * all(sender.count), true
	case "sub":
		return e.peers * all(e.count), true
	case "dealer", "router":
		return all(e.count), true
	case "req", "raw-req":
		return all(role.Warm+e.count) - all(role.Warm), true
	case "rep", "raw-rep":
		return all(role.Warm + e.count), true
	case "inproc":
		pairs := max(e.number("pairs"), 1)
		return pairs * all(e.count/pairs), true
	case "storm":
		return all(e.peers), true
	case "hub":
		crowd := ends[len(ends)-1]
		return crowd.copies * all(crowd.peers), true
	}
	return 0, false
}

// serves says that the end works until its input ends.
func (e *end) serves() bool { return e.role == "proxy" || e.role == "idle" }

// A running end has its process and what came of it.
type running struct {
	end
	*process
	result role.Result
}

// runLane runs a lane once.
func (b *bench) runLane(ctx context.Context, l line, way lane, count uint64) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	size := cmp.Or(l.Size, usualSize)
	var ends []end
	for _, words := range way.Ends {
		e, err := parseEnd(words, count)
		if err != nil {
			return nil, err
		}
		if e.program == programOurs && strings.HasPrefix(way.By, libzmq) {
			e.program = programPeer
		}
		ends = append(ends, e)
	}
	list, err := b.startAll(ctx, size, b.environment(l, way), ends)
	if err == nil {
		err = collect(list, size, ends)
	}
	if err != nil {
		cancel()
	}
	for i := range list {
		_ = list[i].in.Close()
		err = errors.Join(err, list[i].wait())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s, %s: %w", l.title(), way.By, way.Name, err)
	}
	return sampleOf(list), nil
}

// startAll starts all ends and says go when all are ready.
func (b *bench) startAll(ctx context.Context, size int, env []string, ends []end) (list []running, err error) {
	var endpoints []string
	for _, e := range ends {
		for range e.copies {
			args, err := b.arguments(e, size, endpoints)
			if err != nil {
				return list, err
			}
			p, err := start(ctx, b.programs[e.program], append([]string{e.role}, args...), env, e.cpu)
			if err != nil {
				return list, err
			}
			list = append(list, running{end: e, process: p})
			bound, err := p.ready()
			if err != nil {
				return list, fmt.Errorf("%s %w", e.role, err)
			}
			endpoints = append(endpoints, bound...)
		}
	}
	for i := range list {
		if err := list[i].begin(); err != nil {
			return list, err
		}
	}
	return list, nil
}

// arguments are what an end is called with.
func (b *bench) arguments(e end, size int, endpoints []string) ([]string, error) {
	var args []string
	for key, value := range e.args {
		args = append(args, key+"="+value)
	}
	slices.Sort(args)
	args = append(args, fmt.Sprintf("size=%d", size), fmt.Sprintf("count=%d", e.count), fmt.Sprintf("peers=%d", e.peers))
	switch {
	case e.bind == "ipc":
		b.endpoints++
		return append(args, fmt.Sprintf("bind=ipc://%s", filepath.Join(b.dir, strconv.Itoa(b.endpoints)))), nil
	case e.bind != "":
		return append(args, "bind=tcp://127.0.0.1:*"), nil
	case e.role == "inproc":
		return args, nil
	case e.at >= len(endpoints):
		return nil, fmt.Errorf("%s: nobody has bound endpoint %d", e.role, e.at)
	}
	return append(args, "at="+endpoints[e.at]), nil
}

// collect waits for the results and checks them.
func collect(list []running, size int, ends []end) (err error) {
	for _, serving := range []bool{false, true} {
		for i := range list {
			r := &list[i]
			if r.serves() != serving {
				continue
			}
			if serving {
				_ = r.in.Close()
			}
			if r.result, err = r.process.result(); err != nil {
				return fmt.Errorf("%s %w", r.role, err)
			}
			if want, told := r.expected(size, ends); told && r.result.Sum != want {
				return fmt.Errorf("%s: %d messages with the sum %x, want %x", r.role, r.result.Count, r.result.Sum, want)
			}
		}
	}
	return nil
}

// sampleOf makes numbers of the results of a run.
func sampleOf(list []running) sample {
	s := sample{}
	var began, ended int64
	var count, cpu, allocs float64
	for _, r := range list {
		if r.result.Began > 0 && (began == 0 || r.result.Began < began) {
			began = r.result.Began
		}
		if r.result.Ended > 0 {
			ended = max(ended, r.result.Ended)
			count += float64(r.result.Count)
		}
		cpu += float64(r.result.CPU)
		allocs += float64(r.result.Allocs)
	}
	count = max(count, 1)
	seconds := float64(ended-began) / 1e9
	s["rate"], s["time"] = count/seconds, seconds*1e3
	s["CPU"], s["allocations"] = cpu/count/1e3, allocs/count
	for _, r := range list {
		memory := float64(r.result.Resident[1] - r.result.Resident[0])
		switch r.role {
		case "proxy":
			s["proxy CPU"] = float64(r.result.CPU) / count / 1e3
		case "req", "raw-req", "timed":
			s["p50"], s["p99"], s["p99.9"] = float64(r.result.P50)/1e3, float64(r.result.P99)/1e3, float64(r.result.P999)/1e3
		case "hub":
			s["resident"] = memory / float64(max(r.result.Count, 1))
		case "flood":
			s["sender memory"], s["accepted"] = memory/(1<<20), float64(r.result.Count)
		case "idle":
			s["receiver memory"] = memory / (1 << 20)
		}
	}
	return s
}

// environment is what the processes of a lane are started with.
func (b *bench) environment(l line, way lane) []string {
	env := os.Environ()
	if l.Secure {
		env = append(env, role.EnvPublic+"="+b.public, role.EnvSecret+"="+b.secret)
	}
	if b.profile != "" {
		env = append(env, role.EnvProfile+"="+b.profile)
	}
	if dir := b.libraries[way.By]; dir != "" {
		env = append(env, "LD_LIBRARY_PATH="+dir)
	}
	return env
}
