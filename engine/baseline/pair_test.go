package baseline

import (
	"testing"

	"github.com/pipe-engine/pipe/engine/access"
)

// TestPair: each deleted document is paired with a new one that more people find.
func TestPair(t *testing.T) {
	for name, tc := range map[string]struct {
		gone, added  map[access.Audience]int
		pairs, toAll int
	}{
		"nothing":   {nil, nil, 0, 0},
		"only gone": {map[access.Audience]int{access.Listed: 5}, nil, 0, 0},
		"only new":  {nil, map[access.Audience]int{access.AllUsers: 5}, 0, 0},
		"as wide": {map[access.Audience]int{access.Listed: 5}, map[access.Audience]int{access.Listed: 5},
			0, 0},
		"narrower": {map[access.Audience]int{access.AllUsers: 5}, map[access.Audience]int{access.Listed: 5},
			0, 0},
		"wider": {map[access.Audience]int{access.Listed: 5},
			map[access.Audience]int{access.DatasourceUsers: 5}, 5, 0},
		"fewer new": {map[access.Audience]int{access.Listed: 5}, map[access.Audience]int{access.AllUsers: 3},
			3, 3},
		"fewer gone": {map[access.Audience]int{access.Listed: 3}, map[access.Audience]int{access.AllUsers: 5},
			3, 3},
		"one step each": {map[access.Audience]int{access.Listed: 3, access.DatasourceUsers: 3},
			map[access.Audience]int{access.DatasourceUsers: 3, access.AllUsers: 3}, 6, 3},
		"the narrow one is taken": {map[access.Audience]int{access.Listed: 1, access.DatasourceUsers: 1},
			map[access.Audience]int{access.DatasourceUsers: 1, access.AllUsers: 1}, 2, 1},
		"two for one": {map[access.Audience]int{access.Listed: 1},
			map[access.Audience]int{access.DatasourceUsers: 1, access.AllUsers: 1}, 1, 1},
		"the wide ones have nothing": {map[access.Audience]int{access.DatasourceUsers: 4},
			map[access.Audience]int{access.DatasourceUsers: 9, access.AllUsers: 1}, 1, 1},
	} {
		if pairs, toAll := pair(tc.gone, tc.added); pairs != tc.pairs || toAll != tc.toAll {
			t.Errorf("%s: %d pairs, %d towards everybody", name, pairs, toAll)
		}
	}
}
