package main

import (
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fakes are peers that are no socket of ours: what they say when a connection
// is there, and after the 64 octets of a greeting.
var fakes = map[string][]string{
	"plain":   {greetingOf("PLAIN")},
	"curve":   {greetingOf("CURVE")},
	"old":     {"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00"},
	"silent":  {""},
	"ssh":     {"SSH-2.0-OpenSSH\r\n"},
	"refuses": {greetingOf("NULL"), "\x04\x0a\x05ERROR\x03400"},
	"closes":  {greetingOf("NULL"), "\x04"},
	"dealer":  {greetingOf("NULL"), "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"},
	"broken":  {greetingOf("NULL"), "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\xffDEALER"},
	"huge":    {greetingOf("NULL"), "\x06\x3f\xff\xff\xff\xff\xff\xff\xff"},
}

func greetingOf(mechanism string) string {
	g := "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x01" + mechanism
	return g + strings.Repeat("\x00", 64-len(g))
}

// fakePeer starts a peer and puts its port into a variable:
// fakepeer NAME http|plain|...
func fakePeer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: fakepeer NAME KIND")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
	if args[1] == "http" {
		go func() { _ = http.Serve(l, http.NotFoundHandler()) }()
		return
	}
	says, known := fakes[args[1]]
	if !known {
		ts.Fatalf("no fake peer %s", args[1])
	}
	go acceptLoop(l, says)
}

func acceptLoop(l net.Listener, says []string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go speak(c, says)
	}
}

// speak says what a fake peer has to say. It closes the connection if that is
// more than a greeting, or when the other one does.
func speak(c net.Conn, says []string) {
	defer c.Close()
	_, _ = io.WriteString(c, says[0])
	if _, err := io.ReadFull(c, make([]byte, 64)); err != nil || len(says) == 1 {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	_, _ = c.Read(make([]byte, 256)) // READY
	_, _ = io.WriteString(c, says[1])
}
