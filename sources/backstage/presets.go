package backstage

import (
	"net/http"

	"github.com/pipe-engine/pipe/engine/broker/policy"
)

// Presets are the requests of this source, for the allow list of whoever answers for a Backstage:
// those of the catalog, and those of its documentation.
func Presets() policy.Presets {
	return policy.Presets{
		"backstage-catalog": {
			{Method: http.MethodGet, Path: byQuery, Query: []string{"filter", "limit", "orderField", "cursor",
				"offset"}},
			{Method: http.MethodGet, Path: byName + "*/*/*"},
			{Method: http.MethodPost, Path: byRefs, Query: []string{"filter"}, MaxBody: 100 << 10},
		},
		"backstage-techdocs": {
			{Method: http.MethodGet, Path: staticDocs + "*/*/*/**"},
		},
	}
}
