package main

import (
	"bufio"
	"bytes"
	"net"
	"testing"
	"time"
)

// FuzzProbe: whatever a peer says, the probe neither hangs nor falls over.
func FuzzProbe(f *testing.F) {
	for _, peer := range fakes {
		f.Add([]byte(peer.greeting + peer.ready + peer.pong))
	}
	f.Fuzz(func(t *testing.T, says []byte) {
		p := &probe{conn: &said{r: bytes.NewReader(says)}}
		p.r = bufio.NewReader(p.conn)
		if _, err := p.greet(time.Hour); err != nil {
			return
		}
		if _, err := p.ready("REQ"); err == nil {
			_, _ = p.ping("fuzz")
		}
	})
}

// said is a connection to a peer that has said all.
type said struct {
	net.Conn
	r *bytes.Reader
}

func (s *said) Read(b []byte) (int, error)  { return s.r.Read(b) }
func (s *said) Write(b []byte) (int, error) { return len(b), nil }
