package main

import (
	"bytes"
	"testing"

	"github.com/phimq/zmq"
)

// TestFormatOnTerminal: a message must not reach the terminal through a
// template either.
func TestFormatOnTerminal(t *testing.T) {
	var b bytes.Buffer
	out := sink{notation: &notation{}, format: "{{.Number}}: {{index .Frames 0}}|{{.Text}}\t."}
	if err := out.prepare(&b); err != nil {
		t.Fatal(err)
	}
	out.terminal = true
	m := zmq.MsgFromStrings("a\x1b", "b\u009b")
	if err := out.write(&m); err != nil {
		t.Fatal(err)
	}
	if err := out.flush(); err != nil {
		t.Fatal(err)
	}
	if want := "1: a\\x1b|a\\x1b\tb\\u009b\t.\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
