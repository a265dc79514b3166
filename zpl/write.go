package zpl

import (
	"cmp"
	"fmt"
	"strings"
)

// Set gives the first property with this path a value, and makes it and the
// properties above it where they are missing. The comment behind the value stays.
// It fails with ErrName or ErrValue, and has then changed nothing.
func (c *Config) Set(path, value string) error {
	if found := c.Find(path); found != nil {
		return found.setValue(value)
	}
	raw, err := write(value, "")
	if err != nil {
		return err
	}
	names := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
	}
	for _, name := range names {
		child := c.find(name)
		if child == nil {
			child = c.add(name)
		}
		c = child
	}
	c.assign(value, raw)
	return nil
}

// Append adds a property as the last child and returns it, whether or not
// there are others of this name. It fails with ErrName or ErrValue. A property
// that is added with the value "" is written without one.
func (c *Config) Append(name, value string) (*Config, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	raw, err := write(value, "")
	if err != nil {
		return nil, err
	}
	child := c.add(name)
	if value != "" {
		child.assign(value, raw)
	}
	return child, nil
}

// add makes a child. What stood below everything in the file stays above it.
func (c *Config) add(name string) *Config {
	child := &Config{name: name, lead: c.tail, eol: cmp.Or(c.eol, "\n")}
	c.tail = ""
	c.children = append(c.children, child)
	return child
}

func (c *Config) setValue(value string) error {
	if value == c.value {
		return nil
	}
	raw, err := write(value, c.after)
	if err != nil {
		return err
	}
	c.assign(value, raw)
	return nil
}

func (c *Config) assign(value, raw string) {
	c.value, c.raw = value, raw
	if c.between == "" {
		c.between = " = "
	}
	if strings.HasPrefix(c.after, "#") {
		c.after = " " + c.after
	}
}

func checkName(name string) error {
	if strings.Trim(name, nameChars) != "" || strings.Trim(name, "/") != name || name == "" {
		return fmt.Errorf("%w: %q", ErrName, name)
	}
	return nil
}

// write returns the simplest way to write a value that is read back as it is,
// with what stands behind it.
func write(value, after string) (string, error) {
	for _, quote := range quotes(value) {
		raw := quote + value + quote
		got, as := parseValue(strings.TrimLeft(raw+after, spaces))
		if got == value && as == raw && strings.IndexFunc(raw, isControl) < 0 {
			return raw, nil
		}
	}
	return "", fmt.Errorf("%w: %q", ErrValue, value)
}

// quotes are those that may enclose a value, the best first. None is best,
// unless there would be nothing to see, or a quote in front, which CZMQ takes for
// the opening one whatever follows.
func quotes(value string) []string {
	var list []string
	for _, quote := range []string{`"`, "'"} {
		if !strings.Contains(value, quote) {
			list = append(list, quote)
		}
	}
	if value == "" || startsWithQuote(value) {
		return append(list, "")
	}
	return append([]string{""}, list...)
}

// Bytes returns the file. Of a property it returns the children, as a file of
// their own.
func (c *Config) Bytes() []byte {
	return append(c.appendChildren(nil, 0), c.tail...)
}

func (c *Config) appendChildren(b []byte, level int) []byte {
	for _, child := range c.children {
		b = child.endLine(append(b, child.lead...))
		for range indent * level {
			b = append(b, ' ')
		}
		for _, part := range []string{child.name, child.between, child.raw, child.after} {
			b = append(b, part...)
		}
		if !child.unended {
			b = append(b, child.eol...)
		}
		b = child.appendChildren(b, level+1)
	}
	return b
}

// endLine ends the line above, which may have been the last.
func (c *Config) endLine(b []byte) []byte {
	if len(b) == 0 || b[len(b)-1] == '\n' || b[len(b)-1] == '\r' {
		return b
	}
	return append(b, c.eol...)
}
