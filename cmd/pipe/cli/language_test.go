package cli

import (
	"go/ast"
	"go/parser"
	"go/scanner"
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
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/cmd/internal/golden"
)

// avoided are the words that texts for people do not use.
var avoided = regexp.MustCompile(`(?i)\b(beside|mend|stands?|tells?|so\s+that|nobody|somebody|whom|of\s+which|is\s+none\s+of|what\s+is\s+another's)\b`)

// TestLanguage: the documentation, the golden outputs, the help and the string literals
// of the program use no avoided word. Those that still do are in
// testdata/avoided-words.txt.
func TestLanguage(t *testing.T) {
	texts := map[string]string{}
	for _, path := range repositoryFiles(t, ".golden", ".md") {
		texts[path] = fileText(t, filepath.Join("../../..", path))
	}
	var help func(words []string, all []*urfave.Command)
	help = func(words []string, all []*urfave.Command) {
		for _, c := range all {
			if c.Hidden || c.Name == "help" {
				continue
			}
			words := append(slices.Clone(words), c.Name)
			texts["pipe "+strings.Join(words, " ")+" --help"] = pipe(t, nil, append(words, "--help")...).stdout
			help(words, c.Subcommands)
		}
	}
	help(nil, (&app{Host: Host{Registry: components.Registry()}}).cli().Commands)
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
			continue
		}
		for _, text := range literals(t, filepath.Join("../../..", path)) {
			for _, word := range avoided.FindAllString(text, -1) {
				texts[path+": "+strings.ToLower(strings.Join(strings.Fields(word), " "))] = text
			}
		}
	}
	failing := map[string]string{}
	for name, text := range texts {
		if word := avoided.FindString(text); word != "" {
			failing[name] = "uses the word " + word
		}
	}
	shrinking(t, "testdata/avoided-words.txt", failing)
}

// TestLanguageComments: the comments of the Go files, tests included, use no avoided
// word. The files that still do are in testdata/avoided-words-comments.txt.
func TestLanguageComments(t *testing.T) {
	failing := map[string]string{}
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, ".pb.go") { // generated
			continue
		}
		for _, text := range comments(t, filepath.Join("../../..", path)) {
			if word := avoided.FindString(text); word != "" {
				failing[path] = "uses the word " + word + " in the comment: " + text
			}
		}
	}
	shrinking(t, "testdata/avoided-words-comments.txt", failing)
}

// audienceWord matches the audience nobody where a comment names it as a value.
var audienceWord = regexp.MustCompile(`"nobody"|\baccess\.Nobody\b`)

// comments returns the comments of a Go file without comment marks and without the names of
// the audience "nobody".
func comments(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, group := range file.Comments {
		out = append(out, audienceWord.ReplaceAllString(group.Text(), ""))
	}
	return out
}

// literals returns the string literals of a Go file without imports; literals joined by +
// are one.
func literals(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var joined func(e ast.Expr) string
	joined = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			text, err := strconv.Unquote(e.Value)
			if e.Kind == token.STRING && err == nil {
				return text
			}
		case *ast.BinaryExpr:
			return joined(e.X) + joined(e.Y)
		}
		return "…"
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BasicLit:
			out = append(out, joined(n))
		case *ast.BinaryExpr:
			out = append(out, joined(n))
		}
		return true
	})
	return out
}

// TestLineLength: no line of Go is longer than 120 characters, apart from raw strings and
// directives, which cannot be broken.
func TestLineLength(t *testing.T) {
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, ".pb.go") { // generated
			continue
		}
		text := withoutRawStrings(fileText(t, filepath.Join("../../..", path)))
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimSuffix(line, "\n")
			if utf8.RuneCountInString(line) > 120 && !strings.HasPrefix(line, "//go:") {
				t.Errorf("%s:%d is longer than 120 characters", path, n)
			}
		}
	}
}

// withoutRawStrings empties the raw strings of a Go file and keeps its lines.
func withoutRawStrings(text string) string {
	var sc scanner.Scanner
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	sc.Init(file, []byte(text), nil, scanner.ScanComments)
	var out strings.Builder
	done := 0
	for {
		pos, kind, literal := sc.Scan()
		if kind == token.EOF {
			return out.String() + text[done:]
		}
		if kind != token.STRING || literal[0] != '`' {
			continue
		}
		at := file.Offset(pos)
		out.WriteString(text[done:at] + strings.Repeat("\n", strings.Count(literal, "\n")))
		done = at + len(literal)
	}
}

// repositoryFiles returns the paths of the repository's files with these endings.
func repositoryFiles(t *testing.T, endings ...string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS("../../.."), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != "." && (strings.HasPrefix(d.Name(), ".") || path == "out") {
				return fs.SkipDir
			}
		case slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(path, e) }):
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// shrinking compares failures with a list of exceptions: every failure must be listed, and
// every listed name must fail. With -update it rewrites a list that does not grow, as after
// a file was moved.
func shrinking(t *testing.T, list string, failing map[string]string) {
	t.Helper()
	listed := slices.DeleteFunc(strings.Split(fileText(t, list), "\n"), func(name string) bool { return name == "" })
	names := slices.Sorted(maps.Keys(failing))
	if golden.Updating() && len(names) <= len(listed) {
		if err := os.WriteFile(list, []byte(strings.Join(append(names, ""), "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, name := range names {
		if !slices.Contains(listed, name) {
			t.Errorf("%s %s", name, failing[name])
		}
	}
	for _, name := range listed {
		if failing[name] == "" {
			t.Errorf("%s passes now or is gone: remove it from %s (go test ./cmd/pipe/cli -run '%s' -update)", name, list,
				t.Name())
		}
	}
}
