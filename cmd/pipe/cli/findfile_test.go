package cli

import (
	"os"
	"path/filepath"
	"testing"
)

// TestFindFile: a call without a file uses the only one there is, or the one in PIPE_FILE,
// and prints which.
func TestFindFile(t *testing.T) {
	text := fileText(t, shipped)
	in := func(files ...string) {
		t.Helper()
		t.Chdir(t.TempDir())
		for _, f := range files {
			if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
				t.Fatal(err)
			}
			content := text
			switch filepath.Base(f) {
			case "other.yaml":
				content = "version: 1\nname: something else\n"
			case "broken.yaml":
				content = "a: [\n"
			}
			if err := os.WriteFile(f, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	in("pipelines/catalog.yaml", "pipelines/catalog.test.yaml", "other.yaml", "broken.yaml")
	pipe(t, nil, "check").expect(t, 0, "pipe: using pipelines/catalog.yaml", "catalog.yaml: ok")
	pipe(t, nil, "check", "--explain", "unknown-name").expect(t, 0, "!using")
	pipe(t, nil, "check", "missing.yaml").expect(t, 2, "!using", "missing.yaml")
	pipe(t, nil, "eval", "--sandbox", "upper(kind)", "--ref", "fraud-scorer").expect(t, 0, "COMPONENT")
	pipe(t, nil, "explain", "missing.yaml", "x").expect(t, 2, "!using", "missing.yaml")
	for _, call := range [][]string{{"adopt"}, {"approve", "aaaaaaaaaaaa"}, {"purge"}, {"datasource", "apply"},
		{"state", "import", "a"}} {
		pipe(t, nil, call...).expect(t, 2, "!using")
	}

	in("a.yaml", "pipelines/b.yml")
	pipe(t, nil, "check").expect(t, 2, "there are several: a.yaml, pipelines/b.yml", "PIPE_FILE")
	pipe(t, map[string]string{"PIPE_FILE": "pipelines/b.yml"}, "check").expect(t, 0, "using pipelines/b.yml")

	in("other.yaml")
	pipe(t, nil, "check").expect(t, 2, "neither this folder nor pipelines/ has one", "pipe init catalog")
}
