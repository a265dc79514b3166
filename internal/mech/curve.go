package mech

import (
	"crypto/ecdh"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/salsa20/salsa" //nolint:staticcheck // SA1019: deprecated as low-level; HSalsa20 is what RFC 26 asks for
)

// CurveKeys is a long-term key pair of CURVE.
type CurveKeys struct{ Public, Secret [keySize]byte }

// Format writes that these are keys, and nothing of them.
func (CurveKeys) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "CURVE keys") }

// The sizes of RFC 26 "High-level Grammar" in octets; those of the commands are
// without their names.
const (
	keySize        = 32
	longNonceSize  = 16
	shortNonceSize = 8
	tagSize        = 16 // how much longer than its text a box is
	proofSize      = 64 // zeros in HELLO, two keys in the cookie and in the vouch

	versionSize = 2
	paddingSize = 72
	cookieSize  = longNonceSize + tagSize + proofSize
	vouchSize   = longNonceSize + tagSize + proofSize

	helloSize    = versionSize + paddingSize + keySize + shortNonceSize + tagSize + proofSize
	welcomeSize  = longNonceSize + tagSize + keySize + cookieSize
	leastInBox   = keySize + vouchSize
	initiateSize = cookieSize + shortNonceSize + tagSize + leastInBox // and metadata
	readySize    = shortNonceSize + tagSize                           // and metadata
)

// What nonces begin with: RFC 26 "CurveZMQ Commands".
const (
	nonceHello    = "CurveZMQHELLO---"
	nonceWelcome  = "WELCOME-"
	nonceCookie   = "COOKIE--"
	nonceVouch    = "VOUCH---"
	nonceInitiate = "CurveZMQINITIATE"
	nonceReady    = "CurveZMQREADY---"
	nonceClient   = "CurveZMQMESSAGEC"
	nonceServer   = "CurveZMQMESSAGES"
)

// curve is what both sides of CURVE have in common.
type curve struct {
	side
	heard  rising
	sealer *curveSealer
}

// Name returns "CURVE".
func (*curve) Name() string { return "CURVE" }

// Format writes the name of the mechanism, and no secret.
func (c *curve) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.Name()) }

// Seal returns what seals the frames of this connection.
func (c *curve) Seal() Sealer { return c.sealer }

// rising is the least short nonce that the peer may send next.
type rising uint64

// accept takes the short nonce of a command. RFC 26 "The HELLO Command": the
// nonces of a connection increase. The last one is never used, so they cannot
// wrap.
func (r *rising) accept(b []byte) (nonce uint64, err error) {
	nonce = binary.BigEndian.Uint64(b)
	if nonce < uint64(*r) || nonce == math.MaxUint64 {
		return 0, ErrNonce
	}
	*r = rising(nonce + 1)
	return nonce, nil
}

// long returns the key pair that crypto/ecdh calculates with. A public key that
// is not zero has to be that of the secret one.
func (k *CurveKeys) long() (*ecdh.PrivateKey, error) {
	long, err := ecdh.X25519().NewPrivateKey(k.Secret[:])
	if err != nil {
		return nil, err
	}
	if k.Public != [keySize]byte{} && !same(k.Public[:], long.PublicKey().Bytes()) {
		return nil, errors.New("mech: the public key is not that of the secret key")
	}
	return long, nil
}

// transient makes a key pair for one connection.
func (s *side) transient() (*ecdh.PrivateKey, error) {
	var secret [keySize]byte
	defer clear(secret[:])
	s.fill(secret[:])
	return ecdh.X25519().NewPrivateKey(secret[:])
}

// boxKey is what seals the boxes between two key pairs, and is to be cleared.
type boxKey [keySize]byte

// between returns the key of the boxes between our pair and the other's public
// key, in both directions: NaCl's crypto_box_beforenm. A public key of low
// order, with which any secret gives zero, is refused.
func between(ours *ecdh.PrivateKey, theirs []byte) (key boxKey, err error) {
	public, err := ecdh.X25519().NewPublicKey(theirs)
	if err != nil {
		return key, ErrBox
	}
	secret, err := ours.ECDH(public)
	if err != nil {
		return key, ErrBox
	}
	defer clear(secret)
	sigma := salsa.Sigma
	salsa.HSalsa20((*[keySize]byte)(&key), new([16]byte), (*[keySize]byte)(secret), &sigma)
	return key, nil
}

// seal appends the box of text to dst.
func (k *boxKey) seal(dst, text []byte, prefix string, nonce []byte) []byte {
	return secretbox.Seal(dst, text, fullNonce(prefix, nonce), (*[keySize]byte)(k))
}

// open returns the text of a box.
func (k *boxKey) open(box []byte, prefix string, nonce []byte) ([]byte, error) {
	text, ok := secretbox.Open(nil, box, fullNonce(prefix, nonce), (*[keySize]byte)(k))
	if !ok {
		return nil, ErrBox
	}
	return text, nil
}

// fullNonce joins prefix and nonce, which have 24 octets together.
func fullNonce(prefix string, nonce []byte) *[24]byte {
	var full [24]byte
	copy(full[copy(full[:], prefix):], nonce)
	return &full
}

// shortNonce is a counter as it is sent.
func shortNonce(counter uint64) []byte { return binary.BigEndian.AppendUint64(nil, counter) }

// same compares in a time that says nothing of where a and b differ.
func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
