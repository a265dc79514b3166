package zmq

import (
	"errors"
	"testing"
)

// TestMsgEncodeSizes: sizes that no test has the memory for.
func TestMsgEncodeSizes(t *testing.T) {
	if b, err := appendSize(nil, 1<<32-1); string(b) != "\xff\xff\xff\xff\xff" || err != nil {
		t.Errorf("the largest size: %x, %v", b, err)
	}
	for _, size := range []uint64{1 << 32, 1<<32 + 1, 1 << 63} {
		if b, err := appendSize([]byte("x"), size); string(b) != "x" || !errors.Is(err, ErrTooLarge) {
			t.Errorf("size %d: %x, %v; want ErrTooLarge", size, b, err)
		}
	}
}
