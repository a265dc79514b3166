package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzNotation: what a notation writes, it reads; what is not in it is an
// error and nothing worse.
func FuzzNotation(f *testing.F) {
	f.Add([]byte("topic"), []byte("body"))
	f.Add([]byte(""), []byte("\x00\xff\n\t\"\\"))
	f.Add([]byte(`{"frames":["a",{"base64":"AA=="}]}`), []byte("\"a\"\t\"b\""))
	f.Add([]byte(`{"frames":[null]}`), []byte(`{"frames":[{}]}`))
	f.Add([]byte(`{"frames":["\ud83d\ude00"]}`), []byte(`{"frames":["\ud83d\\u"]}`))
	f.Add([]byte("\u202e\u0085"), []byte("0g"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, n := range []notation{{hex: true}, {quoted: true}, {json: true}} {
			want := [][]byte{a, b}
			line, err := n.append(nil, want, false)
			if err != nil {
				t.Fatalf("%+v: %v", n, err)
			}
			if bytes.ContainsAny(line, "\n\x00") {
				t.Errorf("%+v: %q is not a line of text", n, line)
			}
			got, err := n.parse(line)
			if err != nil || !slices.EqualFunc(got, want, bytes.Equal) {
				t.Errorf("%+v: %q is read as %q, %v; want %q", n, line, got, err, want)
			}
			if frames, err := n.parse(a); err == nil && len(frames) == 0 {
				t.Errorf("%+v: %q is read as a message without frames", n, a)
			}
		}
		for _, r := range visible(a) {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u202e' {
				t.Errorf("visible(%q) has %q", a, r)
			}
		}
	})
}

func TestNotationText(t *testing.T) {
	frames := [][]byte{[]byte("a\x1b[2Jb"), []byte("gr\u00fc\xff"), []byte(`c:\n`)}
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{false, "a\x1b[2Jb\tgr\u00fc\xff\tc:\\n"},
		{true, "a\\x1b[2Jb\tgr\u00fc\\xff\tc:\\n"},
	} {
		got, err := new(notation).append(nil, frames, c.terminal)
		if string(got) != c.want || err != nil {
			t.Errorf("terminal %v: %q, %v; want %q", c.terminal, got, err, c.want)
		}
	}
}

// TestNotationNotText: octets that are not UTF-8 are read as they are, or not
// at all.
func TestNotationNotText(t *testing.T) {
	for line, n := range map[string]notation{
		"\"a\xffb\"":                    {quoted: true},
		"{\"frames\":[\"a\xffb\"]}":     {json: true},
		`{"frames":["\ud800"]}`:         {json: true},
		`{"frames":["\ud800x"]}`:        {json: true},
		`{"frames":["\ud83d\n"]}`:       {json: true},
		`{"frames":["\ud83d\u0041"]}`:   {json: true},
		`{"frames":["\\\uDE00\uD83D"]}`: {json: true},
	} {
		if got, err := n.parse([]byte(line)); err == nil || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("%+v: %q is read as %q, %v", n, line, got, err)
		}
	}
	got, err := (&notation{json: true}).parse([]byte(`{"frames":["\uD83d\ude00\\ud800\ufffd\n"]}`))
	if err != nil || string(got[0]) != "\U0001f600\\ud800\ufffd\n" {
		t.Errorf("escapes of whole characters are read as %q, %v", got, err)
	}
	if got, err := (&notation{quoted: true}).parseFrame(0, "\"\xff\""); err == nil {
		t.Errorf("a frame is read as %q", got)
	}
	if got, err := new(notation).parse([]byte("a\xffb")); err != nil || string(got[0]) != "a\xffb" {
		t.Errorf("as text it is read as %q, %v", got, err)
	}
}
