package wire

import "encoding/binary"

// MaxV1Header is the length of the longest frame header of ZMTP 1.0 in octets.
const MaxV1Header = v1LongHeader

const (
	v1ShortHeader = 2
	v1LongHeader  = 10
	v1Long        = 0xFF // a length of this value says that 8 octets of length follow
)

// AppendV1Header appends the header of a ZMTP 1.0 frame whose body has size octets. Of the flags only FlagMore is
// known there. RFC 13 "The Framing Layer": the length counts the flags octet too, and 1 to 254 SHOULD be one octet.
func AppendV1Header(b []byte, flags byte, size int) []byte {
	if size < v1Long-1 {
		return append(b, byte(size)+1, flags&FlagMore)
	}
	b = append(b, v1Long)
	b = binary.BigEndian.AppendUint64(b, uint64(size)+1)
	return append(b, flags&FlagMore)
}

// AppendV1Frame appends a whole ZMTP 1.0 frame.
func AppendV1Frame(b []byte, flags byte, body []byte) []byte {
	return append(AppendV1Header(b, flags, len(body)), body...)
}

// ParseV1Header reads the ZMTP 1.0 frame header at the start of b, its flags octet included; Size is the length of
// the body alone. ok is false when b ends before the header does.
//
// Reserved flags are dropped, for RFC 13 "The Framing Layer" only says that they SHOULD be zero, and the flags of
// an identity frame SHALL not be validated (a later peer's signature ends in 7F there): RFC 13 "The Connection
// Layer". A length of 0 is ErrSize. The RFC would rather discard it silently, but no peer sends it, and libzmq
// closes the connection too.
func ParseV1Header(b []byte) (h Header, ok bool, err error) {
	if len(b) == 0 {
		return Header{}, false, nil
	}
	length, n := uint64(b[0]), v1ShortHeader
	if length == v1Long {
		if len(b) < v1LongHeader-1 {
			return Header{}, false, nil
		}
		length, n = binary.BigEndian.Uint64(b[1:]), v1LongHeader
	}
	if length == 0 || length-1 > maxSize {
		return Header{}, false, ErrSize
	}
	if len(b) < n {
		return Header{}, false, nil
	}
	return Header{Flags: b[n-1] & FlagMore, Size: length - 1, Len: n}, true, nil
}
