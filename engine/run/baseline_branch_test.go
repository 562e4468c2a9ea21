package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// TestBaselineWithoutUsers: a baseline covers the documents also when the runs left
// out a stream that has no permissions.
func TestBaselineWithoutUsers(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) {
		w.Components(3, "fine")
		w.P.Unwritten = func(stream string) string { return map[string]string{"users": "left out"}[stream] }
	})
	own := n.Owner()
	n.File(".state") // there is one
	n.good(func(w *world) { w.Components(3, "fine"); w.Holdings = history(3)(own) })
}

// TestBaselineKeepsStreams: a run that leaves out a stream of the baseline writes the
// baseline all the same.
func TestBaselineKeepsStreams(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) { w.Components(3, "fine") })
	own := n.Owner()
	w, _ := n.good(func(w *world) {
		w.Components(3, "fine")
		w.o.RunID, w.Holdings = "01PARTIAL", history(3)(own)
		w.P.Unwritten = func(stream string) string { return map[string]string{"documents": "left out"}[stream] }
	})
	base, err := n.Baseline().Load()
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
	n := newNight(t)
	fill := func(w *world) { w.Components(3, "fine") }
	n.good(fill)
	own := n.Owner()
	if err := n.Baseline().SetOwner(baseline.Owner{ID: own, Created: time.Now().UTC(), Begun: true}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(n.File(".state"), []byte("no baseline"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := n.run(func(w *world) { fill(w); w.Holdings = history(3)(own) })
	var refused *fault.Refusal
	if !errors.As(err, &refused) || refused.Guard != guard.Baseline || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("%v", err)
	}
}

// TestBaselineOfNothing: a run without documents and without a baseline is covered by
// no approval, since it lists nothing that one could name.
func TestBaselineOfNothing(t *testing.T) {
	v := &guard.Review{Untrusted: &fault.Refusal{Guard: guard.Baseline}}
	if refused := v.BaselineGuard(nil, component.Holdings{}, &guard.Coverage{}); refused == nil {
		t.Error("it was allowed")
	}
}

// TestUploadText: an upload is named with its start when the sink says it.
func TestUploadText(t *testing.T) {
	u := component.Upload{Stream: "documents", ID: "u"}
	if got := u.String(); got != "the upload of documents u" {
		t.Error(got)
	}
	u.Began = time.Date(2026, 1, 2, 3, 4, 0, 0, time.Local)
	if got := u.String(); got != "the upload of documents u, begun 2026-01-02 03:04" {
		t.Error(got)
	}
}

// twoStreams is a pipeline with users and documents, of which only documents have
// permissions.
func twoStreams() *component.Pipeline {
	return &component.Pipeline{Streams: []component.Stream{{Name: "users", Identities: true}, {Name: "documents", Permissions: true}}, Limits: component.DefaultLimits()}
}

// lastOf is a last good run that wrote streams.
func lastOf(streams ...string) *baseline.Snapshot {
	s := &baseline.Snapshot{Header: baseline.Header{Streams: map[string]int{}}}
	for _, name := range streams {
		s.Streams[name] = 1
	}
	return s
}

// TestBaselineOfStreams: a baseline covers a run when it has every stream with
// permissions; a run writes one when it sends each of these or the last one had it.
func TestBaselineOfStreams(t *testing.T) {
	for name, tc := range map[string]struct {
		last            *baseline.Snapshot
		planned         []string
		covered, writes bool
	}{
		"no baseline":                       {nil, []string{"users", "documents"}, false, true},
		"no baseline, documents alone":      {nil, []string{"documents"}, false, true},
		"no baseline, users alone":          {nil, []string{"users"}, false, false},
		"a baseline of users":               {lastOf("users"), []string{"users", "documents"}, false, true},
		"a baseline of users, users alone":  {lastOf("users"), []string{"users"}, false, false},
		"a baseline of documents":           {lastOf("documents"), []string{"users", "documents"}, true, true},
		"a baseline of both, users alone":   {lastOf("users", "documents"), []string{"users"}, true, true},
		"a baseline of both, nothing to do": {lastOf("users", "documents"), nil, true, true},
	} {
		r := &run{p: twoStreams(), last: tc.last, base: baseline.Baseline{Snapshot: tc.last}, plan: &component.Plan{}}
		for _, stream := range tc.planned {
			r.plan.Streams = append(r.plan.Streams, component.StreamPlan{Name: stream})
		}
		if r.covered() != tc.covered || r.writes() != tc.writes {
			t.Errorf("%s: covered %t, writes %t", name, r.covered(), r.writes())
		}
	}
}

// TestUnsaid: only an error that is about what the sink holds, of a run without a
// baseline that was not interrupted, is left to the baseline guard.
func TestUnsaid(t *testing.T) {
	cause := errors.New("500")
	ended, end := context.WithCancel(t.Context())
	end()
	for name, tc := range map[string]struct {
		ctx    context.Context
		last   *baseline.Snapshot
		err    error
		unsaid bool
	}{
		"no baseline":        {t.Context(), nil, fmt.Errorf("ask the sink: %w", &component.UnsaidError{Err: cause}), true},
		"a partial baseline": {t.Context(), lastOf("users"), &component.UnsaidError{Err: cause}, true},
		"a baseline":         {t.Context(), lastOf("documents"), &component.UnsaidError{Err: cause}, false},
		"interrupted":        {ended, nil, &component.UnsaidError{Err: cause}, false},
		"another error":      {t.Context(), nil, cause, false},
		"no error":           {t.Context(), nil, nil, false},
	} {
		held, unsaid := (&run{p: twoStreams(), last: tc.last, base: baseline.Baseline{Snapshot: tc.last}}).unsaid(tc.ctx, tc.err)
		if unsaid != tc.unsaid || (held.Unsaid == cause) != tc.unsaid {
			t.Errorf("%s: %t, %v", name, unsaid, held.Unsaid)
		}
	}
}

// TestHolds: documents that are counted, a listed upload and a sink that does not say
// are evidence that the sink holds documents; users and a count of zero are not.
func TestHolds(t *testing.T) {
	upload := []component.Upload{{Stream: "documents", ID: "u"}, {Stream: "documents", ID: "older"}}
	for name, tc := range map[string]struct {
		held component.Holdings
		want string
	}{
		"nothing is said":         {component.Holdings{}, ""},
		"zero":                    {component.Holdings{Streams: map[string]int{"documents": 0}}, ""},
		"users":                   {component.Holdings{Streams: map[string]int{"users": 5, "documents": 0}}, ""},
		"a stream of its own":     {component.Holdings{Streams: map[string]int{"members": 5}}, ""},
		"documents":               {component.Holdings{Streams: map[string]int{"documents": 5}, Uploads: upload}, "the sink counts 5 documents"},
		"an upload":               {component.Holdings{Uploads: upload}, "the sink lists the upload of documents u"},
		"an upload, stale counts": {component.Holdings{Streams: map[string]int{"documents": 0}, Uploads: upload}, "the sink lists the upload of documents u"},
		"it does not say":         {component.Holdings{Unsaid: errors.New("404"), Uploads: upload}, "it is unknown what the sink holds (404)"},
	} {
		if got := (&run{p: twoStreams(), held: tc.held}).holds(); got != tc.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestBaselineGuard: an approval allows a run without a baseline when it covers every
// document and the run does not lack more of what it showed than max_loss.
func TestBaselineGuard(t *testing.T) {
	shown := func(n int) []fault.Change {
		var out []fault.Change
		for i := range n {
			out = append(out, fault.Change{Stream: "documents", ID: fmt.Sprint(i), Before: fault.Unknown, After: "all-users", N: 1})
		}
		return out
	}
	ten := func(ch fault.Change) []fault.Change {
		var out []fault.Change
		for i := range 10 {
			ch.ID = fmt.Sprint("other ", i)
			out = append(out, ch)
		}
		return out
	}
	upload := ten(fault.Change{Stream: "documents", Type: guard.UploadChange, Before: fault.Unknown, After: fault.Added, N: 1})
	emptied := ten(fault.Change{Stream: "users", Before: fault.Unknown, After: fault.Gone, N: 1})
	widened := ten(fault.Change{Stream: "documents", Before: "listed:1", After: "all-users", N: 1})
	for name, tc := range map[string]struct {
		changes, approved []fault.Change
		refused           bool
	}{
		"not approved":                     {shown(3), nil, true},
		"approved":                         {shown(3), shown(3), false},
		"one more":                         {shown(4), shown(3), true},
		"one less":                         {shown(2), shown(3), false},
		"20 less of 100":                   {shown(80), shown(100), false},
		"21 less of 100":                   {shown(79), shown(100), true},
		"nothing is left":                  {nil, shown(3), true},
		"22 less of 110":                   {shown(88), shown(110), false},
		"21 less of 100 and ten uploads":   {append(shown(79), upload...), append(shown(100), upload...), true},
		"21 less of 100 and ten streams":   {append(shown(79), emptied...), append(shown(100), emptied...), true},
		"21 less of 100 and ten widenings": {append(shown(79), widened...), append(shown(100), widened...), true},
		"of a list that is not of a place": {fake.Gone("a"), fake.Gone("a", "b"), false},
	} {
		v := &guard.Review{Pipeline: twoStreams(), Untrusted: &fault.Refusal{Guard: guard.Baseline, Changes: tc.changes}}
		if got := v.BaselineGuard(nil, component.Holdings{}, guard.NewCoverage(tc.approved)); (got != nil) != tc.refused {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := (&guard.Review{Pipeline: twoStreams()}).BaselineGuard(nil, component.Holdings{}, nil); got != nil {
		t.Errorf("with a baseline: %+v", got)
	}
}
