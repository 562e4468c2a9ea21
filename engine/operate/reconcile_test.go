package operate

import (
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/internal/fake"
	"github.com/pipe-engine/pipe/engine/run"
)

// TestReconcile: pipe status confirms the uploads of the baseline that the sink lists now, but
// not while a run holds the place.
func TestReconcile(t *testing.T) {
	n, now := newNight(t), time.Now()
	w := n.good(func(w *world) {
		w.Components(5, "fine")
		w.Listed = func() *component.UploadHistory { return &component.UploadHistory{By: "Glean"} }
	})
	reconcile := func(h *component.UploadHistory) Reconciled {
		t.Helper()
		r, err := Reconcile(n.Store(), fake.Place, h, now)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Save(n.Store(), fake.Place); err != nil {
			t.Fatal(err)
		}
		return r
	}
	unconfirmed := func(want ...string) {
		t.Helper()
		var streams []string
		for _, u := range n.Header().Unconfirmed {
			streams = append(streams, u.Stream)
		}
		if !slices.Equal(streams, want) {
			t.Errorf("unconfirmed %v, want %v", streams, want)
		}
	}
	for _, h := range []*component.UploadHistory{nil, {}} {
		if r := reconcile(h); len(r.Unknown) != 2 {
			t.Errorf("%+v: %+v", h, r)
		}
		unconfirmed("users", "documents")
	}

	listed := &component.UploadHistory{
		By:      "Glean",
		Uploads: []component.ListedUpload{{Stream: "users", ID: "upload-" + w.o.RunID, Stage: component.UploadComplete}},
	}
	held, err := TakePlace(n.Store(), fake.Place, run.NewRunID())
	if err != nil {
		t.Fatal(err)
	}
	if r := reconcile(listed); len(r.Confirmed) != 1 {
		t.Errorf("while a run holds the place: %+v", r)
	}
	unconfirmed("users", "documents")
	if err := held.Release(); err != nil {
		t.Fatal(err)
	}
	if r := reconcile(listed); len(r.Confirmed) != 1 {
		t.Errorf("%+v", r)
	}
	unconfirmed("documents")

	now = time.Now().Add(baseline.SettledAfter)
	if r := reconcile(&component.UploadHistory{Counts: map[string]int{"documents": 0}}); len(r.Lost) != 1 {
		t.Errorf("%+v", r)
	}
	unconfirmed("documents")
}
