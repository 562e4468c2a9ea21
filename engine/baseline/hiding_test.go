package baseline

import (
	"strings"
	"testing"
	"time"
)

// TestSettleKeepsLaterEntries: a run removes from the list only entries that had been let
// back when it began.
func TestSettleKeepsLaterEntries(t *testing.T) {
	back := func(ref string, at int64) Hidden {
		return Hidden{Ref: ref, At: time.Unix(1, 0).UTC(), Back: time.Unix(at, 0).UTC()}
	}
	began := HidingOf([]Hidden{back("a", 2), back("b", 2), back("c", 2), {Ref: "d"}, {Ref: "f"}}, nil)
	store := open(t, t.TempDir())
	listed := []Hidden{back("a", 2), {Ref: "b"}, back("c", 3), back("d", 3), {Ref: "e"}, {Ref: "f"}}
	if err := store.UpdateHidden(func([]Hidden) ([]Hidden, error) { return listed, nil }); err != nil {
		t.Fatal(err)
	}
	if err := began.Settle(store); err != nil {
		t.Fatal(err)
	}
	all, err := store.Hidden()
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, h := range all {
		left = append(left, h.Ref)
	}
	if got := strings.Join(left, " "); got != "b c d e f" {
		t.Errorf("left %q", got)
	}
}

// TestHiddenSince: entries that were hidden after a run began, by ref or by ID.
func TestHiddenSince(t *testing.T) {
	before := HidingOf([]Hidden{{Ref: "a", IDs: []string{"1"}}, {Ref: "b", IDs: []string{"4"}, Back: time.Unix(1,
		0)}}, nil)
	now := HidingOf([]Hidden{{Ref: "a", IDs: []string{"1", "2"}}, {Ref: "b", IDs: []string{"4"}},
		{Ref: "c", IDs: []string{"3"}, Back: time.Unix(1, 0)}, {Ref: "d"}}, nil).Since(before)
	if len(now.Refs) != 2 || len(now.IDs) != 2 { // b and d, 2 and 4
		t.Errorf("refs %v, IDs %v", now.Refs, now.IDs)
	}
	for item, want := range map[[2]string]bool{{"a", "1"}: false, {"x", "2"}: true, {"x", "4"}: true, {"b", "b"}: true,
		{"c", "c"}: false, {"d", "d"}: true, {"x", "1"}: false} {
		if got := now.HasID(item[0], item[1]); got != want {
			t.Errorf("%v: %v", item, got)
		}
	}
}

// TestHiddenReason: the reason names the hidden ref when it differs from the item's ref.
func TestHiddenReason(t *testing.T) {
	h := HidingOf([]Hidden{{Ref: "a", IDs: []string{"1"}, At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)}}, nil)
	for ref, want := range map[string]string{"a": "hidden with pipe hide on 2026-03-01",
		"b": "hidden with pipe hide on 2026-03-01 as a"} {
		if got := h.Why(ref, "1"); got != want {
			t.Errorf("%s: %q, want %q", ref, got, want)
		}
	}
}

// TestWithout: a ref is removed from the list with the IDs of its items, and other entries
// stay.
func TestWithout(t *testing.T) {
	at := time.Now()
	h := HidingOf([]Hidden{
		{Ref: "a", At: at, IDs: []string{"id of a"}},
		{Ref: "b", At: at, IDs: []string{"id of b"}},
	}, nil).Without("a")
	if h.HasRef("a") || h.HasID("other", "id of a") {
		t.Error("it is still hidden")
	}
	if !h.HasRef("b") || !h.HasID("other", "id of b") {
		t.Error("another ref is no longer hidden")
	}
}
