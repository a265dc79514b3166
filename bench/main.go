// Command bench measures our sockets beside libzmq: the same work, in the same
// run, one after the other, checked for count and content.
//
//	go run . [flags]              every line, about twelve minutes
//	go run . growth [flags]       how cost grows: with size, peers, subscriptions, load
//	go run . compare A.json B.json
//	go run . report [flags]       the texts and pictures anew, from the JSON
//
// Each end of a run is a process of its own: this program again (package role),
// or a C program on libzmq that it builds (peer). What comes out is written to
// performance.md and performance/ in the folder of -docs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"

	"github.com/phimq/zmq/bench/role"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command := ""
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		command, args = args[0], args[1:]
	}
	switch command {
	case "role":
		if len(args) == 0 {
			return errors.New("role: which?")
		}
		return role.Run(args[0], args[1:], os.Stdin, os.Stdout)
	case "compare":
		if len(args) != 2 {
			return errors.New("compare wants two files that bench has written")
		}
		return compareFiles(os.Stdout, args[0], args[1])
	case "", "growth", "report":
		return measure(command, args)
	}
	return fmt.Errorf("no command %q: growth, compare, report or none", command)
}

// settings are the flags.
type settings struct {
	repeats int
	scale   float64
	only    *regexp.Regexp
	docs    string
	library string
	others  bool
	profile string
}

func parseFlags(command string, args []string) (settings, error) {
	var s settings
	var only string
	fs := flag.NewFlagSet("bench "+command, flag.ContinueOnError)
	fs.IntVar(&s.repeats, "repeats", 7, "runs of each lane, interleaved")
	fs.Float64Var(&s.scale, "scale", 1, "multiplies the messages of each run")
	fs.StringVar(&only, "only", "", "measure the lines that this regular `expression` finds, as in 'tcp 64 B'")
	fs.StringVar(&s.docs, "docs", "", "write performance.md and performance/ in this `folder`; else the table goes to stdout")
	fs.StringVar(&s.library, "libzmq", "", "a `folder` with another libzmq.so.5, measured as well")
	fs.BoolVar(&s.others, "others", false, "pebbe/zmq4 and go-zeromq/zmq4 as well, where they can")
	fs.StringVar(&s.profile, "profile", "", "each process of ours leaves a profile for pprof in this `folder`")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	if fs.NArg() > 0 || s.repeats < 1 || !(s.scale > 0 && s.scale <= 1000) {
		return s, errors.New("bad arguments; see -help")
	}
	if only != "" && s.docs != "" {
		return s, errors.New("a page of some lines is none: -only goes without -docs")
	}
	var err error
	if s.only, err = regexp.Compile(only); err != nil || s.profile == "" {
		return s, err
	}
	if s.profile, err = filepath.Abs(s.profile); err != nil {
		return s, err
	}
	return s, os.MkdirAll(s.profile, 0o755)
}

// measure measures what is asked and writes it down.
func measure(command string, args []string) error {
	s, err := parseFlags(command, args)
	if err != nil {
		return err
	}
	if command == "report" {
		if s.docs == "" {
			return errors.New("report wants -docs")
		}
		return publish(s.docs)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(ctx, dir, s)
	if err != nil {
		return err
	}
	var r *report
	file := linesFile
	if command == "growth" {
		file = growthFile
		r, err = b.measureGrowth(ctx)
	} else {
		r, err = b.measureAll(ctx, lines())
	}
	if err != nil {
		return err
	}
	if s.docs == "" {
		err = r.writeTable(os.Stdout)
	} else if err = writeJSON(filepath.Join(s.docs, folder, file), r); err == nil {
		err = publish(s.docs)
	}
	return errors.Join(err, r.failure())
}
