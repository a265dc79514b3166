package wire

import (
	"bytes"
	"strings"
	"testing"
)

// exampleGreeting is the greeting of RFC 37 "Worked Example".
func exampleGreeting() []byte {
	b := []byte{0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 1, 'N', 'U', 'L', 'L'}
	return append(b, make([]byte, GreetingSize-len(b))...)
}

func TestAppendGreeting(t *testing.T) {
	got := AppendGreeting([]byte("x"), Greeting{Major: 3, Minor: 1, Mechanism: "NULL"})
	if want := append([]byte("x"), exampleGreeting()...); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	got = AppendGreeting(nil, Greeting{Major: 3, Mechanism: strings.Repeat("A", 30)})
	if len(got) != GreetingSize || got[31] != 'A' || got[32] != 0 {
		t.Errorf("a long name runs over its field: %x", got)
	}
}

func TestParseGreeting(t *testing.T) {
	with := func(change func(b []byte)) []byte {
		b := exampleGreeting()
		change(b)
		return b
	}
	null := Greeting{Major: 3, Minor: 1, Mechanism: "NULL"}
	full := "ABCDEFGHIJ0123456789"
	tests := []struct {
		name string
		in   []byte
		want Greeting
		err  error
	}{
		{"RFC 37 Worked Example", exampleGreeting(), null, nil},
		{"octets behind it", append(exampleGreeting(), 4, 5, 6), null, nil},
		{"identity length in the padding", with(func(b []byte) { copy(b, AppendSignature(nil, 200)) }), null, nil},
		{"any padding", with(func(b []byte) { copy(b[1:9], "\xff\x01\x02\x03\x04\x05\x06\x07") }), null, nil},
		{"filler of a later version", with(func(b []byte) { b[63] = 9 }), null, nil},
		{"version 3.0", with(func(b []byte) { b[11] = 0 }), Greeting{3, 0, "NULL", false}, nil},
		{"higher version", with(func(b []byte) { b[10], b[11] = 200, 77 }), Greeting{200, 77, "NULL", false}, nil},
		{"server", with(func(b []byte) { copy(b[12:], "CURVE"); b[32] = 1 }), Greeting{3, 1, "CURVE", true}, nil},
		{"20 characters", with(func(b []byte) { copy(b[12:], full) }), Greeting{3, 1, full, false}, nil},
		{"all kinds of characters", with(func(b []byte) { copy(b[12:], "A-Z_0.9+") }), Greeting{3, 1, "A-Z_0.9+", false}, nil},
		{"no FF", with(func(b []byte) { b[0] = 0xFE }), Greeting{}, ErrGreeting},
		{"end of the signature", with(func(b []byte) { b[9] = 0x7E }), Greeting{}, ErrGreeting},
		{"version 2", with(func(b []byte) { b[10] = 2 }), Greeting{}, ErrGreeting},
		{"version 0", with(func(b []byte) { b[10] = 0 }), Greeting{}, ErrGreeting},
		{"no mechanism", with(func(b []byte) { clear(b[12:32]) }), Greeting{}, ErrMechanism},
		{"name behind a null", with(func(b []byte) { copy(b[12:], "\x00NULL") }), Greeting{}, ErrMechanism},
		{"junk behind the null", with(func(b []byte) { b[31] = 'X' }), Greeting{}, ErrMechanism},
		{"lower case", with(func(b []byte) { copy(b[12:], "null") }), Greeting{}, ErrMechanism},
		{"space", with(func(b []byte) { copy(b[12:], "NU L") }), Greeting{}, ErrMechanism},
		{"high octet", with(func(b []byte) { b[13] = 0xC1 }), Greeting{}, ErrMechanism},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseGreeting(tt.in)
			if got != tt.want || err != tt.err {
				t.Errorf("got %+v, %v; want %+v, %v", got, err, tt.want, tt.err)
			}
		})
	}
	for n := range GreetingSize {
		if _, err := ParseGreeting(exampleGreeting()[:n]); err != ErrGreeting {
			t.Errorf("%d octets: %v, want ErrGreeting", n, err)
		}
	}
}

func TestAppendSignature(t *testing.T) {
	tests := []struct {
		identityLen int
		want        string
	}{
		{0, "\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f"},
		{5, "\xff\x00\x00\x00\x00\x00\x00\x00\x06\x7f"},
		{255, "\xff\x00\x00\x00\x00\x00\x00\x01\x00\x7f"},
	}
	for _, tt := range tests {
		if got := string(AppendSignature(nil, tt.identityLen)); got != tt.want {
			t.Errorf("%d: got %x, want %x", tt.identityLen, got, tt.want)
		}
		// A ZMTP 1.0 peer reads it as the header of our identity.
		h, ok, err := ParseV1Header([]byte(tt.want))
		if !ok || err != nil || h.Size != uint64(tt.identityLen) || h.Len != SignatureSize {
			t.Errorf("%d: as ZMTP 1.0: %+v, %v, %v", tt.identityLen, h, ok, err)
		}
	}
}

func TestDetect(t *testing.T) {
	signature := string(AppendSignature(nil, 0))
	tests := []struct {
		name  string
		in    string
		major byte
		need  int // octets that decide
	}{
		{"1.0 without identity", "\x01\x00", 1, 1},
		{"1.0 with identity", "\x06\x00hello", 1, 1},
		{"1.0 with a long identity", "\xff\x00\x00\x00\x00\x00\x00\x01\x00\x00", 1, 10},
		{"1.0 behind a signature", signature + "\x00", 1, 11},
		{"2.0", signature + "\x01\x05\x00\x00", 2, 11},
		{"2.0 as 2", signature + "\x02\x05\x00\x00", 2, 11},
		{"3.1", string(exampleGreeting()), 3, 11},
		{"later", signature + "\x09", 9, 11},
	}
	for _, tt := range tests {
		for n := range len(tt.in) + 1 {
			major, ok := Detect([]byte(tt.in[:n]))
			if ok != (n >= tt.need) || ok && major != tt.major {
				t.Errorf("%s, %d octets: %d, %v; want %d from %d octets", tt.name, n, major, ok, tt.major, tt.need)
			}
		}
	}
}

func FuzzParseGreeting(f *testing.F) {
	f.Add(exampleGreeting())
	f.Add(AppendGreeting(nil, Greeting{Major: 3, Mechanism: "CURVE", AsServer: true}))
	f.Add(AppendGreeting(nil, Greeting{Major: 3, Mechanism: "PLAIN\x00X"}))
	f.Add([]byte{0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseGreeting(b)
		if err != nil {
			if g != (Greeting{}) {
				t.Errorf("a value and an error: %+v, %v", g, err)
			}
			return
		}
		again := AppendGreeting(nil, g)
		if !bytes.Equal(again[MajorAt:asServerAt], b[MajorAt:asServerAt]) {
			t.Errorf("got %x from %x", again, b)
		}
		if back, err := ParseGreeting(again); back != g || err != nil {
			t.Errorf("%+v became %+v, %v", g, back, err)
		}
	})
}
