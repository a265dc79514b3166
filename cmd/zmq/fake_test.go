package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// A fake is a peer that is no socket of ours.
type fake struct {
	greeting string // what it says when a connection is there
	ready    string // what it says to READY; then it goes away, if there is no pong
	pong     string // what it says to PING
	shy      bool   // it says ready only if it is not told READY, as libzmq may
}

var fakes = map[string]fake{
	"plain":   {greeting: greetingOf("PLAIN")},
	"curve":   {greeting: greetingOf("CURVE")},
	"old":     {greeting: "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x01\x05\x00\x00"},
	"silent":  {greeting: ""},
	"ssh":     {greeting: "SSH-2.0-OpenSSH\r\n"},
	"refuses": {greeting: greetingOf("NULL"), ready: "\x04\x0a\x05ERROR\x03400"},
	"closes":  {greeting: greetingOf("NULL"), ready: "\x04"},
	"dealer":  {greeting: greetingOf("NULL"), ready: "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER"},
	"broken":  {greeting: greetingOf("NULL"), ready: "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\xffDEALER"},
	"huge":    {greeting: greetingOf("NULL"), ready: "\x06\x3f\xff\xff\xff\xff\xff\xff\xff"},
	"shy":     {greeting: greetingOf("NULL"), ready: "\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PUSH", shy: true},
	"pull":    {greeting: greetingOf("NULL"), ready: "\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL", pong: "\x04\x0d\x04PONGzmq ping"},
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
	f, known := fakes[args[1]]
	if !known {
		ts.Fatalf("no fake peer %s", args[1])
	}
	go acceptLoop(l, f)
}

func acceptLoop(l net.Listener, f fake) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go speak(c, f)
	}
}

// shyness is how long a shy fake waits for READY.
const shyness = 20 * time.Millisecond

// speak says what a fake peer has to say. If that is no more than a greeting,
// the other one is to close the connection.
func speak(c net.Conn, f fake) {
	defer c.Close()
	_, _ = io.WriteString(c, f.greeting)
	if _, err := io.ReadFull(c, make([]byte, 64)); err != nil || f.ready == "" {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	if f.shy {
		_ = c.SetReadDeadline(time.Now().Add(shyness))
	}
	if _, err := c.Read(make([]byte, 256)); f.shy && err == nil {
		return
	}
	_, _ = io.WriteString(c, f.ready)
	if f.pong != "" {
		_, _ = c.Read(make([]byte, 256))
		_, _ = io.WriteString(c, f.pong)
		_, _ = io.Copy(io.Discard, c)
	}
}
