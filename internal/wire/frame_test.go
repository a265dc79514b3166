package wire

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"testing"
)

func TestHeader(t *testing.T) {
	tests := []struct {
		flags byte
		size  int
		want  string
	}{
		{0, 0, "\x00\x00"},
		{FlagMore, 1, "\x01\x01"},
		{FlagCommand, 41, "\x04\x29"}, // RFC 37 "Worked Example"
		{0, 255, "\x00\xff"},
		{0, 256, "\x02\x00\x00\x00\x00\x00\x00\x01\x00"},
		{FlagMore, 65536, "\x03\x00\x00\x00\x00\x00\x01\x00\x00"},
		{FlagCommand, 256, "\x06\x00\x00\x00\x00\x00\x00\x01\x00"},
		{FlagLong, 7, "\x00\x07"}, // LONG is AppendHeader's to choose
		{0, math.MaxInt32, "\x02\x00\x00\x00\x00\x7f\xff\xff\xff"},
	}
	for _, tt := range tests {
		got := AppendHeader([]byte("x"), tt.flags, tt.size)
		if string(got) != "x"+tt.want {
			t.Errorf("%#x, %d: got %x, want %x", tt.flags, tt.size, got[1:], tt.want)
		}
		if HeaderLen(tt.size) != len(tt.want) {
			t.Errorf("HeaderLen(%d) = %d", tt.size, HeaderLen(tt.size))
		}
		want := Header{Flags: tt.want[0], Size: uint64(tt.size), Len: len(tt.want)}
		for n := range len(tt.want) {
			if _, ok, err := ParseHeader([]byte(tt.want[:n])); ok || err != nil {
				t.Errorf("%x: %v, %v; want more octets", tt.want[:n], ok, err)
			}
		}
		for _, behind := range []string{"", "body"} {
			if h, ok, err := ParseHeader([]byte(tt.want + behind)); h != want || !ok || err != nil {
				t.Errorf("%x: %+v, %v, %v; want %+v", tt.want, h, ok, err, want)
			}
		}
	}
}

func TestParseHeaderPeers(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want Header
		err  error
	}{
		{"short size in the long form", "\x02\x00\x00\x00\x00\x00\x00\x00\x05", Header{FlagLong, 5, 9}, nil},
		{"largest", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", Header{FlagLong, math.MaxInt64, 9}, nil},
		{"2^63", "\x02\x80\x00\x00\x00\x00\x00\x00\x00", Header{}, ErrSize},
		{"2^63, seen at once", "\x02\x80", Header{}, ErrSize},
		{"2^64-1", "\x02\xff\xff\xff\xff\xff\xff\xff\xff", Header{}, ErrSize},
		{"bit 3", "\x08\x00", Header{}, ErrReserved},
		{"bit 7, seen at once", "\x80", Header{}, ErrReserved},
		{"MORE on a command", "\x05\x00", Header{}, ErrMoreCommand},
		{"MORE on a long command", "\x07", Header{}, ErrMoreCommand},
	}
	for _, tt := range tests {
		h, ok, err := ParseHeader([]byte(tt.in))
		if h != tt.want || err != tt.err || ok != (tt.err == nil) {
			t.Errorf("%s: %+v, %v, %v; want %+v, %v", tt.name, h, ok, err, tt.want, tt.err)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	for _, size := range []int{0, 1, 255, 256, 70000} {
		body := bytes.Repeat([]byte("b"), size)
		b := AppendFrame([]byte("x"), FlagMore, body)
		h, ok, err := ParseHeader(b[1:])
		if !ok || err != nil || h.Size != uint64(size) || h.Flags&FlagMore == 0 || !bytes.Equal(b[1+h.Len:], body) {
			t.Errorf("%d octets: %+v, %v, %v", size, h, ok, err)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte("\x00\x00"))
	f.Add([]byte("\x04\x29"))
	f.Add([]byte("\x03\x00\x00\x00\x00\x00\x01\x00\x00"))
	f.Add([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte("\x06\x80\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok, err := ParseHeader(b)
		want, wantOK, bad := naiveHeader(b)
		if h != want || ok != wantOK || (err != nil) != bad {
			t.Fatalf("%x: %+v, %v, %v; want %+v, %v, bad %v", b, h, ok, err, want, wantOK, bad)
		}
		if !ok || h.Size > math.MaxInt32 {
			return
		}
		again := AppendHeader(nil, h.Flags, int(h.Size))
		back, _, err := ParseHeader(again)
		if back.Size != h.Size || (back.Flags^h.Flags)&^FlagLong != 0 || err != nil {
			t.Fatalf("%+v became %+v, %v", h, back, err)
		}
	})
}

// naiveHeader reads the text of RFC 37 "Framing" word by word.
func naiveHeader(b []byte) (h Header, ok, bad bool) {
	if len(b) == 0 {
		return
	}
	bits := strconv.FormatUint(uint64(b[0])+256, 2)[1:] // "76543210"
	if bits[:5] != "00000" || bits[5] == '1' && bits[7] == '1' {
		return Header{}, false, true
	}
	n := 1
	if bits[6] == '1' {
		n = 8
	}
	if n == 8 && len(b) > 1 && b[1] >= 128 {
		return Header{}, false, true
	}
	if len(b) < 1+n {
		return
	}
	size := new(big.Int).SetBytes(b[1 : 1+n])
	return Header{Flags: b[0], Size: size.Uint64(), Len: 1 + n}, true, false
}
