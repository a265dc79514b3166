package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// A notation writes messages as lines and reads them back. Frames are divided
// by a tab, but in JSON.
type notation struct {
	hex, quoted, json bool
	split             bool // as text: a tab that is read divides frames
	most              int  // as text: so many frames are read at most, -1 is any; 0 leaves it to split
	// As text, how first frames are written and read whose octets mean
	// something; nil is as they are.
	writeFirst func(frame []byte) []byte
	readFirst  func(text []byte) ([]byte, error)
}

const notationHelp = `
A message is a line; its frames are divided by tabs. --hex, --quoted and --json
write the same in ways that keep every octet; what one command writes so,
another reads.`

func (n *notation) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.BoolVar(&n.hex, "hex", false, "frames as hexadecimal")
	fs.BoolVar(&n.quoted, "quoted", false, "frames in double quotes, as Go writes strings")
	fs.BoolVar(&n.json, "json", false, `messages as {"frames":["text",{"base64":"/w=="}]}`)
	cmd.MarkFlagsMutuallyExclusive("hex", "quoted", "json")
}

func (n *notation) addSplit(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&n.split, "split", false, "a tab in the input divides frames")
	cmd.MarkFlagsMutuallyExclusive("split", "hex", "quoted", "json")
}

// parse reads a message from a line.
func (n *notation) parse(line []byte) ([][]byte, error) {
	switch {
	case n.json:
		return parseJSON(line)
	case n.quoted:
		return parseQuoted(string(line))
	case n.hex:
		frames := bytes.Split(line, []byte{'\t'})
		for i, f := range frames {
			var err error
			if frames[i], err = n.parseFrame(i, string(f)); err != nil {
				return nil, err
			}
		}
		return frames, nil
	}
	most := n.most
	switch {
	case n.split:
		most = -1
	case most == 0:
		most = 1
	}
	frames := bytes.SplitN(line, []byte{'\t'}, most)
	var err error
	if n.readFirst != nil {
		frames[0], err = n.readFirst(frames[0])
	}
	return frames, err
}

// parseFrame reads frame i. JSON needs no notation of its own for it.
func (n *notation) parseFrame(i int, text string) ([]byte, error) {
	switch {
	case n.hex:
		b, err := hex.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not hexadecimal", text)
		}
		return b, nil
	case n.quoted:
		frames, err := parseQuoted(text)
		if err == nil && len(frames) != 1 {
			err = fmt.Errorf("%q is not one frame", text)
		}
		if err != nil {
			return nil, err
		}
		return frames[0], nil
	case i == 0 && n.readFirst != nil:
		return n.readFirst([]byte(text))
	}
	return []byte(text), nil
}

// append writes a message. On a terminal, text shows what would control it.
func (n *notation) append(b []byte, frames [][]byte, terminal bool) ([]byte, error) {
	if n.json {
		text, err := json.Marshal(jsonMessage{asJSON(frames)})
		return append(b, text...), err
	}
	for i, f := range frames {
		if i > 0 {
			b = append(b, '\t')
		}
		switch {
		case n.hex:
			b = hex.AppendEncode(b, f)
		case n.quoted:
			b = strconv.AppendQuote(b, string(f))
		default:
			b = append(b, n.text(i, f, terminal)...)
		}
	}
	return b, nil
}

// text writes frame i as text.
func (n *notation) text(i int, frame []byte, terminal bool) string {
	if i == 0 && n.writeFirst != nil {
		frame = n.writeFirst(frame)
	}
	if terminal {
		return visible(frame)
	}
	return string(frame)
}

// visible is text in which whatever is not printable is escaped, so that a
// message can't take over the terminal.
func visible(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return b.String()
}

var errQuoted = errors.New(`want frames in double quotes with tabs between: "one"	"two"`)

func parseQuoted(line string) ([][]byte, error) {
	var frames [][]byte
	for {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil || quoted[0] != '"' {
			return nil, errQuoted
		}
		if !utf8.ValidString(quoted) { // Unquote would put another character there
			return nil, errors.New(`not UTF-8: such octets are written as \xff`)
		}
		frame, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, errQuoted
		}
		frames = append(frames, []byte(frame))
		if line = line[len(quoted):]; line == "" {
			return frames, nil
		}
		rest, ok := strings.CutPrefix(line, "\t")
		if !ok {
			return nil, errQuoted
		}
		line = rest
	}
}

// jsonMessage is a message in JSON.
type jsonMessage struct {
	Frames []jsonFrame `json:"frames"`
}

// jsonFrame is a string, or an object with the octets in base64 if they are
// not UTF-8.
type jsonFrame []byte

type jsonOctets struct {
	Base64 []byte `json:"base64"`
}

func asJSON(frames [][]byte) []jsonFrame {
	list := make([]jsonFrame, len(frames))
	for i, f := range frames {
		list[i] = f
	}
	return list
}

// MarshalJSON writes the frame.
func (f jsonFrame) MarshalJSON() ([]byte, error) {
	if utf8.Valid(f) {
		return json.Marshal(string(f))
	}
	return json.Marshal(jsonOctets{f})
}

// UnmarshalJSON reads the frame.
func (f *jsonFrame) UnmarshalJSON(text []byte) error {
	var s *string
	if err := json.Unmarshal(text, &s); err == nil && s != nil {
		*f = jsonFrame(*s)
		return nil
	}
	var o jsonOctets
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	if o.Base64 == nil {
		return errors.New("no base64")
	}
	*f = o.Base64
	return nil
}

func parseJSON(line []byte) ([][]byte, error) {
	var m jsonMessage
	if err := json.Unmarshal(line, &m); err != nil || len(m.Frames) == 0 {
		return nil, errors.New(`want {"frames":["text",{"base64":"/w=="}]}`)
	}
	if !utf8.Valid(line) || hasLoneSurrogate(line) { // another character was put there
		return nil, errors.New(`not UTF-8: such octets are written as {"base64":"/w=="}`)
	}
	frames := make([][]byte, len(m.Frames))
	for i, f := range m.Frames {
		frames[i] = f
	}
	return frames, nil
}

// hasLoneSurrogate reports whether JSON has an escape that is half a character of
// UTF-16: \ud800 without \udc00 behind it, or the other way round.
func hasLoneSurrogate(text []byte) bool {
	for {
		_, escape, more := bytes.Cut(text, []byte{'\\'})
		if !more {
			return false
		}
		text = escape[1:]
		if escape[0] != 'u' {
			continue
		}
		first := codeUnit(text)
		text = text[4:]
		if !utf16.IsSurrogate(first) {
			continue
		}
		second, more := bytes.CutPrefix(text, []byte(`\u`))
		if !more || utf16.DecodeRune(first, codeUnit(second)) == unicode.ReplacementChar {
			return true
		}
		text = second[4:]
	}
}

// codeUnit reads the four digits of an escape.
func codeUnit(digits []byte) rune {
	n, _ := strconv.ParseUint(string(digits[:4]), 16, 16) // they are digits in what is JSON
	return rune(n)
}
