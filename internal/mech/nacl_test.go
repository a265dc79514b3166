package mech

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"testing"
)

// The example of "Cryptography in NaCl" by Daniel J. Bernstein, sections 2 to 10.
const (
	aliceSecret = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"
	alicePublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
	bobSecret   = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"
	bobPublic   = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
	firstKey    = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389"
	naclNonce   = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37"
	naclText    = "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffc" +
		"e5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb31" +
		"0e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde" +
		"048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f93776384864" +
		"5e0705"
	naclBox = "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce" +
		"48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972" +
		"71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae" +
		"90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3" +
		"7973f622a43d14a6599b1f654cb45a74e355a5"
)

func unhex(s string) []byte { return must(hex.DecodeString(s)) }

// TestNaCl holds the boxes of the handshake against published octets.
func TestNaCl(t *testing.T) {
	alice := must(ecdh.X25519().NewPrivateKey(unhex(aliceSecret)))
	bob := must(ecdh.X25519().NewPrivateKey(unhex(bobSecret)))
	if !bytes.Equal(alice.PublicKey().Bytes(), unhex(alicePublic)) || !bytes.Equal(bob.PublicKey().Bytes(), unhex(bobPublic)) {
		t.Error("the public keys are others")
	}
	there := must(between(alice, unhex(bobPublic)))
	back := must(between(bob, unhex(alicePublic)))
	if !bytes.Equal(there[:], unhex(firstKey)) || there != back {
		t.Errorf("the keys of the boxes are %x and %x", there, back)
	}
	prefix, nonce := string(unhex(naclNonce)[:8]), unhex(naclNonce)[8:]
	if box := there.seal([]byte("before"), unhex(naclText), prefix, nonce); !bytes.Equal(box, append([]byte("before"), unhex(naclBox)...)) {
		t.Errorf("the box is %x", box)
	}
	text, err := back.open(unhex(naclBox), prefix, nonce)
	if err != nil || !bytes.Equal(text, unhex(naclText)) {
		t.Errorf("the text is %x, %v", text, err)
	}

	// The same by what seals messages: the first 16 octets of the nonce are the
	// constant ones. The published text begins with an octet that is no flags.
	long := string(unhex(naclNonce)[:16])
	counter := uint64(0x8219e0036b7a0b37)
	s := newCurveSealer(&there, long, long, 0, 0)
	if box := s.out.Seal(nil, unhex(naclText), counter); !bytes.Equal(box, unhex(naclBox)) {
		t.Errorf("the box of the sealer is %x", box)
	}
	if text, ok := s.in.Open(nil, unhex(naclBox), counter); !ok || !bytes.Equal(text, unhex(naclText)) {
		t.Errorf("the text of the sealer is %x, %v", text, ok)
	}
}
