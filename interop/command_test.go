package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// buildCommand builds the command line tool.
func buildCommand(t *testing.T) (program string) {
	t.Helper()
	work, err := filepath.Abs("../go.work")
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), "zmq")
	build := exec.Command("go", "build", "-o", program, "./zmq")
	build.Dir = "../cmd"
	build.Env = append(os.Environ(), "GOWORK="+work)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// An end is one end of a pipeline: how it pushes or pulls lines.
type end struct {
	name    string
	command func(verb, how, endpoint string) []string
}

const lines = 100_000

// ends are our tool and libzmq.
func ends(program string) [2]end {
	return [2]end{
		{us, func(verb, how, endpoint string) []string {
			args := []string{program, verb, map[string]string{"bind": "@", "connect": "+"}[how] + endpoint}
			if verb == "pull" {
				args = append(args, "--count", strconv.Itoa(lines))
			}
			return args
		}},
		{libzmq, func(verb, how, endpoint string) []string {
			return []string{"/usr/bin/python3", "lines.py", verb, how, endpoint, strconv.Itoa(lines)}
		}},
	}
}

// TestCommandCarriesLines: what goes into a push comes out of a pull, line by
// line and in order, between two of our tools and between one and libzmq.
func TestCommandCarriesLines(t *testing.T) {
	var seq bytes.Buffer
	for i := range lines {
		fmt.Fprintln(&seq, i+1)
	}
	all := ends(buildCommand(t))
	for _, pair := range [][2]end{{all[0], all[0]}, {all[0], all[1]}, {all[1], all[0]}} {
		for _, transport := range []string{"tcp", "ipc", "abstract"} {
			for _, how := range [][2]string{{"connect", "bind"}, {"bind", "connect"}} {
				push, pull := pair[0], pair[1]
				t.Run(fmt.Sprintf("%s-%s/%s/push %ss", push.name, pull.name, transport, how[0]), func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
					defer cancel()
					endpoint := unused(t, transport)
					taker := inContext(ctx, pull.command("pull", how[1], endpoint))
					var got bytes.Buffer
					taker.Stdout = &got
					if err := taker.Start(); err != nil {
						t.Fatal(err)
					}
					giver := inContext(ctx, push.command("push", how[0], endpoint))
					giver.Stdin = bytes.NewReader(seq.Bytes())
					if err := errors.Join(giver.Run(), taker.Wait()); err != nil {
						t.Errorf("%v\n%s%s", err, giver.Stderr, taker.Stderr)
					}
					sameLines(t, got.Bytes(), seq.Bytes())
				})
			}
		}
	}
}

// inContext is a program that ends with ctx at the latest. What it says is in
// Stderr.
func inContext(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Stderr = &tail{}
	return cmd
}

// unused is an endpoint that nobody has.
func unused(t *testing.T, transport string) string {
	t.Helper()
	switch transport {
	case "ipc":
		return "ipc://" + filepath.Join(t.TempDir(), "s")
	case "abstract":
		return fmt.Sprintf("ipc://@zmq-interop-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "."))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "tcp://" + l.Addr().String()
}

func sameLines(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	have, wants := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(have), len(wants)) {
		if have[i] != wants[i] {
			t.Fatalf("line %d is %q, want %q; there are %d", i+1, have[i], wants[i], len(have)-1)
		}
	}
	t.Fatalf("there are %d lines, want %d", len(have)-1, len(wants)-1)
}

// TestCommandPings: ping tells who is there, by its report and by its exit code.
func TestCommandPings(t *testing.T) {
	program := buildCommand(t)
	driver, err := startLibzmq()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(driver.Kill)
	bound := func(kind string, options ...string) string {
		s, err := driver.New(kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range options {
			name, value, _ := strings.Cut(o, "=")
			if err := s.Set(name, value); err != nil {
				t.Fatal(err)
			}
		}
		endpoint, err := s.Bind("tcp://127.0.0.1:*")
		if err != nil {
			t.Fatal(err)
		}
		return endpoint
	}
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for name, c := range map[string]struct {
		endpoint string
		code     int
		says     string
	}{
		"REP":              {bound("REP"), 0, "Socket-Type: REP"},
		"ROUTER":           {bound("ROUTER"), 0, "Socket-Type: ROUTER"},
		"XPUB":             {bound("XPUB"), 0, "Socket-Type: XPUB"},
		"PULL":             {bound("PULL"), 0, "Socket-Type: PULL"},
		"an HTTP server":   {"tcp://" + web.Listener.Addr().String(), 5, "HTTP"},
		"a closed port":    {unused(t, "tcp"), 2, "refused"},
		"no path":          {unused(t, "ipc"), 2, "no such file"},
		"a PLAIN server":   {bound("REP", "plain_server=1"), 4, "PLAIN"},
		"a CURVE server":   {bound("REP", "curve_server=1", "curve_secretkey=JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"), 4, "CURVE"},
		"a silent process": {silent(t), 3, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			out, err := exec.CommandContext(ctx, program, "ping", c.endpoint, "--timeout", "2s").CombinedOutput()
			code := 0
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(strings.Fields(string(out)), " "); code != c.code || !strings.Contains(text, c.says) {
				t.Errorf("it ends with %d and says\n%s\nwant %d and %q", code, out, c.code, c.says)
			}
		})
	}
}

// silent is an endpoint where connections are taken and nothing is said.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return "tcp://" + l.Addr().String()
}
