package zmq_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phimq/zmq"
	"github.com/phimq/zmq/internal/leak"
)

const (
	fewDescriptors = 64
	childVariable  = "ZMQ_TEST_CHILD"
)

// TestKernelOutOfDescriptors: a process that has none left for those who connect
// goes on serving those who are there, tells of it, does not spin, and takes
// new peers when there is room again.
func TestKernelOutOfDescriptors(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		childOutOfDescriptors()
		return
	}
	leak.Check(t)
	child := exec.Command(os.Args[0], "-test.run=^TestKernelOutOfDescriptors$")
	child.Env = append(os.Environ(), childVariable+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stop, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func() string {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the child says no more: %v", lines.Err())
		}
		return lines.Text()
	}
	endpoint := next()
	before := open(t, zmq.PUSH)
	if err := before.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
	say(t, before, "before")
	if got := next(); got != "before" {
		t.Fatalf("the child says %q", got)
	}
	var conns []net.Conn
	for range 200 {
		conn, err := net.Dial("tcp4", strings.TrimPrefix(endpoint, "tcp://"))
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
	}
	if got := next(); got != "accept failed" {
		t.Fatalf("the child says %q", got)
	}
	say(t, before, "meanwhile")
	if got := next(); got != "meanwhile" {
		t.Fatalf("the child says %q", got)
	}
	for _, conn := range conns {
		conn.Close()
	}
	after := open(t, zmq.PUSH)
	if err := after.Connect(endpoint); err != nil {
		t.Fatal(err)
	}
	say(t, after, "after")
	if got := next(); got != "after" {
		t.Fatalf("the child says %q", got)
	}
	stop.Close()
	if got := next(); got != "failures: few" {
		t.Errorf("the child says %q", got)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}

// childOutOfDescriptors is a PULL in a process of its own. It says what happens, a line
// each, until its standard input ends.
func childOutOfDescriptors() {
	var limit syscall.Rlimit
	check := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	check(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	limit.Cur = fewDescriptors
	check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit))
	var failures atomic.Int64
	start := time.Now()
	pull := zmq.NewPull(zmq.WithEvents(func(e zmq.Event) {
		if e.Kind == zmq.EventAcceptFailed && failures.Add(1) == 1 {
			fmt.Println("accept failed")
		}
	}))
	b, err := pull.Bind("tcp://127.0.0.1:*")
	check(err)
	fmt.Println(b.Endpoint())
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		pull.Close()
	}()
	for {
		m, err := pull.Recv(context.Background())
		if err != nil {
			break
		}
		fmt.Println(string(m.Frames[0]))
	}
	// A rest of 100 ms behind each, unless a connection ended, of which there
	// were 200: without it there would be very many more.
	if n, most := failures.Load(), int64(time.Since(start)/(100*time.Millisecond))+250; n < 1 || n > most {
		fmt.Printf("failures: %d, at most %d\n", n, most)
	} else {
		fmt.Println("failures: few")
	}
}
