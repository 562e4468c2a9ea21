package config

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// environment is what the test files see.
func environment() *Variables {
	env := map[string]string{"URL": "https://backstage", "EMPTY": "", "PAGE": "50", "NOT_A_NUMBER": canary,
		"TOKEN": canary, "YES": "yes"}
	return &Variables{
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(path string) ([]byte, error) {
			switch filepath.Base(path) {
			case "token":
				return []byte(canary + "\n"), nil
			case "empty":
				return []byte("\n"), nil
			case "large":
				return bytes.Repeat([]byte("x"), 65<<10), nil
			}
			return nil, os.ErrNotExist
		},
		Secret: func(_ context.Context, name string, _ bool) (SecretText, error) {
			switch name {
			case "token":
				return SecretText{Text: canary}, nil
			case "portal":
				return SecretText{Text: canary, Origins: []string{"https://portal.example.com"}}, nil
			case "empty":
				return SecretText{}, nil
			}
			return SecretText{}, &SecretError{Message: "the store has no secret " + quote(name), Hint: "add it"}
		},
	}
}

const canary = "s3cr3t-CANARY"

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if strings.Contains(string(got), "CANARY") {
		t.Errorf("a secret is shown:\n%s", got)
	}
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

func TestBad(t *testing.T) {
	files, _ := filepath.Glob("testdata/bad/*.yaml")
	if len(files) < 30 {
		t.Fatalf("only %d files", len(files))
	}
	seen := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			doc, problems := Parse(name, data)
			vars := environment()
			problems = append(problems, Decode(doc.Root(), &pipeline{}, vars)...)
			problems = append(problems, vars.Unsent()...)
			if len(problems) == 0 {
				t.Fatal("nothing is wrong")
			}
			for _, p := range problems {
				seen[p.Code] = true
			}
			var out bytes.Buffer
			problems.Render(&out, func(string) []byte { return doc.Source() })
			golden(t, strings.TrimSuffix(file, "yaml")+"golden", out.Bytes())
		})
	}
	for _, code := range Codes() {
		if !seen[code.Name] && code.Name != codeTooLarge && code.Name != codeUnreadable && code.Name != codeTooMany &&
			code.Name != codeTooDeep && code.Name != codeWrongFile {
			t.Errorf("no file in testdata/bad shows %s", code.Name)
		}
	}
}

func TestGood(t *testing.T) {
	files, _ := filepath.Glob("testdata/good/*.yaml")
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			doc, problems := Load(file)
			var into pipeline
			problems = append(problems, Decode(doc.Root(), &into, environment())...)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			into.Rest = nil
			out, err := codec.MarshalIndent(into)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, "yaml")+"golden", append(out, '\n'))
		})
	}
}

func TestCodes(t *testing.T) {
	var out bytes.Buffer
	for i, code := range Codes() {
		if i > 0 && Codes()[i-1].Name >= code.Name {
			t.Errorf("%s is out of order", code.Name)
		}
		fmt.Fprintf(&out, "%s\t%s\n", code.Name, code.Meaning)
	}
	golden(t, "testdata/codes.golden", out.Bytes())
}
