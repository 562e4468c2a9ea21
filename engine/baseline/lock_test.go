package baseline

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep: taking a place removes the temporary files of killed runs, but not those that a
// command without the lock may be writing.
func TestSweep(t *testing.T) {
	s := open(t, t.TempDir())
	old := time.Now().Add(-2 * time.Hour)
	for suffix, kept := range map[string]bool{".new-1": false, ".import-1/x": false, ".tmp-old": false,
		".tmp-young": true} {
		if err := os.MkdirAll(filepath.Dir(s.path(suffix)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path(suffix), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if suffix == ".tmp-old" {
			if err := os.Chtimes(s.path(suffix), old, old); err != nil {
				t.Fatal(err)
			}
		}
		l, err := s.Lock("01R")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(s.path(suffix)); (err == nil) != kept {
			t.Errorf("%s: %v", suffix, err)
		}
	}
}

// TestHolders: a line of the list without a run is skipped.
func TestHolders(t *testing.T) {
	s := open(t, t.TempDir())
	if err := os.WriteFile(s.path(".runs"), []byte("{}\nnonsense\n{\"run\":\"01R\",\"pid\":7,\"host\":\"h\"}\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	all := s.holders()
	if len(all) != 1 || !s.Ran("01R") || s.Ran("") {
		t.Fatalf("%+v", all)
	}
	if got := all[0].String(); got != "run 01R, process 7 on h" {
		t.Error(got)
	}
	if got := (Holder{}).String(); got != "a run on this machine" {
		t.Error(got)
	}
}
