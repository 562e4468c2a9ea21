package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/components"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/editor/quickfix"
	"github.com/pipe-engine/pipe/engine/editor/text"
	"github.com/pipe-engine/pipe/engine/job"
)

// claim matches the hints that say what to write. Those with a gap, a choice or an example for a
// value that only the author knows claim nothing.
var (
	claim   = regexp.MustCompile(`^(did you mean|write|start it in|indent with|start each item|kinds are|for the|add \w+: \w|take one|wrap|if .+ write|# is|a key with|values are|check for a missing)|or write|or remove the line$|^keep one`)
	noClaim = regexp.MustCompile(`^write (\S+: …|digits only|year, month|4B for bytes|only the token)|^add \w+: …|: EXPRESSION|under added name|^for the text write .*…`)
)

// TestFixes: every hint that claims a fix is a fix after which the file passes, and --fix writes
// it where there is one.
func TestFixes(t *testing.T) {
	fixed := 0
	for _, file := range pipelinesIn(t, "bad") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			check := func(changed []byte) config.Problems {
				return job.Options{Path: file, Registry: components.Registry(), Text: changed, Lenient: true,
					SkipSecrets: true}.Parse(t.Context()).Problems
			}
			problems := check(src)
			f := quickfix.New(text.New(string(src)), problems, check)
			for _, p := range problems {
				first, _, _ := strings.Cut(p.Hint, "\n")
				if noClaim.MatchString(first) && !strings.Contains(first, "write when: …") &&
					!strings.Contains(first, ":-…}") || !claim.MatchString(first) {
					continue
				}
				all := f.Of(p)
				if len(all) == 0 {
					t.Errorf("no fix for %q", p.Hint)
				}
				for _, one := range all {
					fixed++
					changed := text.Apply(string(src), one.Bytes())
					if after := check([]byte(changed)); len(after) >= len(problems) {
						t.Errorf("%s: %v", one.Title, after)
					}
				}
			}
		})
	}
	if fixed < 60 {
		t.Errorf("only %d fixes", fixed)
	}
}

// TestCheckFix: --fix writes what is certain, keeps the mode of the file, and leaves the rest.
func TestCheckFix(t *testing.T) {
	src, err := os.ReadFile("testdata/good/small.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{"title: name\n": "titel: name\n", "metadata.tags": "metadata.tgas",
		"keep: 400d": "keep: 400"} {
		if !strings.Contains(string(src), old) && old != "keep: 400d" {
			t.Fatalf("no %q", old)
		}
		src = []byte(strings.Replace(string(src), old, new, 1))
	}
	file := write(t, "wrong.yaml", strings.ReplaceAll(string(src), "\n", "\r\n"))
	pipe(t, nil, "check", file).expect(t, 2)
	pipe(t, nil, "check", "--json", file).expect(t, 2, `"title": "Change to title"`, `"certain": true`, `"end_col"`)
	pipe(t, nil, "check", "--fix", file).expect(t, 0, "fixed: Change to title", "fixed: Change to tags")
	after, err := os.ReadFile(file)
	if err != nil || strings.Count(string(after), "\r\n") != strings.Count(string(after), "\n") {
		t.Errorf("%v: line ends changed", err)
	}
	pipe(t, nil, "check", file).expect(t, 0)
}
