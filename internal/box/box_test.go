package box_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	nacl "golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"

	"github.com/phimq/zmq/internal/box"
)

// lengths are all up to two groups of eight blocks and a bit, and some long ones.
func lengths() []int {
	var all []int
	for n := range 1101 {
		all = append(all, n)
	}
	return append(all, 1503, 1504, 1505, 2047, 2048, 4096, 8191, 8193, 65535, 65536, 65537, 100_000, 1<<20)
}

// fewLengths stand on both sides of each border inside: of a block of Poly1305, of the first block of Salsa20, of
// half a group, of a group, and of the groups that are made together with Poly1305.
func fewLengths() []int {
	return []int{0, 1, 15, 16, 17, 31, 32, 33, 64, 223, 224, 225, 480, 481, 736, 737, 991, 992, 993, 1504, 2100}
}

// randomCase is a key, a nonce and a text, the same at each run.
func randomCase(n int) (shared [32]byte, nonce [24]byte, plain []byte) {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(n))
	rng := rand.NewChaCha8(seed)
	plain = make([]byte, n)
	for _, b := range [][]byte{shared[:], nonce[:], plain} {
		rng.Read(b)
	}
	return shared, nonce, plain
}

func keyFor(shared *[32]byte, nonce *[24]byte) (*box.Key, uint64) {
	return box.NewKey(shared, (*[16]byte)(nonce[:])), binary.BigEndian.Uint64(nonce[16:])
}

// TestSecretbox compares with nacl/secretbox: Seal gives its octets, and Open takes them.
func TestSecretbox(t *testing.T) {
	before := []byte("before")
	for _, n := range lengths() {
		shared, nonce, plain := randomCase(n)
		want := secretbox.Seal(before, plain, &nonce, &shared)
		k, counter := keyFor(&shared, &nonce)
		if !bytes.Equal(k.Seal(before, plain, counter), want) {
			t.Fatalf("%d octets are sealed to another box than secretbox's", n)
		}
		opened, ok := k.Open(before, want[len(before):], counter)
		if !ok || !bytes.Equal(opened, append([]byte("before"), plain...)) {
			t.Fatalf("secretbox's box of %d octets: opened %t, and to another text", n, ok)
		}
	}
}

// TestBox is both ends of a CURVE connection: each has its own secret key and the other's public key.
func TestBox(t *testing.T) {
	rng := rand.NewChaCha8([32]byte{})
	alicePublic, aliceSecret, err := nacl.GenerateKey(rng)
	if err != nil {
		t.Fatal(err)
	}
	bobPublic, bobSecret, err := nacl.GenerateKey(rng)
	if err != nil {
		t.Fatal(err)
	}
	var shared [32]byte
	nacl.Precompute(&shared, bobPublic, aliceSecret)
	for _, n := range fewLengths() {
		_, nonce, plain := randomCase(n)
		k, counter := keyFor(&shared, &nonce)
		opened, ok := nacl.Open(nil, k.Seal(nil, plain, counter), &nonce, alicePublic, bobSecret)
		if !ok || !bytes.Equal(opened, plain) {
			t.Errorf("nacl/box does not open a box of %d octets", n)
		}
	}
}

// TestPublishedVector is the example of "Cryptography in NaCl" by D. J. Bernstein: keys, nonce, text and box.
func TestPublishedVector(t *testing.T) {
	aliceSecret := [32]byte(unhex(t, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
	bobPublic := [32]byte(unhex(t, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
	nonce := [24]byte(unhex(t, "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"))
	plain := unhex(t, "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc"+
		"e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31"+
		"0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde"+
		"048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864"+
		"5e0705")
	want := unhex(t, "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"+
		"48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972"+
		"71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae"+
		"90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3"+
		"7973f622a43d14a6599b1f654cb45a74e355a5")

	var shared [32]byte
	nacl.Precompute(&shared, &bobPublic, &aliceSecret)
	if firstKey := unhex(t, "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"); !bytes.Equal(shared[:], firstKey) {
		t.Fatalf("the shared key is %x", shared)
	}
	k, counter := keyFor(&shared, &nonce)
	if sealed := k.Seal(nil, plain, counter); !bytes.Equal(sealed, want) {
		t.Errorf("sealed to\n%x\nwants\n%x", sealed, want)
	}
	if opened, ok := k.Open(nil, want, counter); !ok || !bytes.Equal(opened, plain) {
		t.Errorf("opened %t to\n%x\nwants\n%x", ok, opened, plain)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWrongBoxes: a box with one bit turned, cut, longer, or of another counter, key or prefix is not opened. Nothing
// is appended, and no deciphered text is left behind what was there.
func TestWrongBoxes(t *testing.T) {
	for _, n := range fewLengths() {
		shared, nonce, plain := randomCase(n)
		k, counter := keyFor(&shared, &nonce)
		sealed := k.Seal(nil, plain, counter)
		dst := make([]byte, 2, n+100)
		refuse := func(what string, k *box.Key, sealed []byte, counter uint64) {
			t.Helper()
			got, ok := k.Open(dst, sealed, counter)
			if ok || len(got) != len(dst) {
				t.Fatalf("%d octets, %s: opened %t, %d octets appended", n, what, ok, len(got)-len(dst))
			}
			if left := bytes.Trim(got[:cap(got)], "\x00"); len(left) != 0 {
				t.Fatalf("%d octets, %s: %d octets of text are left in memory", n, what, len(left))
			}
		}
		for bit := range 8 * len(sealed) {
			sealed[bit/8] ^= 1 << (bit % 8)
			refuse("a bit turned", k, sealed, counter)
			sealed[bit/8] ^= 1 << (bit % 8)
		}
		for cut := range min(len(sealed), 600) {
			refuse("cut", k, sealed[:cut], counter)
		}
		refuse("longer", k, append(bytes.Clone(sealed), 0), counter)
		refuse("another counter", k, sealed, counter+1)
		shared[31] ^= 1
		other, _ := keyFor(&shared, &nonce)
		refuse("another key", other, sealed, counter)
		shared[31] ^= 1
		nonce[0] ^= 1
		other, _ = keyFor(&shared, &nonce)
		refuse("another prefix", other, sealed, counter)
		if _, ok := k.Open(dst, sealed, counter); !ok {
			t.Fatalf("%d octets: the right box is not opened", n)
		}
	}
}

// TestInPlace seals and opens in the memory of one frame.
func TestInPlace(t *testing.T) {
	for _, n := range append(fewLengths(), 5000, 70_000) {
		shared, nonce, plain := randomCase(n)
		k, counter := keyFor(&shared, &nonce)
		want := k.Seal(nil, plain, counter)

		const header = 9
		frame := make([]byte, header+box.Overhead+n)
		copy(frame[header+box.Overhead:], plain)
		sealed := k.Seal(frame[:header], frame[header+box.Overhead:], counter)
		if !bytes.Equal(sealed[header:], want) || &sealed[0] != &frame[0] {
			t.Fatalf("%d octets are sealed to another box in place", n)
		}
		text := sealed[header+box.Overhead:]
		opened, ok := k.Open(text[:0], sealed[header:], counter)
		if !ok || !bytes.Equal(opened, plain) || !bytes.Equal(text, plain) {
			t.Fatalf("a box of %d octets opened in place: %t, and to another text", n, ok)
		}
	}
}

// TestNoAllocation: with memory at hand, a box costs none.
func TestNoAllocation(t *testing.T) {
	for _, n := range []int{0, 64, 1024, 8192} {
		shared, nonce, plain := randomCase(n)
		k, counter := keyFor(&shared, &nonce)
		sealed, opened := make([]byte, 0, n+box.Overhead), make([]byte, 0, n)
		items := batchOf(3, n)
		got := testing.AllocsPerRun(10, func() {
			box := k.Seal(sealed, plain, counter)
			_, ok := k.Open(opened, box, counter)
			if !ok || k.SealAll(items) != 3 || k.OpenAll(items) != 3 {
				t.Fatal("not opened")
			}
		})
		if got != 0 {
			t.Errorf("%d octets: %v allocations", n, got)
		}
	}
}

// FuzzSeal compares with nacl/secretbox.
func FuzzSeal(f *testing.F) {
	for _, n := range fewLengths() {
		shared, nonce, plain := randomCase(n)
		f.Add(shared[:], nonce[:], plain)
	}
	f.Fuzz(func(t *testing.T, key, iv, plain []byte) {
		var shared [32]byte
		var nonce [24]byte
		copy(shared[:], key)
		copy(nonce[:], iv)
		k, counter := keyFor(&shared, &nonce)
		sealed := k.Seal(nil, plain, counter)
		if want := secretbox.Seal(nil, plain, &nonce, &shared); !bytes.Equal(sealed, want) {
			t.Fatalf("sealed to\n%x\nwants\n%x", sealed, want)
		}
		if opened, ok := k.Open(nil, sealed, counter); !ok || !bytes.Equal(opened, plain) {
			t.Fatalf("opened %t to\n%x\nwants\n%x", ok, opened, plain)
		}
	})
}

// FuzzOpen gives both the same to open, which is no box unless the fuzzer breaks Poly1305.
func FuzzOpen(f *testing.F) {
	for _, n := range fewLengths() {
		shared, nonce, plain := randomCase(n)
		f.Add(shared[:], nonce[:], secretbox.Seal(nil, plain, &nonce, &shared))
	}
	f.Fuzz(func(t *testing.T, key, iv, sealed []byte) {
		var shared [32]byte
		var nonce [24]byte
		copy(shared[:], key)
		copy(nonce[:], iv)
		want, wantOK := secretbox.Open(nil, sealed, &nonce, &shared)
		k, counter := keyFor(&shared, &nonce)
		if opened, ok := k.Open(nil, sealed, counter); ok != wantOK || !bytes.Equal(opened, want) {
			t.Fatalf("opened %t to %x, wants %t, %x", ok, opened, wantOK, want)
		}
	})
}
