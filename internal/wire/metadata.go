package wire

import (
	"encoding/binary"
	"math"
	"strings"
)

const (
	// MaxMetadata is how many octets of metadata a peer may send by default.
	MaxMetadata = 64 << 10
	// MaxProperties is how many properties a peer may send by default.
	MaxProperties = 100

	valueSize = 4
)

// Property is one entry of the metadata of a connection: RFC 37 "Connection Metadata".
type Property struct {
	// Name is as the peer has sent it. Case is not significant: compare by strings.EqualFold.
	Name string
	// Value is a part of the octets that were parsed.
	Value []byte
}

// Limits bound the metadata of one peer. A zero field stands for its default.
type Limits struct {
	Bytes      int // octets in all, MaxMetadata by default
	Properties int // number of properties, MaxProperties by default
}

// AppendProperty appends one property. The name has 1 to 255 characters of name-char.
func AppendProperty(b []byte, name, value string) []byte {
	b = append(b, byte(len(name)))
	b = append(b, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(value)))
	return append(b, value...)
}

// ParseProperties reads properties up to the end of b, in the order they stand there; a name that comes twice is
// kept twice. ErrMetadata tells of a broken property, ErrLimit of too many octets or properties.
func ParseProperties(b []byte, limit Limits) ([]Property, error) {
	if limit.Bytes == 0 {
		limit.Bytes = MaxMetadata
	}
	if limit.Properties == 0 {
		limit.Properties = MaxProperties
	}
	if len(b) > limit.Bytes {
		return nil, ErrLimit
	}
	var props []Property
	for len(b) > 0 {
		if len(props) == limit.Properties {
			return nil, ErrLimit
		}
		p, n, err := parseProperty(b)
		if err != nil {
			return nil, err
		}
		props = append(props, p)
		b = b[n:]
	}
	return props, nil
}

// parseProperty reads the property at the start of b, which has at least one octet, and counts its octets.
// RFC 37 "The NULL Security Mechanism": names are 1 to 255 characters, values 0 to 2^31-1 octets.
func parseProperty(b []byte) (p Property, n int, err error) {
	nameEnd := 1 + int(b[0])
	if nameEnd == 1 || len(b)-nameEnd < valueSize {
		return Property{}, 0, ErrMetadata
	}
	name := b[1:nameEnd]
	for _, c := range name {
		if !isNameChar(c) {
			return Property{}, 0, ErrMetadata
		}
	}
	rest := b[nameEnd+valueSize:]
	size := binary.BigEndian.Uint32(b[nameEnd:])
	if size > math.MaxInt32 || uint64(size) > uint64(len(rest)) {
		return Property{}, 0, ErrMetadata
	}
	return Property{Name: string(name), Value: rest[:size:size]}, nameEnd + valueSize + int(size), nil
}

// isNameChar is name-char of RFC 37 "The NULL Security Mechanism".
func isNameChar(c byte) bool {
	return isAlpha(c) || '0' <= c && c <= '9' || strings.IndexByte("-_.+", c) >= 0
}
