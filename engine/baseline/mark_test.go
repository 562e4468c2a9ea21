package baseline

import (
	"maps"
	"testing"

	"github.com/pipe-engine/pipe/engine/state"
)

// TestMarks: marks of hosts are read back, and are no entries.
func TestMarks(t *testing.T) {
	s, err := Open(state.Folder(t.TempDir()), "place")
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(Header{Run: "r"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Mark{"component:default/a": {"e@1 abc", 7}, "b\tc": {"with\ttab\nand line", -1}}
	w.Add(Entry{Stream: "documents", Ref: "component:default/a", Audience: "all-users"})
	for host, m := range want {
		w.Mark(host, m)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	base, err := s.Load()
	if err != nil || base.Condition != Intact {
		t.Fatalf("%v %v", base.Condition, err)
	}
	defer base.Close()
	got, err := base.Marks()
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	n := 0
	for _, err := range base.Entries() {
		if n++; err != nil {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d entries", n)
	}
}
