package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

const identityHelp = `
The first frame is the identity of a peer, the one that it announced or one of our own
making. As text it is 0x and hexadecimal digits if it is not printable.`

// writeIdentity writes an identity as text that readIdentity reads.
func writeIdentity(id []byte) []byte {
	if isName(id) {
		return id
	}
	return hex.AppendEncode([]byte("0x"), id)
}

// isName reports whether an identity can be read back from text.
func isName(id []byte) bool {
	for text := id; len(text) > 0; {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			return false
		}
		text = text[size:]
	}
	return len(id) > 0 && !bytes.HasPrefix(id, []byte("0x"))
}

func readIdentity(text []byte) ([]byte, error) {
	digits, ok := bytes.CutPrefix(text, []byte("0x"))
	if !ok {
		return text, nil
	}
	id, err := hex.AppendDecode(nil, digits)
	if err != nil || len(id) == 0 {
		return nil, fmt.Errorf("identity %q: want hexadecimal digits behind 0x", text)
	}
	return id, nil
}

const subscriptionHelp = `
As text a subscription is + and the topic, the end of one - and the topic. With --hex,
--quoted and --json it is what it is on the wire: octet 1 or 0 and the topic.`

// writeSubscription writes a subscription as text that readSubscription reads,
// and what is none as it is.
func writeSubscription(frame []byte) []byte {
	if len(frame) == 0 || frame[0] > 1 {
		return frame
	}
	return append([]byte{"-+"[frame[0]]}, frame[1:]...)
}

func readSubscription(text []byte) ([]byte, error) {
	if len(text) == 0 || text[0] != '+' && text[0] != '-' {
		return nil, errors.New("want + or - and a topic")
	}
	wire := byte(0)
	if text[0] == '+' {
		wire = 1
	}
	return append([]byte{wire}, text[1:]...), nil
}
