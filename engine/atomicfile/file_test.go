package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestReplace: the file has the new content, or the old content when writing fails, and no
// temporary file is left.
func TestReplace(t *testing.T) {
	failed := errors.New("failed")
	for _, tc := range []struct {
		name, before string
		options      Options
		err          error
		want         string
	}{
		{name: "new file", want: "new"},
		{name: "old file", before: "old", want: "new"},
		{name: "writing fails", before: "old", err: failed, want: "old"},
		{name: "random name", before: "old", options: Options{Temporary: "tmp-*"}, want: "new"},
		{name: "random name, writing fails", before: "old", options: Options{Temporary: "tmp-*"}, err: failed, want: "old"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if tc.before != "" {
				writeFile(t, path, tc.before)
			}
			err := Replace(path, tc.options, func(w io.Writer) error {
				if _, err := io.WriteString(w, "new"); err != nil {
					return err
				}
				return tc.err
			})
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			expect(t, path, tc.want)
			expectOnly(t, path)
		})
	}
}

// TestMode: the file has the requested mode, also when the old file or the temporary file of a
// killed writer had another mode.
func TestMode(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps no modes")
	}
	for _, mode := range []fs.FileMode{0, 0o600, 0o644, 0o666, 0o400} {
		path := filepath.Join(t.TempDir(), "file")
		writeFile(t, path, "old")
		left := filepath.Join(filepath.Dir(path), ".file.new")
		writeFile(t, left, "a long text that was left")
		if err := os.Chmod(left, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := Replace(path, Options{Mode: mode}, text("new")); err != nil {
			t.Fatal(err)
		}
		want := mode
		if want == 0 {
			want = DefaultMode
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("mode %v: got %v, %v", mode, info.Mode(), err)
		}
		expect(t, path, "new")
		expectOnly(t, path)
	}
}

// TestNoFollow: Create does not write through a symlink with the name of the temporary file.
func TestNoFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	other := filepath.Join(t.TempDir(), "other")
	writeFile(t, other, "other")
	if err := os.Symlink(other, filepath.Join(filepath.Dir(path), ".file.new")); err != nil {
		t.Skipf("no symlinks here: %v", err)
	}
	if err := Replace(path, Options{}, text("new")); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "new")
	expect(t, other, "other")
}

// TestCommitFails: the old version and the temporary file stay until Abort.
func TestCommitFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "folder")
	if err := os.Mkdir(path, 0o700); err != nil { // a file cannot replace it
		t.Fatal(err)
	}
	f := create(t, path, Options{})
	if _, err := f.WriteString("new"); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); err == nil {
		t.Fatal("a folder was replaced")
	}
	expect(t, f.Name(), "new")
	f.Abort()
	expectOnly(t, path)
}

// TestAbortAfterCommit: Abort after Commit removes nothing, not even the temporary file of the
// next writer.
func TestAbortAfterCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	first := create(t, path, Options{})
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	second := create(t, path, Options{})
	first.Abort()
	if _, err := second.WriteString("second"); err != nil {
		t.Fatal(err)
	}
	if err := second.Commit(); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "second")
	expectOnly(t, path)
}

// TestTwoWriters: with the same temporary name the later writer wins and the earlier one fails;
// with random names both succeed.
func TestTwoWriters(t *testing.T) {
	for name, tc := range map[string]struct {
		options Options
		fails   string
	}{
		"one name":     {Options{}, "another process"},
		"random names": {Options{Temporary: "tmp-*"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && tc.fails != "" {
				t.Skip("Windows does not remove an open file: the later writer fails")
			}
			path := filepath.Join(t.TempDir(), "file")
			earlier := create(t, path, tc.options)
			later := create(t, path, tc.options)
			if _, err := later.WriteString("la"); err != nil {
				t.Fatal(err)
			}
			err := earlier.Commit()
			if got := err != nil; got != (tc.fails != "") || got && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("earlier: %v", err)
			}
			earlier.Abort()
			if _, err := later.WriteString("ter"); err != nil {
				t.Fatal(err)
			}
			if err := later.Commit(); err != nil {
				t.Fatal(err)
			}
			expect(t, path, "later")
			expectOnly(t, path)
		})
	}
}

// TestCreateFails: the error names the path, and no file is left.
func TestCreateFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "file")
	for _, o := range []Options{{}, {Temporary: "tmp-*"}} {
		if _, err := Create(path, o); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func create(t *testing.T, path string, o Options) *File {
	t.Helper()
	f, err := Create(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Abort)
	return f
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, path, want string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != want {
		t.Errorf("%s has %q, %v; want %q", path, b, err, want)
	}
}

// TestReplaceOpen: an open file can be replaced and removed, and its reader still reads the old
// content.
func TestReplaceOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	writeFile(t, path, "old")
	for _, content := range []string{"new", "newest"} {
		f, err := Open(path, os.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := Replace(path, Options{}, text(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); string(got) != string(old) || err != nil {
			t.Errorf("the reader has %q, %v; want %q", got, err, old)
		}
		f.Close()
		expect(t, path, content)
		expectOnly(t, path)
	}
	f, err := Open(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(" one"); err != nil {
		t.Fatal(err)
	}
	expect(t, path, "newest one")
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	f.Close()
	if _, err := Open(path, os.O_RDWR, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// expectOnly checks that path is the only file in its folder.
func expectOnly(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() != filepath.Base(path) }); i >= 0 {
		t.Errorf("%s was left", entries[i].Name())
	}
}
