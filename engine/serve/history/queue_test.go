package history_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/serve/history"
)

// TestQueue: a run is in the history from the request on, with the time of the schedule that it deals
// with, and in the lists from its beginning on.
func TestQueue(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	r := &history.Run{ID: "run-1", Pipeline: "catalog", Dry: true, Only: []string{"users"},
		Asked: []history.Asked{{By: "schedule", At: now, How: "schedule"}}}
	if err := h.Queue(t.Context(), r, now); err != nil {
		t.Fatal(err)
	}
	if due, err := h.LastDue(t.Context(), "catalog"); err != nil || !due.Equal(now) {
		t.Errorf("the time of the schedule: %v, %v", err, due)
	}
	r.Asked = append(r.Asked, history.Asked{By: "ann", Person: true, At: now, How: "page"})
	r.Mode, r.Dry, r.Only = "full", false, nil
	if err := h.Queue(t.Context(), r, time.Time{}); err != nil {
		t.Fatal(err)
	}
	queued, err := h.Queued(t.Context(), "catalog")
	if err != nil || len(queued) != 1 {
		t.Fatalf("%v, %+v", err, queued)
	}
	if q := queued[0]; q.Verdict != history.VerdictWaiting || !q.Started.IsZero() || q.Class != -1 || q.Mode != "full" ||
		q.Dry || len(q.Only) != 0 || len(q.Asked) != 2 {
		t.Errorf("while it waits: %+v", q)
	}
	if err := h.Interrupt(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	if runs, err := h.Runs(t.Context(), "catalog", "", 10); err != nil || len(runs) != 0 {
		t.Errorf("before it begins: %v, %+v", err, runs)
	}
	if runs, err := h.Since(t.Context(), "catalog", 0); err != nil || len(runs) != 1 {
		t.Errorf("with those that wait: %v, %+v", err, runs)
	}
	r.Started = now.Add(time.Minute)
	if err := h.Begin(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Ended, r.Asked = now.Add(time.Hour), nil
	if err := h.End(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := h.Queue(t.Context(), r, time.Time{}); err != nil { // too late
		t.Fatal(err)
	}
	got, err := h.Run(t.Context(), "run-1")
	if err != nil || !got.Started.Equal(r.Started) || len(got.Asked) != 2 || got.Mode != "full" || got.Verdict != "" {
		t.Errorf("after its end: %v, %+v", err, got)
	}
}

// TestBeginEndsEarlier: a run of a pipeline that begins ends one whose result was not stored.
func TestBeginEndsEarlier(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	for _, r := range []*history.Run{{ID: "run-1", Pipeline: "catalog"}, {ID: "run-2", Pipeline: "wiki"},
		{ID: "run-3", Pipeline: "catalog"}} {
		r.Started = now
		if err := h.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for id, ended := range map[string]bool{"run-1": true, "run-2": false, "run-3": false} {
		r, err := h.Run(t.Context(), id)
		if err != nil || r.Ended.IsZero() == ended {
			t.Errorf("%v, %+v", err, r)
		}
	}
}

// TestOrder: runs are in the order in which they were asked for, whatever the clock and their IDs say.
func TestOrder(t *testing.T) {
	h := open(t, filepath.Join(t.TempDir(), "history.db"))
	for i, id := range []string{"9-first", "5-second", "7-third"} {
		r := &history.Run{ID: id, Pipeline: "catalog", Started: now.AddDate(1-i, 0, 0), Ended: now.AddDate(1-i, 0, 0)}
		if err := h.Begin(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := h.End(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := h.Runs(t.Context(), "catalog", "7-third", 10)
	if err != nil || len(runs) != 2 || runs[0].ID != "5-second" || runs[1].ID != "9-first" {
		t.Errorf("before the last one: %v, %+v", err, runs)
	}
	if last, err := h.Reviewed(t.Context(), "catalog"); err != nil || last.ID != "7-third" {
		t.Errorf("the last one: %v, %+v", err, last)
	}
	good, err := h.LastGood(t.Context(), "catalog")
	if err != nil || good.Run != "7-third" {
		t.Fatalf("the last good one: %v, %+v", err, good)
	}
	if since, err := h.Since(t.Context(), "catalog", good.Number); err != nil || len(since) != 0 {
		t.Errorf("since then: %v, %+v", err, since)
	}
}
