package zpl_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/phimq/zmq/zpl"
)

func Example() {
	file := `#   The broker
server
    timeout = 2500        # milliseconds
    bind = tcp://*:5555
    bind = ipc:///tmp/broker
`
	config, err := zpl.Parse([]byte(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(config.Get("server/timeout", "1000"), config.Get("server/verbose", "0"))
	for c := range config.Find("server").Children() {
		if c.Name() == "bind" {
			fmt.Println(c.Line(), c.Value())
		}
	}
	// Output:
	// 2500 0
	// 4 tcp://*:5555
	// 5 ipc:///tmp/broker
}

func ExampleConfig_Set() {
	config, err := zpl.Parse([]byte("server            # the only one\n    timeout = 2500    # milliseconds\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for path, value := range map[string]string{"server/timeout": "100", "client/name": "#1"} {
		if err := config.Set(path, value); err != nil {
			fmt.Println(err)
		}
	}
	os.Stdout.Write(config.Bytes())
	// Output:
	// server            # the only one
	//     timeout = 100    # milliseconds
	// client
	//     name = "#1"
}

func ExampleParse() {
	_, err := zpl.Parse([]byte("server\n  timeout = 2500\n"))
	fmt.Println(err)
	// Output: zpl: line 2: indentation of 2 spaces, not of a multiple of 4
}

// rfcExample is the example of RFC 4 "Specification".
const rfcExample = `#   ZPL configuration file example
#   This format is designed to be trivial to write and parse
#
context
    iothreads = 1
    verbose = 1      #   Ask for a trace

main
    type = zmq_queue
    frontend
        option
            hwm = 1000
            swap = 25000000
            subscribe = "#2"
        bind = tcp://eth0:5555
    backend
        bind = tcp://eth0:5556
`

// flatten writes a tree as lines "path=value", so that trees can be compared.
func flatten(c *zpl.Config) []string {
	var lines []string
	for child := range c.Children() {
		lines = append(lines, child.Name()+"="+child.Value())
		for _, line := range flatten(child) {
			lines = append(lines, child.Name()+"/"+line)
		}
	}
	return lines
}

func parse(t testing.TB, text string) *zpl.Config {
	t.Helper()
	c, err := zpl.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return c
}

func expectTree(t testing.TB, c *zpl.Config, want ...string) {
	t.Helper()
	if got := flatten(c); !slices.Equal(got, want) {
		t.Fatalf("the tree is %q\nwant %q", got, want)
	}
}

func expectText(t testing.TB, c *zpl.Config, want string) {
	t.Helper()
	if got := string(c.Bytes()); got != want {
		t.Fatalf("the file is\n%q, want\n%q", got, want)
	}
}

func TestExampleOfTheRFC(t *testing.T) {
	c := parse(t, rfcExample)
	expectTree(t, c,
		"context=", "context/iothreads=1", "context/verbose=1",
		"main=", "main/type=zmq_queue",
		"main/frontend=", "main/frontend/option=",
		"main/frontend/option/hwm=1000", "main/frontend/option/swap=25000000", "main/frontend/option/subscribe=#2",
		"main/frontend/bind=tcp://eth0:5555",
		"main/backend=", "main/backend/bind=tcp://eth0:5556",
	)
	if line := c.Find("main/backend/bind").Line(); line != 17 {
		t.Errorf("line %d", line)
	}
}

// TestLines: what one line means, by the notes of RFC 4 "Specification".
func TestLines(t *testing.T) {
	tests := []struct{ line, want string }{
		{"a = 1", "a=1"},
		{"a=1", "a=1"},
		{"a\t=\t1\t", "a=1"},
		{"a", "a="},
		{"a   ", "a="},
		{"a =", "a="},
		{"a = # nothing", "a="},
		{"a # nothing", "a="},
		{"a#nothing", "a="},
		{"a = 1 2  3   ", "a=1 2  3"},
		{"a = 1 # one", "a=1"},
		{"a = 1# one", "a=1"},
		{"a = b=c", "a=b=c"},
		{`a = "1 # one"`, "a=1 # one"},
		{`a = '1 # one'`, "a=1 # one"},
		{`a = " 1 "   # one`, "a= 1 "},
		{`a = "1"# one "`, "a=1"},
		{`a = ""`, "a="},
		{`a = "it's"`, "a=it's"},
		{`a = 'say "it"'`, `a=say "it"`},
		{`a = it's`, "a=it's"},
		{`a = 6" # inches`, `a=6"`},
		{`a = "no end`, `a="no end`},
		{`a = "no end # of it`, `a="no end`},
		{`a = "`, `a="`},
		{`a = 'one' and 'two'`, "a=one' and 'two"},
		{`a = "6" pipe"`, `a=6" pipe`}, // as CZMQ writes it, and cannot read it
		{`a = "it is "x""  # "y"`, `a=it is "x"`},
		{`a = "x" # "y"`, "a=x"},
		{`a = "x"y"z`, `a="x"y"z`},
		{`a = "\"`, `a=\`},
		{"a = \u00e9\u20ac", "a=\u00e9\u20ac"},
		{"a = \xff", "a=\xff"},
		{"$-_@.&+ = 1", "$-_@.&+=1"},
		{"9a/b = 1", "9a/b=1"},
	}
	for _, tt := range tests {
		for _, eol := range []string{"", "\n", "\r", "\r\n"} {
			c := parse(t, tt.line+eol)
			expectTree(t, c, tt.want)
			expectText(t, c, tt.line+eol)
		}
	}
}

func TestNothing(t *testing.T) {
	for _, text := range []string{"", "\n", "   ", "\t\n", "#", "  # comment", "\r\r\n\n\r"} {
		c := parse(t, text)
		expectTree(t, c)
		expectText(t, c, text)
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct {
		text string
		line int
		why  string
	}{
		{" a", 1, "indentation of 1 spaces"},
		{"a\n      b", 2, "indentation of 6 spaces, not"},
		{"    a", 1, "indentation of 4 spaces, here it may be 0"},
		{"a\n        b", 2, "indentation of 8 spaces, here it may be 4"},
		{"a\n    b\nc\n        d", 4, "here it may be 4"},
		{"a\n\tb", 2, "a tab in the indentation"},
		{"a\n  \tb", 2, "a tab in the indentation"},
		{"# fine\n\n= 1", 3, `want a name, found "= 1"`},
		{"a\r\n\"b\" = 1", 2, "want a name"},
		{"a\r\r\n\n\u00e9 = 1", 4, "want a name"},
		{"a b", 1, `want an equals sign or nothing after "a", found "b"`},
		{"a: b", 1, "want an equals sign"},
		{"a\n# a \x00", 2, `a control character: '\x00'`},
		{"a = \x1b", 1, `a control character: '\x1b'`},
		{"a = \x7f", 1, `a control character: '\x7f'`},
	}
	for _, tt := range tests {
		c, err := zpl.Parse([]byte(tt.text))
		syntax, ok := err.(*zpl.SyntaxError)
		if c != nil || !ok || syntax.Line != tt.line || !strings.Contains(syntax.Reason, tt.why) {
			t.Errorf("%q: %v, %v; want line %d: %s", tt.text, c, err, tt.line, tt.why)
		}
	}
}

// TestKeptAsRead: what was not changed is written byte for byte.
func TestKeptAsRead(t *testing.T) {
	for _, text := range []string{
		rfcExample,
		strings.ReplaceAll(rfcExample, "\n", "\r\n"),
		strings.TrimSuffix(rfcExample, "\n"),
		"a\n  # a comment out of line\n\n    b='1'\t# and one behind\nc =\n\n\t\n# the end",
		"a\rb\n\rc\r\n",
	} {
		c := parse(t, text)
		expectText(t, c, text)
		for child := range c.Children() {
			set(t, c, child.Name(), child.Value())
		}
		expectText(t, c, text)
	}
}

func TestPaths(t *testing.T) {
	c := parse(t, "a = 1\na/b = 2\na = 3\n    b = 4\n    c = 5\na/b\n    d = 6\n/x = 7\n")
	for path, want := range map[string]string{
		"a": "1", "/a": "1", "a/b": "2", "/a/b": "2", "a/c": "5", "a/b/d": "6", "/x": "7",
		"": "none", "/": "none", "b": "none", "a/": "none", "a//c": "none", "//a": "none", "a/c/": "none", "x": "none", "aa": "none",
	} {
		if got := c.Get(path, "none"); got != want {
			t.Errorf("%q is %q, want %q", path, got, want)
		}
	}
	if got := c.Find("a/b/d"); got.Name() != "d" || got.Line() != 7 {
		t.Error(got.Name(), got.Line())
	}
	if got := c.Find("a/c").Get("c", "none"); got != "none" {
		t.Error(got)
	}
}
