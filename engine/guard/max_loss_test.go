package guard

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// streamCase is what the guards know about one stream of a plan.
type streamCase struct {
	stream     string
	count      int
	known      bool // the sink reports the number of items
	remembered bool // the last good run recorded the stream
	offline    bool
	approved   bool // the deletion of the whole stream is approved
}

// review returns the review of a run, its plan and the sink's holdings.
func (c streamCase) review() (*Review, *component.Plan, component.Holdings) {
	v := &Review{Pipeline: &component.Pipeline{Offline: c.offline,
		Streams: []component.Stream{{Name: "users", Identities: true}, {Name: "documents", Permissions: true}}},
		Comparison: baseline.NewComparison()}
	holdings := component.Holdings{Streams: map[string]int{}}
	if c.known {
		holdings.Streams[c.stream] = 0
	}
	if c.remembered {
		v.Comparison = baseline.NewComparison(c.stream)
	}
	if c.approved {
		v.Cover = NewCoverage([]fault.Change{emptied(c.stream)})
	}
	v.Stale = func(string, int) bool { return false }
	return v, &component.Plan{Streams: []component.StreamPlan{{Name: c.stream, Count: c.count}}}, holdings
}

// TestEmptyStream: a stream of unknown size is not replaced with nothing, unless a person
// approved that for users or groups (invariant 4).
func TestEmptyStream(t *testing.T) {
	for name, tc := range map[string]struct {
		streamCase
		refused, approvable bool
	}{
		"unknown":                       {streamCase{stream: "documents"}, true, false},
		"unknown, offline":              {streamCase{stream: "documents", offline: true}, true, false},
		"unknown, approved":             {streamCase{stream: "documents", approved: true}, true, false},
		"not empty":                     {streamCase{stream: "documents", count: 1}, false, false},
		"the sink counts it":            {streamCase{stream: "documents", known: true}, false, false},
		"the last run recorded it":      {streamCase{stream: "documents", remembered: true}, false, false},
		"users":                         {streamCase{stream: "users"}, true, true},
		"users, approved":               {streamCase{stream: "users", approved: true}, false, false},
		"users, offline":                {streamCase{stream: "users", offline: true}, false, false},
		"a stream of the session's own": {streamCase{stream: "members"}, false, false},
	} {
		v, plan, holdings := tc.review()
		r := v.emptyStream(plan, holdings, v.Cover)
		if (r != nil) != tc.refused || r != nil && (len(r.Changes) > 0) != tc.approvable {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestClear: the sink's own guard may be lifted only when the guards know the current content,
// or when a person approved the deletion of all of it.
func TestClear(t *testing.T) {
	for name, tc := range map[string]struct {
		streamCase
		cleared bool
	}{
		"unknown":                  {streamCase{stream: "users"}, false},
		"the sink counts it":       {streamCase{stream: "users", known: true}, true},
		"the last run recorded it": {streamCase{stream: "users", remembered: true}, true},
		"approved":                 {streamCase{stream: "users", approved: true}, true},
	} {
		v, plan, holdings := tc.review()
		v.Clear(plan, holdings)
		if plan.Streams[0].Cleared != tc.cleared {
			t.Errorf("%s: %+v", name, plan.Streams[0])
		}
	}
}

// TestMeasure: when the loss of a measure is too much, and the text that compares it with the
// limit.
func TestMeasure(t *testing.T) {
	for _, tc := range []struct {
		before, gone, some int
		exceeds            bool
		text               string
	}{
		{100, 0, 0, false, "0 %, limit 20 %"},
		{0, 0, 0, false, "limit 10"},
		{100, 20, 0, false, "20 %, limit 20 %"},
		{100, 21, 0, true, "21 %, limit 20 %"},
		{40, 10, 0, false, "25 %, limit 10"},
		{40, 11, 0, true, "28 %, limit 10"},
		{5, 5, someOf, false, "100 %, limit 10"},
		{6, 6, someOf, true, "all of them"},
		{6, 5, someOf, false, "83 %, limit 10"},
		{1, 1, 0, true, "all of them"},
		{30, 30, someOf, true, "100 %, limit 10"},
	} {
		m := &measure{before: tc.before, some: tc.some}
		b := component.Bound{Share: 0.2, Items: 10}
		if got := m.exceeds(b, tc.gone); got != tc.exceeds {
			t.Errorf("%+v: %v", tc, got)
		}
		if got := m.limitText(b, tc.gone); got != tc.text {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}

// TestEmpties: a group is emptied when it had members and has none.
func TestEmpties(t *testing.T) {
	none, one, two := baseline.MembersText(nil), baseline.MembersText([]uint64{1}), baseline.MembersText([]uint64{1, 2})
	for _, tc := range []struct {
		before, after string
		want          bool
	}{
		{one, none, true}, {two, fault.Gone, true}, {two, one, false}, {none, fault.Gone, false}, {none, none, false},
		{none, one, false},
	} {
		if got := empties(fault.Change{Before: tc.before, After: tc.after}); got != tc.want {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}
