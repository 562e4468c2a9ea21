package baseline

import (
	"path/filepath"
	"testing"

	"github.com/pipe-engine/pipe/engine/atomicfile"
)

// TestCommitFails: when a state cannot be written completely, the previous one stays and no
// temporary file is left.
func TestCommitFails(t *testing.T) {
	s := open(t, t.TempDir())
	save(t, s, entries[0])
	w, err := s.Create(Header{})
	if err != nil {
		t.Fatal(err)
	}
	w.Add(entries[1])
	if err := w.f.(*atomicfile.File).Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err == nil {
		t.Error("it was written")
	}
	if got := load(t, s); len(got) != 1 || got[0].Ref != entries[0].Ref {
		t.Errorf("%+v", got)
	}
	if left, _ := filepath.Glob(s.path(".[nt]*-*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
