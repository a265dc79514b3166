package box_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/phimq/zmq/internal/box"
)

// batchOf makes items of the given lengths, n in a row of each.
func batchOf(n int, lengths ...int) (items []box.Item) {
	for _, length := range lengths {
		for range n {
			_, _, plain := randomCase(length)
			counter := uint64(len(items)) * 0x0123456789abcdef
			items = append(items, box.Item{Plain: plain, Sealed: make([]byte, length+box.Overhead), Counter: counter})
		}
	}
	return items
}

// sealOne seals each item by itself and gives the boxes.
func sealOne(k *box.Key, items []box.Item) (boxes [][]byte) {
	for _, it := range items {
		boxes = append(boxes, k.Seal(nil, it.Plain, it.Counter))
	}
	return boxes
}

// TestItems: many at a time are what they are one at a time, whatever lengths stand beside each other.
func TestItems(t *testing.T) {
	k := box.NewKey(&[32]byte{1}, &[16]byte{2})
	batches := [][]box.Item{nil, batchOf(1, fewLengths()...), batchOf(40, 0), batchOf(33, 65), batchOf(9, 480), batchOf(5, 481, 10)}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var lengths []int
		for range rng.IntN(60) {
			lengths = append(lengths, rng.IntN(1<<rng.IntN(12)))
		}
		batches = append(batches, batchOf(1, lengths...))
	}
	for _, items := range batches {
		want := sealOne(k, items)
		if n := k.SealAll(items); n != len(items) {
			t.Fatalf("%d of %d sealed", n, len(items))
		}
		var plains [][]byte
		for i := range items {
			if !bytes.Equal(items[i].Sealed, want[i]) {
				t.Fatalf("item %d of %d is sealed to another box than alone", i, len(items))
			}
			plains = append(plains, items[i].Plain)
			items[i].Plain = make([]byte, len(items[i].Plain))
		}
		if n := k.OpenAll(items); n != len(items) {
			t.Fatalf("%d of %d opened", n, len(items))
		}
		for i := range items {
			if !bytes.Equal(items[i].Plain, plains[i]) {
				t.Fatalf("item %d of %d is opened to another text than alone", i, len(items))
			}
		}
	}
}

// TestItemsInPlace: Plain is Sealed without its tag.
func TestItemsInPlace(t *testing.T) {
	k := box.NewKey(&[32]byte{1}, &[16]byte{2})
	items := batchOf(3, fewLengths()...)
	want := sealOne(k, items)
	var plains [][]byte
	for i := range items {
		it := &items[i]
		plains = append(plains, bytes.Clone(it.Plain))
		copy(it.Sealed[box.Overhead:], it.Plain)
		it.Plain = it.Sealed[box.Overhead:]
	}
	if n := k.SealAll(items); n != len(items) {
		t.Fatalf("%d of %d sealed", n, len(items))
	}
	for i := range items {
		if !bytes.Equal(items[i].Sealed, want[i]) {
			t.Fatalf("item %d is sealed to another box in place", i)
		}
	}
	if n := k.OpenAll(items); n != len(items) {
		t.Fatalf("%d of %d opened", n, len(items))
	}
	for i := range items {
		if !bytes.Equal(items[i].Plain, plains[i]) {
			t.Fatalf("item %d is opened to another text in place", i)
		}
	}
}

// TestItemsStop: the first item that cannot be done ends it, and those behind it are not touched.
func TestItemsStop(t *testing.T) {
	k := box.NewKey(&[32]byte{1}, &[16]byte{2})
	whole := batchOf(2, 0, 10, 65, 600, 65, 2000)
	k.SealAll(whole)
	for bad := range whole {
		for _, long := range []int{0, 1} { // a wrong tag, or a box that is too long
			items := unopened(whole)
			if long == 0 {
				items[bad].Sealed[3] ^= 4
			}
			items[bad].Sealed = items[bad].Sealed[:len(items[bad].Sealed)+long]
			if n := k.OpenAll(items); n != bad {
				t.Fatalf("%d opened, item %d is bad", n, bad)
			}
			for i := range items {
				if i < bad != bytes.Equal(items[i].Plain, whole[i].Plain) && len(items[i].Plain) > 0 {
					t.Fatalf("item %d is bad, and item %d is wrong", bad, i)
				}
				if i >= bad && len(bytes.Trim(items[i].Plain, "\x00")) > 0 {
					t.Fatalf("item %d is bad, and item %d has text", bad, i)
				}
			}
			if n := k.SealAll(items); long == 1 && n != bad {
				t.Fatalf("%d sealed, item %d does not fit", n, bad)
			}
		}
	}
}

// unopened copies the boxes, with a spare octet behind each, and has no text yet.
func unopened(items []box.Item) (fresh []box.Item) {
	for _, it := range items {
		sealed := append(bytes.Clone(it.Sealed), 0)[:len(it.Sealed)]
		fresh = append(fresh, box.Item{Plain: make([]byte, len(it.Plain)), Sealed: sealed, Counter: it.Counter})
	}
	return fresh
}
