package baseline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/state"
)

// TestApprove: a stored refusal can be approved; after the approval was used, only when a run
// was refused again.
func TestApprove(t *testing.T) {
	changes := []fault.Change{{Stream: "documents", ID: "a", Ref: "a", After: fault.Gone, N: 1}}
	id := fault.Digest(changes)
	at := time.Now().Truncate(time.Second)
	for name, tc := range map[string]struct {
		refused time.Time // zero: not stored
		before  *Approval // may be nil
		damaged string    // a suffix; "" for none
		says    string    // part of the error; "" when the approval is stored
	}{
		"not stored":      {says: "refused run " + id},
		"damaged":         {refused: at, damaged: ".refusal-", says: "is damaged"},
		"never approved":  {refused: at},
		"approved before": {refused: at, before: &Approval{At: at}},
		"used before": {refused: at, before: &Approval{At: at, UsedBy: "01RUN", UsedAt: at.Add(time.Minute)},
			says: "was used by run 01RUN"},
		"used at that moment": {refused: at, before: &Approval{At: at, UsedBy: "01RUN", UsedAt: at},
			says: "was used by run 01RUN"},
		"refused after a use": {refused: at.Add(time.Hour), before: &Approval{At: at, UsedBy: "01RUN", UsedAt: at}},
		"a damaged approval":  {refused: at, before: &Approval{At: at}, damaged: ".approval-", says: "is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir)
			if !tc.refused.IsZero() {
				if err := store.Refuse(Refusal{ID: id, At: tc.refused, Changes: changes}); err != nil {
					t.Fatal(err)
				}
			}
			if tc.before != nil {
				tc.before.ID = id
				if err := store.Approve(*tc.before); err != nil {
					t.Fatal(err)
				}
			}
			if tc.damaged != "" {
				files, _ := filepath.Glob(filepath.Join(dir, "*"+tc.damaged+id))
				if len(files) != 1 {
					t.Fatal(files)
				}
				damage(t, files[0])
			}
			refused, _, err := Approve(state.Folder(dir), place,
				Approval{ID: id, At: time.Now(), By: "sam", UsedBy: "01OTHER", UsedAt: at})
			if tc.says != "" {
				if err == nil || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(refused.Changes) != 1 {
				t.Fatalf("%+v, %v", refused, err)
			}
			if a, err := store.Approval(id); err != nil || a.By != "sam" || a.UsedBy != "" || !a.UsedAt.IsZero() {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
}

// damage flips a bit of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[10] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestApproveTogether: the approvals of several people add up while they are valid and unused.
func TestApproveTogether(t *testing.T) {
	changes := []fault.Change{{Stream: "documents", ID: "a", Ref: "a", After: fault.Gone, N: 1}}
	id := fault.Digest(changes)
	now := time.Now().Truncate(time.Second)
	for name, tc := range map[string]struct {
		before *Approval
		want   string
	}{
		"first":  {nil, "sam"},
		"second": {&Approval{By: "ann", At: now.Add(-time.Hour)}, "ann sam"},
		"again":  {&Approval{By: "sam", At: now.Add(-time.Hour)}, "sam"},
		"third": {&Approval{By: "ann", At: now.Add(-time.Hour), Others: []Approver{{By: "bob", At: now}}},
			"bob ann sam"},
		"again in capitals": {&Approval{By: " Sam", At: now.Add(-time.Hour)}, "sam"},
		"after a day":       {&Approval{By: "ann", At: now.Add(-25 * time.Hour)}, "sam"},
		"an old of three": {&Approval{By: "ann", At: now, Others: []Approver{{By: "bob", At: now.Add(-25 * time.Hour)}}},
			"ann sam"},
		"a used one": {&Approval{By: "ann", At: now.Add(-2 * time.Hour), UsedBy: "01RUN", UsedAt: now.Add(-time.Hour)},
			"sam"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir)
			if err := store.Refuse(Refusal{ID: id, At: now, Changes: changes}); err != nil {
				t.Fatal(err)
			}
			if tc.before != nil {
				tc.before.ID = id
				if err := store.Approve(*tc.before); err != nil {
					t.Fatal(err)
				}
			}
			if _, _, err := Approve(state.Folder(dir), place, Approval{ID: id, At: now, By: "sam"}); err != nil {
				t.Fatal(err)
			}
			a, err := store.Approval(id)
			if err != nil || strings.Join(a.People(), " ") != tc.want {
				t.Errorf("%v, %v, want %s", err, a.People(), tc.want)
			}
		})
	}
}

// TestWithdraw: what is left of an approval is that of the others, and a used one stays.
func TestWithdraw(t *testing.T) {
	changes := []fault.Change{{Stream: "documents", ID: "a", Ref: "a", After: fault.Gone, N: 1}}
	id := fault.Digest(changes)
	now := time.Now().Truncate(time.Second)
	both := Approval{ID: id, By: "sam", At: now, Proven: true, Alone: true, Reason: "r",
		Others: []Approver{{By: "ann", At: now.Add(-time.Hour), Identity: "x"}}}
	used := both
	used.UsedBy = "01RUN"
	for name, tc := range map[string]struct {
		before *Approval
		drop   string
		left   string // who is left
		gone   string
	}{
		"no approval":           {nil, "sam", "", ""},
		"another person":        {&both, "eve", "ann sam", ""},
		"the last":              {&both, "sam", "ann", "sam"},
		"the first":             {&both, "ann", "sam", "ann"},
		"everybody":             {&both, "ann sam", "", "ann sam"},
		"an approval of a run":  {&used, "ann sam", "ann sam", ""},
		"by identity, not name": {&both, "#x", "sam", "ann"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			store := open(t, dir)
			if tc.before != nil {
				if err := store.Approve(*tc.before); err != nil {
					t.Fatal(err)
				}
			}
			left, gone, err := Withdraw(state.Folder(dir), place, id, func(a Approver) bool {
				for _, one := range strings.Fields(tc.drop) {
					if name, identity, _ := strings.Cut(one, "#"); a.Is(name, identity) {
						return true
					}
				}
				return false
			})
			if err != nil || strings.Join(gone, " ") != tc.gone {
				t.Fatalf("%v, %v", err, gone)
			}
			stored, err := store.Approval(id)
			if tc.left == "" {
				if left != nil || err == nil {
					t.Errorf("%+v is left, %+v is stored", left, stored)
				}
				return
			}
			if err != nil || strings.Join(stored.People(), " ") != tc.left || strings.Join(left.People(), " ") != tc.left {
				t.Fatalf("%v, %+v is left, %+v is stored", err, left, stored)
			}
			sam := stored.By == "sam"
			if tc.gone != "" && (stored.Alone || stored.Proven != sam || !sam && stored.Reason != "") {
				t.Errorf("%+v", stored)
			}
		})
	}
}

// TestUnused: approvals that are used, expired or damaged allow nothing.
func TestUnused(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	store := open(t, dir)
	for id, a := range map[string]Approval{"aaaaaaaaaaaa": {At: now}, "bbbbbbbbbbbb": {At: now, UsedBy: "01RUN"},
		"cccccccccccc": {At: now.Add(-25 * time.Hour)}, "dddddddddddd": {At: now}} {
		a.ID = id
		if err := store.Approve(a); err != nil {
			t.Fatal(err)
		}
	}
	damage(t, store.path(".approval-dddddddddddd"))
	ids, err := Unused(state.Folder(dir), place, now)
	if err != nil || strings.Join(ids, " ") != "aaaaaaaaaaaa" {
		t.Errorf("%v, %v", ids, err)
	}
}
