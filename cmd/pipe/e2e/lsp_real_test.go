//go:build editor

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/codec"
)

// TestRealEditor: Microsoft's client of the protocol opens the shipped file and every file of the
// table of mistakes, sees each mistake within 100 ms, and each fix that it applies ends a problem.
func TestRealEditor(t *testing.T) {
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s", tool)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "client.mjs"} {
		b, err := os.ReadFile(filepath.Join("testdata/editor", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot install the client: %v\n%s", err, out)
	}
	program := filepath.Join(dir, "pipe.exe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "../").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	bad, err := filepath.Glob("../cli/testdata/bad/*.yaml")
	if err != nil || len(bad) < 30 {
		t.Fatalf("%d mistakes: %v", len(bad), err)
	}
	folder, _, _ := copiedShipped(t)
	args := []string{"client.mjs", program, filepath.Join(folder, "backstage.yaml")}
	for _, file := range bad {
		path, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	client := exec.CommandContext(t.Context(), "node", args...)
	client.Dir, client.Stderr = dir, os.Stderr
	out, err := client.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fixes, slowest, files := 0, 0.0, 0
	for line := range strings.Lines(string(out)) {
		var one struct {
			File     string  `json:"file"`
			Problems int     `json:"problems"`
			Fixes    int     `json:"fixes"`
			Mended   int     `json:"mended"`
			Took     float64 `json:"took"` // ms
			Hover    string  `json:"hover"`
		}
		if err := codec.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case one.File == "":
			if !strings.Contains(one.Hover, "for component:") && !strings.Contains(one.Hover, "for api:") {
				t.Errorf("hover: %s", one.Hover)
			}
			continue
		case (one.Problems == 0) != (one.File == "backstage.yaml"), one.Fixes != one.Mended:
			t.Errorf("%+v", one)
		}
		files, fixes, slowest = files+1, fixes+one.Fixes, max(slowest, one.Took)
	}
	const most = 100 // ms
	if slowest > most || files != len(bad)+1 || fixes < 60 {
		t.Errorf("%d files, %d fixes, the slowest diagnostics after %.0f ms", files, fixes, slowest)
	}
	t.Logf("%d files, %d fixes, the slowest diagnostics after %.0f ms", files, fixes, slowest)
}
