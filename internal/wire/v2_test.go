package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestV2Tail(t *testing.T) {
	for _, identity := range []string{"", "me", strings.Repeat("i", 255)} {
		want := string([]byte{V2Dealer, 0, byte(len(identity))}) + identity
		b := AppendV2Tail(nil, V2Dealer, []byte(identity))
		if string(b) != want {
			t.Errorf("got %x, want %x", b, want)
		}
		for n := range len(b) {
			if _, ok, err := ParseV2Tail(b[:n]); ok || err != nil {
				t.Errorf("%d octets: %v, %v; want more", n, ok, err)
			}
		}
		got, ok, err := ParseV2Tail(append(b, "\x00\x01a"...))
		if !ok || err != nil || got.SocketType != V2Dealer || string(got.Identity) != identity || got.Len != len(want) {
			t.Errorf("%x: %+v, %v, %v", b, got, ok, err)
		}
	}
	for _, bad := range []string{"\x05\x01", "\x05\x02", "\x05\x04\x00", "\x05\x80\x00"} {
		if _, ok, err := ParseV2Tail([]byte(bad)); ok || err != ErrGreeting {
			t.Errorf("%x: %v, %v; want ErrGreeting", bad, ok, err)
		}
	}
}

// TestV2Greeting puts the greeting of RFC 15 "Formal Grammar" together.
func TestV2Greeting(t *testing.T) {
	b := append(AppendSignature(nil, 2), V2Revision)
	b = AppendV2Tail(b, V2Push, []byte("me"))
	if want := "\xff\x00\x00\x00\x00\x00\x00\x00\x03\x7f\x01\x08\x00\x02me"; string(b) != want {
		t.Errorf("got %x, want %x", b, want)
	}
	if major, ok := Detect(b); major != 2 || !ok {
		t.Errorf("Detect: %d, %v", major, ok)
	}
}

func FuzzParseV2Tail(f *testing.F) {
	f.Add([]byte("\x05\x00\x02me"))
	f.Add([]byte("\x05\x00\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tail, ok, err := ParseV2Tail(b)
		if !ok || err != nil {
			return
		}
		if again := AppendV2Tail(nil, tail.SocketType, tail.Identity); !bytes.Equal(again, b[:tail.Len]) {
			t.Errorf("%x became %x", b, again)
		}
	})
}
