//go:build unix

package dotenv

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestReadRefusesWritableByOthers(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		mode fs.FileMode
		want string
	}{
		"private":  {0o600, ""},
		"readable": {0o644, ""},
		"group":    {0o664, ""},
		"everyone": {0o666, "every user of this machine may write"},
		"write":    {0o602, "every user of this machine may write"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("A=canary\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		link := path + ".link"
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, link} {
			_, err := Read(p, nil)
			var untrusted *Untrusted
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s: %v", p, err)
			case c.want != "" &&
				(!errors.As(err, &untrusted) || !strings.Contains(err.Error(), c.want) ||
					!strings.Contains(untrusted.Hint, "chmod o-w")):
				t.Errorf("%s: %v", p, err)
			}
		}
	}
}

func TestReadRefusesAForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	path := filepath.Join(t.TempDir(), "x.env")
	if err := os.WriteFile(path, []byte("A=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := Read(path, nil)
	var untrusted *Untrusted
	if !errors.As(err, &untrusted) || !strings.Contains(err.Error(), "belongs to user 12345") {
		t.Errorf("got %v", err)
	}
}

func TestReadOtherThanFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(dir, nil); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if f, err := Read(os.DevNull, nil); err != nil || len(f.Names()) != 0 {
		t.Errorf("%s: %v", os.DevNull, err)
	}
	if _, err := Read(filepath.Join(dir, "nope"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, []byte(strings.Repeat("#\n", MaxSize)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(big, nil); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("a large file: %v", err)
	}
}

// TestReadPipe: a pipe can be read, such as the output of a program that decrypts the file.
func TestReadPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() { _ = os.WriteFile(path, []byte("A=1\n"), 0o600) }()
	done := make(chan error, 1)
	go func() {
		f, err := Read(path, nil)
		if v, _ := f.Lookup("A"); err == nil && v != "1" {
			err = errors.New("A is not set")
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the pipe was not read")
	}
}

// TestReadUnwrittenPipe: a pipe that no program opens, or that its writer keeps open, is an
// error after the timeout.
func TestReadUnwrittenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := "no program wrote to this pipe and closed it within 50ms"
	for _, held := range []bool{false, true} {
		if held {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
		}
		done := make(chan error, 1)
		go func() {
			_, err := readWithin(50*time.Millisecond, path, nil)
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("held open %v: got %v, want %q", held, err, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("held open %v: the read did not end", held)
		}
	}
}
