package baseline

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

var changes = []fault.Change{
	{Stream: "documents", Type: "api", ID: fault.HexID(7), Ref: "api:default/a", Before: "listed:0001", After: fault.Gone,
		N: 1},
	{Stream: "documents", ID: fault.HexID(3), Ref: "odd\nref\t\x1b", Before: "nobody", After: "all-users", N: 1},
	{Stream: "members", ID: fault.HexID(1), Before: "members:1", After: "members", N: 40},
	{Stream: "documents", After: fault.Gone, N: 12},
}

func refusal(t *testing.T, s *Store, changes ...fault.Change) Refusal {
	t.Helper()
	r := Refusal{ID: fault.Digest(changes), At: time.Unix(1700000000, 0).UTC(), Run: "01R", Pipeline: "backstage",
		Reasons: []string{"max_loss: too much"}, Changes: changes}
	if err := s.Refuse(r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefusalRoundTrip(t *testing.T) {
	dir := t.TempDir()
	want := refusal(t, open(t, dir), changes...)
	want.Counts = CountChanges(changes)
	got, err := open(t, dir).Refusal(want.ID)
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("%v, %+v", err, got)
	}
	files, _ := os.ReadDir(dir)
	for _, f := range files {
		if info, _ := f.Info(); len(files) != 1 || !private(info) {
			t.Errorf("%s: %v", f.Name(), info.Mode())
		}
	}
	other, err := Open(state.Folder(dir), place+"-2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Refusal(want.ID); !errors.Is(err, ErrNotStored) {
		t.Errorf("another place has this one's refusal: %v", err)
	}
	if err := os.Rename(open(t, dir).path(".refusal-"+want.ID), other.path(".refusal-"+want.ID)); err != nil {
		t.Fatal(err)
	}
	if r, err := other.Refusal(want.ID); err == nil {
		t.Errorf("it was stored for another place, and is read as %+v", r)
	}
}

// TestDamagedRefusal: a changed file is not read.
func TestDamagedRefusal(t *testing.T) {
	s := open(t, t.TempDir())
	r := refusal(t, s, changes...)
	if err := s.Approve(Approval{ID: r.ID, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for suffix, records := range map[string]func() error{
		".refusal-" + r.ID:  func() error { _, err := s.Refusal(r.ID); return err },
		".approval-" + r.ID: func() error { _, err := s.Approval(r.ID); return err },
	} {
		path := s.path(suffix)
		good, err := os.ReadFile(path)
		if err != nil || records() != nil {
			t.Fatal(err, records())
		}
		spoiled := map[string][]byte{"empty": nil, "one line": []byte("end\t\n"), "more": append(slices.Clone(good), '\n')}
		for i := range good {
			flipped := slices.Clone(good)
			flipped[i] ^= 1
			spoiled[fmt.Sprint("a bit at ", i)] = flipped
			spoiled[fmt.Sprint("cut at ", i)] = good[:i]
		}
		for name, b := range spoiled {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := records(); err == nil || errors.Is(err, ErrNotStored) {
				t.Errorf("%s, %s: %v", suffix, name, err)
			}
		}
		os.Remove(path)
	}
}

// TestRefusalOfOtherChanges: an intact list with another digest does not match the ID.
func TestRefusalOfOtherChanges(t *testing.T) {
	s := open(t, t.TempDir())
	r := refusal(t, s, changes...)
	r.Changes = changes[1:]
	if err := s.Refuse(r); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refusal(r.ID); err == nil {
		t.Error("it is read")
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var ids []string
	for i := range keptRefusals + 3 {
		r := refusal(t, s, fault.Change{Stream: "documents", After: fault.Gone, N: i + 1})
		at := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(s.path(".refusal-"+r.ID), at, at); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	if files, _ := filepath.Glob(s.path(".refusal-*")); len(files) != keptRefusals {
		t.Errorf("%d refusals are kept", len(files))
	}
	if _, err := s.Refusal(ids[len(ids)-1]); err != nil {
		t.Errorf("the last one: %v", err)
	}
	if _, err := s.Refusal(ids[0]); !errors.Is(err, ErrNotStored) {
		t.Errorf("the first one: %v", err)
	}
}

func TestApprovalsAreBounded(t *testing.T) {
	s := open(t, t.TempDir())
	old, young := fault.Digest(changes), fault.Digest(changes[1:])
	for id, age := range map[string]time.Duration{old: keptApprovals + time.Hour, young: keptApprovals - time.Hour} {
		if err := s.Approve(Approval{ID: id, At: time.Now().Add(-age)}); err != nil {
			t.Fatal(err)
		}
	}
	if ids := s.Approvals(); !slices.Equal(ids, []string{young}) {
		t.Errorf("approvals %v", ids)
	}
	if _, err := s.Approval(old); !errors.Is(err, ErrNotStored) {
		t.Errorf("the old one: %v", err)
	}
}

// TestDigest: an ID depends on every part of a change except its ref, and not on the order.
func TestDigest(t *testing.T) {
	id := fault.Digest(changes)
	if !fault.IsID(id) || id != fault.Digest(slices.Clone(changes)) {
		t.Fatalf("ID %q", id)
	}
	turned := slices.Clone(changes)
	slices.Reverse(turned)
	if fault.Digest(turned) != id || fault.Digest(append(turned, changes[0])) != id {
		t.Error("the order matters, or a change that is listed twice")
	}
	if turned[0].N != 12 {
		t.Error("the list was sorted in place")
	}
	for name, edit := range map[string]func(*fault.Change){
		"stream": func(c *fault.Change) { c.Stream = "users" }, "type": func(c *fault.Change) { c.Type = "" },
		"ID":     func(c *fault.Change) { c.ID = fault.HexID(8) },
		"before": func(c *fault.Change) { c.Before = "nobody" }, "after": func(c *fault.Change) { c.After = "listed" },
		"number": func(c *fault.Change) { c.N = 2 },
	} {
		other := slices.Clone(changes)
		edit(&other[0])
		if fault.Digest(other) == id {
			t.Errorf("another %s gives the same ID", name)
		}
	}
	other := slices.Clone(changes)
	other[0].Ref = "api:default/b"
	if fault.Digest(other) != id {
		t.Error("the ref, which is for people, matters")
	}
	if fault.Digest([]fault.Change{{Stream: "a", Type: "b"}}) == fault.Digest([]fault.Change{{Stream: "ab"}}) {
		t.Error("fields run together")
	}
	for _, text := range []string{"", "abc", "ABCDEFGHIJKL", "abcdefghijk1", "abcdefghijklm", "abcdefghijkl\n",
		"../../../etc"} {
		if fault.IsID(text) {
			t.Errorf("%q is an ID", text)
		}
	}
}
