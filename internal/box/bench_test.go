package box_test

import (
	"fmt"
	"testing"

	"github.com/phimq/zmq/internal/box"
)

var benchLengths = []int{64, 256, 1024, 8192, 65536}

// BenchmarkBox seals one text and opens it.
func BenchmarkBox(b *testing.B) {
	k := box.NewKey(new([32]byte), new([16]byte))
	for _, n := range benchLengths {
		plain, sealed, opened := make([]byte, n), make([]byte, 0, n+box.Overhead), make([]byte, 0, n)
		b.Run(fmt.Sprint("seal/", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for i := uint64(0); b.Loop(); i++ {
				k.Seal(sealed, plain, i)
			}
		})
		b.Run(fmt.Sprint("open/", n), func(b *testing.B) {
			sealed := k.Seal(sealed, plain, 1)
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, ok := k.Open(opened, sealed, 1); !ok {
					b.Fatal("not opened")
				}
			}
		})
	}
}

// BenchmarkItems seals texts, many at once, and opens them. The time is that of the whole batch.
func BenchmarkItems(b *testing.B) {
	k := box.NewKey(new([32]byte), new([16]byte))
	for _, count := range []int{1, 4, 32} {
		for _, n := range benchLengths[:3] {
			items := batchOf(count, n)
			b.Run(fmt.Sprintf("seal/%dx%d", count, n), func(b *testing.B) {
				b.SetBytes(int64(count * n))
				for b.Loop() {
					k.SealAll(items)
				}
			})
			b.Run(fmt.Sprintf("open/%dx%d", count, n), func(b *testing.B) {
				b.SetBytes(int64(count * n))
				for b.Loop() {
					if k.OpenAll(items) != count {
						b.Fatal("not opened")
					}
				}
			})
		}
	}
}
