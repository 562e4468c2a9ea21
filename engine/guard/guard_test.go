package guard

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// records are the endings of a run.
type records struct{ total, rejected int }

func (r records) Total() int { return r.total }
func (r records) Ended(e component.Ending) int {
	if e == component.Rejected {
		return r.rejected
	}
	return r.total - r.rejected
}

// TestRejected: a run is refused when it read nothing, rejected everything, or rejected
// more than max_rejected.
func TestRejected(t *testing.T) {
	ten := component.Bound{Share: 0.1, Items: 5}
	for name, tc := range map[string]struct {
		records
		limit   component.Bound
		refused string // part of the error
	}{
		"nothing was read":      {records{}, ten, "the source was read to its end and holds no record"},
		"all were rejected":     {records{3, 3}, ten, "all 3 records were rejected"},
		"all of many, no limit": {records{300, 300}, component.Bound{Share: 1, Items: 1000}, "all 300 records were rejected"},
		"none was rejected":     {records{3, 0}, component.Bound{}, ""},
		"within the count":      {records{6, 5}, ten, ""},
		"beyond the count":      {records{7, 6}, ten, "6 of 7 records were rejected (86 %, limit 5)"},
		"within the share":      {records{100, 10}, ten, ""},
		"beyond the share":      {records{100, 11}, ten, "11 of 100 records were rejected (11 %, limit 10 %)"},
		"none is allowed":       {records{100, 1}, component.Bound{}, "1 of 100 records were rejected"},
	} {
		v := &Review{Pipeline: &component.Pipeline{}, Records: tc.records}
		v.Pipeline.Limits.MaxRejected = tc.limit
		err := v.Run(&component.Plan{}, component.Holdings{})
		var refused *fault.Refusal
		switch {
		case tc.refused == "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.refused) || refused.ID != "":
			t.Errorf("%s: %v", name, err)
		}
	}
}
