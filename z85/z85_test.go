package z85_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/phimq/zmq/z85"
)

func Example() {
	text, err := z85.Encode([]byte{0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B})
	fmt.Println(text, err)
	data, err := z85.Decode("HelloWorld")
	fmt.Printf("%X %v\n", data, err)
	_, err = z85.Decode("Hello World")
	fmt.Println(err)
	// Output:
	// HelloWorld <nil>
	// 864FD26FB559F75B <nil>
	// z85: wrong length: 11 characters are not a multiple of 5
}

func ExampleDecodeError() {
	_, err := z85.Decode("Hello,orld")
	var where *z85.DecodeError
	if errors.As(err, &where) {
		fmt.Println(where.Offset, where)
	}
	// Output: 5 z85: character not of the alphabet at offset 5
}

// vectors: the first is RFC 32 "Test Case", the last two are the key pair of
// libzmq's documentation of zmq_curve.
var vectors = []struct{ data, text string }{
	{"864FD26FB559F75B", "HelloWorld"},
	{"", ""},
	{"00000000", "00000"},
	{"00000001", "00001"},
	{"00000054", "0000#"},
	{"00000055", "00010"},
	{"FFFFFFFF", "%nSc0"},
	{"8E0BDD697628B91D8F245587EE95C5B04D48963F79259877B49CD9063AEAD3B7", "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6"},
	{"BB88471D65E2659B30C55A5321CEBB5AAB2B70A398645C26DCA2B2FCB43FC518", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"},
	{"7BB864B489AFA3671FBE69101F94B38972F24816DFB01B51656B3FEC8DFD0888", "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		data, err := hex.DecodeString(v.data)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := z85.Encode(data); text != v.text || err != nil {
			t.Errorf("encode %s: %q, %v; want %q", v.data, text, err, v.text)
		}
		if got, err := z85.Decode(v.text); !bytes.Equal(got, data) || err != nil {
			t.Errorf("decode %q: %X, %v; want %s", v.text, got, err, v.data)
		}
	}
}

// TestAlphabet writes every value of RFC 32 "Formal Specification" as the RFC
// lists it.
func TestAlphabet(t *testing.T) {
	listed := strings.Fields(`
		0 1 2 3 4 5 6 7 8 9
		a b c d e f g h i j
		k l m n o p q r s t
		u v w x y z A B C D
		E F G H I J K L M N
		O P Q R S T U V W X
		Y Z . - : + = ^ ! /
		* ? & < > ( ) [ ] {
		} @ % $ #`)
	if len(listed) != 85 {
		t.Fatal(len(listed))
	}
	for value, c := range listed {
		if text, err := z85.Encode([]byte{0, 0, 0, byte(value)}); text != "0000"+c || err != nil {
			t.Errorf("value %d: %q, %v; want %q", value, text, err, "0000"+c)
		}
	}
}

func TestEncodeLength(t *testing.T) {
	for n := range 33 {
		text, err := z85.AppendEncode([]byte("before"), make([]byte, n))
		if n%4 == 0 {
			if want := "before" + strings.Repeat("0", n/4*5); string(text) != want || err != nil {
				t.Errorf("%d octets: %q, %v", n, text, err)
			}
		} else if string(text) != "before" || !errors.Is(err, z85.ErrLength) {
			t.Errorf("%d octets: %q, %v; want ErrLength", n, text, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := []struct {
		text   string
		err    error
		offset int // -1: none is given
	}{
		{"0", z85.ErrLength, -1},
		{"0000", z85.ErrLength, -1},
		{"HelloWorl", z85.ErrLength, -1},
		{"HelloWorld ", z85.ErrLength, -1},
		{"Hello World1234", z85.ErrCharacter, 5},
		{" ello", z85.ErrCharacter, 0},
		{"Hell\n", z85.ErrCharacter, 4},
		{"Hell\x00", z85.ErrCharacter, 4},
		{"Hell\xff", z85.ErrCharacter, 4},
		{"Hell~", z85.ErrCharacter, 4},
		{"####,", z85.ErrCharacter, 4},
		{"00000%nSc1", z85.ErrOverflow, 5}, // one more than FFFFFFFF
		{"%nSd0", z85.ErrOverflow, 0},
		{"#####", z85.ErrOverflow, 0},
		{"#####,0000", z85.ErrOverflow, 0},
	}
	for _, tt := range tests {
		data, err := z85.AppendDecode([]byte("before"), []byte(tt.text))
		if !errors.Is(err, tt.err) || string(data) != "before" {
			t.Errorf("%q: %q, %v; want %v", tt.text, data, err, tt.err)
		}
		offset := -1
		var where *z85.DecodeError
		if errors.As(err, &where) {
			offset = where.Offset
		}
		if offset != tt.offset {
			t.Errorf("%q: offset %d, want %d", tt.text, offset, tt.offset)
		}
		if data, err := z85.Decode(tt.text); data != nil || !errors.Is(err, tt.err) {
			t.Errorf("Decode(%q): %q, %v; want %v", tt.text, data, err, tt.err)
		}
	}
}

// FuzzRoundTrip holds both directions against each other: what is decoded must
// be encoded as it was, and the other way round.
func FuzzRoundTrip(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.text))
	}
	f.Add([]byte("%nSc1"))
	f.Add([]byte("#####"))
	f.Add([]byte("Hell~"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := z85.AppendEncode(nil, b)
		if (err == nil) != (len(b)%4 == 0) {
			t.Fatalf("encode %X: %q, %v", b, text, err)
		}
		if err == nil {
			if back, err := z85.AppendDecode(nil, text); !bytes.Equal(back, b) || err != nil {
				t.Fatalf("encode %X: %q, which is decoded to %X, %v", b, text, back, err)
			}
		}
		data, err := z85.AppendDecode(nil, b)
		if err != nil {
			return
		}
		if back, err := z85.AppendEncode(nil, data); !bytes.Equal(back, b) || err != nil {
			t.Fatalf("decode %q: %X, which is encoded to %q, %v", b, data, back, err)
		}
	})
}

func TestAllocations(t *testing.T) {
	key, text := make([]byte, 32), make([]byte, 0, 40)
	if n := testing.AllocsPerRun(100, func() {
		encoded, _ := z85.AppendEncode(text, key)
		_, _ = z85.AppendDecode(key[:0], encoded)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
