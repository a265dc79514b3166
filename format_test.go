package zmq_test

import (
	"bytes"
	"go/format"
	"testing"
)

// TestFormat is gofmt as a test, so that it needs no tool.
func TestFormat(t *testing.T) {
	walkTree(t, ".go", func(file, _ string) {
		src := readFile(t, file)
		formatted, err := format.Source(src)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		} else if !bytes.Equal(src, formatted) {
			t.Errorf("%s is not formatted: run gofmt -w %s", file, file)
		}
	})
}
