package cli

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/report"
)

// TestSecretIsNotLost: when the file cannot be replaced, the new secret stays in a
// file next to it, and the message names that file.
func TestSecretIsNotLost(t *testing.T) {
	path := write(t, "token", "old-secret\n")
	f, err := newSecretFile(path)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) // no file can replace a folder
	if err != nil {
		t.Fatal(err)
	}
	err = f.commit("new-secret")
	f.drop()
	var k *keptError
	if !errors.As(err, &k) || fileText(t, k.path) != "new-secret\n" {
		t.Fatalf("%v", err)
	}
	text := lost(err, path, "12:00:00")
	if hint := report.HintOf(text); !strings.Contains(text.Error(), k.path) ||
		!strings.Contains(hint, "mv "+k.path+" "+path) || strings.Contains(text.Error()+hint, "new-secret") {
		t.Errorf("%v\n%s", text, report.HintOf(text))
	}
	path = write(t, "token", "old-secret\n")
	if _, err := newSecretFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no such file")
	}
	g, err := newSecretFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newSecretFile(path); err == nil || !strings.Contains(err.Error(), "another rotation") {
		t.Errorf("two at once: %v", err)
	}
	g.f.Close() // the disk does not take it
	err = g.commit("newer-secret")
	g.drop()
	if err == nil || errors.As(err, &k) ||
		!strings.Contains(report.HintOf(lost(err, path, "12:00:00")), "rotate it again before 12:00:00") {
		t.Errorf("%v", err)
	}
}

// TestSecretFileKeepsItsMode: users who may read the old file may read the new one.
func TestSecretFileKeepsItsMode(t *testing.T) {
	t.Parallel()
	path := write(t, "token", "old\n")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	f, err := newSecretFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.commit("new"); err != nil {
		t.Fatal(err)
	}
	f.drop()
	if info, err := os.Stat(path); err != nil || fileText(t, path) != "new\n" ||
		info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
