package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// platform is what libzmq's build would find out: what this library has.
const platform = `#define ZMQ_HAVE_LINUX
#define ZMQ_HAVE_IPC
#define ZMQ_HAVE_UIO
#define ZMQ_HAVE_SO_PEERCRED
#define ZMQ_HAVE_SO_PRIORITY
#define ZMQ_HAVE_SOCK_CLOEXEC
#define ZMQ_HAVE_CURVE
#define ZMQ_USE_LIBSODIUM
#define HAVE_MKDTEMP
`

// extras are sources that a program needs of libzmq, for a peer that it makes
// by hand.
var extras = map[string][]string{
	"test_security_curve": {"../src/random.cpp", "../src/clock.cpp", "../src/err.cpp", "-lsodium"},
}

// libzmqLimit is more than the programs give themselves.
const libzmqLimit = 70 * time.Second

// libzmq runs libzmq's own tests, as they are in Debian's source, compiled
// against the installed header.
func (r *run) libzmq(ctx context.Context) error {
	want, err := r.expected("libzmq")
	if err != nil {
		return err
	}
	src, err := r.source(ctx, "zeromq3")
	if err != nil {
		return err
	}
	b := &build{tests: filepath.Join(src, "tests"), bin: filepath.Join(r.cache, "libzmq")}
	if err := b.prepare(ctx, src); err != nil {
		return err
	}
	sources, err := filepath.Glob(filepath.Join(b.tests, "test_*.cpp"))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var got []outcome
	r.each(sources, func(source string) {
		name := strings.TrimSuffix(filepath.Base(source), ".cpp")
		if !r.only.MatchString(name) {
			return
		}
		o := outcome{name: name, what: excluded}
		if r.lib == "" || want[name].what != excluded {
			o = r.libzmqTest(ctx, b, name)
		}
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, "%-44s %-8s %6d ms\n", o.name, o.what, o.took.Milliseconds())
		got = append(got, o)
	})
	return errors.Join(ctx.Err(), r.judge(got, want))
}

// each calls f for every item, some at a time.
func (r *run) each(items []string, f func(string)) {
	places := make(chan struct{}, max(2, runtime.NumCPU()/2))
	var all sync.WaitGroup
	for _, item := range items {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			f(item)
		})
	}
	all.Wait()
}

// libzmqTest builds and runs one program.
func (r *run) libzmqTest(ctx context.Context, b *build, name string) outcome {
	o := outcome{name: name, what: failed}
	if err := b.compile(ctx, name); err != nil {
		o.what, o.why = excluded, err.Error() // what the stable header does not have
		return o
	}
	dir, err := os.MkdirTemp("", "suite")
	if err != nil {
		o.why = err.Error()
		return o
	}
	defer os.RemoveAll(dir)
	start := time.Now()
	cmd, end := r.program(ctx, libzmqLimit, dir, filepath.Join(b.bin, name))
	defer end()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	o.took = time.Since(start)
	var exit *exec.ExitError
	switch {
	case err == nil:
		o.what = pass
	case errors.As(err, &exit) && exit.ExitCode() == 77:
		o.what = skipped
	default:
		fmt.Fprintf(os.Stdout, "--- %s: %v\n%s\n", name, err, out.Bytes())
	}
	return o
}

// build compiles libzmq's tests.
type build struct {
	tests, bin string
	objects    []string
}

var compileFlags = []string{
	"-O1", "-w", "-DUNITY_EXCLUDE_FLOAT", "-DUNITY_USE_COMMAND_LINE_ARGS", "-I../external/unity", "-I../src", "-I../include",
}

// prepare makes what all programs share.
func (b *build) prepare(ctx context.Context, src string) error {
	header := filepath.Join(src, "include", "zmq.h")
	if err := errors.Join(
		os.MkdirAll(b.bin, 0o755),
		os.WriteFile(filepath.Join(src, "src", "platform.hpp"), []byte(platform), 0o644), //nolint:gosec // no secret
		os.RemoveAll(header), os.Symlink("/usr/include/zmq.h", header),
	); err != nil {
		return err
	}
	for _, file := range []string{"../external/unity/unity.c", "testutil.cpp", "testutil_unity.cpp", "testutil_monitoring.cpp", "testutil_security.cpp"} {
		object := filepath.Join(b.bin, strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))+".o")
		b.objects = append(b.objects, object)
		if _, err := os.Stat(object); err == nil {
			continue
		}
		compiler := "g++"
		if strings.HasSuffix(file, ".c") {
			compiler = "gcc"
		}
		if err := tool(ctx, b.tests, compiler, append(compileFlags[:len(compileFlags):len(compileFlags)], "-c", file, "-o", object)...); err != nil {
			return err
		}
	}
	return nil
}

// compile makes one program, unless it is there.
func (b *build) compile(ctx context.Context, name string) error {
	program := filepath.Join(b.bin, name)
	if _, err := os.Stat(program); err == nil {
		return nil
	}
	args := append(compileFlags[:len(compileFlags):len(compileFlags)], name+".cpp")
	args = append(append(args, b.objects...), extras[name]...)
	return tool(ctx, b.tests, "g++", append(args, "-lzmq", "-lpthread", "-o", program)...)
}
