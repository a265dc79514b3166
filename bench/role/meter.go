package role

import (
	"bytes"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// clock is a moment by the clock that all processes share, and by Go's, which
// is read without a system call.
type clock struct {
	shared int64
	own    time.Time
}

func newClock() clock {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return clock{shared: t.Nano(), own: time.Now()}
}

func (c clock) now() int64 { return c.shared + int64(time.Since(c.own)) }

// cpuTime is what the process has used, in user and system mode.
func cpuTime() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

// objects is how many have been allocated.
func objects() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// resident is the memory of the process, when what is free is given back.
func resident() int64 {
	debug.FreeOSMemory()
	b, _ := os.ReadFile("/proc/self/statm")
	if fields := bytes.Fields(b); len(fields) > 1 {
		pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}

// profile begins a profile if the environment asks for it.
func profile(name string) (stop func(), err error) {
	dir := os.Getenv(EnvProfile)
	if dir == "" {
		return func() {}, nil
	}
	f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%d.prof", name, os.Getpid())))
	if err != nil {
		return nil, err
	}
	stop = func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}
	return stop, pprof.StartCPUProfile(f)
}

// histogram counts times in buckets, 64 to each power of two.
type histogram struct {
	buckets [4096]uint64
	count   uint64
}

func bucketOf(v uint64) int {
	if v < 128 {
		return int(v)
	}
	shift := bits.Len64(v) - 7
	return shift*64 + int(v>>shift)
}

// leastOf is the least time of a bucket.
func leastOf(bucket int) int64 {
	if bucket < 128 {
		return int64(bucket)
	}
	shift := bucket/64 - 1
	return int64(bucket-shift*64) << shift
}

func (h *histogram) record(nanoseconds int64) {
	h.buckets[bucketOf(uint64(max(nanoseconds, 0)))]++
	h.count++
}

func (h *histogram) percentile(share float64) int64 {
	rank, seen := uint64(share*float64(h.count)), uint64(0)
	for i, n := range h.buckets {
		if seen += n; seen > rank {
			return leastOf(i)
		}
	}
	return 0
}

func (h *histogram) fill(r *Result) {
	r.P50, r.P99, r.P999 = h.percentile(0.5), h.percentile(0.99), h.percentile(0.999)
}
