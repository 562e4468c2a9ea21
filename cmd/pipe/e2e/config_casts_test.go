package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoConfigCasts: a component gets its configuration with its type, from the
// generic specs of engine/component, and no file asserts the type of one.
func TestNoConfigCasts(t *testing.T) {
	root, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, top := range []string{"sources", "sinks", "transforms", "plugins", "cmd"} {
		folder := filepath.Join(strings.TrimSpace(string(root)), top)
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, at := range configCasts(file) {
				t.Errorf("%s: the type of a configuration is asserted", set.Position(at))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 100 {
		t.Errorf("only %d files were read", files)
	}
}

// configCasts are the places of a file that assert the type of something called a
// configuration, or that assert a type so called.
func configCasts(file *ast.File) (out []token.Pos) {
	ast.Inspect(file, func(n ast.Node) bool {
		a, ok := n.(*ast.TypeAssertExpr)
		if ok && a.Type != nil && (isConfig(a.X, "cfg") || isConfig(a.Type, "Config")) {
			out = append(out, a.Pos())
		}
		return true
	})
	return out
}

// isConfig reports whether the name of an expression or a type, a pointer's element
// included, ends with the suffix in any case.
func isConfig(e ast.Expr, suffix string) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return isConfig(e.X, suffix)
	case *ast.SelectorExpr:
		return isConfig(e.Sel, suffix)
	case *ast.Ident:
		return strings.HasSuffix(strings.ToLower(e.Name), strings.ToLower(suffix))
	}
	return false
}

func TestConfigCasts(t *testing.T) {
	for text, want := range map[string]int{
		"cfg.(*Config)": 1, "*cfg.(*settings.Config)": 1, "d.SinkCfg.(*other)": 1, "x.(Config)": 1, "cfg.(*[]string)": 1,
		"x.(*other)": 0, "cfg": 0, "x.(component.Inspector)": 0,
	} {
		source := "package x\n\nvar v = " + text + "\n"
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(configCasts(file)); got != want {
			t.Errorf("%s: %d casts, want %d", text, got, want)
		}
	}
}
