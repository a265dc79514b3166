package zmq_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/phimq/zmq"
)

// TestPackageComments: a package has one comment, and its first sentence names
// the package's one responsibility.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{} // by folder and package name
	for _, f := range readTree(t) {
		if f.isTest() {
			continue
		}
		pkg := f.dir() + " " + f.ast.Name.Name
		comments[pkg] = slices.Grow(comments[pkg], 1)
		if f.ast.Doc != nil {
			comments[pkg] = append(comments[pkg], f.ast.Doc.Text())
		}
	}
	for pkg, texts := range comments {
		dir, name, _ := strings.Cut(pkg, " ")
		if len(texts) != 1 {
			t.Errorf("%s: package %s has %d package comments, wants one", dir, name, len(texts))
			continue
		}
		start := "Package " + name + " "
		if name == "main" {
			start = "Command " + path.Base(dir) + " "
		}
		first := new(doc.Package).Synopsis(texts[0])
		if !strings.HasPrefix(first, start) || !strings.HasSuffix(first, ".") || len(strings.Fields(first)) < 5 {
			t.Errorf("%s: the package comment begins %q, wants a sentence %q and what it is responsible for", dir, first, start+"...")
		}
	}
}

// citation is how a sentence of an RFC is cited: number, then heading.
var citation = regexp.MustCompile(`RFC (\d{1,2}) "([^"]+)"`)

// TestCitations: every RFC heading that a comment or a text cites exists.
func TestCitations(t *testing.T) {
	headings := readHeadings(t)
	check := func(at, text string) {
		for _, cited := range citation.FindAllString(strings.Join(strings.Fields(text), " "), -1) {
			if !headings[cited] {
				t.Errorf("%s cites %s, which is not in docs/rfc/headings.txt", at, cited)
			}
		}
	}
	for _, f := range readTree(t) {
		for _, group := range f.ast.Comments {
			check(fmt.Sprintf("%s:%d", f.path, f.line(group.Pos())), group.Text())
		}
	}
	walkTree(t, ".md", func(file, _ string) { check(file, string(readFile(t, file))) })
}

func readHeadings(t *testing.T) map[string]bool {
	t.Helper()
	headings := map[string]bool{}
	for _, line := range readLines(t, "docs/rfc/headings.txt") {
		if citation.FindString(line) != line {
			t.Errorf("docs/rfc/headings.txt: %s is not spelled as a citation", line)
		}
		headings[line] = true
	}
	return headings
}

var (
	codeBlock  = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	mdLink     = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)|(?m:^\[[^\]]+\]:\s*(\S+))`)
	mdHeading  = regexp.MustCompile(`(?m)^#+ +(.+?) *$`)
	slugOmits  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// TestLinks: every relative link in a text leads to a file, and to a heading of
// it where it names one.
func TestLinks(t *testing.T) {
	walkTree(t, ".md", func(file, _ string) {
		text := codeBlock.ReplaceAllString(string(readFile(t, file)), "")
		for _, m := range mdLink.FindAllStringSubmatch(inlineCode.ReplaceAllString(text, ""), -1) {
			link := m[1] + m[2]
			if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
				continue
			}
			to, anchor, _ := strings.Cut(link, "#")
			target := path.Join(path.Dir(file), to)
			if to == "" {
				target = file
			}
			if _, err := os.Stat(filepath.FromSlash(target)); err != nil {
				t.Errorf("%s links to %s, which is not there", file, link)
			} else if anchor != "" && strings.HasSuffix(target, ".md") && !slices.Contains(anchors(t, target), anchor) {
				t.Errorf("%s links to %s, which has no such heading", file, link)
			}
		}
	})
}

// anchors are the names by which the headings of a text can be linked to.
func anchors(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	text := codeBlock.ReplaceAllString(string(readFile(t, file)), "")
	for _, m := range mdHeading.FindAllStringSubmatch(text, -1) {
		name := slugOmits.ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// testCell is the cell of a conformance table that names a test: its file, its
// function, and its case if the rule is held by one of several.
var testCell = regexp.MustCompile("^`([^` ]+_test\\.go)` `(Test\\w+)(?:/([^`]+))?`$")

// laterCell is that cell where the rule concerns what is not built yet.
var laterCell = regexp.MustCompile(`^later: [A-Z][A-Za-z0-9, ]+$`)

// TestConformanceTables: each row of docs/rfc/NN.md cites a heading that exists
// and names a test that exists, or says why there is none.
func TestConformanceTables(t *testing.T) {
	headings := readHeadings(t)
	files := readTestFiles(t)
	tables, err := filepath.Glob("docs/rfc/[0-9]*.md")
	if err != nil || len(tables) == 0 {
		t.Fatal("no conformance tables in docs/rfc", err)
	}
	for _, file := range tables {
		number := strings.TrimLeft(strings.TrimSuffix(filepath.Base(file), ".md"), "0")
		rows := tableRows(string(readFile(t, filepath.ToSlash(file))))
		if len(rows) == 0 {
			t.Errorf("%s has no rows", file)
		}
		for i, row := range rows {
			at := fmt.Sprintf("%s row %d", file, i+1)
			if len(row) != 5 {
				t.Errorf("%s has %d cells, wants 5: #, heading, rule, test, note", at, len(row))
				continue
			}
			if row[0] != fmt.Sprint(i+1) {
				t.Errorf("%s is numbered %s", at, row[0])
			}
			if cited := fmt.Sprintf("RFC %s %q", number, row[1]); !headings[cited] {
				t.Errorf("%s: %s is not in docs/rfc/headings.txt", at, cited)
			}
			if row[2] == "" {
				t.Errorf("%s has no rule", at)
			}
			if problem := checkTestCell(files, row[3], row[4]); problem != "" {
				t.Errorf("%s: %s", at, problem)
			}
		}
	}
}

// pains is how many of them users have told of.
const pains = 16

// TestPains: each row of docs/pains.md has the number of a pain, a promise and a
// test that exists. Every pain has one test that is named after it, or says
// what has to be built first.
func TestPains(t *testing.T) {
	files := readTestFiles(t)
	kept := map[int]bool{}
	for i, row := range tableRows(string(readFile(t, "docs/pains.md"))) {
		if len(row) != 4 || row[1] == "" || row[2] == "" {
			t.Errorf("row %d: want number, pain, promise, test: %q", i+1, row)
			continue
		}
		n, err := strconv.Atoi(row[0])
		if err != nil || n < 1 || n > pains {
			t.Errorf("row %d: %q is no number from 1 to %d", i+1, row[0], pains)
		}
		if problem := checkTestCell(files, row[3], row[2]); problem != "" {
			t.Errorf("row %d, %s: %s", i+1, row[1], problem)
		}
		if i < pains {
			named := strings.Contains(row[3], fmt.Sprintf("`TestPain%02d_", n)) || laterCell.MatchString(row[3])
			if n != i+1 || !named {
				t.Errorf("row %d has number %d and test %s: want pain %d and a test that is named after it", i+1, n, row[3], i+1)
			}
			kept[n] = true
		}
	}
	if len(kept) != pains {
		t.Errorf("%d of %d pains have a row", len(kept), pains)
	}
}

// TestOptionTests: each option of docs/options.md names a test of what it does,
// and each of libzmq's that is not there says why. That the table is that of
// the code, a test of cmd/ holds.
func TestOptionTests(t *testing.T) {
	files := readTestFiles(t)
	there, absent := map[string]bool{}, map[string]bool{}
	for _, row := range tableRows(string(readFile(t, "docs/options.md"))) {
		name := strings.Trim(row[0], "`")
		switch len(row) {
		case 9:
			there[name] = true
			if problem := checkTestCell(files, row[8], ""); problem != "" {
				t.Errorf("%s: %s (docs/option_tests.txt)", name, problem)
			}
		case 3:
			absent[name] = true
			if row[1] == "" || row[2] == "" {
				t.Errorf("%s is not there and has no number or no reason", name)
			}
		default:
			t.Errorf("%s has %d cells", name, len(row))
		}
	}
	for _, o := range zmq.Options() {
		if !there[o.Name] || absent[o.Name] {
			t.Errorf("%s is an option: docs/options.md has it among those that are there: %t; that are not: %t", o.Name, there[o.Name], absent[o.Name])
		}
	}
	for _, line := range readLines(t, "docs/option_tests.txt") {
		if name, _, _ := strings.Cut(line, " "); !there[name] {
			t.Errorf("docs/option_tests.txt: there is no option %s", name)
		}
	}
}

// checkTestCell says what is wrong with a row's test and note, "" if nothing is.
func checkTestCell(files map[string]testFile, cell, note string) string {
	if cell == "process" || laterCell.MatchString(cell) {
		if note == "" {
			return fmt.Sprintf("%q wants a reason in the note", cell)
		}
		return ""
	}
	m := testCell.FindStringSubmatch(cell)
	if m == nil {
		return fmt.Sprintf("the test is %q: want `file` `Test`, process, or later: THING", cell)
	}
	file, name, sub := m[1], m[2], m[3]
	in := files[file]
	switch {
	case !in.tests[name]:
		for other, in := range files {
			if in.tests[name] {
				return fmt.Sprintf("%s is in %s, not in %s", name, other, file)
			}
		}
		return fmt.Sprintf("there is no %s in %s", name, file)
	case sub != "" && !in.cases[sub]:
		return fmt.Sprintf("%s has no case %q", file, sub)
	}
	return ""
}

// A testFile is what a file of tests offers to the conformance tables.
type testFile struct {
	tests map[string]bool // its test functions
	cases map[string]bool // its string literals, among them the names of subtests and cases
}

func readTestFiles(t *testing.T) map[string]testFile {
	t.Helper()
	files := map[string]testFile{}
	for _, f := range readTree(t) {
		if !f.isTest() {
			continue
		}
		in := testFile{tests: map[string]bool{}, cases: map[string]bool{}}
		files[f.path] = in
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				in.tests[n.Name.Name] = n.Recv == nil && strings.HasPrefix(n.Name.Name, "Test")
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					in.cases[text] = true
				}
			}
			return true
		})
	}
	return files
}

// tableRows are the cells of the tables of a text, without head and rule.
func tableRows(text string) [][]string {
	var rows [][]string
	inTable := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inTable = 0
			continue
		}
		if inTable++; inTable <= 2 {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}
