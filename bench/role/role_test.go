package role

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
)

// TestExpectedSum: the sum that is expected is that of the payloads that are sent.
func TestExpectedSum(t *testing.T) {
	for _, c := range []struct {
		size         int
		count, cycle uint64
	}{{16, 1, 0}, {64, 1000, 0}, {64, 1000, 7}, {4096, 600, 0}, {65536, 3, 0}} {
		w := &work{size: c.size, pattern: makePattern(c.size)}
		b, sum := make([]byte, c.size), uint64(0)
		for n := range c.count {
			if c.cycle > 0 {
				n %= c.cycle
			}
			w.fill(b, n)
			sum += add(b)
		}
		if want := ExpectedSum(c.size, c.count, c.cycle); sum != want {
			t.Errorf("%d octets, %d messages, cycle %d: sum %x, want %x", c.size, c.count, c.cycle, sum, want)
		}
	}
}

// TestCheck: a payload that is not the one that was sent is found.
func TestCheck(t *testing.T) {
	w := &work{size: 64, pattern: makePattern(64)}
	b := make([]byte, 64)
	w.fill(b, 5)
	if err := w.check(b, 5); err != nil {
		t.Error(err)
	}
	if w.check(b, 6) == nil || w.check(b[:56], 5) == nil {
		t.Error("a wrong number or size went through")
	}
	before := add(b)
	b[40]++
	if add(b) == before {
		t.Error("a changed octet changes no sum")
	}
}

// TestHistogram: percentiles are right to 2 percent, also of what is slow and rare.
func TestHistogram(t *testing.T) {
	h := new(histogram)
	for i := range int64(10_000) {
		h.record(100 * (i + 1))
	}
	var r Result
	h.fill(&r)
	for _, c := range []struct {
		name     string
		is, want int64
	}{{"p50", r.P50, 500_000}, {"p99", r.P99, 990_000}, {"p99.9", r.P999, 999_000}} {
		if c.is > c.want+100 || c.is < c.want*98/100 {
			t.Errorf("%s is %d, want %d", c.name, c.is, c.want)
		}
	}
	for v := uint64(1); v < 1<<62; v *= 3 {
		if least := leastOf(bucketOf(v)); least > int64(v) || float64(least) < float64(v)*0.98 {
			t.Errorf("%d is in a bucket from %d on", v, least)
		}
	}
}

// TestRoles runs pairs of roles and compares what they say.
func TestRoles(t *testing.T) {
	for _, c := range []struct{ bound, other, args string }{
		{"pull", "push", "count=2000"},
		{"pull", "push", "count=2000 way=msg size=1024"},
		{"pull", "push", "count=500 peers=5 ordered=0"},
		{"pub", "sub", "count=2000"},
		{"pub", "sub", "count=1000 peers=3"},
		{"pub", "sub", "count=1000 topics=300"},
		{"rep", "req", "count=100"},
		{"router", "dealer", "count=1000 window=10"},
		{"hub", "storm", "peers=20"},
		{"timed", "pace", "count=500 rate=1000000"},
		{"idle", "flood", "count=100"},
		{"raw-pull", "raw-push", "count=3000"},
		{"raw-rep", "raw-req", "count=100"},
	} {
		t.Run(c.bound+" "+c.other+" "+c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			bound := startRole(t, c.bound, append(args, "bind=tcp://127.0.0.1:*"))
			endpoint := bound.line(t)
			other := startRole(t, c.other, append(args, "at="+strings.TrimPrefix(endpoint, "ready ")))
			other.line(t)
			bound.tell(t, "go\n")
			other.tell(t, "go\n")
			theirs := other.result(t)
			if c.bound == "idle" {
				bound.end()
			}
			its := bound.result(t)
			if its.Sum != 0 && theirs.Sum != 0 && c.bound != "rep" && c.bound != "raw-rep" && its.Sum != theirs.Sum {
				t.Errorf("sums %x and %x", its.Sum, theirs.Sum)
			}
			if c.bound != "idle" && (its.Count == 0 || theirs.Count == 0) {
				t.Errorf("%+v and %+v", its, theirs)
			}
			bound.end()
			other.end()
		})
	}
}

// TestWithin runs the roles that need no other.
func TestWithin(t *testing.T) {
	for _, args := range []string{"count=400 pairs=4", "count=300 way=msg"} {
		r := startRole(t, "inproc", strings.Fields(args))
		r.line(t)
		r.tell(t, "go\n")
		if got := r.result(t); got.Count == 0 || got.Ended <= got.Began {
			t.Errorf("inproc %s: %+v", args, got)
		}
		r.end()
		r.running.Wait() // the names of its endpoints are free again
	}
}

// TestArguments: what is not known is refused.
func TestArguments(t *testing.T) {
	for _, args := range []string{"size=12", "size=8", "peers=0", "count=-1", "colour=red", "hwm=x"} {
		if err := new(work).parse([]string{args}); err == nil {
			t.Errorf("%s went through", args)
		}
	}
	if err := Run("dance", nil, new(bytes.Reader), io.Discard); err == nil {
		t.Error("an unknown role ran")
	}
}

// runningRole is a role in a goroutine, with the pipes that a process would have.
type runningRole struct {
	in      io.WriteCloser
	out     *json.Decoder
	lines   *io.PipeReader
	running sync.WaitGroup
	err     error
}

func startRole(t *testing.T, name string, args []string) *runningRole {
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	r := &runningRole{in: inWrite, out: json.NewDecoder(outRead), lines: outRead}
	r.running.Go(func() {
		r.err = Run(name, args, inRead, outWrite)
		_ = outWrite.Close()
		_ = inRead.Close()
	})
	t.Cleanup(func() {
		r.end()
		_ = outRead.Close()
		r.running.Wait()
		if r.err != nil {
			t.Errorf("%s: %v", name, r.err)
		}
	})
	return r
}

// line reads a line without reading ahead.
func (r *runningRole) line(t *testing.T) string {
	t.Helper()
	var text []byte
	for b := make([]byte, 1); ; text = append(text, b[0]) {
		if _, err := io.ReadFull(r.lines, b); err != nil {
			t.Fatal(err)
		}
		if b[0] == '\n' {
			return strings.TrimSpace(string(text))
		}
	}
}

func (r *runningRole) tell(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(r.in, text); err != nil {
		t.Fatal(err)
	}
}

func (r *runningRole) result(t *testing.T) (got Result) {
	t.Helper()
	if err := r.out.Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func (r *runningRole) end() { _ = r.in.Close() }
