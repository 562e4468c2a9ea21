package guard

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/baseline"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRecreate: a place that no longer exists is created again only when no run filled it.
func TestRecreate(t *testing.T) {
	intact := func(streams map[string]int) baseline.Baseline {
		return baseline.Baseline{
			Condition: baseline.Intact,
			Snapshot:  &baseline.Snapshot{Header: baseline.Header{Streams: streams}},
		}
	}
	for name, tc := range map[string]struct {
		base   baseline.Baseline
		owner  baseline.Owner
		reason string // part of the reason; "" when the run is allowed
	}{
		"no run yet":         {baseline.Baseline{Condition: baseline.Missing}, baseline.Owner{}, ""},
		"an interrupted run": {baseline.Baseline{Condition: baseline.Missing}, baseline.Owner{Begun: true}, ""},
		"runs sent nothing":  {intact(map[string]int{"documents": 0, "users": 0}), baseline.Owner{Kept: true}, ""},
		"a run filled it": {
			intact(map[string]int{"documents": 0, "users": 1}), baseline.Owner{Kept: true}, "filled it",
		},
		"the baseline is gone": {
			baseline.Baseline{Condition: baseline.Missing}, baseline.Owner{Kept: true},
			"the baseline of the runs that filled it is missing",
		},
		"a damaged baseline": {
			baseline.Baseline{Condition: baseline.Damaged, Path: "x.state", Problem: "the sum is wrong"}, baseline.Owner{},
			"x.state cannot be used (the sum is wrong)",
		},
		"a newer baseline": {
			baseline.Baseline{Condition: baseline.Newer, Path: "x.state", Problem: "version 9"}, baseline.Owner{},
			"x.state cannot be used (version 9)",
		},
	} {
		err := Recreate(tc.base, tc.owner)
		var refused *fault.Refusal
		if !errors.As(err, &refused) {
			if err != nil || tc.reason != "" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if tc.reason == "" || !strings.Contains(refused.Reason, tc.reason) || refused.Guard != "datasource" ||
			refused.Remedy == "" {
			t.Errorf("%s: %+v", name, refused)
		}
	}
}
