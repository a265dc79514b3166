// Command others is one end of a measured run on other libraries for Go, in a
// module of its own because one of them needs cgo. It does the work of push and
// pull in package role, with the same arguments and lines of output.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// result is what bench reads of a role's result.
type result struct {
	Count uint64 `json:"count"`
	Sum   uint64 `json:"sum"`
	Began int64  `json:"began"`
	Ended int64  `json:"ended"`
	CPU   int64  `json:"cpu"`
}

// work is what is asked for, and what comes of it.
type work struct {
	result
	size    int
	count   uint64
	at      string
	pattern []byte
	in      *bufio.Reader
}

// patternSize is the distance after which payloads repeat, but for their number.
const patternSize = 4096

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "others:", err)
		os.Exit(1)
	}
}

func run() error {
	roles := map[string]func(*work) error{
		"pebbe-push": pebbePush, "pebbe-pull": pebbePull, "gozeromq-push": gozeromqPush, "gozeromq-pull": gozeromqPull,
	}
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		return errors.New("which role?")
	}
	w := &work{in: bufio.NewReader(os.Stdin)}
	for _, arg := range os.Args[2:] {
		key, value, _ := strings.Cut(arg, "=")
		n, _ := strconv.ParseUint(value, 10, 64)
		switch key {
		case "size":
			w.size = int(n)
		case "count":
			w.count = n
		case "at":
			w.at = value
		}
	}
	w.pattern = make([]byte, patternSize+w.size)
	x := uint64(1)
	for i := range w.pattern {
		x = x*6364136223846793005 + 1442695040888963407
		w.pattern[i] = byte(x >> 56)
	}
	return roles[os.Args[1]](w)
}

// ready tells what is bound, and waits for the word to begin.
func (w *work) ready(endpoint string) error {
	fmt.Println("ready", endpoint)
	_, err := w.in.ReadString('\n')
	return err
}

// push sends all, and waits for the end before its caller closes: not every
// library writes what is queued when it is closed.
func (w *work) push(send func(b []byte) error) error {
	b := make([]byte, w.size)
	w.Began = now()
	used := cpuTime()
	for n := range w.count {
		copy(b, w.pattern[n*8%patternSize:])
		binary.NativeEndian.PutUint64(b, n)
		if err := send(b); err != nil {
			return err
		}
	}
	w.CPU = cpuTime() - used
	return w.report()
}

func (w *work) pull(receive func() ([]byte, error)) error {
	var used int64
	for n := range w.count {
		f, err := receive()
		if err != nil {
			return err
		}
		if n == 0 {
			used = cpuTime()
		}
		if len(f) != w.size || binary.NativeEndian.Uint64(f) != n {
			return fmt.Errorf("message %d is not what was sent", n)
		}
		for ; len(f) >= 8; f = f[8:] {
			w.Sum += binary.NativeEndian.Uint64(f)
		}
	}
	w.Ended, w.Count, w.CPU = now(), w.count, cpuTime()-used
	return w.report()
}

func (w *work) report() error {
	if err := json.NewEncoder(os.Stdout).Encode(w.result); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, w.in)
	return err
}

func now() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t)
	return t.Nano()
}

func cpuTime() int64 {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}
