package run

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/guard"
)

// TestBaselineWithoutUsers: a baseline covers the documents even when the runs left out a
// stream without permissions.
func TestBaselineWithoutUsers(t *testing.T) {
	n := newNight(t)
	n.good(func(w *world) {
		w.Components(3, "fine")
		w.P.Unwritten = func(stream string) string { return map[string]string{"users": "left out"}[stream] }
	})
	own := n.Owner()
	n.File(".state") // the file exists
	n.good(func(w *world) { w.Components(3, "fine"); w.Holdings = history(3)(own) })
}

// TestBaselineKeepsStreams: a run that leaves out a stream of the baseline still writes the
// baseline.
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

// TestDamagedFirstBaseline: a damaged baseline refuses the run, even when this state folder's
// first run was killed before it recorded that it wrote one.
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

// twoStreams returns a pipeline with users and documents; only documents have permissions.
func twoStreams() *component.Pipeline {
	return &component.Pipeline{Streams: []component.Stream{{Name: "users", Identities: true},
		{Name: "documents", Permissions: true}}, Limits: component.DefaultLimits()}
}

// lastOf returns the snapshot of a last good run that wrote streams.
func lastOf(streams ...string) *baseline.Snapshot {
	s := &baseline.Snapshot{Header: baseline.Header{Streams: map[string]int{}}}
	for _, name := range streams {
		s.Streams[name] = 1
	}
	return s
}

// TestBaselineOfStreams: a baseline covers a run when it has every stream with permissions. A
// run writes a baseline when it sends each of these streams or the last baseline has it.
func TestBaselineOfStreams(t *testing.T) {
	for name, tc := range map[string]struct {
		last            *baseline.Snapshot
		planned         []string
		covered, writes bool
	}{
		"no baseline":                       {nil, []string{"users", "documents"}, false, true},
		"no baseline, only documents":       {nil, []string{"documents"}, false, true},
		"no baseline, only users":           {nil, []string{"users"}, false, false},
		"a baseline of users":               {lastOf("users"), []string{"users", "documents"}, false, true},
		"a baseline of users, only users":   {lastOf("users"), []string{"users"}, false, false},
		"a baseline of documents":           {lastOf("documents"), []string{"users", "documents"}, true, true},
		"a baseline of both, only users":    {lastOf("users", "documents"), []string{"users"}, true, true},
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
