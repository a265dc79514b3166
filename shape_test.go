package zmq_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"strconv"
	"strings"
	"testing"
)

// The limits of size. Where one must be passed, docs/exceptions.txt says why.
const (
	maxFileLines     = 600
	maxFunctionLines = 80
)

// TestShape keeps files and functions small enough to read.
func TestShape(t *testing.T) {
	allowed := map[string]bool{}
	for _, line := range readLines(t, "docs/exceptions.txt") {
		what, why, _ := strings.Cut(line, " ")
		if strings.TrimSpace(why) == "" {
			t.Errorf("docs/exceptions.txt: %s: the reason is missing", what)
		}
		allowed[what] = true
	}
	tooLong := func(what string, lines, limit int) {
		if lines <= limit {
			return
		}
		if !allowed[what] {
			t.Errorf("%s has %d lines, the limit is %d: split it, or say why in docs/exceptions.txt", what, lines, limit)
		}
		delete(allowed, what)
	}
	for _, f := range readTree(t) {
		if ast.IsGenerated(f.ast) {
			continue
		}
		tooLong(f.path, bytes.Count(f.src, []byte("\n")), maxFileLines)
		for _, decl := range f.ast.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				tooLong(f.path+":"+functionName(fn), f.line(fn.End())-f.line(fn.Pos())+1, maxFunctionLines)
			}
		}
	}
	for what := range allowed {
		t.Errorf("docs/exceptions.txt: %s is within the limits: take the line out", what)
	}
}

// functionName is Name, or Type.Name of a method.
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	typ := fn.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	switch generic := typ.(type) {
	case *ast.IndexExpr:
		typ = generic.X
	case *ast.IndexListExpr:
		typ = generic.X
	}
	return fmt.Sprintf("%s.%s", typ, fn.Name.Name)
}

// TestNoSleepInTests: a test that sleeps is slow where the machine is fast and
// wrong where it is slow. Time is testing/synctest's, or a condition is waited for.
func TestNoSleepInTests(t *testing.T) {
	for _, f := range readTree(t) {
		name := importedAs(f, "time")
		if !f.isTest() || name == "" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Sleep" {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
				t.Errorf("%s:%d sleeps: wait for the condition, or use testing/synctest", f.path, f.line(n.Pos()))
			}
			return true
		})
	}
}

// importedAs is the name by which a file knows a package, "" if it does not.
func importedAs(f *treeFile, pkg string) string {
	for _, spec := range f.ast.Imports {
		if imported, _ := strconv.Unquote(spec.Path.Value); imported != pkg {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return pkg[strings.LastIndexByte(pkg, '/')+1:]
	}
	return ""
}

// TestGoroutinesHaveNames: each goroutine of the library runs a named function
// or method, so that a stack and a search say who it is and who owns it.
func TestGoroutinesHaveNames(t *testing.T) {
	for _, f := range readTree(t) {
		if f.module != "." || f.isTest() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			var started ast.Expr
			switch n := n.(type) {
			case *ast.GoStmt:
				started = n.Call.Fun
			case *ast.CallExpr: // sync.WaitGroup.Go and its kin
				if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" && len(n.Args) == 1 {
					started = n.Args[0]
				}
			}
			if _, nameless := ast.Unparen(started).(*ast.FuncLit); nameless {
				t.Errorf("%s:%d starts a goroutine without a name: make it a method", f.path, f.line(n.Pos()))
			}
			return true
		})
	}
}
