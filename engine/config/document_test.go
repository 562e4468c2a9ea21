package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	secretFile := filepath.Join(dir, "unreadable")
	if err := os.WriteFile(secretFile, nil, 0); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                             "this is a directory",
		filepath.Join(dir, "no.yaml"):   "does not exist",
		secretFile:                      "may not be read",
		filepath.Join(dir, "\x00.yaml"): "cannot be read",
	} {
		if path == secretFile && os.Geteuid() <= 0 { // root, or Windows, where file modes do not deny access
			continue
		}
		doc, problems := Load(path)
		if len(problems) != 1 || !strings.Contains(problems.Error(), want) || problems[0].Pos.String() != path {
			t.Errorf("%s: %v", path, problems)
		}
		if more := Decode(doc.Root(), &pipeline{}, nil); len(more) > 0 {
			t.Errorf("%s: then %v", path, more)
		}
	}
	doc, problems := Load("testdata/good/least.yaml")
	if len(problems) > 0 || doc.Root().Get("source").Get("url").Pos() != (Pos{"testdata/good/least.yaml", 4, 8}) {
		t.Error(problems)
	}
}

// Files made to exhaust a parser are rejected quickly with one problem.
func TestLimits(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	for name, tc := range map[string]struct{ text, code string }{
		"large":         {strings.Repeat("# x\n", 1<<20+1), codeTooLarge},
		"deep flow":     {"a: " + strings.Repeat("[", 150) + strings.Repeat("]", 150), codeTooDeep},
		"deeper flow":   {"a: " + strings.Repeat("[", 20_000), codeSyntax},
		"deep block":    {nested(150), codeTooDeep},
		"many nodes":    {"a:\n" + strings.Repeat("- x\n", maxNodes), codeTooMany},
		"many brackets": {"a: [" + strings.Repeat("[],", maxNodes) + "]", codeTooMany},
		"alias bomb":    {bomb, codeTooMany},
		"alias loop":    {"a: &a\n  b: *a\n", codeAlias},
		"comments":      {strings.Repeat("#\n", 1<<20), codeEmpty},
		"broken late":   {strings.Repeat("a: 1\n", 100) + "b: x: y\n", codeTrapColon},
		"many errors":   {strings.Repeat("a: \"x\" y\n", 300_000), codeTrapQuote},
		"one long line": {"a: " + strings.Repeat("x: y ", 800_000), codeTrapColon},
		"a long string": {"a: '" + strings.Repeat("\n\n x", 500_000) + "\n", codeSyntax},
		"control":       {"a: \x01\n", codeSyntax},
	} {
		start := time.Now()
		doc, problems := Parse("p.yaml", []byte(tc.text))
		Decode(doc.Root(), &pipeline{}, nil)
		if !strings.Contains(problems.Error(), ": "+tc.code+": ") {
			t.Errorf("%s: %.300s", name, problems.Error())
		}
		t.Log(name, time.Since(start))
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func nested(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// Variables in a set value are replaced like those of the file, and must be set.
func TestSetVariables(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := &Variables{Lookup: func(name string) (string, bool) {
		v, ok := map[string]string{"HOST": "example.com", "SIZE": "50", "URL": "http://y.test"}[name]
		return v, ok
	}}
	for set, want := range map[string]string{
		"source.url=http://${HOST}":            "http://example.com",
		"source.url=http://${NOBODY:-x.test}":  "http://x.test",
		"source.url=http://a$b$1":              "http://a$b$1",
		"source.url=http://${NOBODY}":          "--set source.url: undefined-variable: NOBODY is not set",
		"source.url=http://${HOST":             "--set source.url: bad-variable: the closing } of this variable is missing",
		"source.url=$HOST":                     "--set source.url: bad-variable: a variable needs braces",
		"source.page_size=${SIZE}":             "50",
		"source.page_size=${HOST}":             "--set source.page_size: invalid-value",
		"source.plan.key=${file:" + key + "}":  canary,
		"source.plan.key=${file:nope}":         "--set source.plan.key: secret-file",
		"transforms.not orphaned.keep=${HOST}": "--set transforms.not orphaned.keep: variable-in-expression",
	} {
		doc, problems := Parse("folder/p.yaml", []byte(least+"transforms:\n  - name: not orphaned\n    keep: a\n"))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		path, value, _ := strings.Cut(set, "=")
		if err := doc.Set(path, value); err != nil {
			t.Error(err)
		}
		var p pipeline
		got := ""
		if problems = Decode(doc.Root(), &p, vars); problems.HasErrors() {
			got = problems.Errors()[0].String()
		} else if path == "source.plan.key" {
			got = p.Source.Plan.Key.Reveal()
		} else {
			got = map[string]string{"source.url": p.Source.URL, "source.page_size": fmt.Sprint(p.Source.PageSize)}[path]
		}
		if !strings.HasPrefix(got, want) || strings.HasPrefix(want, "http") && got != want {
			t.Errorf("%s: got %q, want %q", set, got, want)
		}
	}
}

func TestSet(t *testing.T) {
	doc, problems := Parse("p.yaml",
		[]byte(least+"transforms:\n  - name: not orphaned\n    keep: a\n  - name: second\n    keep: b\nvars:\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, set := range []string{"source.page_size=50", "source.url=http://$${HOST}", "source.plan.key=" + canary,
		"transforms.not orphaned.keep=x ? y : z",
		"transforms.1.keep=# + 1", "vars.a=b: c", "source.verify=false", "source.headers.X=" + canary, "name="} {
		path, value, _ := strings.Cut(set, "=")
		if err := doc.Set(path, value); err != nil {
			t.Error(err)
		}
	}
	var p pipeline
	problems = Decode(doc.Root(), &p, nil)
	if len(problems) != 1 || problems[0].String() != `--set name: required: "name" is required and empty` {
		t.Error(problems)
	}
	a, _ := p.Vars.Get("a")
	if p.Source.PageSize != 50 || p.Source.URL != "http://${HOST}" || p.Source.Plan.Key.Reveal() != canary ||
		*p.Source.Verify ||
		p.Transforms[0].Keep.Text != "x ? y : z" || p.Transforms[1].Keep.Text != "# + 1" || a != "b: c" {
		t.Errorf("%+v", p)
	}
	if pos := p.Transforms[0].Keep.Pos(1, 3); pos.String() != "--set transforms.not orphaned.keep" {
		t.Error(pos)
	}
	if err := doc.Set("source.bogus.x", "1"); err != nil {
		t.Error(err)
	}
	if err := doc.Set("max_loss", canary); err != nil {
		t.Error(err)
	}
	problems = Decode(doc.Root(), &p, nil)
	if !strings.Contains(problems.Error(), `--set source.bogus: unknown-key: unknown key "bogus"`) {
		t.Error(problems)
	}
	var out bytes.Buffer
	problems.Render(&out, func(string) []byte { return doc.Source() })
	for path, want := range map[string]string{
		"source":             "it is a mapping; set one value",
		"source.url.x":       "source.url is a single value and has no x",
		"transforms.2.keep":  "transforms has 2 items",
		"transforms.third.x": "(named items: not orphaned, second)",
		"":                   "a path is keys",
		"a..b":               "a path is keys",
		".a":                 "a path is keys",
	} {
		if err := doc.Set(path, "v"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	broken, _ := Parse("p.yaml", []byte("\xff"))
	if err := broken.Set("a", "b"); err == nil {
		t.Error("a value was set in a file that could not be parsed")
	}
}

func TestNilNode(t *testing.T) {
	var n *Node
	if n.Kind() != Absent || !n.IsNull() || n.Get("a") != nil || n.Items() != nil || n.Text() != "" || n.Path() != "" ||
		n.Pos() != (Pos{}) || n.KeyPos() != (Pos{}) || n.at(1, 1) != (Pos{}) {
		t.Error("a nil node is not absent")
	}
}
