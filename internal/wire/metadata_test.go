package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseProperties(t *testing.T) {
	name255 := strings.Repeat("n", 255)
	tests := []struct {
		name string
		in   string
		want []Property
		err  error
	}{
		{"none", "", nil, nil},
		{"RFC 37 Worked Example", exampleReady[8:], []Property{{"Socket-Type", []byte("DEALER")}, {"Identity", nil}}, nil},
		{"case as sent", "\x0bsocket-TYPE\x00\x00\x00\x03REQ", []Property{{"socket-TYPE", []byte("REQ")}}, nil},
		{"all kinds of characters", "\x08X-a_0.9+\x00\x00\x00\x01\x00", []Property{{"X-a_0.9+", []byte{0}}}, nil},
		{"longest name", "\xff" + name255 + "\x00\x00\x00\x00", []Property{{name255, nil}}, nil},
		{"twice", "\x01a\x00\x00\x00\x01x\x01a\x00\x00\x00\x01y", []Property{{"a", []byte("x")}, {"a", []byte("y")}}, nil},
		{"empty name", "\x00\x00\x00\x00\x00", nil, ErrMetadata},
		{"space in the name", "\x03a b\x00\x00\x00\x00", nil, ErrMetadata},
		{"null in the name", "\x01\x00\x00\x00\x00\x00", nil, ErrMetadata},
		{"value of 2^31", "\x01a\x80\x00\x00\x00", nil, ErrMetadata},
		{"value of 2^32-1", "\x01a\xff\xff\xff\xff", nil, ErrMetadata},
		{"value of 2^31-1 that is not there", "\x01a\x7f\xff\xff\xff12345", nil, ErrMetadata},
		{"one octet behind", "\x01a\x00\x00\x00\x00z", nil, ErrMetadata},
	}
	for _, tt := range tests {
		got, err := ParseProperties([]byte(tt.in), Limits{})
		if err != tt.err || !equalProperties(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func equalProperties(a, b []Property) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Name != b[i].Name || !bytes.Equal(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

func TestParsePropertiesTruncated(t *testing.T) {
	b := []byte(exampleReady[8:])
	whole := map[int]int{0: 0, 22: 1, len(b): 2} // octets: properties
	for n := range len(b) + 1 {
		props, err := ParseProperties(b[:n], Limits{})
		if count, ok := whole[n]; ok && (len(props) != count || err != nil) {
			t.Errorf("%d octets: %q, %v", n, props, err)
		} else if !ok && err != ErrMetadata {
			t.Errorf("%d octets: %v, want ErrMetadata", n, err)
		}
	}
}

func TestParsePropertiesLimits(t *testing.T) {
	many := func(n int) (b []byte) {
		for range n {
			b = AppendProperty(b, "a", "")
		}
		return b
	}
	fill := func(n int) []byte { return AppendProperty(nil, "a", strings.Repeat("v", n-6)) }
	tests := []struct {
		name  string
		in    []byte
		limit Limits
		err   error
	}{
		{"default names", many(MaxProperties), Limits{}, nil},
		{"one name too many", many(MaxProperties + 1), Limits{}, ErrLimit},
		{"default octets", fill(MaxMetadata), Limits{}, nil},
		{"one octet too many", fill(MaxMetadata + 1), Limits{}, ErrLimit},
		{"own limits kept", many(2), Limits{Bytes: 12, Properties: 2}, nil},
		{"own names", many(3), Limits{Properties: 2}, ErrLimit},
		{"own octets", many(3), Limits{Bytes: 17}, ErrLimit},
		{"limits above the defaults", many(MaxProperties + 1), Limits{Properties: MaxProperties + 1}, nil},
	}
	for _, tt := range tests {
		if _, err := ParseProperties(tt.in, tt.limit); err != tt.err {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.err)
		}
	}
}

func FuzzParseProperties(f *testing.F) {
	f.Add([]byte(exampleReady[8:]))
	f.Add([]byte("\x01a\xff\xff\xff\xff"))
	f.Add([]byte("\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		props, err := ParseProperties(b, Limits{Properties: 5})
		if err != nil {
			if props != nil {
				t.Errorf("properties and an error: %q, %v", props, err)
			}
			return
		}
		if len(props) > 5 {
			t.Errorf("%d properties", len(props))
		}
		var again []byte
		for _, p := range props {
			again = AppendProperty(again, p.Name, string(p.Value))
		}
		if !bytes.Equal(again, b) {
			t.Errorf("%q became %q", b, again)
		}
	})
}
