package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A step of a proxy: what it wants to be told, and what it says then.
type socksStep struct{ want, say string }

var (
	plainGreeting = socksStep{"\x05\x01\x00", "\x05\x00"}
	loginGreeting = socksStep{"\x05\x02\x00\x02", "\x05\x02"}
	login         = socksStep{"\x01\x04user\x06secret", "\x01\x00"}
)

// nameRequest asks for example.test, port 258.
const nameRequest = "\x05\x01\x00\x03\x0cexample.test\x01\x02"

// playProxy takes the part of a proxy in one connection, and then of who is
// behind it: it hangs up when the other side does.
func playProxy(t *testing.T, c net.Conn, steps []socksStep) {
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(guard)); err != nil {
		t.Error(err)
	}
	for _, step := range steps {
		got := make([]byte, len(step.want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != step.want {
			t.Errorf("the proxy is told %q (%v), want %q", got, err, step.want)
			return
		}
		if _, err := io.WriteString(c, step.say); err != nil {
			t.Error(err)
			return
		}
	}
	if rest, err := io.ReadAll(c); err == nil && len(rest) > 0 {
		t.Errorf("the proxy is told %q more", rest)
	}
}

// throughProxy dials an endpoint through a proxy that has these steps.
func throughProxy(t *testing.T, endpoint string, o Options, steps []socksStep) (net.Conn, error) {
	ln := mustListen(t, "tcp://127.0.0.1:*", nil)
	played := make(chan struct{})
	go func() {
		defer close(played)
		c, err := ln.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		playProxy(t, c, steps)
	}()
	t.Cleanup(func() { <-played })
	o.Proxy.Address = ln.Addr().String()
	ctx, cancel := context.WithTimeout(t.Context(), guard)
	defer cancel()
	return Dial(ctx, mustParse(t, endpoint), &o)
}

// TestSOCKS: the proxy is told what it needs and no more, and what comes behind
// its reply is left to be read from a connection of the kernel's.
func TestSOCKS(t *testing.T) {
	credentials := Proxy{User: "user", Password: "secret"}
	const behind = "and the peer at once"
	for name, c := range map[string]struct {
		endpoint string
		o        Options
		steps    []socksStep
	}{
		"name": {"tcp://example.test:258", Options{}, []socksStep{plainGreeting,
			{nameRequest, "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34" + behind}}},
		"IPv4": {"tcp://1.2.3.4:80", Options{}, []socksStep{plainGreeting,
			{"\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", "\x05\x00\x00\x03\x03abc\x12\x34" + behind}}},
		"IPv6": {"tcp://[1::2]:80", Options{IPv6: true}, []socksStep{plainGreeting,
			{"\x05\x01\x00\x04\x00\x01" + strings.Repeat("\x00", 13) + "\x02\x00\x50", "\x05\x00\x00\x04" + strings.Repeat("a", 18) + behind}}},
		"IPv6 without the option": {"tcp://[1::2]:80", Options{}, []socksStep{plainGreeting,
			{"\x05\x01\x00\x04\x00\x01" + strings.Repeat("\x00", 13) + "\x02\x00\x50", "\x05\x00\x00\x04" + strings.Repeat("a", 18) + behind}}},
		"empty name in the reply": {"tcp://example.test:258", Options{}, []socksStep{plainGreeting,
			{nameRequest, "\x05\x00\x00\x03\x00\x12\x34" + behind}}},
		"password": {"tcp://example.test:258", Options{Proxy: credentials}, []socksStep{loginGreeting, login,
			{nameRequest, "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34" + behind}}},
		"password not wanted": {"tcp://example.test:258", Options{Proxy: credentials}, []socksStep{
			{loginGreeting.want, "\x05\x00"}, {nameRequest, "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34" + behind}}},
		"from a source": {"tcp://127.0.0.1:0;1.2.3.4:80", Options{}, []socksStep{plainGreeting,
			{"\x05\x01\x00\x01\x01\x02\x03\x04\x00\x50", "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34" + behind}}},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := throughProxy(t, c.endpoint, c.o, c.steps)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, ok := conn.(*net.TCPConn); !ok {
				t.Errorf("it is a %T: the fast road of Link is lost", conn)
			}
			got := make([]byte, len(behind))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != behind {
				t.Errorf("behind the reply comes %q, %v", got, err)
			}
		})
	}
}

// TestSOCKSRefusals: whatever a proxy refuses or garbles is an error that names
// it, and the cause where there is one.
func TestSOCKSRefusals(t *testing.T) {
	reply := func(octets string) []socksStep { return []socksStep{plainGreeting, {nameRequest, octets}} }
	for name, c := range map[string]struct {
		proxy Proxy
		steps []socksStep
		want  error
		says  string
	}{
		"hangs up":               {steps: []socksStep{{plainGreeting.want, ""}}, want: io.ErrUnexpectedEOF},
		"hangs up in a word":     {steps: []socksStep{{plainGreeting.want, "\x05"}}, want: io.ErrUnexpectedEOF},
		"an HTTP server":         {steps: []socksStep{{plainGreeting.want, "HTTP/1.1 400 Bad Request\r\n"}}, says: "does not speak SOCKS 5"},
		"SOCKS 4":                {steps: []socksStep{{plainGreeting.want, "\x00\x5b"}}, says: "does not speak SOCKS 5"},
		"wants a password":       {steps: []socksStep{{plainGreeting.want, "\x05\xff"}}, says: "wants a user"},
		"password not offered":   {steps: []socksStep{{plainGreeting.want, "\x05\x02"}}, says: "not offered"},
		"GSSAPI":                 {steps: []socksStep{{plainGreeting.want, "\x05\x01"}}, says: "not offered"},
		"takes no password":      {proxy: Proxy{User: "user"}, steps: []socksStep{{loginGreeting.want, "\x05\xff"}}, says: "takes no password"},
		"wrong password":         {proxy: Proxy{User: "user", Password: "secret"}, steps: []socksStep{loginGreeting, {login.want, "\x01\x01"}}, want: syscall.EACCES},
		"garbage after password": {proxy: Proxy{User: "user", Password: "secret"}, steps: []socksStep{loginGreeting, {login.want, "\x05\x00"}}, says: "version 5"},
		"failure":                {steps: reply("\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"), says: "general failure"},
		"not allowed":            {steps: reply("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"), want: syscall.EACCES},
		"network unreachable":    {steps: reply("\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"), want: syscall.ENETUNREACH},
		"host unreachable":       {steps: reply("\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00"), want: syscall.EHOSTUNREACH},
		"connection refused":     {steps: reply("\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"), want: syscall.ECONNREFUSED},
		"too far":                {steps: reply("\x05\x06\x00\x01\x00\x00\x00\x00\x00\x00"), want: syscall.ETIMEDOUT},
		"no such command":        {steps: reply("\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"), says: "does not make connections"},
		"no such address":        {steps: reply("\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00"), says: "such addresses"},
		"unknown reply":          {steps: reply("\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00"), says: "reply 99"},
		"reply of a version":     {steps: reply("\x04\x00\x00\x01\x00\x00\x00\x00\x00\x00"), says: "version 4"},
		"unknown address":        {steps: reply("\x05\x00\x00\x02\x00\x00\x00\x00\x00\x00"), says: "kind 2"},
		"cut in the address":     {steps: reply("\x05\x00\x00\x03\xffabc"), want: io.ErrUnexpectedEOF},
		"cut before the port":    {steps: reply("\x05\x00\x00\x03\x01a"), want: io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			cut := append(c.steps[:len(c.steps):len(c.steps)], socksStep{}) // nothing more comes
			conn, err := throughClosingProxy(t, "tcp://example.test:258", c.proxy, cut)
			if err == nil {
				conn.Close()
				t.Fatal("it is connected")
			}
			if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "SOCKS proxy proxy.test:1080") {
				t.Errorf("%v, want %v %s", err, c.want, c.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
	gone := mustListen(t, "tcp://127.0.0.1:*", nil)
	address := gone.Addr().String()
	_ = gone.Close()
	if _, err := Dial(t.Context(), mustParse(t, "tcp://example.test:258"), &Options{Proxy: Proxy{Address: address}}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("no proxy: %v", err)
	}
}

// throughClosingProxy dials through a proxy that hangs up after its steps.
func throughClosingProxy(t *testing.T, endpoint string, proxy Proxy, steps []socksStep) (net.Conn, error) {
	conn := &scripted{}
	for _, step := range steps {
		conn.in.WriteString(step.say)
	}
	proxy.Address = "proxy.test:1080"
	c, err := Dial(t.Context(), mustParse(t, endpoint), &Options{Proxy: proxy, Dial: conn.dial})
	if err != nil && !conn.closed {
		t.Error("the connection to the proxy is left open")
	}
	return c, err
}

// scripted is a connection whose other side has said all it will say.
type scripted struct {
	net.Conn
	in, out bytes.Buffer
	address string
	closed  bool
}

func (s *scripted) dial(_ context.Context, _, address string) (net.Conn, error) {
	s.address = address
	return s, nil
}

func (s *scripted) Read(b []byte) (int, error)    { return s.in.Read(b) }
func (s *scripted) Write(b []byte) (int, error)   { return s.out.Write(b) }
func (s *scripted) SetDeadline(_ time.Time) error { return nil }
func (s *scripted) Close() error                  { s.closed = true; return nil }

// TestSOCKSSilence: a proxy that says nothing holds nobody: not longer than the
// caller's time, and two minutes if that has no end.
func TestSOCKSSilence(t *testing.T) {
	for name, c := range map[string]struct {
		steps int // after so many the proxy is silent
		limit time.Duration
		takes time.Duration
		want  error
	}{
		"greeting":             {0, 0, 2 * time.Minute, context.DeadlineExceeded},
		"reply":                {1, 0, 2 * time.Minute, context.DeadlineExceeded},
		"connect timeout":      {1, 3 * time.Second, 3 * time.Second, context.DeadlineExceeded},
		"longer than our time": {1, time.Hour, time.Hour, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if c.limit > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), c.limit)
				}
				defer cancel()
				start := time.Now()
				err := dialSilent(t, ctx, c.steps)
				if took := time.Since(start); !errors.Is(err, c.want) || took != c.takes {
					t.Errorf("%v after %v, want %v after %v", err, took, c.want, c.takes)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(time.Second, cancel).Stop()
		if err := dialSilent(t, ctx, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// dialSilent dials through a proxy that does some steps and then says nothing.
func dialSilent(t *testing.T, ctx context.Context, steps int) error {
	near, far := net.Pipe()
	played := make(chan struct{})
	go func() {
		defer close(played)
		defer far.Close()
		for _, step := range []socksStep{plainGreeting}[:steps] {
			_, _ = io.ReadFull(far, make([]byte, len(step.want)))
			_, _ = io.WriteString(far, step.say)
		}
		_, _ = io.Copy(io.Discard, far)
	}()
	defer func() { <-played }()
	_, err := Dial(ctx, mustParse(t, "tcp://example.test:258"), &Options{
		Proxy: Proxy{Address: "proxy.test:1080"},
		Dial:  func(context.Context, string, string) (net.Conn, error) { return near, nil },
	})
	return err
}

func TestSOCKSLeavesIPC(t *testing.T) {
	endpoint := "ipc://" + t.TempDir() + "/s"
	join(t, mustListen(t, endpoint, nil), endpoint, &Options{Proxy: Proxy{Address: "127.0.0.1:1"}})
}

func TestCheckProxy(t *testing.T) {
	for address, good := range map[string]bool{
		"proxy.test:1080": true, "127.0.0.1:1": true, "[::1]:65535": true,
		"": false, "proxy.test": false, "proxy.test:": false, ":1080": false, "proxy.test:0": false, "proxy.test:65536": false,
		"proxy.test:socks": false, "::1:1080": false, "socks5://host.test:1080": false, "a b:1": false, "a\x00:1": false,
		strings.Repeat("x", 256) + ":1": false,
	} {
		if err := CheckProxy(address); good != (err == nil) || !good && !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// FuzzSOCKS: whatever a proxy says, it does no harm, and not an octet is taken
// that belongs to the peer.
func FuzzSOCKS(f *testing.F) {
	f.Add([]byte("\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34peer"), "")
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x03abc\x12\x34peer"), "user")
	f.Add([]byte("\x05\x00\x05\x00\x00\x04aaaaaaaaaaaaaaaa\x12\x34peer"), "user")
	f.Add([]byte("\x05\x00\x05\x05\x00\x01"), "")
	f.Add([]byte("\x05\xff"), "user")
	f.Add([]byte("\x05\x00\x05\x00\x00\x03\xff"), "")
	f.Fuzz(func(t *testing.T, said []byte, user string) {
		conn := &scripted{}
		conn.in.Write(said)
		user = user[:min(len(user), 255)]
		_, err := Dial(t.Context(), mustParse(t, "tcp://example.test:258"), &Options{
			Proxy: Proxy{Address: "proxy.test:1080", User: user, Password: user}, Dial: conn.dial,
		})
		if conn.closed != (err != nil) {
			t.Fatalf("closed: %t, error: %v", conn.closed, err)
		}
		if err != nil {
			return
		}
		taken := said[:len(said)-conn.in.Len()]
		if want := replyLength(said); len(taken) != want {
			t.Fatalf("%d octets of %q are taken, want %d", len(taken), said, want)
		}
		if !bytes.HasSuffix(conn.out.Bytes(), []byte(nameRequest)) {
			t.Fatalf("the proxy was asked %q", conn.out.Bytes())
		}
	})
}

// replyLength is the length of all that a proxy says that connects.
func replyLength(said []byte) int {
	n := 2
	if said[1] == 2 {
		n += 2
	}
	address := map[byte]int{1: 4, 4: 16, 3: 1 + int(said[n+4])}[said[n+3]]
	return n + 4 + address + 2
}
