package guard

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/internal/fake"
)

// placeOf returns what is known about a place with documents.
func placeOf(store *baseline.Store, base baseline.Baseline, owner baseline.Owner, h component.Holdings) Known {
	p := &component.Pipeline{
		Streams: []component.Stream{{Name: "users", Identities: true}, {Name: "documents", Permissions: true}},
	}
	return Known{Pipeline: p, Store: store, Base: base, Owner: owner, Holdings: h}
}

// covering is a baseline of an earlier run of some streams.
func covering(run string, streams ...string) baseline.Baseline {
	counts := map[string]int{}
	for _, s := range streams {
		counts[s] = 3
	}
	header := baseline.Header{Run: run, Streams: counts}
	return baseline.Baseline{
		Condition: baseline.Intact,
		Path:      "x.state",
		Snapshot:  &baseline.Snapshot{Header: header},
	}
}

// TestLostBaseline: a run without a usable baseline is refused while the place holds
// documents, and only then (invariant 5).
func TestLostBaseline(t *testing.T) {
	store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
	holds := component.Holdings{Streams: map[string]int{"documents": 7}}
	listed := component.Holdings{Uploads: []component.Upload{{Stream: "documents", ID: "u", Owner: "o"}}}
	unsaid := component.Holdings{Unsaid: errors.New("503")}
	damaged := baseline.Baseline{Condition: baseline.Damaged, Path: "x.state", Problem: "cut"}
	newer := baseline.Baseline{Condition: baseline.Newer, Path: "x.state", Problem: "version 9"}
	missing := baseline.Baseline{Condition: baseline.Missing, Path: "x.state"}
	for name, tc := range map[string]struct {
		known   Known
		refused string // part of the reason
	}{
		"a baseline": {placeOf(store, covering("r", "documents"), baseline.Owner{}, holds), ""},
		"a baseline of users only": {
			placeOf(store, covering("r", "users"), baseline.Owner{}, holds),
			"does not cover every stream with permissions",
		},
		"nothing at all": {placeOf(store, missing, baseline.Owner{}, component.Holdings{}), ""},
		"users only": {
			placeOf(store, missing, baseline.Owner{}, component.Holdings{Streams: map[string]int{"users": 9}}),
			"",
		},
		"documents, no baseline": {
			placeOf(store, missing, baseline.Owner{}, holds),
			"the baseline is missing: no run with this state folder has filled the sink, and the sink counts 7 documents",
		},
		"an upload, no count": {placeOf(store, missing, baseline.Owner{}, listed), "the sink lists "},
		"the sink does not say": {
			placeOf(store, missing, baseline.Owner{}, unsaid), "it is unknown what the sink holds (503)",
		},
		"a first run that was killed": {placeOf(store, missing, baseline.Owner{Begun: true}, holds), ""},
		"killed, the sink does not say": {
			placeOf(store, missing, baseline.Owner{Begun: true}, unsaid),
			"it is unknown what the sink holds",
		},
		"a baseline that was lost": {
			placeOf(store, missing, baseline.Owner{Begun: true, Kept: true}, holds),
			"the baseline is missing: earlier runs wrote x.state",
		},
		"no state folder": {
			placeOf(nil, missing, baseline.Owner{}, holds), "there is no state folder to compare with",
		},
		"damaged": {
			placeOf(store, damaged, baseline.Owner{}, holds),
			"x.state is damaged: cut; the sink counts 7 documents",
		},
		"newer": {
			placeOf(store, newer, baseline.Owner{}, holds),
			"x.state is of a later version of pipe: version 9",
		},
	} {
		r := tc.known.Lost()
		if (r != nil) != (tc.refused != "") ||
			r != nil && (!strings.Contains(r.Reason, tc.refused) || r.Guard != Baseline || r.Remedy == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestForeignUpload: a run is refused when the last upload is of another state folder
// or program (invariant 5).
func TestForeignUpload(t *testing.T) {
	store := fake.Folder{T: t, Dir: t.TempDir()}.Baseline()
	owner := baseline.Owner{ID: "ours", Created: time.Unix(1, 0)}
	base := covering("last", "documents")
	for name, tc := range map[string]struct {
		store   *baseline.Store
		uploads []component.Upload
		whose   string // part of the reason, "" when it is ours
	}{
		"no upload": {store, nil, ""},
		"ours":      {store, []component.Upload{{Owner: "ours"}, {Owner: "theirs"}}, ""},
		"of another folder": {
			store, []component.Upload{{Owner: "theirs"}, {Owner: "ours"}},
			"of another state folder, owner theirs",
		},
		"of another program":     {store, []component.Upload{{ID: "u"}}, "of another program"},
		"without owner, our run": {store, []component.Upload{{Run: "last"}}, ""},
		"without owner, other run": {
			store, []component.Upload{{Run: "other"}},
			"of an earlier version of pipe with another state folder, run other",
		},
		"our run, no state folder": {nil, []component.Upload{{Run: "last"}}, "this run has no state folder"},
		"our owner, whatever run":  {store, []component.Upload{{Owner: "ours", Run: "other"}}, ""},
		"their owner, but our run": {store, []component.Upload{{Owner: "theirs", Run: "last"}}, "owner theirs"},
	} {
		r := placeOf(tc.store, base, owner, component.Holdings{Uploads: tc.uploads}).Foreign()
		switch {
		case r == nil && tc.whose == "":
		case r == nil || tc.whose == "" || !strings.Contains(r.Reason, tc.whose) || r.Guard != Owner:
			t.Errorf("%s: %+v", name, r)
		case len(r.Changes) != 1 || r.Changes[0].Type != UploadChange:
			t.Errorf("%s: an approval must name the upload: %+v", name, r.Changes)
		}
	}
}

// TestBaselineGuard: an approval allows a run without a baseline when it shows each of
// its documents, and the run lacks no more than max_loss of those it showed.
func TestBaselineGuard(t *testing.T) {
	items := func(n int) (out []fault.Change) {
		for _, ref := range numbered("d", n) {
			out = append(
				out,
				fault.Change{Stream: "documents", ID: ref, Ref: ref, Before: fault.Unknown, After: "listed:1", N: 1},
			)
		}
		return out
	}
	upload := fault.Change{
		Stream: "documents",
		Type:   UploadChange,
		ID:     "u",
		Before: fault.Unknown,
		After:  fault.Added,
		N:      1,
	}
	for name, tc := range map[string]struct {
		changes, shown []fault.Change
		refused        bool
	}{
		"no approval":                               {items(30), nil, true},
		"all were shown":                            {items(30), items(30), false},
		"one was not shown":                         {items(30), items(29), true},
		"a few of those shown are gone":             {items(24), items(30), false},
		"many of those shown are gone":              {items(23), items(30), true},
		"the upload was not shown":                  {append(items(3), upload), items(3), true},
		"all and the upload were shown":             {append(items(3), upload), append(items(3), upload), false},
		"nothing that could be approved, nor shown": {nil, nil, true},
		"the upload is no longer the last":          {items(24), append(items(30), upload), false},
		"nothing that could be approved":            {nil, items(3), true},
	} {
		v := &Review{Pipeline: &component.Pipeline{}, Untrusted: &fault.Refusal{Guard: Baseline, Changes: tc.changes}}
		v.Pipeline.Limits.MaxLoss = component.Bound{Share: 0.2, Items: 5}
		if r := v.BaselineGuard(nil, component.Holdings{}, NewCoverage(tc.shown)); (r != nil) != tc.refused {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if r := (&Review{}).BaselineGuard(nil, component.Holdings{}, nil); r != nil {
		t.Errorf("a run that can be compared: %+v", r)
	}
}
