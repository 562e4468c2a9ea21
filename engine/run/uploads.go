package run

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// tracking is the state of acknowledged uploads: those of earlier runs that the sink has not
// listed yet, and those of this run.
type tracking struct {
	by       string                   // the sink's name, when it is known
	earlier  []baseline.Upload        // of earlier runs, not confirmed
	lost     []baseline.Upload        // uploads of earlier runs that the sink does not have
	sent     []baseline.Upload        // of this run
	history  *component.UploadHistory // the latest answer
	failed   error                    // why the latest query failed
	paused   map[string]bool
	found    map[string]bool // pauses that this run has seen
	reported []string        // pauses that an earlier run reported with its exit code
	began    time.Time       // when sending began
	saved    baseline.Header
	exits    bool // the exit code reports what this run has found
}

// begin takes over the uploads of the last good run and the sink's list before this run sends
// anything.
func (t *tracking) begin(last *baseline.Snapshot, h *component.UploadHistory, now time.Time) {
	t.began, t.by = now.UTC(), "the sink"
	t.paused, t.found = map[string]bool{}, map[string]bool{}
	if last != nil {
		t.earlier, t.reported = slices.Clone(last.Unconfirmed), last.Paused
		for _, stream := range last.Paused {
			t.paused[stream] = true
		}
	}
	t.see(h, now)
}

// see processes an answer of the sink.
func (t *tracking) see(h *component.UploadHistory, now time.Time) {
	if t.history = h; h == nil {
		return
	}
	t.by = h.By
	t.earlier = slices.DeleteFunc(t.earlier, func(u baseline.Upload) bool {
		f := u.Fate(h, now)
		if f == baseline.Lost {
			t.lost = append(t.lost, u)
		}
		return f != baseline.Unlisted
	})
	for _, u := range h.Uploads {
		switch h.Latest(u.Stream) {
		case component.UploadDeletionPaused:
			t.paused[u.Stream], t.found[u.Stream] = true, true
		case component.UploadProcessed:
			delete(t.paused, u.Stream)
		}
	}
}

// pending returns the uploads of this run that the sink has not processed, each with its state,
// and the streams that are not even listed as complete.
func (t *tracking) pending() (words, unlisted []string) {
	for _, u := range t.sent {
		listed := t.history.Find(u.Stream, u.ID)
		switch {
		case listed == nil:
			words, unlisted = append(words, u.Stream+" (not listed yet)"), append(unlisted, u.Stream)
		case listed.Stage == component.UploadOpen:
			words, unlisted = append(words, fmt.Sprintf("%s (%s)", u.Stream, listed.State)), append(unlisted, u.Stream)
		case listed.Stage == component.UploadComplete:
			words = append(words, fmt.Sprintf("%s (%s)", u.Stream, listed.State))
		}
	}
	return words, unlisted
}

// pausedNow reports whether the sink has paused the deletion of an upload of this run.
func (t *tracking) pausedNow() bool {
	return slices.ContainsFunc(t.sent, func(u baseline.Upload) bool {
		listed := t.history.Find(u.Stream, u.ID)
		return listed != nil && listed.Stage == component.UploadDeletionPaused
	})
}

// header sets what the next run needs to know. A pause counts as reported only when the exit
// code reports it.
func (t *tracking) header(h *baseline.Header, plan *component.Plan) {
	_, unlisted := t.pending()
	h.Unconfirmed = nil
	for _, u := range t.sent {
		if slices.Contains(unlisted, u.Stream) {
			h.Unconfirmed = append(h.Unconfirmed, u)
		}
	}
	for _, u := range slices.Concat(t.earlier, t.lost) {
		if plan.Only || plan.Stream(u.Stream) == nil { // not sent by this run
			h.Unconfirmed = append(h.Unconfirmed, u)
		}
	}
	h.Paused = nil
	for _, stream := range slices.Sorted(maps.Keys(t.paused)) {
		if t.exits || slices.Contains(t.reported, stream) {
			h.Paused = append(h.Paused, stream)
		}
	}
}

// cannotAnswer reports whether another query would be useless.
func (t *tracking) cannotAnswer() bool {
	return t.failed != nil && fault.ClassOf(t.failed) != fault.Transient && fault.ClassOf(t.failed) != fault.Throttled
}

// fresh returns the pauses that no run has reported yet.
func (t *tracking) fresh() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t.found)), func(stream string) bool {
		return slices.Contains(t.reported, stream)
	})
}

// lostIn returns the lost uploads of streams that the plan sends again.
func (t *tracking) lostIn(plan *component.Plan) []baseline.Upload {
	return slices.DeleteFunc(slices.Clone(t.lost), func(u baseline.Upload) bool { return plan.Stream(u.Stream) == nil })
}
