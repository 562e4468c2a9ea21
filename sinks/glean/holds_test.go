package glean_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestHoldsUploads: the history lists the uploads of documents with the owner and
// run of each, also while the counts are still those of before.
func TestHoldsUploads(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{CountsLag: 3 * time.Hour})
	s := f.Read(gleantest.User("sam"), gleantest.Doc("a"))
	first := f.LastRun
	if err := f.Publish(s); err != nil {
		t.Fatal(err)
	}
	f.Time = f.Time.Add(time.Minute)
	f.Opening.Owner = "feedfacefeedface"
	f.Reset()
	s = f.Read(gleantest.User("sam"), gleantest.Doc("a"), gleantest.Doc("b"))
	if err := f.Publish(s); err != nil {
		t.Fatal(err)
	}
	second := f.LastRun
	h, err := f.Read().Holds(t.Context())
	if err != nil || h.Unsaid != nil {
		t.Fatal(err, h.Unsaid)
	}
	if n, known := h.Streams["documents"]; n != 0 || !known {
		t.Errorf("%d documents, %t", n, known)
	}
	var got []string
	for _, u := range h.Uploads {
		got = append(got, fmt.Sprint(u.Stream, " ", u.Owner, " ", u.Run, " ", u.Began.Unix()))
	}
	want := []string{
		fmt.Sprint("documents feedfacefeedface ", second, " ", f.Time.Unix()),
		fmt.Sprint("documents 00000000deadbeef ", first, " ", f.Time.Add(-time.Minute).Unix()),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHoldsUploadOrder: the order is that of the starts, whatever Glean's is; other
// programs have no owner.
func TestHoldsUploadOrder(t *testing.T) {
	const run = "01JCQ7ZJ8Z0000000000000000"
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(gleantest.Status(`{"documents":{"bulkUploadHistory":[
		{"uploadId":"other-documents-` + run +
		`","startTime":"2026-01-01T00:00:00Z","endTime":"NA","status":"SUCCESSFUL"},
		{"uploadId":"backstage-sync-17","startTime":"2026-03-01T00:00:00Z","status":"SUCCESSFUL"},
		{"uploadId":"unknown start","startTime":"yesterday","status":"SUCCESSFUL"},
		{"uploadId":"pipe-documents-0123456789abcdef-` + run +
		`-2","startTime":"2026-02-01T00:00:00Z","status":"SUCCESSFUL"}],"counts":{"uploaded":null}}}`))
	h, err := f.Read().Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range h.Uploads {
		got = append(got, u.ID+" "+u.Owner+" "+u.Run)
	}
	want := []string{"unknown start  ", "backstage-sync-17  ", "pipe-documents-0123456789abcdef-" + run +
		"-2 0123456789abcdef " + run, "other-documents-" + run + "  " + run}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, known := h.Streams["documents"]; known {
		t.Errorf("streams %v", h.Streams)
	}
}

// TestHoldsUnknown: a status that fails, or is none, says nothing; it is never taken
// for an empty datasource.
func TestHoldsUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		fault faults.Fault
		beta  bool // the status is not offered
	}{
		"404":             {faults.Fault{Status: 404}, true},
		"410":             {faults.Fault{Status: 410}, true},
		"null":            {gleantest.Status("null"), true},
		"a list":          {gleantest.Status("[]"), true},
		"an error object": {gleantest.Status(`{"error":"try later"}`), true},
		"wrong structure": {gleantest.Status(`{"documents":[]}`), true},
		"500":             {faults.Fault{Status: 500}, false},
		"403":             {faults.Fault{Status: 403}, false},
		"reset":           {faults.Fault{Reset: true}, false},
		"a sign-in page":  {faults.Fault{HTML: true}, false},
	} {
		f := gleantest.Start(t, sandbox.Rules{})
		tc.fault.Path = "status"
		f.Server.Fail(tc.fault)
		h, err := f.Read().Holds(t.Context())
		var unsaid *component.UnsaidError
		if tc.beta && (err != nil || h.Unsaid == nil) || !tc.beta && !errors.As(err, &unsaid) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	f := gleantest.Start(t, sandbox.Rules{})
	for _, body := range []string{`{}`, `{"documents":{}}`, `{"documents":{"counts":{"uploaded":null},` +
		`"bulkUploadHistory":null}}`, `{"documents":{"counts":{"uploaded":[]},"bulkUploadHistory":[]}}`} {
		f.Server.Heal()
		f.Server.Fail(gleantest.Status(body))
		if h, err := f.Read().Holds(t.Context()); err != nil || h.Unsaid != nil || len(h.Uploads) > 0 ||
			h.Streams["documents"] > 0 {
			t.Errorf("%s: %+v, %v", body, h, err)
		}
	}
}
