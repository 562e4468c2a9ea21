package guard

import (
	"errors"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
)

// TestRejected: a run is refused when it read nothing, rejected everything, or rejected more
// than max_rejected.
func TestRejected(t *testing.T) {
	ten := component.Bound{Share: 0.1, Items: 5}
	for name, tc := range map[string]struct {
		records Records
		limit   component.Bound
		refused string // part of the error
	}{
		"nothing was read":  {Records{}, ten, "the source was read completely and has no records"},
		"all were rejected": {Records{Total: 3, Rejected: 3}, ten, "all 3 records were rejected"},
		"all of many, no limit": {Records{Total: 300, Rejected: 300}, component.Bound{Share: 1, Items: 1000},
			"all 300 records were rejected"},
		"none was rejected": {Records{Total: 3, Rejected: 0}, component.Bound{}, ""},
		"within the count":  {Records{Total: 6, Rejected: 5}, ten, ""},
		"beyond the count":  {Records{Total: 7, Rejected: 6}, ten, "6 of 7 records were rejected (86 %, limit 5)"},
		"within the share":  {Records{Total: 100, Rejected: 10}, ten, ""},
		"beyond the share": {Records{Total: 100, Rejected: 11}, ten,
			"11 of 100 records were rejected (11 %, limit 10 %)"},
		"none is allowed": {Records{Total: 100, Rejected: 1}, component.Bound{}, "1 of 100 records were rejected"},
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
