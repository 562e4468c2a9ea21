package operate

import (
	"slices"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestRequests: each capability may make its own changes; every other request is refused
// before it is made.
func TestRequests(t *testing.T) {
	conn, err := connection.New(connection.Default(), connection.Settings{Name: "glean", URL: "http://127.0.0.1:1",
		LoopbackOnly: true, Allow: func(string, string) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	k := &Operator{Client: &api.Client{Conn: conn, Datasource: "d"}, Config: &settings.Config{}}
	reads := []string{api.PathGetDatasourceConfig, api.PathCheckDocumentAccess, api.PathDebugStatus("d"),
		api.PathDebugDocuments("d"), api.PathDebugEvents("d"), api.PathDebugUser("d")}
	every := append([]string{
		api.PathBulkIndexUsers, api.PathBulkIndexGroups, api.PathBulkIndexMemberships, api.PathBulkIndexDocuments,
		api.PathAddDatasource, api.PathBetaUsers, api.PathIndexDocument, api.PathIndexDocuments,
		api.PathUpdatePermissions, api.PathDeleteDocument, api.PathIndexUser, api.PathDeleteUser, api.PathIndexGroup,
		api.PathDeleteGroup, api.PathIndexMembership, api.PathDeleteMembership, api.PathProcessAllDocuments,
		api.PathProcessAllMemberships, api.PathRotateToken,
	}, reads...)
	for name, c := range map[string]struct {
		requests func(datasource string) []string
		changes  string
	}{
		"Check":       {checkRequests, ""},
		"Inspect":     {inspectRequests, ""},
		"InspectItem": {inspectItemRequests, ""},
		"Hide":        {hideRequests, "deletedocument updatepermissions"},
		"Settle":      {settleRequests, "processalldocuments"},
		"Push":        {pushRequests, "indexdocument indexgroup indexmembership indexuser updatepermissions"},
		"Purge":       {purgeRequests, "bulkindexdocuments bulkindexgroups bulkindexmemberships bulkindexusers"},
		"Process":     {processRequests, "processalldocuments processallmemberships"},
		"Rotate":      {rotateRequests, "rotatetoken"},
	} {
		var changes []string
		for _, path := range c.requests("d") {
			if !slices.Contains(reads, path) {
				changes = append(changes, strings.TrimPrefix(path, api.Prefix))
			}
		}
		slices.Sort(changes)
		if got := strings.Join(changes, " "); got != c.changes {
			t.Errorf("%s may request %q", name, got)
		}
		client := k.only(c.requests("d")).Client
		for _, path := range every {
			if slices.Contains(c.requests("d"), path) {
				continue
			}
			err := client.SendOnce(t.Context(), path, map[string]any{})
			if err == nil || !strings.Contains(err.Error(), "was not sent") {
				t.Errorf("%s, %s: %v", name, path, err)
			}
		}
	}
}
