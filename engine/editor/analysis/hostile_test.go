package analysis

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// copiedShipped is a folder with the shipped pipeline file and its tests.
func copiedShipped(t testing.TB) (folder, content string) {
	t.Helper()
	folder = t.TempDir()
	for _, name := range []string{"backstage.yaml", "backstage.test.yaml"} {
		b, err := os.ReadFile(filepath.Join("../../../pipelines", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "backstage.yaml" {
			content = string(b)
		}
	}
	return folder, content
}

// TestReadsNothingOutside: of a hostile workspace, only regular files of its folders are read:
// no path out of it, no link, no pipe, no large file.
func TestReadsNothingOutside(t *testing.T) {
	folder, content := copiedShipped(t)
	outside := filepath.Join(t.TempDir(), "outside.svg")
	secret := filepath.Join(folder, "link.svg")
	for path, text := range map[string]string{outside: "<notsvg>canary</notsvg>", filepath.Join(folder, "in.svg"): "no"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, secret); err != nil {
		t.Skip(err)
	}
	large := filepath.Join(folder, "large.yaml")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, 100<<20); err != nil {
		t.Fatal(err)
	}
	w := New(host(), []string{folder})
	path := filepath.Join(folder, "backstage.yaml")
	for icon, problems := range map[string]int{outside: 0, "link.svg": 0, "../x.svg": 0, "/dev/zero": 0, "large.yaml": 0,
		"in.svg": 1} {
		w.Set(path, strings.Replace(content, "      # iconUrl: ${file:icons/catalog.svg} ",
			"      iconUrl: ${file:"+icon+"} #", 1))
		if found := w.Problems(path); len(found) != problems {
			t.Errorf("%s: %v", icon, found)
		}
	}
	tests := filepath.Join(folder, "backstage.test.yaml")
	w.Set(path, content)
	for _, records := range []string{outside, "link.svg", "large.yaml", "/dev/zero"} {
		w.Set(tests, "records:\n  - file: "+records+"\ntests:\n  - name: one\n    expect: {}\n    golden: x\n")
		if found := fmt.Sprint(w.Problems(tests)); !strings.Contains(found, "not a file of at most 4 MiB in the workspace") ||
			strings.Contains(found, "canary") {
			t.Errorf("%s: %v", records, found)
		}
		if records == "/dev/zero" { // not the name of a file of records
			continue
		}
		w.Set(path, "# sample: "+records+" x\n"+content)
		if _, err := w.Explain(t.Context(), path); err == nil {
			t.Errorf("a sample of %s", records)
		}
	}
	for _, other := range []string{outside, secret, large, folder} {
		if got := w.Document(other).Text(); got != "" {
			t.Errorf("%s was read: %.40q", other, got)
		}
	}
}

// TestPipes: a named pipe is not waited for, wherever the workspace names it.
func TestPipes(t *testing.T) {
	folder, content := copiedShipped(t)
	path, tests := filepath.Join(folder, "backstage.yaml"), filepath.Join(folder, "backstage.test.yaml")
	for _, name := range []string{"pipe.yaml", "icon.svg", "other.test.yaml"} {
		if err := fifo(filepath.Join(folder, name)); err != nil {
			t.Skip(err)
		}
	}
	w := New(host(), []string{folder})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range []string{"pipe.yaml", "other.test.yaml"} {
			if got := w.Document(filepath.Join(folder, name)).Text(); got != "" {
				t.Errorf("%q", got)
			}
			w.Problems(filepath.Join(folder, name))
		}
		w.Set(path, "# sample: pipe.yaml x\n"+strings.Replace(content, "      # iconUrl: ${file:icons/catalog.svg} ",
			"      iconUrl: ${file:icon.svg} #", 1))
		w.Problems(path)
		if _, err := w.Explain(t.Context(), path); err == nil {
			t.Error("a pipe was a sample")
		}
		w.Set(tests, "pipeline: pipe.yaml\nrecords:\n  - file: pipe.yaml\ntests:\n  - name: one\n    expect: {}\n")
		w.Problems(tests)
		if _, err := w.Test(t.Context(), tests, ""); err == nil {
			t.Error("the tests of a pipe ran")
		}
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("a pipe is waited for")
	}
}

// TestStartsNothing: checking, hovering and explaining start no plugin, ask no provider of
// secrets and read no variable of the environment.
func TestStartsNothing(t *testing.T) {
	t.Setenv("BACKSTAGE_API_TOKEN", "canary-of-the-environment")
	t.Setenv("GLEAN_VISIBILITY_ANNOTATION", "canary-of-the-environment")
	folder, content := copiedShipped(t)
	path, mark := filepath.Join(folder, "backstage.yaml"), filepath.Join(folder, "started")
	program := filepath.Join(folder, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho yes > '"+mark+"'\necho secret\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	content = strings.Replace(content, "transforms: ",
		"secrets:\n  exec:\n    command: ["+program+", \"{}\"]\ntransforms: ", 1)
	content = strings.Replace(content, "token: ${GLEAN_INDEXING_API_KEY}", "token: ${secret:glean}", 1)
	content = strings.Replace(content, "define: ", "  - name: hostile\n    plugin:\n      command: "+program+
		"\n      sha256: "+strings.Repeat("0", 64)+"\ndefine: ", 1)
	w := New(host(), []string{folder})
	w.Set(path, content)
	if found := w.Problems(path); found.HasErrors() {
		t.Fatal(found)
	}
	got, _, _ := w.Hover(t.Context(), path, strings.Index(content, "vars.visibility")+6)
	if !strings.Contains(got, "glean.com/visibility") || strings.Contains(got, "canary") {
		t.Errorf("hover: %s", got)
	}
	explained, err := w.Explain(t.Context(), path)
	if err != nil || !strings.Contains(explained, "without the plugin") {
		t.Errorf("explain: %v\n%s", err, explained)
	}
	if _, err := w.Test(t.Context(), filepath.Join(folder, "backstage.test.yaml"), ""); err == nil ||
		!strings.Contains(err.Error(), "use pipe test") {
		t.Errorf("test: %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was started")
	}
}

// TestBombs: a bomb of aliases, deep nesting, expressions without end and a file of 100 MB cost
// bounded time.
func TestBombs(t *testing.T) {
	folder, content := copiedShipped(t)
	path := filepath.Join(folder, "backstage.yaml")
	var aliases strings.Builder
	aliases.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := range 12 {
		fmt.Fprintf(&aliases, "a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), i)
	}
	title := func(expression string) string {
		return strings.Replace(content, "title: name\n", "title: "+expression+"\n", 1)
	}
	const loop = "'join(map(1..100000000, text(#)))'"
	for name, text := range map[string]string{
		"aliases": aliases.String(), "depth": strings.Repeat("[", 200_000), "brackets": title(strings.Repeat("(", 100_000)),
		"long":    title("name" + strings.Repeat(" + name", 100_000)),
		"nested":  title("'" + strings.Repeat("map(metadata.tags, ", 30) + "#" + strings.Repeat(")", 30) + "'"),
		"range":   title(loop),
		"100 MB":  strings.Repeat("a: b\n", 20<<20),
		"regexes": title(`'name matches "(a*)*(a*)*(a*)*b" ? name : name'`),
	} {
		t.Run(name, func(t *testing.T) {
			w := New(host(), []string{folder})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			w.Set(path, text)
			w.Problems(path)
			w.Fixes(t.Context(), path, 0, 1<<20)
			if i := strings.Index(text, "title: "); i >= 0 {
				w.Hover(t.Context(), path, i+9)
				w.Complete(path, i+9)
			}
			w.Outline(path)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			used := (after.TotalAlloc - before.TotalAlloc) >> 20
			if t.Logf("%v, %d MiB", took, used); took > 20*time.Second || used > 2000 {
				t.Errorf("it took %v and %d MiB", took, used)
			}
		})
	}
}

// TestEscapes: text of entities is shown as text: it ends no code and makes no link.
func TestEscapes(t *testing.T) {
	folder, content := copiedShipped(t)
	path := filepath.Join(folder, "backstage.yaml")
	tests := filepath.Join(folder, "backstage.test.yaml")
	w := New(host(), []string{folder})
	w.Set(path, content)
	w.Set(tests, "fixtures:\n  x:\n    kind: Component\n"+
		"    metadata: {name: x, title: \"` [click](command:evil) \\e[31m <b>\"}\n"+
		"tests:\n  - name: one\n    expect: {}\n    golden: x\n")
	got, err := w.Explain(t.Context(), path)
	if err != nil || !strings.Contains(got, "click") || strings.Contains(got, "\x1b") || strings.Contains(got, "\"` ") {
		t.Errorf("%v\n%s", err, got)
	}
}
