package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/cmd/internal/golden"
	"github.com/pipe-engine/pipe/engine/config"
)

// TestGood: check reports nothing about pipelines without a mistake.
func TestGood(t *testing.T) {
	for _, file := range pipelinesIn(t, "good") {
		if c := pipe(t, nil, "check", file); c.code != 0 || strings.Contains(c.stdout, "warning") {
			t.Errorf("exit %d\n%s", c.code, c.both())
		}
		if err := judge(t, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestBad: the most frequent mistakes, each in an otherwise good pipeline. The golden file
// has the output of check. The first two lines of a file have the correction, after which
// check reports nothing. The schema finds at least the mistakes in keys and types.
func TestBad(t *testing.T) {
	files := pipelinesIn(t, "bad")
	if len(files) < 30 {
		t.Errorf("only %d mistakes", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			c := pipe(t, nil, "check", file)
			if !strings.Contains(c.stdout, "hint: ") {
				t.Errorf("no hint in\n%s", c.both())
			}
			printed := strings.ReplaceAll(said(c.stdout), file, filepath.ToSlash(file))
			golden.Compare(t, strings.TrimSuffix(file, "yaml")+"golden", printed)
			mended := pipe(t, nil, "check", write(t, "mended.yaml", mend(t, file)))
			if mended.code != 0 || strings.Contains(mended.stdout, "warning") {
				t.Errorf("after mending:\n%s", mended.both())
			}
			if _, problems := config.Load(file); problems.HasErrors() {
				return // an editor finds this without a schema
			}
			switch err := judge(t, file); {
			case err == nil && ofShape(c.stdout):
				t.Errorf("the schema takes it:\n%s", c.stdout)
			case err != nil && !ofShape(c.stdout):
				t.Errorf("the schema refuses what it cannot judge: %v", err)
			}
		})
	}
}

// ofShape reports whether check found a problem that a schema can see: keys, types, bounds.
// For a schema, types of the sink, refs and addresses are texts.
func ofShape(stdout string) bool {
	return regexp.MustCompile(`: (component|invalid-value|missing-field|not-allowed|out-of-range|required|unknown-field|unknown-key|unknown-stream|variable-in-expression|wrong-kind): `).MatchString(stdout)
}

func pipelinesIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/" + folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	return files
}

// said returns the problems in the output of check, without the list of variables.
func said(stdout string) string {
	var out strings.Builder
	for line := range strings.Lines(stdout) {
		if list := strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") &&
			!strings.HasPrefix(line, "  hint: "); !list && !strings.HasPrefix(line, "pipe check --explain") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// mend returns a file with the correction of its first two lines applied: OLD is replaced
// by NEW.
func mend(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitN(string(b), "\n", 3)
	var parts []string
	for i, prefix := range []string{"# mend ", "# into "} {
		text, err := strconv.Unquote(strings.TrimPrefix(lines[i], prefix))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		parts = append(parts, text)
	}
	if !strings.Contains(lines[2], parts[0]) {
		t.Fatalf("there is no %q", parts[0])
	}
	return strings.Replace(lines[2], parts[0], parts[1], 1)
}

// TestCheckStrict: with --strict, warnings fail the call, and variables are listed when one
// is missing.
func TestCheckStrict(t *testing.T) {
	const warns = "testdata/bad/property-never-set.yaml"
	pipe(t, nil, "check", warns).expect(t, 0, "1 warning", "needed to run")
	pipe(t, nil, "check", "--strict", warns).expect(t, 2, "1 warning")
	pipe(t, nil, "check", "--strict", "--json", warns).expect(t, 2, `"warning": true`)
	all := map[string]string{"BACKSTAGE_BASE_URL": "https://b.example.com", "GLEAN_SERVER_URL": "https://g.example.com",
		"GLEAN_INDEXING_API_KEY": "key"}
	pipe(t, all, "check", "--strict", shipped).expect(t, 0, "ok", "!BACKSTAGE", "!still needs")
	pipe(t, all, "check", "--verbose", shipped).expect(t, 0, "not set, has a default")
}
