package baseline

import (
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
)

// TestFateOfAnUpload: an acknowledged upload is confirmed by its own line in the history, and
// lost only when the history, which may be hours old and cut short, must contain such a line.
func TestFateOfAnUpload(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)
	ours := Upload{Stream: "documents", ID: "ours", Items: 5, Began: at.Add(-10 * time.Minute), Ended: at}
	upload := func(id string, began time.Time, stage component.UploadStage) component.ListedUpload {
		return component.ListedUpload{Stream: "documents", ID: id, Began: began, Stage: stage}
	}
	earlier, later := upload("earlier", at.Add(-24*time.Hour), component.UploadProcessed), upload("later",
		at.Add(time.Hour), component.UploadOpen)
	mine := func(stage component.UploadStage) component.ListedUpload {
		return upload("ours", at.Add(-5*time.Minute), stage)
	}
	users := component.ListedUpload{Stream: "users", ID: "ours", Began: at, Stage: component.UploadProcessed}
	zero, some := map[string]int{"documents": 0}, map[string]int{"documents": 5}

	for name, tc := range map[string]struct {
		listed []component.ListedUpload
		counts map[string]int
		items  int           // 0 means five
		after  time.Duration // 0 means an hour
		want   Fate
	}{
		"listed as complete": {listed: []component.ListedUpload{mine(component.UploadComplete)},
			want: Confirmed},
		"listed as processed": {listed: []component.ListedUpload{later,
			mine(component.UploadProcessed), earlier}, want: Confirmed},
		"its deletion is paused": {listed: []component.ListedUpload{mine(component.UploadDeletionPaused)}, want: Confirmed},
		"listed as complete, counts are zero": {listed: []component.ListedUpload{mine(component.UploadComplete)},
			counts: zero, after: 7 * time.Hour, want: Confirmed},
		"an empty list":                                 {want: Unlisted},
		"an empty list after six hours":                 {after: 6 * time.Hour, want: Unlisted},
		"an empty list, counts are zero":                {counts: zero, want: Unlisted},
		"counts are zero just before six hours":         {counts: zero, after: 6*time.Hour - 1, want: Unlisted},
		"counts are zero after six hours":               {counts: zero, after: 6 * time.Hour, want: Lost},
		"counts are not zero after six hours":           {counts: some, after: 6 * time.Hour, want: Unlisted},
		"zero after six hours, none were sent":          {counts: zero, items: -1, after: 6 * time.Hour, want: Unlisted},
		"only an earlier one, which may be an old list": {listed: []component.ListedUpload{earlier}, want: Unlisted},
		"only an earlier one after six hours": {listed: []component.ListedUpload{earlier}, counts: some,
			after: 6 * time.Hour, want: Lost},
		"only a later one, which may be a short list": {listed: []component.ListedUpload{later}, want: Unlisted},
		"only a later one after six hours": {listed: []component.ListedUpload{later}, counts: some,
			after: 6 * time.Hour, want: Unlisted},
		"an earlier and a later one": {listed: []component.ListedUpload{later, earlier}, counts: some,
			want: Lost},
		"one of the same time and an earlier one": {listed: []component.ListedUpload{upload("x", at.Add(-time.Minute),
			component.UploadOpen), earlier}, want: Unlisted},
		"others without a time": {listed: []component.ListedUpload{upload("x", time.Time{},
			component.UploadOpen)}, after: 7 * time.Hour, want: Unlisted},
		"those of another stream": {listed: []component.ListedUpload{users,
			{Stream: "users", ID: "a", Began: at.Add(-time.Hour)}, {Stream: "users", ID: "b", Began: at.Add(time.Hour)}},
			after: 7 * time.Hour, want: Unlisted},
		"listed as open": {listed: []component.ListedUpload{mine(component.UploadOpen),
			earlier}, want: Unlisted},
		"listed as open after six hours": {listed: []component.ListedUpload{mine(component.UploadOpen)},
			after: 6 * time.Hour, want: Lost},
		"listed as open below a later one": {listed: []component.ListedUpload{later,
			mine(component.UploadOpen)}, want: Lost},
		"listed as open, by a clock that is ahead": {listed: []component.ListedUpload{upload("ours",
			at.Add(time.Minute), component.UploadOpen)}, want: Unlisted},
	} {
		u := ours
		if tc.items != 0 {
			u.Items = 0
		}
		after := tc.after
		if after == 0 {
			after = time.Hour
		}
		h := &component.UploadHistory{Uploads: tc.listed, Counts: tc.counts}
		if got := u.Fate(h, at.Add(after)); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
	if got := ours.Fate(nil, at.Add(24*time.Hour)); got != Unlisted {
		t.Errorf("without a history: %d", got)
	}
}
