package stage

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if left, _ := os.ReadDir(dir); len(left) != 0 && runtime.GOOS != "windows" {
		t.Errorf("a stage file has a name: %v", left)
	}
	big := bytes.Repeat([]byte("x"), 300<<10)
	for i := range 100 {
		if err := f.Append([]byte(fmt.Sprint("ref", i)), nil, big[:i*3000]); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r := f.Reader()
		for i := range 100 {
			parts, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if len(parts) != 3 || string(parts[0]) != fmt.Sprint("ref", i) || len(parts[1]) != 0 || len(parts[2]) != i*3000 {
				t.Fatalf("frame %d: %d parts, %q, %d bytes", i, len(parts), parts[0], len(parts[2]))
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
	}
	if f.Frames() != 100 {
		t.Errorf("%d frames", f.Frames())
	}
	f.Close()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left after Close: %v", left)
	}
}

func TestDamaged(t *testing.T) {
	f, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Append([]byte("a"), []byte("body")); err != nil {
		t.Fatal(err)
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.f.Truncate(f.Bytes() - 1); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reader().Next(); err == nil || err == io.EOF {
		t.Errorf("a cut frame was read as %v", err)
	}
}

// TestCutAtAFrame: a file that lost complete frames is damaged.
func TestCutAtAFrame(t *testing.T) {
	f, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 {
		if err := f.Append([]byte("body")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.f.Truncate(f.Bytes() / 2); err != nil {
		t.Fatal(err)
	}
	r := f.Reader()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err == nil || err == io.EOF {
		t.Errorf("half a file was read as %v", err)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := Create("/nowhere/at/all"); err == nil {
		t.Error("no error for a folder that does not exist")
	}
}
