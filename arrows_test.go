package zmq_test

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is what arrows.txt says of one package.
type room struct {
	may     []string
	mustNot []string
	seen    bool
}

func readRooms(t *testing.T) map[string]*room {
	t.Helper()
	rooms := map[string]*room{}
	for _, line := range readLines(t, "arrows.txt") {
		name, law, ok := strings.Cut(line, "->")
		if !ok {
			t.Fatalf("arrows.txt: no arrow in %q", line)
		}
		may, mustNot, _ := strings.Cut(law, "!")
		rooms[strings.TrimSpace(name)] = &room{may: strings.Fields(may), mustNot: strings.Fields(mustNot)}
	}
	return rooms
}

// TestArrows holds the imports and the goroutines of the module against arrows.txt.
func TestArrows(t *testing.T) {
	rooms := readRooms(t)
	for _, f := range readTree(t) {
		if f.module != "." || f.isTest() {
			continue
		}
		r := roomOf(rooms, f.dir())
		if r == nil {
			t.Errorf("%s: a new room: say in arrows.txt what it may import", f.path)
			continue
		}
		r.seen = true
		for _, spec := range f.ast.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if !r.allows(imported) {
				t.Errorf("%s:%d imports %s, which arrows.txt does not allow %s", f.path, f.line(spec.Pos()), imported, f.dir())
			}
		}
		if slices.Contains(r.mustNot, "go") {
			for _, at := range goStatements(f) {
				t.Errorf("%s:%d starts a goroutine, which arrows.txt does not allow %s", f.path, f.line(at.Pos()), f.dir())
			}
		}
	}
	for name, r := range rooms {
		if !r.seen {
			t.Errorf("arrows.txt names %s, which is no room", name)
		}
	}
}

// roomOf finds the room of a folder: a line of its own, or one that ends in
// "/..." and stands for all folders below.
func roomOf(rooms map[string]*room, dir string) *room {
	if r := rooms[dir]; r != nil {
		return r
	}
	for parent := dir; parent != "."; {
		parent = path.Dir(parent)
		if r := rooms[parent+"/..."]; r != nil {
			return r
		}
	}
	return nil
}

func (r *room) allows(imported string) bool {
	ours, inside := strings.CutPrefix(imported, modulePath)
	if !inside {
		return !slices.Contains(r.mustNot, imported)
	}
	if ours == "" {
		return slices.Contains(r.may, ".")
	}
	return slices.Contains(r.may, strings.TrimPrefix(ours, "/"))
}

// goStatements are the places where a file starts a goroutine.
func goStatements(f *treeFile) []*ast.GoStmt {
	var found []*ast.GoStmt
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.GoStmt); ok {
			found = append(found, s)
		}
		return true
	})
	return found
}

// TestRequirements keeps the root module light: it is what people get, so it
// requires nothing but golang.org/x.
func TestRequirements(t *testing.T) {
	inBlock := false
	for line := range strings.Lines(string(readFile(t, "go.mod"))) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "require" && words[1] == "(":
			inBlock = true
		case words[0] == ")":
			inBlock = false
		case words[0] == "replace" || words[0] == "exclude":
			t.Errorf("go.mod: %q has no effect for those who import the module", strings.TrimSpace(line))
		case words[0] == "require":
			checkRequirement(t, words[1])
		case inBlock:
			checkRequirement(t, words[0])
		}
	}
}

func checkRequirement(t *testing.T, module string) {
	t.Helper()
	if !strings.HasPrefix(module, "golang.org/x/") && !strings.HasPrefix(module, "//") {
		t.Errorf("go.mod requires %s: the root module requires golang.org/x only", module)
	}
}
