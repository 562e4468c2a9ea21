package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/pipe/cli"
)

// codesInSource are the codes of problems that the program can report, read from its source:
// arguments of a parameter `code`, values of a field Code, and constants with such names.
func codesInSource(t *testing.T) []string {
	t.Helper()
	all := map[string]bool{}
	for _, root := range []string{"../../../engine", "../../../sources", "../../../sinks", "../../../transforms",
		"../../../plugins/host", "../../internal"} {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && (e.Name() == "testdata" || e.Name() == "pipelinetest" ||
				e.Name() == "sandbox") {
				if err == nil {
					err = fs.SkipDir
				}
				return err
			}
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				for _, e := range codesAt(n) {
					if text, ok := e.(*ast.BasicLit); ok && text.Kind == token.STRING {
						code, err := strconv.Unquote(text.Value)
						if err == nil && codePattern.MatchString(code) {
							all[code] = true
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

var (
	codePattern  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	codeConstant = regexp.MustCompile(`^[cC]ode($|[A-Z])`)
)

// codesAt are the expressions that a node uses as codes.
func codesAt(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.ValueSpec:
		if codeConstant.MatchString(n.Names[0].Name) {
			return n.Values
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Code" || key.Name == "code") {
			return []ast.Expr{n.Value}
		}
	case *ast.CallExpr:
		name := ""
		switch fn := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = fn.Sel.Name
		case *ast.Ident:
			name = fn.Name
		}
		switch {
		case slices.Contains([]string{"Problem", "Warn", "KeyProblem", "WarnKey", "report"}, name) && len(n.Args) == 4:
			return n.Args[1:2]
		case name == "KeyProblem" && len(n.Args) == 5, name == "fail" && len(n.Args) == 5:
			return n.Args[2:3]
		}
	}
	return nil
}

// TestCodesAreExplained: every code that can be reported is explained, and no other.
func TestCodesAreExplained(t *testing.T) {
	var explained []string
	for _, c := range cli.Codes() {
		explained = append(explained, c.Name)
		if c.Text == "" {
			t.Errorf("%s has no text", c.Name)
		}
	}
	if !slices.IsSorted(explained) {
		t.Errorf("not in alphabetical order: %v", explained)
	}
	inSource := codesInSource(t)
	for _, name := range inSource {
		if !slices.Contains(explained, name) {
			t.Errorf("%s is not in codes.md", name)
		}
	}
	for _, name := range explained {
		if !slices.Contains(inSource, name) {
			t.Errorf("%s is reported by nothing", name)
		}
	}
}

// withoutExample are the codes that no few lines of YAML show.
const withoutExample = "agent bad-records bad-setting empty-file file-too-large fleet hub interpreter-only no-value " +
	"not-utf8 old-variable pipeline plugin plugin-config secret secret-file secret-origin state too-complex too-deep " +
	"too-many-nodes unknown-fixture unknown-rule unreadable-file untrusted worker wrong-file"

// TestCodesExamples replaces blocks of a small pipeline with both examples of each code: the
// wrong one has the problem, the right one does not.
func TestCodesExamples(t *testing.T) {
	for _, c := range cli.Codes() {
		if len(c.Examples) == 0 && strings.Contains(withoutExample, c.Name) {
			continue
		}
		if len(c.Examples) != 2 {
			t.Errorf("%s has %d examples", c.Name, len(c.Examples))
			continue
		}
		wrong, right := reported(t, c.Examples[0], c.Name == "undefined-variable"), reported(t, c.Examples[1], false)
		if !strings.Contains(wrong, " "+c.Name+": ") {
			t.Errorf("%s: the wrong example gives\n%s", c.Name, wrong)
		}
		if strings.Contains(right, " "+c.Name+": ") {
			t.Errorf("%s: the right example gives\n%s", c.Name, right)
		}
	}
}

// reported returns the problems that check reports in the small pipeline with some blocks
// replaced.
func reported(t *testing.T, blocks string, strict bool) string {
	t.Helper()
	b, err := os.ReadFile("../cli/testdata/good/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"check", write(t, "example.yaml", replaced(string(b), blocks))}
	if strict {
		args = append(args, "--strict-env")
	}
	return pipe(t, nil, args...).stdout
}

func TestExplain(t *testing.T) {
	for args, want := range map[string][]string{
		"check --explain unknown-name":                 {"unknown-name\n", "wrong:\n    define:", "right:"},
		"check --explain unknown-nam":                  {"did you mean unknown-name?"},
		"check --explain x":                            {"the codes are agent, alias, "},
		"check --explain tab --json":                   {`"code": "tab"`},
		"check ../cli/testdata/bad/name-misspelt.yaml": {"pipe check --explain CODE"},
	} {
		c := pipe(t, nil, strings.Fields(args)...)
		for _, text := range want {
			if !strings.Contains(c.both(), text) {
				t.Errorf("%s: no %q in\n%s", args, text, c.both())
			}
		}
	}
}
