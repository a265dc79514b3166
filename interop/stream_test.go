package interop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// streamCases are about STREAM, which talks to peers that know no ZMTP.
func streamCases() []testCase {
	return []testCase{
		{"STREAM/binds", oneWay, streamBinds},
		{"STREAM/connects", oneWay, streamConnects},
		{"STREAM/1 MB", oneWay, streamMegabyte},
		{"STREAM/STREAM", []way{tcpLeft, tcpRight}, streamStream},
	}
}

// raw is a TCP connection that fails the case.
type raw struct {
	net.Conn
	r *rig
}

func (r *rig) dial(endpoint string) raw {
	r.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "tcp://"))
	r.ok(err)
	return r.keep(c)
}

func (r *rig) keep(c net.Conn) raw {
	r.Helper()
	r.Cleanup(func() { c.Close() })
	r.ok(c.SetDeadline(time.Now().Add(patience)))
	return raw{c, r}
}

func (c raw) say(text string) {
	c.r.Helper()
	_, err := io.WriteString(c, text)
	c.r.ok(err)
}

func (c raw) hear(text string) {
	c.r.Helper()
	b := make([]byte, len(text))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
		c.r.Fatalf("the TCP peer reads %.80q, %v, wants %.80q", b, err, text)
	}
}

func (c raw) hearEnd() {
	c.r.Helper()
	if n, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		c.r.Fatalf("the TCP peer reads %d octets, %v, wants the end", n, err)
	}
}

// opened receives the notice of a connection and returns its identity.
func (s *sock) opened() string {
	s.r.Helper()
	m := s.recv()
	if len(m) != 2 || len(m[0]) != 5 || m[1] != "" {
		s.r.Fatalf("%s: received %q, wants an identity of 5 octets and an empty frame", s.what, m)
	}
	return m[0]
}

// hear receives octets, in as many messages as they come.
func (s *sock) hear(id, text string) {
	s.r.Helper()
	var b bytes.Buffer
	for b.Len() < len(text) {
		m := s.recv()
		if len(m) != 2 || m[0] != id || m[1] == "" {
			s.r.Fatalf("%s: received %.80q, wants octets of %q", s.what, m, id)
		}
		b.WriteString(m[1])
	}
	if b.String() != text {
		s.r.Fatalf("%s: received %.80q, wants %.80q", s.what, b.String(), text)
	}
}

func streamBinds(r *rig) {
	stream := r.socket(r.left, "STREAM")
	endpoint := stream.bind(r.free())
	a := r.dial(endpoint)
	idA := stream.opened()
	b := r.dial(endpoint)
	idB := stream.opened()
	a.say("GET / HTTP/1.0\r\n\r\n")
	stream.hear(idA, "GET / HTTP/1.0\r\n\r\n")
	stream.send(idB, "to b")
	stream.send(idA, "HTTP/1.0 200 OK\r\n\r\n")
	stream.send(idA, "")
	a.hear("HTTP/1.0 200 OK\r\n\r\n")
	b.hear("to b")
	b.say("last words")
	b.Close()
	stream.wantOf(idB, "last words", "")
	a.hearEnd()
	a.Close()
	if err := stream.trySend(idB, "too late"); err != errUnreachable && r.left.name == us { // libzmq's learns it later
		r.Errorf("to one who is gone: %v, wants %v", err, errUnreachable)
	}
}

// wantOf receives these messages of one connection; those of others are kept.
func (s *sock) wantOf(id string, bodies ...string) {
	s.r.Helper()
	for _, body := range bodies {
		for len(s.kept[id]) == 0 {
			m := s.recv()
			if s.kept == nil {
				s.kept = map[string][]string{}
			}
			s.kept[m[0]] = append(s.kept[m[0]], m[1:]...)
		}
		if got := s.kept[id][0]; got != body {
			s.r.Fatalf("%s: received %q of %q, wants %q", s.what, got, id, body)
		}
		s.kept[id] = s.kept[id][1:]
	}
}

func streamConnects(r *rig) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.ok(err)
	r.Cleanup(func() { l.Close() })
	stream := r.socket(r.left, "STREAM")
	stream.set("connect_routing_id", "server")
	stream.connect("tcp://" + l.Addr().String())
	c, err := l.Accept()
	r.ok(err)
	server := r.keep(c)
	stream.want("server", "")
	stream.send("server", "hello")
	server.hear("hello")
	server.say("220 ready")
	stream.hear("server", "220 ready")
}

func streamMegabyte(r *rig) {
	stream := r.socket(r.left, "STREAM")
	c := r.dial(stream.bind(r.free()))
	id := stream.opened()
	body := strings.Repeat("0123456789abcdef", 1<<16)
	result := make(chan error, 1)
	go func() {
		_, err := io.WriteString(c, body)
		result <- err
	}()
	stream.hear(id, body)
	r.ok(<-result)
	stream.send(id, body[:1<<19])
	stream.send(id, body[1<<19:])
	c.hear(body)
}

func streamStream(r *rig) {
	left, right := r.socket(r.left, "STREAM"), r.socket(r.right, "STREAM")
	binds, connects := left, right
	if r.flip {
		binds, connects = right, left
	}
	connects.connect(binds.bind(r.free()))
	idLeft, idRight := right.opened(), left.opened()
	left.send(idRight, "from left")
	right.hear(idLeft, "from left")
	right.send(idLeft, "from right")
	left.hear(idRight, "from right")
}
