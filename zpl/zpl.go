// Package zpl reads and writes configuration files in the ZeroMQ Property
// Language: RFC 4 "Specification".
//
// A file is a tree of properties, each with a name and, if it likes, a value.
// Values are text: what they mean is the program's affair.
//
//	#   The broker
//	server
//	    timeout = 2500        # milliseconds
//	    bind = tcp://*:5555
//	    greeting = "#1 in town"
//
// Four spaces of indentation make a property the child of the one above.
// [Parse] reads such a file, [Config.Get] takes a value by its path, such as
// "server/timeout", [Config.Set] and [Config.Append] change it, and
// [Config.Bytes] writes it: what was not changed as it was read, with its comments,
// its blank lines and its spaces.
//
// The files are those that CZMQ's zconfig reads and writes.
package zpl

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

var (
	// ErrName: a name is empty, or has characters other than letters,
	// digits and $-_@.&+/, or begins or ends with a slash.
	ErrName = errors.New("zpl: not a name")
	// ErrValue: a value that no line can hold. There are control characters
	// in it, or a # or spaces at an end together with both kinds of quotes.
	ErrValue = errors.New("zpl: not a value that can be written")
)

// SyntaxError says which line of a file is wrong.
type SyntaxError struct {
	Line   int // from 1
	Reason string
}

// Error describes the failure: "zpl: line 3: indentation of 2 spaces, not of a multiple of 4".
func (e *SyntaxError) Error() string { return fmt.Sprintf("zpl: line %d: %s", e.Line, e.Reason) }

// Config is a property with its children, or a whole file: a root without name
// and value, whose children are the properties at the margin. The zero value is
// an empty file. A Config may be read from many goroutines at once, and is
// changed by one alone.
type Config struct {
	name     string
	value    string
	children []*Config
	line     int

	// How it is written: lead, indentation, name, between, raw, after, eol.
	lead    string // comments and blank lines above it
	between string // the equals sign and what surrounds it, or nothing
	raw     string // the value with its quotes, if it has any
	after   string // spaces and a comment behind it
	eol     string // how its line ends, and those of new children
	unended bool   // its line was the last and had no end
	tail    string // of a file: comments and blank lines below everything
}

// Name returns the name of the property; "" of a file.
func (c *Config) Name() string { return c.name }

// Value returns the value without its quotes; "" if there is none.
func (c *Config) Value() string { return c.value }

// Line returns the line that the property was read from, counted from 1; 0 if
// it was not read.
func (c *Config) Line() int { return c.line }

// Children gives the properties below this one, in their order. Names may
// come more than once.
func (c *Config) Children() iter.Seq[*Config] { return slices.Values(c.children) }

// Find returns the first property below c with this path, nil if there is
// none: names joined by slashes, such as "server/timeout". A slash in front is
// ignored.
func (c *Config) Find(path string) *Config {
	if found := c.find(path); found != nil {
		return found
	}
	if path, cut := strings.CutPrefix(path, "/"); cut {
		return c.find(path)
	}
	return nil
}

// find takes every name as it is: a name may have slashes of its own.
func (c *Config) find(path string) *Config {
	for _, child := range c.children {
		if child.name == path {
			return child
		}
		rest, cut := strings.CutPrefix(path, child.name)
		if rest, slash := strings.CutPrefix(rest, "/"); cut && slash {
			if found := child.find(rest); found != nil {
				return found
			}
		}
	}
	return nil
}

// Get returns the value of the first property with this path, or otherwise if
// there is no such property.
func (c *Config) Get(path, otherwise string) string {
	if found := c.Find(path); found != nil {
		return found.value
	}
	return otherwise
}
