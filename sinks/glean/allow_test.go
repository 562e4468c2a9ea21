package glean

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestAllowed: what changes anything at Glean, for each purpose, and that the
// connection refuses the rest.
func TestAllowed(t *testing.T) {
	f := start(t, sandbox.Rules{})
	reads := []string{"getdatasourceconfig", "checkdocumentaccess"}
	for purpose, want := range map[component.Purpose]string{
		component.ForRun: "bulkindexdocuments bulkindexgroups bulkindexmemberships bulkindexusers deletedocument " +
			"updatepermissions",
		component.ForProvision:  "adddatasource betausers",
		component.ForStatus:     "",
		component.ForHiding:     "deletedocument processalldocuments updatepermissions",
		component.ForPushing:    "deletedocument indexdocument indexgroup indexmembership indexuser updatepermissions",
		component.ForPurging:    "bulkindexdocuments bulkindexgroups bulkindexmemberships bulkindexusers",
		component.ForProcessing: "processalldocuments processallmemberships",
		component.ForRotating:   "rotatetoken",
	} {
		f.purpose = purpose
		var changes []string
		for _, path := range f.allowed() {
			name := strings.TrimPrefix(path, api.Prefix)
			if !strings.HasPrefix(name, "debug/") && !slices.Contains(reads, name) {
				changes = append(changes, name)
			}
		}
		slices.Sort(changes)
		if got := strings.Join(changes, " "); got != want {
			t.Errorf("purpose %d: %s", purpose, got)
		}
		err := f.client.Send(t.Context(), api.Prefix+"deletegroup",
			map[string]any{"datasource": f.client.Datasource, "groupName": "x"})
		if err == nil || !strings.Contains(err.Error(), "refused before it was made") {
			t.Errorf("purpose %d: %v", purpose, err)
		}
	}
	f.purpose = component.ForRun
	f.ProvisionInRun(component.ProvisionOptions{})
	if !slices.Contains(f.allowed(), api.PathAddDatasource) {
		t.Error("a run that sets the datasource up cannot")
	}
}
