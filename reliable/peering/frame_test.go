package peering

import (
	"bytes"
	"slices"
	"testing"
)

// split cuts fuzzed octets into frames at each octet 0xFF.
func split(b []byte) [][]byte { return bytes.Split(b, []byte{0xFF}) }

func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{"client\xff\xffbody", "\xff", "a\xffb\xff\xffx\xffy", "x", "\xff\xffx", "client\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := split(b)
		envelope, body, ok := splitEnvelope(frames)
		if !ok {
			return
		}
		n := len(envelope)
		if n < 2 || n > maxEnvelope+1 || len(envelope[n-1]) > 0 || len(body) == 0 || !slices.EqualFunc(concat(envelope, body), frames, bytes.Equal) {
			t.Fatalf("%q was split to %q and %q", frames, envelope, body)
		}
		for _, f := range envelope[:n-1] {
			if len(f) == 0 {
				t.Fatalf("%q has an empty frame inside", envelope)
			}
		}
	})
}

func FuzzWorker(f *testing.F) {
	for _, seed := range []string{"w\xff\xff\x01", "w\xff\xffclient\xff\xffbody", "w\xff\x01", "w", ""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := split(b)
		id, reply, ok := parseWorker(frames)
		if !ok {
			return
		}
		want := concat([][]byte{[]byte(id), {}}, reply)
		if reply == nil {
			want = concat(want, [][]byte{{1}})
		}
		if !slices.EqualFunc(want, frames, bytes.Equal) {
			t.Fatalf("%q was read as %q, %q", frames, id, reply)
		}
	})
}

func FuzzState(f *testing.F) {
	for _, seed := range []string{"east\xff0", "east\xff999999999", "east\xff1000000000", "east\xff-1", "east", "\xff"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames := split(b)
		name, capacity, ok := parseState(frames)
		if !ok {
			return
		}
		if capacity < 0 || name != string(frames[0]) {
			t.Fatalf("%q was read as %q, %d", frames, name, capacity)
		}
		if again, n, ok := parseState(stateMessage(name, capacity)); !ok || again != name || n != capacity {
			t.Fatalf("%d of %q is read back as %d of %q", capacity, name, n, again)
		}
	})
}
