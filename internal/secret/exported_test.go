package secret_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// exportedTypes returns the exported types of all public packages, such as
// "djsession.Settings". It leaves out interfaces, which are printed as the type in them, and
// aliases, whose type has a sample under its own name.
func exportedTypes(t *testing.T, root string) []string {
	var names []string
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch name := entry.Name(); {
		case dir != root && strings.HasPrefix(name, "."), name == "internal", name == "testdata", name == "cmd", name == "examples", name == "tools":
			return fs.SkipDir
		}
		names = append(names, typesOf(t, dir)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 40 {
		t.Fatalf("only %d exported types were found: %v", len(names), names)
	}
	return names
}

// typesOf are the exported types of the package in a folder. What it imports stays
// unknown, which changes no name.
func typesOf(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var parsed []*ast.File
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	if len(parsed) == 0 || parsed[0].Name.Name == "main" {
		return nil
	}
	config := types.Config{Importer: unknown{}, Error: func(error) {}}
	pkg, _ := config.Check(parsed[0].Name.Name, set, parsed, nil)
	var names []string
	for _, name := range pkg.Scope().Names() {
		object, isType := pkg.Scope().Lookup(name).(*types.TypeName)
		if isType && object.Exported() && !object.IsAlias() && !types.IsInterface(object.Type()) {
			names = append(names, pkg.Name()+"."+name)
		}
	}
	return names
}

// unknown imports packages of which nothing is known but the name.
type unknown struct{}

func (unknown) Import(path_ string) (*types.Package, error) {
	pkg := types.NewPackage(path_, path.Base(path_))
	pkg.MarkComplete()
	return pkg, nil
}

// typeName is a sample's type as exportedTypes has it.
func typeName(sample any) string {
	typ := reflect.TypeOf(sample)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	return path.Base(typ.PkgPath()) + "." + typ.Name()
}
