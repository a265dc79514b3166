package wire

import (
	"bytes"
	"encoding/binary"
	"strings"
)

const (
	// GreetingSize is the length of a greeting in octets: RFC 37 "Framing".
	GreetingSize = 64
	// SignatureSize is the length of the signature that opens a greeting, in octets.
	SignatureSize = 10
	// MajorAt is where the major version stands in a greeting, just behind the signature. A peer that
	// detects older versions first sends the octets up to and including this one.
	MajorAt = SignatureSize
)

const (
	signatureFirst = 0xFF
	signatureLast  = 0x7F

	minorAt       = 11
	mechanismAt   = 12
	mechanismSize = 20
	asServerAt    = 32
)

// Greeting is what a peer announces first: RFC 37 "Formal Grammar".
type Greeting struct {
	// Major and Minor are the version the peer speaks, 3 and 0 or 1 today. Peers of any higher version
	// are to be accepted: RFC 37 "Version Negotiation".
	Major, Minor byte
	// Mechanism is the security mechanism, "NULL" for instance: 1 to 20 characters.
	Mechanism string
	// AsServer tells that the peer is the server of the security handshake. It means nothing for
	// mechanisms without roles.
	AsServer bool
}

// AppendSignature appends the 10 octets that ZMTP 1.0 peers read as the header of an identity frame of
// identityLen octets, and later peers as the signature: RFC 37 "Detecting ZMTP 1.0 and 2.0 Peers".
func AppendSignature(b []byte, identityLen int) []byte {
	b = append(b, signatureFirst)
	b = binary.BigEndian.AppendUint64(b, uint64(identityLen)+1)
	return append(b, signatureLast)
}

// AppendGreeting appends the 64 octets of g with zero padding: RFC 37 "Version Negotiation". The mechanism has to
// follow the grammar; of a longer name only 20 characters are sent.
func AppendGreeting(b []byte, g Greeting) []byte {
	var out [GreetingSize]byte
	out[0] = signatureFirst
	out[SignatureSize-1] = signatureLast
	out[MajorAt] = g.Major
	out[minorAt] = g.Minor
	copy(out[mechanismAt:asServerAt], g.Mechanism)
	if g.AsServer {
		out[asServerAt] = 1
	}
	return append(b, out[:]...)
}

// ParseGreeting reads the 64 octets of a greeting of ZMTP 3.0 or later; what follows them is not looked at.
//
// RFC 37 "Version Negotiation": the padding MUST NOT be validated. The filler is not either, since a later version
// may use it. The last octet of the signature is judged by its lowest bit, as in RFC 37 "Detecting ZMTP 1.0
// and 2.0 Peers". An as-server octet other than 1 reads as false.
func ParseGreeting(b []byte) (Greeting, error) {
	if len(b) < GreetingSize {
		return Greeting{}, ErrGreeting
	}
	if major, _ := Detect(b); major < 3 {
		return Greeting{}, ErrGreeting
	}
	mechanism, err := parseMechanism(b[mechanismAt : mechanismAt+mechanismSize])
	if err != nil {
		return Greeting{}, err
	}
	return Greeting{
		Major:     b[MajorAt],
		Minor:     b[minorAt],
		Mechanism: mechanism,
		AsServer:  b[asServerAt] == 1,
	}, nil
}

// parseMechanism takes the name out of its null padded field.
func parseMechanism(field []byte) (string, error) {
	name, padding, _ := bytes.Cut(field, []byte{0})
	if len(name) == 0 || len(bytes.Trim(padding, "\x00")) != 0 {
		return "", ErrMechanism
	}
	for _, c := range name {
		if !isMechanismChar(c) {
			return "", ErrMechanism
		}
	}
	return string(name), nil
}

// isMechanismChar is mechanism-char of RFC 37 "Formal Grammar", which is wider than the prose of RFC 37
// "Authentication and Confidentiality": it has "." and "+" too.
func isMechanismChar(c byte) bool {
	return 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.+", c) >= 0
}

// Detect tells from the first octets of a peer which major version it speaks: 1, 2, or what a peer of
// version 3 or later announces. It needs 1, 10 or 11 octets; ok is false until they are there.
// RFC 37 "Detecting ZMTP 1.0 and 2.0 Peers".
//
// A version octet of 0 is not in the RFC. libzmq reads it as ZMTP 1.0 behind a signature, and so does Detect.
func Detect(b []byte) (major byte, ok bool) {
	switch {
	case len(b) == 0:
		return 0, false
	case b[0] != signatureFirst:
		return 1, true
	case len(b) < SignatureSize:
		return 0, false
	case b[SignatureSize-1]&1 == 0:
		return 1, true
	case len(b) <= MajorAt:
		return 0, false
	}
	switch v := b[MajorAt]; v {
	case 0:
		return 1, true
	case 1, 2:
		return 2, true
	default:
		return v, true
	}
}
