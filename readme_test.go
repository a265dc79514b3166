package zmq_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestReadme: the program in each README is the example that is compiled and
// run, word for word.
func TestReadme(t *testing.T) {
	program := string(readFile(t, "example_readme_test.go"))
	program = regexp.MustCompile(`\t// Output: .*\n`).ReplaceAllString(program, "")
	program = strings.Replace(program, "package zmq_test", "package main", 1)
	program = strings.Replace(program, "func Example_readme()", "func main()", 1)
	block := regexp.MustCompile("(?s)```go\n(.*?)```")
	for _, file := range []string{"README.md", "README.zh-CN.md"} {
		blocks := block.FindAllStringSubmatch(string(readFile(t, file)), -1)
		if len(blocks) != 1 || blocks[0][1] != program {
			t.Errorf("%s has %d Go programs; want one, that of example_readme_test.go", file, len(blocks))
		}
	}
}
