package box_test

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/phimq/zmq/internal/box"
)

// fenced is memory of n octets that ends where a page begins that nobody may touch: one octet read or
// written too far ends the test binary.
func fenced(t *testing.T, n int) []byte {
	t.Helper()
	page := os.Getpagesize()
	whole := (n + page - 1) / page * page
	mem, err := unix.Mmap(-1, 0, whole+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(mem) })
	if err := unix.Mprotect(mem[whole:], unix.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return mem[whole-n : whole : whole]
}

// TestBounds: text and box are read and written to their last octet and no farther, nor before their first.
func TestBounds(t *testing.T) {
	const most = 2200
	text, sealed := fenced(t, 1+most), fenced(t, 1+most+box.Overhead)
	for n := range most + 1 {
		shared, nonce, plain := randomCase(n)
		k, counter := keyFor(&shared, &nonce)
		want := k.Seal(nil, plain, counter)
		text, sealed := text[most-n:], sealed[most-n:]
		text[0], sealed[0] = 0xa5, 0xa5
		copy(text[1:], plain)
		if k.Seal(sealed[:1], text[1:], counter); !bytes.Equal(sealed[1:], want) || sealed[0] != 0xa5 {
			t.Fatalf("%d octets are sealed wrongly at the end of memory", n)
		}
		clear(text[1:])
		if k.Open(text[:1], sealed[1:], counter); !bytes.Equal(text[1:], plain) || text[0] != 0xa5 {
			t.Fatalf("a box of %d octets is opened wrongly at the end of memory", n)
		}
		items := []box.Item{{Plain: text[1:], Sealed: sealed[1:], Counter: counter}}
		if k.SealAll(items) != 1 || k.OpenAll(items) != 1 || !bytes.Equal(sealed[1:], want) || !bytes.Equal(text[1:], plain) {
			t.Fatalf("an item of %d octets goes wrong at the end of memory", n)
		}
	}
}
