package pipe

import (
	"bytes"
	"testing"
)

// TestOneFrame copies frames of every length into one object each.
func TestOneFrame(t *testing.T) {
	from := make([]byte, 1<<16+1)
	for i := range from {
		from[i] = byte(i * 7)
	}
	for n := range from {
		frames := oneFrame(from[:n:n])
		if len(frames) != 1 || !bytes.Equal(frames[0], from[:n]) {
			t.Fatalf("%d octets: not the same", n)
		}
		if cap(frames) != 1 || n < 1<<16 && cap(frames[0]) != n {
			t.Fatalf("%d octets: to append would write into the object", n)
		}
	}
}
