package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/job"
)

// TestDatasourceExport: an exported datasource applies to another Glean without a
// difference, including icons, and nothing is overwritten without a flag.
func TestDatasourceExport(t *testing.T) {
	t.Parallel()
	w, other := bare(t), bare(t)
	path := edited(t, "      datasourceCategory:",
		"      suggestionText: \"a: b # ${NAME\\n second\"\n      iconUrl: ${file:a.svg}\n"+
			"      aliases: [catalog, 'true']\n      trustUrlRegexForViewActivity: false\n      datasourceCategory:")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("# ${NAME"), []byte("# $${NAME"), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	const svg = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "a.svg"), []byte(svg), 0o600); err != nil {
		t.Fatal(err)
	}
	w.pipe(t, "datasource", "export", path).expect(t, int(job.Failed), `Glean has no datasource "backstage"`)
	w.pipe(t, "datasource", "apply", "--yes", path).expect(t, 0)

	home := t.TempDir() // of another pipeline file
	pipeline := filepath.Join(home, "elsewhere.yaml")
	if err := os.WriteFile(pipeline, text, 0o600); err != nil { // whose icon is not there
		t.Fatal(err)
	}
	dir := filepath.Join(home, "exported")
	w.pipe(t, "datasource", "export", path, filepath.Join(filepath.Dir(path), "out")).expect(t, 0)
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir).expect(t, 0,
		"datasource.yaml", "icon.svg", "!note")
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir).expect(t, int(job.Wrong),
		"exists already", "--force")
	w.pipe(t, "datasource", "export", "--set", "sink.glean.datasource.iconUrl=", pipeline, dir, "--force").expect(t, 0,
		"icon.svg")
	if b, err := os.ReadFile(filepath.Join(dir, "icon.svg")); err != nil || string(b) != svg {
		t.Errorf("%s, %v", b, err)
	}
	block, err := os.ReadFile(filepath.Join(dir, "datasource.yaml"))
	if err != nil || !strings.Contains(string(block), "iconUrl: ${file:exported/icon.svg}") ||
		!strings.Contains(string(block), "trustUrlRegexForViewActivity: false") {
		t.Fatalf("%s, %v", block, err)
	}
	replaceBlock(t, pipeline, string(block))
	w.pipe(t, "datasource", "plan", pipeline).expect(t, 0, "no changes", "!kept")
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	other.pipe(t, "datasource", "apply", "--yes", pipeline).expect(t, 0, "verified")
	other.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	a, b := w.config(t), other.config(t)
	if x, y := a.SuggestionText, b.SuggestionText; x != y || x != "a: b # ${NAME\n second" || a.IconURL != b.IconURL ||
		!slices.Equal(a.Aliases, b.Aliases) {
		t.Errorf("%q and %q", x, y)
	}

	// Without a folder the block is printed, the icon within; another datasource by its name.
	printed := w.pipe(t, "datasource", "export", path)
	printed.expect(t, 0, "iconUrl: data:image/svg+xml;base64,")
	replaceBlock(t, pipeline, printed.stdout)
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "no changes")
	second := w.config(t)
	second.Name, second.DisplayName, second.IsTestDatasource = "second", "The second", new(true)
	put(t, w, second)
	named := w.pipe(t, "datasource", "export", path, "--name", "second")
	named.expect(t, 0, "name: second", "displayName: The second", "Glean does not return the testers")
	replaceBlock(t, pipeline, named.stdout)
	w.pipe(t, "datasource", "plan", "--replace", pipeline).expect(t, 0, "datasource second: no changes")
	w.pipe(t, "datasource", "export", path, "--name", "third").expect(t, int(job.Failed), `no datasource "third"`)
}

// replaceBlock replaces a file's block with an exported one.
func replaceBlock(t *testing.T, path, block string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i := strings.Index(string(b), "    datasource:")
	text := string(b[:i])
	for line := range strings.Lines(block) {
		text += "    " + line
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
