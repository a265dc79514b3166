package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/phimq/zmq"
)

//go:embed peer
var peerSource embed.FS

// bench is one call of the program.
type bench struct {
	settings
	dir       string
	programs  map[string][]string // by what stands before the slash of an end
	libraries map[string]string   // folder of each libzmq, by its name; "" is the system's
	endpoints int                 // of ipc, so far
	public    string              // keys of CURVE
	secret    string
	began     time.Time
}

func newBench(ctx context.Context, dir string, s settings) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	peer, err := buildPeer(ctx, dir)
	if err != nil {
		return nil, err
	}
	keys := zmq.NewCurveKeys()
	b := &bench{
		settings: s, dir: dir, began: time.Now(), libraries: map[string]string{},
		programs: map[string][]string{programOurs: {self, "role"}, programPeer: {peer}},
		public:   keys.Public().String(), secret: keys.Secret(),
	}
	if s.others {
		program := filepath.Join(dir, "others")
		build := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
		build.Dir, build.Env = "others", append(os.Environ(), "GOWORK=off")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("-others, from the folder bench: %w\n%s", err, out)
		}
		b.programs[programOthers] = []string{program}
	}
	for _, folder := range slices.Compact([]string{"", s.library}) {
		name, err := libraryName(ctx, peer, folder)
		if err != nil {
			return nil, err
		}
		if _, twice := b.libraries[name]; twice {
			name += " of -libzmq"
		}
		b.libraries[name] = folder
	}
	return b, nil
}

// buildPeer compiles the program on libzmq into dir.
func buildPeer(ctx context.Context, dir string) (program string, err error) {
	cc := os.Getenv("CC")
	if cc == "" {
		cc = "cc"
	}
	if _, err := exec.LookPath(cc); err != nil {
		return "", fmt.Errorf("bench measures beside libzmq and needs a C compiler: %w (Debian: apt-get install gcc)", err)
	}
	if err := os.CopyFS(dir, peerSource); err != nil {
		return "", err
	}
	sources, err := filepath.Glob(filepath.Join(dir, "peer", "*.c"))
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "on-libzmq")
	args := append([]string{"-O2", "-Wall", "-Wextra", "-o", program}, sources...)
	out, err := exec.CommandContext(ctx, cc, append(args, "-lzmq", "-lpthread")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: bench needs libzmq's headers (Debian: apt-get install libzmq3-dev)\n%s", cc, err, out)
	}
	return program, nil
}

// libraryName asks which libzmq is loaded from a folder.
func libraryName(ctx context.Context, peer, folder string) (string, error) {
	cmd := exec.CommandContext(ctx, peer, "version")
	if folder != "" {
		if _, err := os.Stat(filepath.Join(folder, "libzmq.so.5")); err != nil {
			return "", fmt.Errorf("-libzmq: %w", err)
		}
		cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+folder)
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("libzmq's version: %w", err)
	}
	return libzmq + " " + strings.TrimSpace(string(out)), nil
}

// measureAll measures the lines that are asked for.
func (b *bench) measureAll(ctx context.Context, todo []line) (*report, error) {
	todo = slices.DeleteFunc(todo, func(l line) bool { return !b.only.MatchString(l.title()) })
	r := &report{Machine: thisMachine(ctx, b.libraries), Repeats: b.repeats, Scale: b.scale, Began: b.began}
	for i, l := range todo {
		done := b.measureLine(ctx, l)
		if ctx.Err() != nil {
			return nil, errors.New("interrupted")
		}
		r.Lines = append(r.Lines, done)
		fmt.Fprintf(os.Stderr, "%4.0f s  %d of %d  %s\n", time.Since(b.began).Seconds(), i+1, len(todo), done.progress())
	}
	r.Took = time.Since(b.began).Seconds()
	r.Machine.LoadAfter = load()
	return r, nil
}

// measureLine runs the lanes of a line one after the other, and that again for
// each repeat. A lane that fails is told and left out.
func (b *bench) measureLine(ctx context.Context, l line) measured {
	count := l.Count
	if b.scale != 1 {
		count = max(uint64(float64(count)*b.scale)/100, 1) * 100
	}
	done := measured{Name: l.title(), Work: l.Name, Size: l.Size, Count: count, Goals: l.Goals, Curve: l.Curve, X: l.X}
	lanes := b.best(ctx, l, b.expand(l.Lanes), count)
	done.Lanes = make([]laneResult, len(lanes))
	for turn := range b.repeats {
		for i := range lanes {
			i = (i + turn) % len(lanes) // each is the first once
			way, into := lanes[i], &done.Lanes[i]
			into.By, into.Name, into.ends = way.By, way.Name, way.Ends
			if into.Failed != "" || ctx.Err() != nil {
				continue
			}
			s, err := b.runLane(ctx, l, way, cmp.Or(way.Count, count))
			if err != nil {
				into.Failed = err.Error()
				continue
			}
			into.Samples = append(into.Samples, s)
		}
	}
	for i := range done.Lanes {
		done.Lanes[i].summarize()
	}
	return done
}

// expand makes a lane of each libzmq out of one, and leaves out programs that
// there are not.
func (b *bench) expand(lanes []lane) []lane {
	var all []lane
	for _, way := range lanes {
		program, _, _ := strings.Cut(way.Ends[0], "/")
		switch {
		case way.By == libzmq:
			for name := range b.libraries {
				of := way
				of.By = name
				all = append(all, of)
			}
		case program != programOthers || b.others:
			all = append(all, way)
		}
	}
	slices.SortStableFunc(all, func(x, y lane) int { return strings.Compare(x.By, y.By) })
	return all
}

// scouts is how often lanes of a group are run, with a quarter of the messages,
// to find the best one.
const scouts = 2

// best keeps the fastest lane of each group. One that fails is kept, to be told.
func (b *bench) best(ctx context.Context, l line, lanes []lane, count uint64) []lane {
	fastest := map[string]float64{}
	chosen := map[string]lane{}
	for range scouts {
		for _, way := range lanes {
			if way.Group == "" || ctx.Err() != nil {
				continue
			}
			group := way.By + way.Group
			s, err := b.runLane(ctx, l, way, max(count/400, 1)*100)
			if err != nil {
				s = sample{"rate": 1e18}
			}
			if s["rate"] > fastest[group] {
				fastest[group], chosen[group] = s["rate"], way
			}
		}
	}
	return slices.DeleteFunc(lanes, func(way lane) bool {
		return way.Group != "" && chosen[way.By+way.Group].Name != way.Name
	})
}
