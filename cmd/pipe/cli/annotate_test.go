package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/engine/redact"
)

// TestAnnotations: each problem of a file is an annotation, and no text of the file is a command
// of its own.
func TestAnnotations(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "pipelines", "x.yaml")
	text := `version: 1
name: x
"a\n::error file=other::injected": 1
"b::set-output name=c::d": "::add-mask::e"
source: {"%0A::error::f": {}}
`
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", file}, {"check", "--strict-env", file}} {
		c := pipe(t, map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": root}, args...)
		commands := 0
		for line := range strings.Lines(c.both()) {
			if !strings.HasPrefix(strings.TrimSpace(line), "::") {
				continue
			}
			commands++
			if !strings.HasPrefix(line, "::error file=pipelines/x.yaml,line=") ||
				strings.Count(line, "title=pipe check%3A ") != 1 {
				t.Errorf("%q", line)
			}
		}
		if commands < 3 || !strings.Contains(c.stdout, "%250A") || c.code != 2 {
			t.Errorf("exit %d, %d annotations\n%s", c.code, commands, c.both())
		}
	}
	for _, env := range []map[string]string{{}, {"GITHUB_ACTIONS": "false"}} {
		pipe(t, env, "check", file).expect(t, 2, "!\n::error ")
	}
	pipe(t, map[string]string{"GITHUB_ACTIONS": "true"}, "check", "--json", file).expect(t, 2, "!\n::error ")
}

// TestAnnotationsOfTests: problems of a test file are annotations, too.
func TestAnnotationsOfTests(t *testing.T) {
	file := write(t, "x.test.yaml", "pipeline: x.yaml\nnonsense: 1\n")
	pipe(t, map[string]string{"GITHUB_ACTIONS": "true"}, "check", file).
		expect(t, 2, "\n::error file=", ",title=pipe check%3A ")
}

// TestAnnotationWithoutSecrets: an annotation goes past the escaping of the output, not past its
// redaction.
func TestAnnotationWithoutSecrets(t *testing.T) {
	var secrets redact.Redactor
	secrets.Add("correct-horse-battery")
	var b strings.Builder
	w := newWriter(&b, &secrets, 100)
	w.Annotate(display.Annotation{File: "correct-horse-battery", Title: "correct-horse-battery",
		Message: "is correct-horse-battery"})
	if w.Flush(); strings.Contains(b.String(), "horse") || !strings.HasPrefix(b.String(), "::error file=") {
		t.Errorf("%q", b.String())
	}
}
