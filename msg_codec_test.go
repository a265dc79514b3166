package zmq_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

func ExampleMsg_AppendEncode() {
	msg := zmq.MsgFromStrings("weather", "", "sunny")
	b, err := msg.AppendEncode(nil)
	fmt.Printf("%q %v\n", b, err)
	back, err := zmq.DecodeMsg(b)
	fmt.Println(back, err)
	// Output:
	// "\aweather\x00\x05sunny" <nil>
	// ["weather" "" "sunny"] <nil>
}

// TestMsgEncode: the octets of RFC 50 "Implementation".
func TestMsgEncode(t *testing.T) {
	of := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name   string
		frames []string
		want   string
	}{
		{"no frame", nil, ""},
		{"an empty frame", []string{""}, "\x00"},
		{"three frames", []string{"", "a", "bc"}, "\x00\x01a\x02bc"},
		{"the longest small frame", []string{of(254)}, "\xfe" + of(254)},
		{"the shortest large frame", []string{of(255), "a"}, "\xff\x00\x00\x00\xff" + of(255) + "\x01a"},
		{"256 octets", []string{of(256)}, "\xff\x00\x00\x01\x00" + of(256)},
		{"more than 64 KiB", []string{of(0x10203)}, "\xff\x00\x01\x02\x03" + of(0x10203)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			msg := zmq.MsgFromStrings(tt.frames...)
			b, err := msg.AppendEncode([]byte("before"))
			if string(b) != "before"+tt.want || err != nil {
				t.Fatalf("encoded %.60q, %v", b, err)
			}
			back, err := zmq.DecodeMsg([]byte(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			expectFrames(t, back, msg)
		})
	}
}

func expectFrames(t testing.TB, got, want zmq.Msg) {
	t.Helper()
	if !slices.EqualFunc(got.Frames, want.Frames, bytes.Equal) {
		t.Fatalf("the message is %s, want %s", got, want)
	}
}

func TestMsgDecode(t *testing.T) {
	tests := []struct {
		name, octets string
		frames       int // -1: invalid
	}{
		{"a small frame written as a large one", "ff 00000002 6162", 1},
		{"an empty frame written as a large one", "ff 00000000", 1},
		{"a frame too short", "02 61", -1},
		{"a second frame too short", "01 61 01", -1},
		{"a size too short", "ff 000000", -1},
		{"a large frame too short", "ff 00000003 6162", -1},
		{"2^31-1 octets that are not there", "ff 7fffffff 61", -1},
		{"2^31 octets that are not there", "ff 80000000 61", -1},
		{"2^32-1 octets that are not there", "ff ffffffff 61", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := hex.DecodeString(strings.ReplaceAll(tt.octets, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			msg, err := zmq.DecodeMsg(b)
			if tt.frames < 0 {
				if !errors.Is(err, zmq.ErrInvalid) || msg.Frames != nil {
					t.Fatalf("decoded %s, %v; want ErrInvalid", msg, err)
				}
			} else if len(msg.Frames) != tt.frames || err != nil {
				t.Fatalf("decoded %s, %v; want %d frames", msg, err, tt.frames)
			}
		})
	}
}

// TestMsgDecodeTruncated: an encoded message that is cut short is invalid but
// where a frame ends.
func TestMsgDecodeTruncated(t *testing.T) {
	msg := zmq.MsgFromStrings("a", "", strings.Repeat("x", 300))
	b, err := msg.AppendEncode(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := map[int]int{0: 0, 2: 1, 3: 2, len(b): 3} // octets: frames
	for n := range len(b) + 1 {
		back, err := zmq.DecodeMsg(b[:n])
		if frames, ok := whole[n]; ok && (len(back.Frames) != frames || err != nil) {
			t.Errorf("%d octets: %s, %v", n, back, err)
		} else if !ok && !errors.Is(err, zmq.ErrInvalid) {
			t.Errorf("%d octets: %s, %v; want ErrInvalid", n, back, err)
		}
	}
}

// TestMsgDecodeKeepsFramesApart: a frame that is appended to does not grow into
// the next one.
func TestMsgDecodeKeepsFramesApart(t *testing.T) {
	b := []byte("\x01a\x01b")
	msg, err := zmq.DecodeMsg(b)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(msg.Frames[0], 'x')
	if string(b) != "\x01a\x01b" {
		t.Errorf("the octets are now %q", b)
	}
}

func FuzzDecodeMsg(f *testing.F) {
	f.Add([]byte("\x00\x01a\x02bc"))
	f.Add([]byte("\xff\x00\x00\x00\x02ab\x00"))
	f.Add([]byte("\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := zmq.DecodeMsg(b)
		if err != nil {
			return
		}
		again, err := msg.AppendEncode(nil)
		if err != nil || len(again) > len(b) {
			t.Fatalf("%x is encoded as %x, %v", b, again, err)
		}
		back, err := zmq.DecodeMsg(again)
		if err != nil {
			t.Fatal(err)
		}
		expectFrames(t, back, msg)
	})
}
