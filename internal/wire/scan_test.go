package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestScan(t *testing.T) {
	long := string(AppendFrame(nil, 0, make([]byte, 300)))
	longer := string(AppendFrame(nil, 0, make([]byte, 301)))
	tests := []struct {
		name string
		in   string
		max  int64
		want Scanned
	}{
		{"nothing", "", -1, Scanned{}},
		{"one message", "\x00\x01a", -1, Scanned{Bytes: 3, Messages: 1, At: 3}},
		{"empty messages", "\x00\x00\x00\x00", -1, Scanned{Bytes: 4, Messages: 2, At: 4}},
		{"sizes in turn", "\x00\x01a\x00\x02aa\x00\x01a", -1, Scanned{Bytes: 10, Messages: 3, At: 10}},
		{"a run, then half a header", "\x00\x01a\x00\x01a\x00", -1, Scanned{Bytes: 6, Messages: 2, At: 6}},
		{"a run, then half a body", "\x00\x03abc\x00\x03a", -1, Scanned{Bytes: 5, Messages: 1, At: 5, Need: 2}},
		{"long run", long + long + long[:8], -1, Scanned{Bytes: 618, Messages: 2, At: 618}},
		{"long run, then half a body", long + long + long[:300], -1, Scanned{Bytes: 618, Messages: 2, At: 618, Need: 9}},
		{"long sizes in turn", long + longer + long, -1, Scanned{Bytes: 928, Messages: 3, At: 928}},
		{"long form of a short size", "\x02\x00\x00\x00\x00\x00\x00\x00\x01a\x00\x01a", -1, Scanned{Bytes: 13, Messages: 2, At: 13}},
		{"multipart", "\x01\x01a\x01\x00\x00\x01b\x00\x01c", -1, Scanned{Bytes: 11, Messages: 2, At: 11}},
		{"multipart not whole", "\x00\x01a\x01\x01a", -1, Scanned{Bytes: 3, Messages: 1, At: 6}},
		{"multipart, last body not whole", "\x01\x01a\x00\x09bc", -1, Scanned{At: 3, Need: 7}},
		{"command", "\x00\x01a\x04\x06\x05READY", -1, Scanned{Bytes: 3, Messages: 1, At: 3, Stop: StopCommand}},
		{"command not whole", "\x04", -1, Scanned{Stop: StopCommand}},
		{"command whatever its size", "\x06\x00\x00\x00\x00\x00\x00\xff\x00", 1, Scanned{Stop: StopCommand}},
		{"command of 2^63 octets", "\x06\xff", -1, Scanned{Stop: StopCommand}},
		{"command inside a message", "\x01\x01a\x04\x06\x05READY", -1, Scanned{At: 3, Stop: StopMalformed}},
		{"command inside a message, not whole", "\x01\x01a\x04", -1, Scanned{At: 3, Stop: StopMalformed}},
		{"command with MORE", "\x00\x00\x05\x00", -1, Scanned{Bytes: 2, Messages: 1, At: 2, Stop: StopMalformed}},
		{"reserved flag", "\x00\x00\x10", -1, Scanned{Bytes: 2, Messages: 1, At: 2, Stop: StopMalformed}},
		{"size of 2^63", "\x02\x80\x00\x00\x00\x00\x00\x00\x00", -1, Scanned{Stop: StopMalformed}},
		{"size of 2^63-1", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", -1, Scanned{Need: 1<<63 - 1}},
		{"size of 2^63-1, limited", "\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 1<<63 - 2, Scanned{Stop: StopTooLarge}},
		{"at the limit", "\x00\x02ab", 2, Scanned{Bytes: 4, Messages: 1, At: 4}},
		{"above the limit", "\x00\x01a\x00\x03", 2, Scanned{Bytes: 3, Messages: 1, At: 3, Stop: StopTooLarge}},
		{"limit of 0", "\x00\x00\x00\x01a", 0, Scanned{Bytes: 2, Messages: 1, At: 2, Stop: StopTooLarge}},
		{"second frame above the limit", "\x01\x01a\x00\x03abc", 2, Scanned{At: 3, Stop: StopTooLarge}},
	}
	for _, tt := range tests {
		if got := Scan([]byte(tt.in), tt.max); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestScanTruncated(t *testing.T) {
	var b []byte
	ends := []int{0}
	for _, size := range []int{3, 3, 3, 300, 300, 0, 255, 256} {
		b = AppendFrame(b, FlagMore, make([]byte, size/2))
		b = AppendFrame(b, 0, make([]byte, size))
		b = AppendFrame(b, 0, make([]byte, size))
		ends = append(ends, len(b)-HeaderLen(size)-size, len(b))
	}
	for n := range len(b) + 1 {
		whole := 0
		for whole+1 < len(ends) && ends[whole+1] <= n {
			whole++
		}
		got := Scan(b[:n], -1)
		if got.Bytes != ends[whole] || got.Messages != whole || got.Stop != StopShort {
			t.Fatalf("%d octets: %+v, want %d messages, %d octets", n, got, whole, ends[whole])
		}
		if got != naiveScan(b[:n], -1) {
			t.Fatalf("%d octets: %+v, want %+v", n, got, naiveScan(b[:n], -1))
		}
	}
}

func TestStopString(t *testing.T) {
	seen := map[string]bool{}
	for s := StopShort; s <= StopMalformed; s++ {
		seen[s.String()] = true
	}
	if len(seen) != 4 {
		t.Errorf("names are not distinct: %v", seen)
	}
}

// naiveScan is Scan frame by frame and without ParseHeader.
func naiveScan(b []byte, max int64) (s Scanned) {
	for {
		h, ok, bad := naiveHeader(b[s.At:])
		switch {
		case s.At < len(b) && (b[s.At] == 4 || b[s.At] == 6) && s.At == s.Bytes:
			s.Stop = StopCommand
			return s
		case bad, s.At < len(b) && b[s.At]&4 != 0:
			s.Stop = StopMalformed
			return s
		case !ok:
			return s
		case max >= 0 && h.Size > uint64(max):
			s.Stop = StopTooLarge
			return s
		}
		if body := uint64(len(b) - s.At - h.Len); body < h.Size {
			s.Need = h.Size - body
			return s
		}
		s.At += h.Len + int(h.Size)
		if h.Flags%2 == 0 {
			s.Messages++
			s.Bytes = s.At
		}
	}
}

// FuzzScan compares Scan with naiveScan, at once and with the octets coming in pieces.
func FuzzScan(f *testing.F) {
	run := bytes.Repeat([]byte("\x00\x02ab"), 5)
	f.Add(run, int64(-1), uint64(1))
	f.Add(append(run, "\x01\x01a\x00\x01b\x04\x06\x05READY"...), int64(-1), uint64(2))
	f.Add(append(run, "\x02\x00\x00\x00\x00\x00\x00\x00\x01a\x02\x00\x00\x00\x00\x00\x00\x00\x01a"...), int64(100), uint64(3))
	f.Add([]byte("\x00\x01a\x01\x01a\x04\x00"), int64(-1), uint64(4))
	f.Add([]byte("\x02\x7f\xff\xff\xff\xff\xff\xff\xff"), int64(1<<62), uint64(5))
	f.Add([]byte("\x06\xff"), int64(-1), uint64(27))
	f.Fuzz(func(t *testing.T, b []byte, max int64, seed uint64) {
		want := naiveScan(b, max)
		if got := Scan(b, max); got != want {
			t.Fatalf("%x: %+v, want %+v", b, got, want)
		}
		// In pieces: at every step exactly the whole messages are taken, and in the end the same is left.
		random := rand.New(rand.NewPCG(seed, 0))
		taken, messages := 0, 0
		for n := 0; ; {
			n = min(len(b), n+random.IntN(20))
			got := Scan(b[taken:n], max)
			taken += got.Bytes
			messages += got.Messages
			if n < len(b) && (got.Stop == StopShort) {
				continue
			}
			got.Bytes, got.Messages, got.At = taken, messages, taken+got.At-got.Bytes
			if n == len(b) && got != want {
				t.Fatalf("%x in pieces: %+v, want %+v", b, got, want)
			}
			if got.Stop != want.Stop || got.At != want.At {
				t.Fatalf("%x in pieces: %+v, want %+v", b, got, want)
			}
			return
		}
	})
}

func BenchmarkScan(b *testing.B) {
	const octets = 64 << 10
	for _, sizes := range [][]int{{16}, {64}, {255}, {256}, {1024}, {64, 65}, {64, 256}} {
		b.Run(fmt.Sprint("sizes=", sizes), func(b *testing.B) {
			var buf []byte
			for len(buf) < octets {
				for _, size := range sizes {
					buf = AppendFrame(buf, 0, make([]byte, size))
				}
			}
			benchmarkScan(b, buf)
		})
	}
	b.Run("multipart=[8 64]", func(b *testing.B) {
		var buf []byte
		for len(buf) < octets {
			buf = AppendFrame(AppendFrame(buf, FlagMore, make([]byte, 8)), 0, make([]byte, 64))
		}
		benchmarkScan(b, buf)
	})
}

// benchmarkScan reports the time of one message.
func benchmarkScan(b *testing.B, buf []byte) {
	messages := Scan(buf, -1).Messages
	n := 0
	for b.Loop() {
		n += Scan(buf, -1).Messages
	}
	if n != b.N*messages {
		b.Fatal("messages are lost")
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/msg")
}
