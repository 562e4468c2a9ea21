package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
	gleansandbox "github.com/pipe-engine/pipe/sinks/glean/sandbox"
	backstagesandbox "github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// TestPluginNew: generated projects pass their own tests, and their binaries work.
func TestPluginNew(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made")
		expected{0, []string{dir}}.check(t, pipe(t, pluginEnv(), "plugin", "new", "my-plugin", "--dir", dir))
		goTool(t, dir, "test", "./...")
		goTool(t, dir, "vet", "./...")
		goTool(t, dir, "build", "-o", "my-plugin", ".")
		expected{0, []string{"component:default/a  changed", "+ Takes orders and ke…"}}.check(t,
			pipe(t, pluginEnv(), "plugin", "try", "--example", filepath.Join(dir, "my-plugin")))
		expected{0, []string{"component:default/checkout  changed", "3 records: 1 changed, 2 unchanged"}}.check(t,
			fed(t, pluginEnv(), fileText(t, filepath.Join(dir, "records.ndjson")), "plugin", "try",
				filepath.Join(dir, "my-plugin")))
		if out, err := exec.CommandContext(t.Context(), "gofmt", "-l", dir).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("gofmt: %v %s", err, out)
		}
	})
	t.Run("python", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made")
		expected{0, []string{dir}}.check(t,
			pipe(t, pluginEnv(), "plugin", "new", "my-plugin", "--lang", "python", "--dir", dir))
		needGrpcio(t)
		cmd := exec.CommandContext(t.Context(), python, "-m", "unittest")
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "PYTHONDONTWRITEBYTECODE=1"}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "Ran 6 tests") {
			t.Errorf("unittest: %v\n%s", err, out)
		}
		expected{0, []string{"component:default/a  changed", "+ Takes orders and ke…"}}.check(t,
			pipe(t, pluginEnv(), "plugin", "try", "--example", filepath.Join(dir, "my-plugin.py")))
		expected{0, []string{"component:default/checkout  changed", "3 records: 1 changed, 2 unchanged"}}.check(t,
			fed(t, pluginEnv(), fileText(t, filepath.Join(dir, "records.ndjson")), "plugin", "try",
				filepath.Join(dir, "my-plugin.py")))
	})
	full := filepath.Dir(write(t, "file", ""))
	empty, made := t.TempDir(), filepath.Join(t.TempDir(), "made")
	for name, tc := range map[string]struct {
		args string
		expected
	}{
		"no name":       {"", expected{2, []string{"one name"}}},
		"a bad name":    {"My_Plugin", expected{2, []string{"lower-case letters"}}},
		"a full folder": {"x --dir " + full, expected{2, []string{"not an empty folder", "--dir"}}},
		"another lang":  {"x --lang rust --dir " + empty, expected{2, []string{`"rust"`, "--lang python"}}},
		"no checkout":   {"x --sdk " + empty + " --dir " + empty, expected{2, []string{"not a checkout of pipe"}}},
		"as JSON":       {"x --json --dir " + made, expected{0, []string{`"program": "` + made + "/x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.check(t, pipe(t, pluginEnv(), append([]string{"plugin", "new"}, strings.Fields(tc.args)...)...))
		})
	}
}

// TestPluginModule: a plugin that is a separate Go module runs in a pipeline, and the index
// has the definitions that it condensed.
func TestPluginModule(t *testing.T) {
	t.Parallel()
	program := builtDigest(t)
	w := newWorld(t, backstagesandbox.Options{}, gleansandbox.Options{})
	before := w.pipe(t, "run", "--progress", "none", shipped)
	plain := bodies(t, w.index())
	path := withBlock(t, "command: "+program, "sha256: "+sumOf(t, program))
	c := pipe(t, merge(pluginEnv(), w.env), "run", "--progress", "none", path)
	if c.code != 0 || before.code != 0 {
		t.Fatalf("exit %d, %d\n%s", before.code, c.code, c.both())
	}
	condensed := 0
	for ref, body := range bodies(t, w.index()) {
		switch changed := body != plain[ref]; {
		case changed && !strings.HasPrefix(ref, "api:"):
			t.Errorf("%s changed", ref)
		case changed && strings.Contains(body, "\nOperations\n"):
			condensed++
		}
	}
	if condensed < 2 {
		t.Errorf("%d definitions were condensed", condensed)
	}
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func bodies(t *testing.T, index gleansandbox.Index) map[string]string {
	t.Helper()
	out := map[string]string{}
	for ref, d := range index.Documents {
		b, err := codec.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		out[ref] = strings.ReplaceAll(string(b), `\n`, "\n")
	}
	return out
}
