//go:build !purego

package box

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/poly1305"      //nolint:staticcheck // SA1019: the twin of ours
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // SA1019: the twin of ours
)

// levelsHere are the levels that this processor can run.
func levelsHere() (all []level) {
	for l := levelGeneric; l <= best(); l++ {
		all = append(all, l)
	}
	return all
}

// TestLevels: each level makes the boxes of the generic one and opens them, one by one and many at a time.
func TestLevels(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{7})
	k := new(Key)
	rng.Read(k.sub[:])
	lengths := []int{1503, 1504, 2047, 5000, 65537}
	for n := range 1101 {
		lengths = append(lengths, n)
	}
	for _, l := range levelsHere() {
		var items []Item
		for _, n := range lengths {
			counter := rng.Uint64()
			plain, want, got := make([]byte, n), make([]byte, n+Overhead), make([]byte, n+Overhead)
			rng.Read(plain)
			k.sealGeneric(want, plain, counter)
			k.sealAt(l, got, plain, counter)
			if !bytes.Equal(got, want) {
				t.Fatalf("level %d seals %d octets to another box", l, n)
			}
			opened := make([]byte, n)
			if !k.openAt(l, opened, want, counter) || !bytes.Equal(opened, plain) {
				t.Fatalf("level %d does not open a box of %d octets", l, n)
			}
			items = append(items, Item{plain, want, counter})
		}
		k.checkItems(t, l, items)
	}
}

// checkItems seals and opens the items at once, and compares with what they hold.
func (k *Key) checkItems(t *testing.T, l level, items []Item) {
	t.Helper()
	var fresh []Item
	for _, it := range items {
		fresh = append(fresh, Item{it.Plain, make([]byte, len(it.Sealed)), it.Counter})
	}
	if n := k.sealAllAt(l, fresh); n != len(items) {
		t.Fatalf("level %d seals %d of %d", l, n, len(items))
	}
	for i := range fresh {
		fresh[i].Plain = make([]byte, len(items[i].Plain))
	}
	if n := k.openAllAt(l, fresh); n != len(items) {
		t.Fatalf("level %d opens %d of %d", l, n, len(items))
	}
	for i, it := range items {
		if !bytes.Equal(fresh[i].Sealed, it.Sealed) || !bytes.Equal(fresh[i].Plain, it.Plain) {
			t.Fatalf("level %d: item %d, of %d octets, is wrong", l, i, len(it.Plain))
		}
	}
}

// TestBlocks compares each kernel with Salsa20, for lanes that have nothing in common.
func TestBlocks(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{8})
	for range 100 {
		var key [32]byte
		var lanes [groupBlocks]lane
		var want [groupLen]byte
		rng.Read(key[:])
		for i := range lanes {
			lanes[i] = lane{rng.Uint64(), rng.Uint64()}
			var in [16]byte
			binary.LittleEndian.PutUint64(in[0:], lanes[i][0])
			binary.LittleEndian.PutUint64(in[8:], lanes[i][1])
			block := want[i*blockLen:][:blockLen]
			salsa.XORKeyStream(block, block, &in, &key)
		}
		for _, l := range levelsHere()[1:] {
			for _, octets := range []int{groupLen / 2, groupLen} {
				var got [groupLen]byte
				makeBlocks(l, &got, &key, &lanes, octets)
				if !bytes.Equal(got[:octets], want[:octets]) {
					t.Fatalf("level %d: %d octets of blocks are wrong", l, octets)
				}
			}
		}
	}
}

// polyKeys are keys whose r is nothing, one, whatever, and all that it can be.
func polyKeys(rng *rand.ChaCha8) (keys [][32]byte) {
	var zero, one, random, full [32]byte
	one[0] = 1
	rng.Read(random[:])
	for i := range full {
		full[i] = 0xff
	}
	return append(keys, zero, one, random, full)
}

// polyTexts are texts of n octets: random, and of the least and the greatest blocks, where carries run farthest.
func polyTexts(rng *rand.ChaCha8, n int) (texts [][]byte) {
	for _, fill := range []byte{0x00, 0xff, 0xfb, 0xfe} {
		texts = append(texts, bytes.Repeat([]byte{fill}, n))
	}
	random := make([]byte, n)
	rng.Read(random)
	return append(texts, random)
}

// TestMac compares Poly1305 with that of golang.org/x/crypto, in one piece and in two.
func TestMac(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{9})
	for _, key := range polyKeys(rng) {
		for n := range 200 {
			for _, text := range polyTexts(rng, n) {
				var want, got [Overhead]byte
				poly1305.Sum(&want, text, &key)
				cut := rng.Uint64() % uint64(n+1) &^ 15
				var m mac
				m.start(&key)
				m.write(text[:cut])
				m.write(text[cut:])
				if m.tag(&got); got != want {
					t.Fatalf("the tag of %d octets with the key %x is %x, wants %x", n, key, got, want)
				}
				if !m.matches(&want) {
					t.Fatalf("the right tag does not match")
				}
			}
		}
	}
}

// TestStreamMac: what Poly1305 takes while groups are made is what it takes alone.
func TestStreamMac(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{10})
	for _, l := range levelsHere()[1:] {
		for _, key := range polyKeys(rng) {
			for groups := 1; groups < 5; groups++ {
				for _, text := range polyTexts(rng, groups*streamLen) {
					var want, got mac
					want.start(&key)
					got.start(&key)
					want.write(text)
					var sub [32]byte
					c := cipher{key: &sub, level: l}
					buf := make([]byte, groups*groupLen)
					c.stream(buf, buf, groupBlocks, groups, &got, text)
					var wantTag, gotTag [Overhead]byte
					want.tag(&wantTag)
					if got.tag(&gotTag); gotTag != wantTag {
						t.Fatalf("level %d, %d groups, key %x: the tag is %x, wants %x", l, groups, key, gotTag, wantTag)
					}
				}
			}
		}
	}
}

// FuzzLevels: a text is sealed to the same box at each level.
func FuzzLevels(f *testing.F) {
	f.Add([]byte{1}, uint64(2), 3)
	f.Add([]byte{4}, uint64(1)<<63, 5000)
	f.Fuzz(func(t *testing.T, text []byte, counter uint64, repeat int) {
		plain := bytes.Repeat(text, 1+int(uint(repeat)%uint(1+10_000/(len(text)+1))))
		k := new(Key)
		copy(k.sub[:], text)
		want := make([]byte, len(plain)+Overhead)
		k.sealGeneric(want, plain, counter)
		for _, l := range levelsHere() {
			got, opened := make([]byte, len(want)), make([]byte, len(plain))
			k.sealAt(l, got, plain, counter)
			if !bytes.Equal(got, want) || !k.openAt(l, opened, want, counter) || !bytes.Equal(opened, plain) {
				t.Fatalf("level %d differs for %d octets", l, len(plain))
			}
			k.checkItems(t, l, []Item{{plain, want, counter}, {plain, want, counter}})
		}
	})
}
