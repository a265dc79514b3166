package main

import (
	"bytes"
	"testing"
)

type form struct {
	write func([]byte) []byte
	read  func([]byte) ([]byte, error)
}

var (
	identityText     = form{writeIdentity, readIdentity}
	subscriptionText = form{writeSubscription, readSubscription}
)

// TestFirstText: what is written is read back as it was.
func TestFirstText(t *testing.T) {
	for _, c := range []struct {
		form  form
		frame string
		text  string
	}{
		{identityText, "worker 1", "worker 1"},
		{identityText, "\x00\xab\xcd\xef\x01", "0x00abcdef01"},
		{identityText, "a\tb", "0x610962"},
		{identityText, "0xff", "0x30786666"},
		{identityText, "\xff", "0xff"},
		{subscriptionText, "\x01weather.", "+weather."},
		{subscriptionText, "\x00weather.", "-weather."},
		{subscriptionText, "\x01", "+"},
	} {
		if got := c.form.write([]byte(c.frame)); string(got) != c.text {
			t.Errorf("%q is written as %q, want %q", c.frame, got, c.text)
		}
		if got, err := c.form.read([]byte(c.text)); err != nil || !bytes.Equal(got, []byte(c.frame)) {
			t.Errorf("%q is read as %q, %v, want %q", c.text, got, err, c.frame)
		}
	}
	for text, form := range map[string]form{"0x": identityText, "0xzz": identityText, "0x1": identityText, "": subscriptionText, "x": subscriptionText} {
		if got, err := form.read([]byte(text)); err == nil {
			t.Errorf("%q is read as %q, want an error", text, got)
		}
	}
}
