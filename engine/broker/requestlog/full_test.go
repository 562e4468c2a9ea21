//go:build linux

package requestlog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDiskRefuses: on a full disk requests are refused, also when a part of a line fitted, and the log
// goes on without a gap when there is space again.
func TestFullDiskRefuses(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no file system of its own: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	filler := filepath.Join(folder, "filler")
	if err := os.WriteFile(filler, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, func(c *Config) { c.File = filepath.Join(folder, "audit.jsonl") })
	allowed := 0
	long := request(0)
	long.Path = strings.Repeat("x", 5000) // a part of it fits, and is longer than the next line
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		long.Request = fmt.Sprint(n)
		if _, err = l.Allow(long); err == nil {
			allowed++
		}
	}
	if !errors.Is(err, syscall.ENOSPC) || allowed == 0 {
		t.Fatalf("%d allowed, %v", allowed, err)
	}
	if _, err := l.Allow(long); err == nil || l.Err() == nil || l.Deny(long) == nil {
		t.Error("a full log takes lines")
	}
	if v, err := Verify(l.cfg.File, l.Head()); err != nil || v.Allowed != allowed {
		t.Errorf("%+v %v", v, err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	allow(t, l, 2000, 2005)
	if v := verify(t, l, l.Head()); v.Allowed != allowed+5 || v.First != 1 || l.Err() != nil {
		t.Errorf("%+v", v)
	}
}

// TestRemovedFolderRefuses: without its folder the log is not written, also at a rotation.
func TestRemovedFolderRefuses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	l := open(t, func(c *Config) { c.File, c.MaxSize = filepath.Join(folder, "audit.jsonl"), 4<<10 })
	allow(t, l, 0, 2)
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	var err error
	lines := 0
	for ; err == nil && lines < 1000; lines++ { // at once, before the log looks for its file
		_, err = l.Allow(request(lines))
	}
	if err == nil || lines > 30 {
		t.Errorf("%d lines, %v", lines, err)
	}
	l.settle()
	if _, err := l.Allow(request(1)); err == nil || !strings.Contains(err.Error(), "moved or removed") {
		t.Error(err)
	}
}

// TestWrittenAnewIsFound: a log whose chain was computed anew is found by a mark.
func TestWrittenAnewIsFound(t *testing.T) {
	l := open(t)
	allow(t, l, 0, 4)
	head := l.Head()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(l.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	swapped := append([][]byte{}, lines...)
	swapped[2], swapped[3] = lines[3], lines[2]
	var damaged *DamagedError
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(l.cfg.File, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(bytes.Join(swapped, nil))
	if _, err := Verify(l.cfg.File, Mark{}); !errors.As(err, &damaged) {
		t.Errorf("swapped lines: %v", err)
	}
	var anew []byte
	before := ""
	for i, line := range lines[:len(lines)-1] {
		changed := bytes.Replace(bytes.TrimSuffix(line, []byte("\n")), []byte("nightly"), []byte("another"), 1)
		if i > 0 {
			old := sumOf(bytes.TrimSuffix(lines[i-1], []byte("\n")))
			changed = bytes.Replace(changed, []byte(old), []byte(before), 1)
		}
		before = sumOf(changed)
		anew = append(append(anew, changed...), '\n')
	}
	write(anew)
	if _, err := Verify(l.cfg.File, Mark{}); err != nil {
		t.Fatalf("the chain of the test is wrong: %v", err)
	}
	if _, err := Verify(l.cfg.File, head); !errors.As(err, &damaged) || !strings.Contains(err.Error(), "written anew") {
		t.Errorf("written anew: %v", err)
	}
	if err := os.Remove(l.cfg.File); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(l.cfg.File, head); err == nil {
		t.Error("a log that is gone is intact")
	}
}
