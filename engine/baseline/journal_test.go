package baseline

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/access"
	"github.com/pipe-engine/pipe/engine/state"
)

// journalOf writes a journal and returns its store.
func journalOf(t *testing.T, write func(*JournalWriter)) *Store {
	t.Helper()
	s, err := Open(state.Folder(t.TempDir()), "https://store.example.com/a")
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, Publishing, "one", write)
	return s
}

func begin(t *testing.T, s *Store, what, run string, write func(*JournalWriter)) {
	t.Helper()
	w, err := s.Begin(what, run, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	write(w)
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func journal(t *testing.T, s *Store) *Journal {
	t.Helper()
	j, err := s.Journal(nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func toldListed(id string, names ...uint64) Intent {
	return Intent{Stream: "documents", ID: id, Ref: "ref\t" + id, Type: "component", Content: 7, Substance: 8,
		Grant: access.Grant{Audience: access.Listed, Names: names}}
}

// TestJournal: what was acknowledged is sure, what was only intended is not.
func TestJournal(t *testing.T) {
	s := journalOf(t, func(w *JournalWriter) {
		w.Intend(1, toldListed("a", 1, 2))
		w.Intend(2, toldListed("b", 3))
		w.Told(1)
	})
	j := journal(t, s)
	a, b := j.Told(nil, "documents", "a"), j.Told(nil, "documents", "b")
	if !a.Sure || !a.There || a.Content != 7 || a.Substance != 8 || a.Ref != "ref\ta" ||
		!slices.Equal(a.Least.Names, []uint64{1, 2}) || !slices.Equal(a.Most.Names, []uint64{1, 2}) {
		t.Errorf("a: %+v", a)
	}
	if b.Sure || !b.There || b.Least.Audience != access.Nobody || !slices.Equal(b.Most.Names, []uint64{3}) {
		t.Errorf("b: %+v", b)
	}
	if !j.Interrupted || j.Damaged != "" || j.Told(nil, "documents", "c").There {
		t.Errorf("%+v", j)
	}
}

// TestJournalAcrossRuns: intents of several runs add up until one is acknowledged.
func TestJournalAcrossRuns(t *testing.T) {
	s := journalOf(t, func(w *JournalWriter) { w.Intend(1, toldListed("a", 1, 2)); w.Told(1) })
	begin(t, s, Publishing, "two", func(w *JournalWriter) { w.Intend(1, toldListed("a", 2, 3)) })
	a := journal(t, s).Told(nil, "documents", "a")
	if a.Sure || !slices.Equal(a.Least.Names, []uint64{2}) || !slices.Equal(a.Most.Names, []uint64{1, 2, 3}) {
		t.Errorf("after an intent: %+v", a)
	}
	gone := toldListed("a")
	gone.Gone = true
	begin(t, s, Publishing, "three", func(w *JournalWriter) { w.Intend(1, gone) })
	if a = journal(t, s).Told(nil, "documents", "a"); a.Sure || !a.There || a.Least.Audience != access.Nobody {
		t.Errorf("it may have been deleted: %+v", a)
	}
	begin(t, s, Publishing, "four", func(w *JournalWriter) { w.Intend(1, gone); w.Told(1) })
	if a = journal(t, s).Told(nil, "documents", "a"); !a.Sure || a.There {
		t.Errorf("it was deleted: %+v", a)
	}
}

// TestJournalInterrupted: a push that did not end is no interrupted publish, and each run ends
// only its own operation.
func TestJournalInterrupted(t *testing.T) {
	end := func(w *JournalWriter) {
		if err := w.Done(); err != nil {
			t.Error(err)
		}
	}
	for name, tc := range map[string]struct {
		then func(s *Store)
		want bool
	}{
		"it ends":          {func(s *Store) { begin(t, s, Publishing, "one", end) }, false},
		"another one ends": {func(s *Store) { begin(t, s, Tightening, "two", end) }, true},
		"a tightening does not end": {func(s *Store) {
			begin(t, s, Publishing, "one", end)
			begin(t, s, Tightening, "two", func(*JournalWriter) {})
		}, true},
		"a push after it": {func(s *Store) {
			begin(t, s, Publishing, "one", end)
			begin(t, s, Pushing, "two", func(*JournalWriter) {})
		}, false},
		"a push ends after it began": {func(s *Store) { begin(t, s, Pushing, "two", end) }, true},
	} {
		s := journalOf(t, func(*JournalWriter) {})
		if tc.then(s); journal(t, s).Interrupted != tc.want {
			t.Errorf("%s: interrupted is not %v", name, tc.want)
		}
	}
}

// TestJournalCutOff: whatever a crash leaves of the last line, everything before it and
// everything appended later is read.
func TestJournalCutOff(t *testing.T) {
	s := journalOf(t, func(w *JournalWriter) { w.Intend(1, toldListed("a", 1)); w.Intend(2, toldListed("b", 2)) })
	path := s.path(suffixJournal)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	for size := range len(text) {
		if err := os.WriteFile(path, text[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		whole := bytes.Count(text[:size], []byte("\n"))
		j := journal(t, s)
		if j.Damaged != "" || len(j.items) != max(0, whole-2) || j.Interrupted != (whole >= 2) {
			t.Fatalf("%d bytes, %d lines: %+v", size, whole, j)
		}
		begin(t, s, Publishing, "two", func(w *JournalWriter) { w.Intend(1, toldListed("c", 3)); w.Told(1) })
		if j = journal(t, s); j.Damaged != "" || len(j.items) != max(0, whole-2)+1 || !j.Told(nil, "documents", "c").Sure {
			t.Fatalf("%d bytes, appended: %+v", size, j)
		}
	}
	if len(lines) != 5 {
		t.Errorf("%d lines", len(lines))
	}
}

// TestJournalDamaged: a changed byte is detected, except in the last line, which a crash may
// have cut off. A damaged journal stays damaged.
func TestJournalDamaged(t *testing.T) {
	s := journalOf(t, func(w *JournalWriter) {
		w.Intend(1, toldListed("a", 1))
		w.Told(1)
		w.Intend(2, toldListed("b", 2))
	})
	path := s.path(suffixJournal)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(text[:len(text)-1], '\n') + 1
	for i := range text {
		changed := slices.Clone(text)
		changed[i] ^= 1
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		j := journal(t, s)
		if (j.Damaged != "") != (i < last-1) && i != last-1 {
			t.Fatalf("byte %d of %d (%q): damaged %q", i, last, text[i], j.Damaged)
		}
		if j.Damaged == "" {
			continue
		}
		if !j.Interrupted {
			t.Fatalf("byte %d: not interrupted", i)
		}
		begin(t, s, Tightening, "two", func(w *JournalWriter) {})
		if journal(t, s).Damaged == "" {
			t.Fatalf("byte %d: what was appended made it whole", i)
		}
	}
	if err := os.WriteFile(path, bytes.Replace(text, []byte("store.example.com/a"), []byte("store.example.com/b"), 1),
		0o600); err != nil {
		t.Fatal(err)
	}
	if j := journal(t, s); j.Damaged == "" {
		t.Error("the journal of another place is read")
	}
}

// TestDropJournal: items that a run wrote are dropped, because the baseline has them; items of
// streams that it left out stay.
func TestDropJournal(t *testing.T) {
	user := Intent{Stream: "users", ID: "u", Content: 1}
	s := journalOf(t, func(w *JournalWriter) { w.Intend(1, toldListed("a", 1)); w.Intend(2, user); w.Told(2); w.Told(1) })
	if err := s.DropJournal(func(stream string) bool { return stream == "documents" }); err != nil {
		t.Fatal(err)
	}
	j := journal(t, s)
	if len(j.items) != 1 || !j.Told(nil, "users", "u").Sure || j.Interrupted || j.Damaged != "" {
		t.Errorf("%+v", j)
	}
	if err := s.DropJournal(func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(s.path("*")); slices.ContainsFunc(left, func(path string) bool {
		return strings.HasSuffix(path, suffixJournal)
	}) {
		t.Errorf("%q", left)
	}
	if err := s.DropJournal(func(string) bool { return true }); err != nil {
		t.Errorf("of none: %v", err)
	}
}

// TestJournalIsNoFile: anything but a regular file is an error, never an empty journal.
func TestJournalIsNoFile(t *testing.T) {
	s := journalOf(t, func(*JournalWriter) {})
	if err := os.Remove(s.path(suffixJournal)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(s.path(suffixJournal), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Journal(nil); err == nil {
		t.Error("a folder is read as a journal")
	}
	if _, err := s.Begin(Publishing, "one", time.Unix(1, 0)); err == nil {
		t.Error("a folder is written as a journal")
	}
}
