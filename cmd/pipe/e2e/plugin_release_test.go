package e2e

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	gomodule "golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// releasedAs is the version under which moduleProxy serves this checkout.
const releasedAs = "v0.0.1-test"

// TestReleasedModule: a pipe that was installed from a module proxy makes a plugin that
// builds and works without a checkout, from no more than 14 modules besides pipe.
func TestReleasedModule(t *testing.T) {
	t.Parallel()
	const path, most = "github.com/pipe-engine/pipe", 14
	env := []string{"GOPROXY=" + moduleProxy(t, path), "GOMODCACHE=" + filepath.Join(t.TempDir(), "mod"),
		"GOFLAGS=-modcacherw -trimpath", "CGO_ENABLED=0", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off"}
	bin, work := t.TempDir(), t.TempDir()
	run := func(dir, program string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Dir, cmd.Env = dir, append(append(os.Environ(), env...), "GOBIN="+bin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
		}
		return string(out)
	}

	run(work, "go", "install", path+"/cmd/pipe@"+releasedAs)
	pipe := filepath.Join(bin, "pipe")
	if out := run(work, pipe, "version"); !strings.HasPrefix(out, "pipe "+releasedAs+"\n") {
		t.Errorf("pipe version: %s", out)
	}
	if out := run(work, pipe, "plugin", "new", "tidy"); !strings.Contains(out, "requires "+path+" "+releasedAs) {
		t.Errorf("pipe plugin new: %s", out)
	}
	dir := filepath.Join(work, "tidy")
	run(dir, "go", "mod", "tidy")
	if mod := fileText(t, filepath.Join(dir, "go.mod")); strings.Contains(mod, "replace") {
		t.Errorf("its go.mod replaces modules:\n%s", mod)
	}
	run(dir, "go", "test", "./...")
	run(dir, "go", "build", "-o", "tidy", ".")
	built, err := buildinfo.ReadFile(filepath.Join(dir, "tidy"))
	if err != nil {
		t.Fatal(err)
	}
	others := slices.DeleteFunc(built.Deps, func(d *debug.Module) bool { return d.Path == path })
	if len(others) == 0 || len(others) > most {
		t.Errorf("a plugin is built from %d modules besides pipe, at most %d are allowed:\n%s", len(others), most, built)
	}
	out := run(dir, pipe, "plugin", "try", "--example", "./tidy")
	if !strings.Contains(out, "component:default/a  changed") {
		t.Errorf("pipe plugin try: %s", out)
	}
}

// moduleProxy makes a folder that serves this checkout as a module. It returns a GOPROXY
// of this folder, the module cache, which has nearly all others, and the usual proxy.
func moduleProxy(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache, others, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	proxy, root := t.TempDir(), filepath.Join("..", "..", "..")
	at := filepath.Join(proxy, filepath.FromSlash(path), "@v", releasedAs)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		t.Fatal(err)
	}
	zip, err := os.Create(at + ".zip")
	if err != nil {
		t.Fatal(err)
	}
	defer zip.Close()
	if err := modzip.CreateFromDir(zip, gomodule.Version{Path: path, Version: releasedAs}, root); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		at + ".mod":                             fileText(t, filepath.Join(root, "go.mod")),
		filepath.Join(filepath.Dir(at), "list"): releasedAs + "\n",
		at + ".info":                            `{"Version":"` + releasedAs + `","Time":"` + time.Now().UTC().Format(time.RFC3339) + `"}`,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + filepath.ToSlash(proxy) + ",file://" + filepath.ToSlash(cache) + "/cache/download," + others
}
