package pipelinetest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/lint"
	"github.com/pipe-engine/pipe/engine/pipeline"
)

// Golden loads every testdata/bad/NAME-OF-THE-FAULT.yaml and testdata/good/*.yaml in the folder
// of the test and compares the reported problems with the golden file of the same name, which
// update rewrites. A bad file has an error. A good file has none, and needs a golden file only
// when it has warnings. Lines at the start of a file that begin with #: are options:
//
//	#: set PATH=VALUE    #: lenient    #: only STREAM
func Golden(t *testing.T, update *bool, registry component.Registry) {
	t.Helper()
	files, _ := filepath.Glob("testdata/*/*.yaml")
	if len(files) == 0 {
		t.Fatal("no files in testdata")
	}
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, "testdata/"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d := pipeline.Parse(filepath.Base(file), text, options(string(text), registry))
			lint.Check(d)
			if bad := filepath.Base(filepath.Dir(file)) == "bad"; bad != d.Problems.HasErrors() {
				t.Errorf("has errors: %v\n%v", !bad, d.Problems)
			}
			if twice(d) {
				t.Errorf("a problem is listed twice:\n%v", d.Problems)
			}
			var out bytes.Buffer
			d.Problems.Render(&out, func(string) []byte { return d.Document.Source() })
			compare(t, strings.TrimSuffix(file, "yaml")+"golden", out.Bytes(), *update)
		})
	}
}

// UpdateFlag declares the flag -update.
func UpdateFlag() *bool { return flag.Bool("update", false, "rewrite the golden files") }

func options(text string, registry component.Registry) pipeline.Options {
	o := pipeline.Options{Registry: registry, Variables: Variables()}
	for line := range strings.Lines(text) {
		option, ok := strings.CutPrefix(strings.TrimSpace(line), "#: ")
		if !ok {
			break
		}
		word, rest, _ := strings.Cut(option, " ")
		switch word {
		case "set":
			path, value, _ := strings.Cut(rest, "=")
			o.Settings = append(o.Settings, pipeline.Setting{Path: path, Value: value})
		case "lenient":
			o.Variables.Lenient, o.Variables.SkipSecrets = true, true
		case "only":
			o.Only = append(o.Only, rest)
		}
	}
	return o
}

// twice reports whether two errors have the same position, except for errors about something
// missing.
func twice(d *pipeline.Definition) bool {
	seen := map[string]bool{}
	for _, p := range d.Problems.Errors() {
		if p.Line == 0 || p.Code == "required" {
			continue
		}
		if seen[p.Pos.String()] {
			return true
		}
		seen[p.Pos.String()] = true
	}
	return false
}

func compare(t *testing.T, file string, got []byte, update bool) {
	t.Helper()
	want, err := os.ReadFile(file)
	switch {
	case bytes.Contains(got, []byte("CANARY")):
		t.Errorf("a secret is shown:\n%s", got)
	case update && len(got) == 0:
		_ = os.Remove(file)
	case update:
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	case err != nil && !os.IsNotExist(err):
		t.Fatal(err)
	case !bytes.Equal(got, want):
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}
