package baseline

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
)

// TestSummary: a summary has the numbers of a refusal, which are read from its first line. They are
// counted when an earlier version of pipe wrote the file.
func TestSummary(t *testing.T) {
	s := open(t, t.TempDir())
	r := refusal(t, s, changes...)
	want := []ChangeCount{{"documents", "all-users", 1, 1}, {"documents", fault.Gone, 13, 13},
		{"members", "members", 40, 40}}
	got, err := s.Summary(r.ID, nil)
	if err != nil || got.ID != r.ID || !slices.Equal(got.Reasons, r.Reasons) || got.Changes != nil ||
		!slices.Equal(got.Counts, want) {
		t.Errorf("%v, %+v", err, got)
	}
	none := CountChanges([]fault.Change{{Stream: "a", After: fault.Added}})
	if none[0] != (ChangeCount{"a", "new", 0, 1}) {
		t.Errorf("a change of nothing: %+v", none)
	}
	path := s.path(".refusal-" + r.ID)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(text)))
	head, rest := lines[0], strings.Join(lines[1:len(lines)-1], "")
	if err := s.writeSealed(".refusal-"+r.ID, []byte(head+strings.Repeat("no change\n", 1000))); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Summary(r.ID, nil); err != nil || !slices.Equal(got.Counts, want) { // the lines are not parsed
		t.Errorf("%v, %+v", err, got)
	}
	before, _, _ := strings.Cut(head, `,"counts"`)
	if err := s.writeSealed(".refusal-"+r.ID, []byte(before+"}\n"+rest)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Summary(r.ID, nil); err != nil || !slices.Equal(got.Counts, want) {
		t.Errorf("of an earlier version: %v, %+v", err, got)
	}
	if got, err := s.Refusal(r.ID); err != nil || !slices.Equal(got.Counts, want) {
		t.Errorf("of an earlier version, with its changes: %v, %+v", err, got)
	}
	if err := s.writeSealed(".refusal-"+r.ID, []byte(before+"}\n{\n")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Summary(r.ID, nil); err == nil {
		t.Errorf("with a line that is no change: %+v", got)
	}
}

// TestSummaryIsKept: a file that has not changed is not read again.
func TestSummaryIsKept(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Summary("aaaabbbbcccc", nil); !errors.Is(err, ErrNotStored) {
		t.Errorf("none: %v", err)
	}
	r := refusal(t, s, changes...)
	path := s.path(".refusal-" + r.ID)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour)
	write := func(text []byte, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, text, 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write(good, at)
	first, err := s.Summary(r.ID, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(bytes.Repeat([]byte("x"), len(good)), at) // only reading it would show that
	if again, err := s.Summary(r.ID, first); err != nil || again != first {
		t.Errorf("a file that has not changed: %v, %+v", err, again)
	}
	if other, err := s.Summary("aaaabbbbcccc", first); !errors.Is(err, ErrNotStored) {
		t.Errorf("another refusal: %v, %+v", err, other)
	}
	for name, change := range map[string]func(){
		"a later one":  func() { write(bytes.Repeat([]byte("x"), len(good)), at.Add(time.Second)) },
		"a longer one": func() { write(append(slices.Clone(good), 'x'), at) },
		"another file": func() { write(good, at); os.Remove(path); write(bytes.Repeat([]byte("x"), len(good)), at) },
	} {
		write(good, at)
		known, err := s.Summary(r.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		if name == "another file" {
			keep, err := os.Open(path) // keeps its number from being used again
			if err != nil {
				t.Fatal(err)
			}
			defer keep.Close()
		}
		change()
		if got, err := s.Summary(r.ID, known); err == nil {
			t.Errorf("%s is not read: %+v", name, got)
		}
	}
}

// TestDamagedSummary: a changed file is not summarized.
func TestDamagedSummary(t *testing.T) {
	s := open(t, t.TempDir())
	r := refusal(t, s, changes...)
	path := s.path(".refusal-" + r.ID)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	spoiled := map[string][]byte{"empty": nil, "one line": []byte("end\t\n"), "more": append(slices.Clone(good), '\n'),
		"shorter": good[:len(good)-1], "without an end": good[:bytes.LastIndex(good[:len(good)-1], []byte("\n"))+1]}
	for i := range good {
		flipped := slices.Clone(good)
		flipped[i] ^= 1
		spoiled[fmt.Sprint("byte ", i)] = flipped
	}
	for name, text := range spoiled {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Summary(r.ID, nil); err == nil {
			t.Fatalf("%s: %+v", name, got)
		}
	}
}
