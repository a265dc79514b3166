// Command suite runs other people's tests of libzmq on the library that the
// module above builds, or on the original.
//
//	suite [-lib DIR | -original] [-only REGEXP] libzmq|pyzmq|czmq
//	suite [-lib DIR] speed
//
// Each suite has a list of outcomes in testdata; an outcome that differs from it
// fails the command. On the original nothing is compared, only shown.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// run is one call of the command.
type run struct {
	lib      string // directory of the library; empty for the original
	only     *regexp.Regexp
	testdata string
	cache    string // what is downloaded and built
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func command(ctx context.Context) error {
	lib := flag.String("lib", "", "directory of libzmq.so.5")
	original := flag.Bool("original", false, "run on the installed libzmq")
	only := flag.String("only", "", "tests to run, a regular expression")
	flag.Parse()
	suites := map[string]func(*run, context.Context) error{
		"libzmq": (*run).libzmq, "pyzmq": (*run).pyzmq, "czmq": (*run).czmq, "speed": (*run).speed,
	}
	suite := suites[flag.Arg(0)]
	if suite == nil || *original == (*lib != "") {
		return errors.New("usage: suite [-lib DIR | -original] [-only REGEXP] libzmq|pyzmq|czmq|speed")
	}
	r := &run{lib: *lib}
	var err error
	if r.only, err = regexp.Compile(*only); err != nil {
		return err
	}
	if r.lib != "" {
		if r.lib, err = filepath.Abs(r.lib); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(r.lib, "libzmq.so.5")); err != nil {
			return err
		}
	}
	if r.testdata, err = filepath.Abs("testdata"); err != nil {
		return err
	}
	if r.cache, err = filepath.Abs("../.cache/capi"); err != nil {
		return err
	}
	return suite(r, ctx)
}

// program makes a command that runs on the library, in a directory of its own,
// and is killed after a time.
func (r *run) program(ctx context.Context, limit time.Duration, dir, name string, args ...string) (cmd *exec.Cmd, end func()) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	cmd = exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = os.Environ()
	if r.lib != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+r.lib)
	}
	cmd.WaitDelay = time.Second
	return cmd, cancel
}

// tool runs a command of the system's.
func tool(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
