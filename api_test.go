package zmq_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/token"
	"go/types"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write api.txt anew")

// TestAPI holds the exported surface of the module against api.txt, one line
// a name: what changes for those who use it is a line in the diff.
func TestAPI(t *testing.T) {
	got := exportedSurface(t)
	if *update {
		text := "# What the module exports. Written by: go test . -run TestAPI -update\n" + strings.Join(got, "\n") + "\n"
		if err := os.WriteFile("api.txt", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := readLines(t, "api.txt")
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("not in api.txt: %s", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("only in api.txt: %s", line)
		}
	}
	if t.Failed() {
		t.Log("if the change is meant: go test . -run TestAPI -update")
	}
}

// exportedSurface lists what the public packages of the root module export, as
// linux/amd64 sees it, whatever the machine of the test.
func exportedSurface(t *testing.T) []string {
	t.Helper()
	target := build.Default
	target.GOOS, target.GOARCH, target.CgoEnabled = "linux", "amd64", false
	packages := map[string][]*ast.File{}
	var fset *token.FileSet
	for _, f := range readTree(t) {
		if f.module != "." || f.isTest() || strings.HasPrefix(f.path, "internal/") || f.ast.Name.Name == "main" {
			continue
		}
		match, err := target.MatchFile(f.dir(), path.Base(f.path))
		if err != nil {
			t.Fatal(err)
		}
		if match {
			fset = f.fset
			packages[f.dir()] = append(packages[f.dir()], f.ast)
		}
	}
	var lines []string
	for dir, files := range packages {
		pkg, err := doc.NewFromFiles(fset, files, path.Join(modulePath, dir))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, packageSurface(pkg)...)
	}
	slices.Sort(lines)
	return lines
}

func packageSurface(pkg *doc.Package) []string {
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, pkg.Name+" "+fmt.Sprintf(format, args...))
	}
	addValues := func(groups []*doc.Value) {
		for _, group := range groups {
			addValueGroup(group, add)
		}
	}
	addFuncs := func(funcs []*doc.Func) {
		for _, f := range funcs {
			kind := "func "
			if f.Recv != "" {
				kind = "method (" + f.Recv + ") "
			}
			add("%s%s%s%s", kind, f.Name, typeParams(f.Decl.Type.TypeParams), signature(f.Decl.Type))
		}
	}
	addValues(pkg.Consts)
	addValues(pkg.Vars)
	addFuncs(pkg.Funcs)
	for _, typ := range pkg.Types {
		addValues(typ.Consts)
		addValues(typ.Vars)
		addFuncs(typ.Funcs)
		addFuncs(typ.Methods)
		for _, spec := range typ.Decl.Specs {
			addType(spec.(*ast.TypeSpec), add)
		}
	}
	return lines
}

func addValueGroup(group *doc.Value, add func(string, ...any)) {
	kind := group.Decl.Tok.String() // const or var
	typ := ""
	for _, spec := range group.Decl.Specs {
		value := spec.(*ast.ValueSpec)
		if value.Type != nil {
			typ = " " + types.ExprString(value.Type)
		} else if len(value.Values) > 0 {
			typ = "" // only a constant that repeats the line above has its type too
		}
		for _, name := range value.Names {
			if name.IsExported() {
				add("%s %s%s", kind, name.Name, typ)
			}
		}
	}
}

func addType(spec *ast.TypeSpec, add func(string, ...any)) {
	name := spec.Name.Name
	head := "type " + name + typeParams(spec.TypeParams)
	if spec.Assign.IsValid() {
		head += " ="
	}
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		add("%s struct", head)
		for _, field := range typ.Fields.List {
			addMembers("field", name, field, add)
		}
	case *ast.InterfaceType:
		add("%s interface", head)
		for _, field := range typ.Methods.List {
			addMembers("method", name, field, add)
		}
	default:
		add("%s %s", head, types.ExprString(typ))
	}
}

// addMembers adds the names of one line of a struct or of an interface.
func addMembers(kind, owner string, field *ast.Field, add func(string, ...any)) {
	typ := types.ExprString(field.Type)
	if len(field.Names) == 0 {
		add("embeds %s.%s", owner, typ)
	}
	if fn, ok := field.Type.(*ast.FuncType); ok && kind == "method" {
		typ = signature(fn)
	} else {
		typ = " " + typ
	}
	for _, name := range field.Names {
		if name.IsExported() {
			add("%s %s.%s%s", kind, owner, name.Name, typ)
		}
	}
}

// signature is a function's type on one line, without the word func.
func signature(fn *ast.FuncType) string {
	return strings.TrimPrefix(types.ExprString(fn), "func")
}

func typeParams(params *ast.FieldList) string {
	if params == nil {
		return ""
	}
	var list []string
	for _, field := range params.List {
		for _, name := range field.Names {
			list = append(list, name.Name+" "+types.ExprString(field.Type))
		}
	}
	return "[" + strings.Join(list, ", ") + "]"
}
