package wire

// V2Revision is the version octet of ZMTP 2.0, at MajorAt: RFC 15 "Backwards Interoperability".
const V2Revision = 1

// The socket types of ZMTP 2.0, RFC 15 "Formal Grammar". XPUB and XSUB sockets are PUB and SUB on the wire.
const (
	V2Pair   = 0
	V2Pub    = 1
	V2Sub    = 2
	V2Req    = 3
	V2Rep    = 4
	V2Dealer = 5
	V2Router = 6
	V2Pull   = 7
	V2Push   = 8
)

// V2Tail is what follows the version octet in the greeting of ZMTP 2.0.
type V2Tail struct {
	// SocketType is the octet as the peer has sent it, which need not be one of the constants.
	SocketType byte
	// Identity has 0 to 255 octets. It is a part of the octets that were parsed.
	Identity []byte
	// Len is the length of the tail in octets.
	Len int
}

// AppendV2Tail appends the socket type and the identity, of at most 255 octets, which end a ZMTP 2.0 greeting.
func AppendV2Tail(b []byte, socketType byte, identity []byte) []byte {
	return AppendFrame(append(b, socketType), 0, identity)
}

// ParseV2Tail reads what follows the version octet of a ZMTP 2.0 greeting. ok is false when b ends before the tail
// does. RFC 15 "Formal Grammar": the identity is a short frame and the last of its message, else ErrGreeting.
func ParseV2Tail(b []byte) (t V2Tail, ok bool, err error) {
	const identityAt = 1 + shortHeader
	if len(b) > 1 && b[1] != 0 {
		return V2Tail{}, false, ErrGreeting
	}
	if len(b) < identityAt || len(b)-identityAt < int(b[2]) {
		return V2Tail{}, false, nil
	}
	n := identityAt + int(b[2])
	return V2Tail{SocketType: b[0], Identity: b[identityAt:n:n], Len: n}, true, nil
}
