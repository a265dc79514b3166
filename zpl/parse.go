package zpl

import (
	"fmt"
	"strings"
)

const (
	indent = 4     // spaces that a child stands to the right of its parent
	spaces = " \t" // what is white within a line
)

// Parse reads a file. What is wrong with it is a *[SyntaxError].
//
// Lines end with a newline, a carriage return, or both. A value may be enclosed
// in single or double quotes, within which # and spaces are its own; there is
// no escape. One that begins with a quote and does not end with the same is taken
// as it stands; one that has the same quote inside as well, which nobody should
// write and CZMQ does, ends at the first that has nothing but a comment behind it.
// Control characters are errors, octets above 127 are not.
func Parse(b []byte) (*Config, error) {
	text := string(b)
	root := &Config{}
	path := []*Config{root} // where the last property stands, from the root to itself
	read := 0               // of text: properties and the comments above them
	for at, line := 0, 1; at < len(text); line++ {
		content, eol := cutLine(text[at:])
		start := at
		at += len(content) + len(eol)
		if root.eol == "" {
			root.eol = eol
		}
		c, level, err := parseLine(content)
		if err == nil && level >= len(path) {
			err = fmt.Errorf("indentation of %d spaces, here it may be %d", indent*level, indent*(len(path)-1))
		}
		if err != nil {
			return nil, &SyntaxError{line, err.Error()}
		}
		if c == nil {
			continue
		}
		c.line, c.lead, c.eol, c.unended = line, text[read:start], eol, eol == ""
		if c.unended {
			c.eol = root.eol
		}
		parent := path[level]
		parent.children = append(parent.children, c)
		path = append(path[:level+1], c)
		read = at
	}
	root.tail = text[read:]
	return root, nil
}

// cutLine returns the first line of a text and what ends it, "" if nothing does.
func cutLine(text string) (content, eol string) {
	end := strings.IndexAny(text, "\r\n")
	if end < 0 {
		return text, ""
	}
	if strings.HasPrefix(text[end:], "\r\n") {
		return text[:end], text[end : end+2]
	}
	return text[:end], text[end : end+1]
}

// parseLine reads a property; nil if the line is blank or a comment.
func parseLine(line string) (c *Config, level int, err error) {
	if at := strings.IndexFunc(line, isControl); at >= 0 {
		return nil, 0, fmt.Errorf("a control character: %q", line[at])
	}
	if isBlank(line) {
		return nil, 0, nil
	}
	text := strings.TrimLeft(line, " ")
	margin := len(line) - len(text)
	switch {
	case text[0] == '\t':
		return nil, 0, fmt.Errorf("a tab in the indentation, which is by %d spaces", indent)
	case margin%indent != 0:
		return nil, 0, fmt.Errorf("indentation of %d spaces, not of a multiple of %d", margin, indent)
	}
	name := text[:len(text)-len(strings.TrimLeft(text, nameChars))]
	if name == "" {
		return nil, 0, fmt.Errorf("want a name, found %.20q", text)
	}
	c = &Config{name: name}
	rest := text[len(name):]
	behind, isValue := strings.CutPrefix(strings.TrimLeft(rest, spaces), "=")
	switch {
	case isValue:
		behind = strings.TrimLeft(behind, spaces)
		c.between = rest[:len(rest)-len(behind)]
		c.value, c.raw = parseValue(behind)
		c.after = behind[len(c.raw):]
	case isBlank(rest):
		c.after = rest
	default:
		return nil, 0, fmt.Errorf("want an equals sign or nothing after %q, found %.20q", name, strings.TrimLeft(rest, spaces))
	}
	return c, margin / indent, nil
}

// nameChars are the characters of names: RFC 4 "Specification".
const nameChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$-_@.&+/"

// parseValue reads the value at the start of a text, and how it is written there.
func parseValue(text string) (value, raw string) {
	for end := 1; startsWithQuote(text); end++ {
		next := strings.IndexByte(text[end:], text[0])
		if next < 0 {
			break
		}
		if end += next; isBlank(text[end+1:]) {
			return text[1:end], text[:end+1]
		}
	}
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimRight(text, spaces)
	return text, text
}

func startsWithQuote(text string) bool { return text != "" && (text[0] == '"' || text[0] == '\'') }

// isBlank reports whether there is nothing but spaces and a comment.
func isBlank(text string) bool {
	text = strings.TrimLeft(text, spaces)
	return text == "" || text[0] == '#'
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7F }
