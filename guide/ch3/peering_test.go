//go:build unix

package ch3

import (
	"os"
	"testing"
)

// peers starts a program for each of two brokers.
func peers(t *testing.T, name string, args ...string) (a, b *program) {
	t.Helper()
	args = append([]string{"-dir", t.TempDir() + "/"}, args...)
	return start(t, name, append(args, "DC1", "DC2")...), start(t, name, append(args, "DC2", "DC1")...)
}

// end lets a program end in peace.
func end(t *testing.T, p *program) {
	t.Helper()
	p.signal(t, os.Interrupt)
	p.wait(t)
}

func TestPeering1(t *testing.T) {
	a, b := peers(t, "peering1", "-interval", "20ms")
	for range 3 {
		a.expect(t, "DC2 - ")
		b.expect(t, "DC1 - ")
	}
	end(t, a)
	end(t, b)
}

func TestPeering2(t *testing.T) {
	a, b := peers(t, "peering2", "-pause", "10ms")
	for _, p := range []*program{a, b} {
		for range 20 {
			p.expect(t, "Worker: HELLO")
			p.expect(t, "Client: OK")
		}
	}
	end(t, a)
	end(t, b)
}

// TestPeering3: one cluster has all the workers, so the other's clients are answered
// there.
func TestPeering3(t *testing.T) {
	dir := t.TempDir() + "/"
	a := start(t, "peering3", "-dir", dir, "-workers", "0", "-calm", "100ms", "DC1", "DC2", "DC3")
	b := start(t, "peering3", "-dir", dir, "-clients", "0", "-workers", "6", "-work", "10ms", "DC2", "DC1", "DC3")
	c := start(t, "peering3", "-dir", dir, "-clients", "3", "-calm", "100ms", "-workers", "3", "-work", "10ms", "DC3", "DC1", "DC2")
	for range 20 { // a line is a task that came back
		a.expect(t, "")
		c.expect(t, "")
	}
	end(t, a) // a task that a client has lost is a status of 1; clients that end take no reply
	a.expect(t, "Malformed:0")
	end(t, c)
	c.expect(t, "Malformed:0")
	end(t, b)
	b.expect(t, "Forwarded:0")
}
