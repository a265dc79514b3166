package wire

import (
	"bytes"
	"math"
	"testing"
)

func TestV1Header(t *testing.T) {
	tests := []struct {
		flags byte
		size  int
		want  string
	}{
		{0, 0, "\x01\x00"},
		{FlagMore, 0, "\x01\x01"}, // the delimiter of RFC 13 "Addressed Content"
		{0, 5, "\x06\x00"},
		{FlagMore | FlagLong | FlagCommand, 5, "\x06\x01"},
		{0, 253, "\xfe\x00"},
		{0, 254, "\xff\x00\x00\x00\x00\x00\x00\x00\xff\x00"},
		{FlagMore, 255, "\xff\x00\x00\x00\x00\x00\x00\x01\x00\x01"},
		{FlagMore, 65535, "\xff\x00\x00\x00\x00\x00\x01\x00\x00\x01"},
	}
	for _, tt := range tests {
		if got := AppendV1Header(nil, tt.flags, tt.size); string(got) != tt.want {
			t.Errorf("%#x, %d: got %x, want %x", tt.flags, tt.size, got, tt.want)
		}
		want := Header{Flags: tt.flags & FlagMore, Size: uint64(tt.size), Len: len(tt.want)}
		if h, ok, err := ParseV1Header([]byte(tt.want + "body")); h != want || !ok || err != nil {
			t.Errorf("%x: %+v, %v, %v; want %+v", tt.want, h, ok, err, want)
		}
		for n := range len(tt.want) {
			if _, ok, err := ParseV1Header([]byte(tt.want[:n])); ok || err != nil {
				t.Errorf("%x: %v, %v; want more octets", tt.want[:n], ok, err)
			}
		}
	}
	if got := AppendV1Frame([]byte("x"), FlagMore, []byte("body")); string(got) != "x\x05\x01body" {
		t.Errorf("AppendV1Frame: %x", got)
	}
}

func TestParseV1HeaderPeers(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want Header
		err  error
	}{
		{"short length in the long form", "\xff\x00\x00\x00\x00\x00\x00\x00\x02\x01", Header{FlagMore, 1, 10}, nil},
		{"reserved flags", "\x02\xff", Header{FlagMore, 1, 2}, nil},
		{"a later peer's signature", "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f", Header{FlagMore, 0, 10}, nil},
		{"length of 2^63", "\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00", Header{0, math.MaxInt64, 10}, nil},
		{"length of 2^63+1", "\xff\x80\x00\x00\x00\x00\x00\x00\x01\x00", Header{}, ErrSize},
		{"length of 0", "\x00", Header{}, ErrSize},
		{"long length of 0", "\xff\x00\x00\x00\x00\x00\x00\x00\x00", Header{}, ErrSize},
	}
	for _, tt := range tests {
		h, ok, err := ParseV1Header([]byte(tt.in))
		if h != tt.want || err != tt.err || ok != (tt.err == nil) {
			t.Errorf("%s: %+v, %v, %v; want %+v, %v", tt.name, h, ok, err, tt.want, tt.err)
		}
	}
}

func FuzzParseV1Header(f *testing.F) {
	f.Add([]byte("\x01\x00"))
	f.Add([]byte("\xff\x00\x00\x00\x00\x00\x00\x01\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok, err := ParseV1Header(b)
		if !ok {
			if h != (Header{}) || err == nil && len(b) >= MaxV1Header {
				t.Fatalf("%x: %+v, %v", b, h, err)
			}
			return
		}
		if h.Size > math.MaxInt32 {
			return
		}
		again := AppendV1Header(nil, h.Flags, int(h.Size))
		if back, _, _ := ParseV1Header(again); back.Size != h.Size || back.Flags != h.Flags {
			t.Fatalf("%+v became %+v", h, back)
		}
		if len(again) == h.Len && !bytes.Equal(again[:h.Len-1], b[:h.Len-1]) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}
