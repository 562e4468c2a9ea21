package datasource

import (
	"reflect"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// TestRequests: only applying a plan may change a datasource.
func TestRequests(t *testing.T) {
	config, status := api.PathGetDatasourceConfig, api.PathDebugStatus("d")
	for name, c := range map[string]struct {
		requests func(datasource string) []string
		want     []string
	}{
		"Agree":           {agreeRequests, []string{config}},
		"ExportProvision": {exportRequests, []string{config}},
		"PlanProvision":   {planRequests, []string{config, status}},
		"Apply":           {applyRequests, []string{config, status, api.PathAddDatasource, api.PathBetaUsers}},
	} {
		if got := c.requests("d"); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
