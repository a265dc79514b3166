package zpl_test

import (
	"testing"

	"github.com/phimq/zmq/zpl"
)

func set(t testing.TB, c *zpl.Config, path, value string) {
	t.Helper()
	if err := c.Set(path, value); err != nil {
		t.Fatal(err)
	}
}

func TestSet(t *testing.T) {
	c := parse(t, "# head\nserver # s\n    timeout=1   # t\nname#n\n# foot")
	set(t, c, "server/timeout", "2")
	set(t, c, "server", "main")
	set(t, c, "name", "a # b")
	set(t, c, "server/log/level", "3")
	set(t, c, "/last", "")
	expectText(t, c, "# head\nserver = main # s\n    timeout=2   # t\n    log\n        level = 3\nname = \"a # b\" #n\n# foot\nlast = \"\"\n")
	set(t, c, "name", "c")
	set(t, c, "server/timeout", "")
	expectText(t, c, "# head\nserver = main # s\n    timeout=\"\"   # t\n    log\n        level = 3\nname = c #n\n# foot\nlast = \"\"\n")
}

func TestSetFollowsTheFile(t *testing.T) {
	c := parse(t, "a\r\n    b = 1")
	set(t, c, "a/b", "2")
	set(t, c, "a/c", "3")
	set(t, c, "a/b/d", "4")
	set(t, c, "e", "5")
	expectText(t, c, "a\r\n    b = 2\r\n        d = 4\r\n    c = 3\r\ne = 5\r\n")
}

func TestAppend(t *testing.T) {
	var c zpl.Config
	for _, name := range []string{"one", "two"} {
		section, err := c.Append(name, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"1", "", " 2 "} {
			if _, err := section.Append("bind", value); err != nil {
				t.Fatal(err)
			}
		}
	}
	expectText(t, &c, "one\n    bind = 1\n    bind\n    bind = \" 2 \"\ntwo\n    bind = 1\n    bind\n    bind = \" 2 \"\n")
	expectText(t, c.Find("two"), "bind = 1\nbind\nbind = \" 2 \"\n")
	if line := c.Find("one").Line(); line != 0 {
		t.Error("line", line)
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", " ", "a b", "a=", "#a", "\u00e9", "a\n", `"a"`, "/a", "a/", "/"} {
		var c zpl.Config
		if _, err := c.Append(name, "1"); err == nil {
			t.Errorf("append %q: no error", name)
		}
		expectText(t, &c, "")
	}
	for _, path := range []string{"", "/", "x//y", "x/", "x/y z", "x/y/#"} {
		var c zpl.Config
		if err := c.Set(path, "1"); err == nil {
			t.Errorf("set %q: no error", path)
		}
		expectText(t, &c, "")
	}
}

func TestValues(t *testing.T) {
	tests := []struct{ value, written string }{
		{"1", "1"},
		{"a b", "a b"},
		{"", `""`},
		{" a", `" a"`},
		{"a\t", "\"a\t\""},
		{"a#", `"a#"`},
		{`a "#"`, `'a "#"'`},
		{"it's #1", `"it's #1"`},
		{"it's", "it's"},
		{`it's "it"`, `it's "it"`},
		{`"a`, `'"a'`},
		{`'a`, `"'a"`},
		{`"a"`, `'"a"'`},
		{`"it's`, `"it's`}, // no quote can enclose it, and none need
		{`"it's" b`, `"it's" b`},
		{`"it's"`, ""},     // it would lose its quotes
		{`it's "#1"`, ""},  // it would lose what follows #
		{` it's "it"`, ""}, // it would lose its first space
		{"a\nb", ""},
		{"a\r", ""},
		{"\x00", ""},
		{"\x7f", ""},
	}
	for _, tt := range tests {
		c := parse(t, "a=x # so\n")
		err := c.Set("a", tt.value)
		if tt.written == "" {
			if err == nil {
				t.Errorf("set %q: no error, the file is %q", tt.value, c.Bytes())
			}
			expectText(t, c, "a=x # so\n")
			if err := c.Set("b/c", tt.value); err == nil {
				t.Errorf("set a new one to %q: no error", tt.value)
			}
			if _, err := c.Append("b", tt.value); err == nil {
				t.Errorf("append %q: no error", tt.value)
			}
			expectText(t, c, "a=x # so\n")
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		expectText(t, c, "a="+tt.written+" # so\n")
		expectTree(t, parse(t, string(c.Bytes())), "a="+tt.value)
	}
}

// TestValueBeforeComment: a comment with quotes can make a value one that can't
// be written before it.
func TestValueBeforeComment(t *testing.T) {
	const text = "a = x # \"so\"\n"
	c := parse(t, text)
	if err := c.Set("a", `"it's`); err == nil {
		t.Errorf("no error, the file is %q", c.Bytes())
	}
	expectText(t, c, text)
	set(t, c, "a", `"its`)
	expectText(t, c, "a = '\"its' # \"so\"\n")
}

// FuzzParse: what is read is written as it was, and changed values are read back.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rfcExample), "it's")
	f.Add([]byte("a\r\n  # c\r    b=\"1\" #\"\n\rc"), `"a`)
	f.Add([]byte("a # it's \"so\"\na/b = 2\n    a = '3' # \"\n        b =#"), `it's "#1"`)
	f.Add([]byte("/a = 1\n    b/ = 2"), "# ")
	f.Add([]byte("a\n        b"), "")
	f.Fuzz(func(t *testing.T, b []byte, value string) {
		c, err := zpl.Parse(b)
		if err != nil {
			if c != nil {
				t.Fatal("a tree and an error")
			}
			return
		}
		expectText(t, c, string(b))
		tree := flatten(c)
		expectTree(t, parse(t, string(b)), tree...)
		if err := c.Set("new/one", value); err == nil {
			if got := parse(t, string(c.Bytes())).Get("new/one", "none"); got != value {
				t.Fatalf("set to %q, read back as %q", value, got)
			}
		}
		changeAll(c, value)
		tree = flatten(c)
		expectTree(t, parse(t, string(c.Bytes())), tree...)
	})
}

// changeAll sets every property to a value, and adds one below.
func changeAll(c *zpl.Config, value string) {
	for child := range c.Children() {
		changeAll(child, value)
		_ = c.Set(child.Name(), value) // the first of this name
		_, _ = child.Append("below", value)
	}
}
