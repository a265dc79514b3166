// Package z85 writes binary data as printable text and reads it back: RFC 32
// "Formal Specification".
//
// Four octets become five characters that are safe in source code and in
// quotes. It is how CURVE keys are written: 32 octets, 40 characters. Data whose
// length is not a multiple of 4 is the application's to pad, as the RFC says.
package z85

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// alphabet has the character of each value from 0 to 84.
const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

const (
	base     = uint32(len(alphabet))
	octets   = 4 // of a group, as data
	letters  = 5 // of a group, as text
	noLetter = 0xFF
)

var (
	// ErrLength: the data is not a multiple of 4 octets, or the text not a
	// multiple of 5 characters.
	ErrLength = errors.New("z85: wrong length")
	// ErrCharacter: the text has a character that is not of the alphabet.
	ErrCharacter = errors.New("z85: character not of the alphabet")
	// ErrOverflow: five characters stand for more than 32 bits hold.
	ErrOverflow = errors.New("z85: group out of range")
)

// DecodeError says where in the text it went wrong. Unwrap gives ErrCharacter
// or ErrOverflow.
type DecodeError struct {
	Offset int // of the character, or of the first one of the group
	Err    error
}

// Error describes the failure: "z85: character not of the alphabet at offset 7".
func (e *DecodeError) Error() string { return fmt.Sprintf("%v at offset %d", e.Err, e.Offset) }

// Unwrap returns what was wrong.
func (e *DecodeError) Unwrap() error { return e.Err }

// Encode returns data as text. It fails with ErrLength only.
func Encode(data []byte) (string, error) {
	text, err := AppendEncode(nil, data)
	return string(text), err
}

// AppendEncode appends data as text to dst. On ErrLength it returns dst as it was.
func AppendEncode(dst, data []byte) ([]byte, error) {
	if len(data)%octets != 0 {
		return dst, fmt.Errorf("%w: %d octets are not a multiple of %d", ErrLength, len(data), octets)
	}
	dst = slices.Grow(dst, len(data)/octets*letters)
	for ; len(data) > 0; data = data[octets:] {
		n := binary.BigEndian.Uint32(data)
		var group [letters]byte
		for i := letters - 1; i >= 0; i-- {
			group[i] = alphabet[n%base]
			n /= base
		}
		dst = append(dst, group[:]...)
	}
	return dst, nil
}

// Decode returns the data that text stands for. It fails with ErrLength,
// ErrCharacter or ErrOverflow, the last two in a *[DecodeError].
func Decode(text string) ([]byte, error) {
	data, err := appendDecode(nil, text)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// AppendDecode appends the data that text stands for to dst. It fails as Decode
// does, and then returns dst as it was.
func AppendDecode(dst, text []byte) ([]byte, error) { return appendDecode(dst, text) }

func appendDecode[T string | []byte](dst []byte, text T) ([]byte, error) {
	if len(text)%letters != 0 {
		return dst, fmt.Errorf("%w: %d characters are not a multiple of %d", ErrLength, len(text), letters)
	}
	data := slices.Grow(dst, len(text)/letters*octets)
	for at := 0; at < len(text); at += letters {
		n := uint64(0)
		for i := at; i < at+letters; i++ {
			v := values[text[i]]
			if v == noLetter {
				return dst, &DecodeError{i, ErrCharacter}
			}
			n = n*uint64(base) + uint64(v)
		}
		if n > math.MaxUint32 {
			return dst, &DecodeError{at, ErrOverflow}
		}
		data = binary.BigEndian.AppendUint32(data, uint32(n))
	}
	return data, nil
}

// values has the value of each character. It never changes.
var values = reversed()

func reversed() (values [256]uint8) {
	for c := range values {
		values[c] = noLetter
	}
	for v := range len(alphabet) {
		values[alphabet[v]] = uint8(v)
	}
	return values
}
