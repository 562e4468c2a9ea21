package engine

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/state"
)

// TestBaselineWithoutUsers: a baseline covers the documents also when the runs left
// out a stream that has no permissions.
func TestBaselineWithoutUsers(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) {
		components(w, 3, "fine")
		w.p.Unwritten = func(stream string) string { return map[string]string{"users": "left out"}[stream] }
	})
	own := n.owner()
	n.file(".state") // there is one
	n.good(func(w *world) { components(w, 3, "fine"); w.holdings = history(3)(own) })
}

// TestBaselineKeepsStreams: a run that leaves out a stream of the baseline writes the
// baseline all the same.
func TestBaselineKeepsStreams(t *testing.T) {
	n := night{t, t.TempDir()}
	n.good(func(w *world) { components(w, 3, "fine") })
	own := n.owner()
	w, _ := n.good(func(w *world) {
		components(w, 3, "fine")
		w.o.RunID, w.holdings = "01PARTIAL", history(3)(own)
		w.p.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
	})
	base, err := n.place().Load()
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	if base.Snapshot == nil || base.Run != w.o.RunID || base.Streams["documents"] != 3 {
		t.Errorf("%+v", base)
	}
}

// TestDamagedFirstBaseline: a damaged baseline refuses the run also when this state
// folder's first run was killed before it noted that it wrote one.
func TestDamagedFirstBaseline(t *testing.T) {
	n := night{t, t.TempDir()}
	fill := func(w *world) { components(w, 3, "fine") }
	n.good(fill)
	own := n.owner()
	if err := n.place().SetOwner(state.Owner{ID: own, Created: time.Now().UTC(), Begun: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.file(".state"), []byte("no baseline"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := n.run(func(w *world) { fill(w); w.holdings = history(3)(own) })
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Guard != guardBaseline || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("%v", err)
	}
}

// TestBaselineOfNothing: a run without documents and without a baseline is covered by
// no approval, since it lists nothing that one could name.
func TestBaselineOfNothing(t *testing.T) {
	v := &review{untrusted: &Refusal{Guard: guardBaseline}}
	if refused := v.baseline(nil, Holdings{}, &coverage{}); refused == nil {
		t.Error("it was allowed")
	}
}

// TestUploadText: an upload is named with its start when the sink says it.
func TestUploadText(t *testing.T) {
	u := Upload{Stream: "documents", ID: "u"}
	if got := u.String(); got != "the upload of documents u" {
		t.Error(got)
	}
	u.Began = time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)
	if got := u.String(); got != "the upload of documents u, begun 2026-01-02 03:04" {
		t.Error(got)
	}
}
