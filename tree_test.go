package zmq_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// modulePath is the root module's path.
const modulePath = "github.com/phimq/zmq"

// A treeFile is one file of the repository, as the tests that hold the house
// in order read it. They parse in their own process: the test cache sees the
// files that a test opens, but not those that a "go list" would.
type treeFile struct {
	path   string // from the top of the repository, with slashes
	module string // folder of the go.mod that rules it: "." for the root module
	src    []byte
	fset   *token.FileSet
	ast    *ast.File
}

func (f *treeFile) dir() string  { return path.Dir(f.path) }
func (f *treeFile) isTest() bool { return strings.HasSuffix(f.path, "_test.go") }

// line is where a node of the file begins.
func (f *treeFile) line(pos token.Pos) int { return f.fset.Position(pos).Line }

// walkTree calls visit for each file of the repository, of every module in it,
// whose name ends in ext. Hidden folders and testdata are left out.
func walkTree(t *testing.T, ext string, visit func(file, module string)) {
	t.Helper()
	modules := map[string]string{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if !d.IsDir() {
			if strings.HasSuffix(file, ext) {
				visit(file, modules[path.Dir(file)])
			}
			return nil
		}
		if file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		modules[file] = modules[path.Dir(file)]
		if _, err := os.Stat(filepath.Join(file, "go.mod")); err == nil {
			modules[file] = file
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readTree parses every Go file of the repository.
func readTree(t *testing.T) []*treeFile {
	t.Helper()
	fset := token.NewFileSet()
	var files []*treeFile
	walkTree(t, ".go", func(file, module string) {
		src := readFile(t, file)
		parsed, err := parser.ParseFile(fset, file, src, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, &treeFile{path: file, module: module, src: src, fset: fset, ast: parsed})
	})
	return files
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readLines gives the lines of a text that are neither empty nor a comment.
func readLines(t *testing.T, file string) []string {
	t.Helper()
	var lines []string
	for line := range strings.Lines(string(readFile(t, file))) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
