package datasource_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/faults"
	"github.com/pipe-engine/pipe/sinks/glean/gleantest"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestExportReportsUnsupportedFields: a field of Glean's that a file cannot say is
// named.
func TestExportReportsUnsupportedFields(t *testing.T) {
	f := gleantest.Start(t, sandbox.Rules{})
	f.Server.Fail(faults.Fault{Path: "getdatasourceconfig", Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body: `{"name":"CUSTOM_BACKSTAGE","datasourceCategory":"UNCATEGORIZED","future":{"x":1},` +
			`"objectDefinitions":[{"name":"a","colour":"red"}]}`})
	e, err := f.Sink.ExportProvision(context.Background(), component.ExportOptions{})
	if err != nil || len(e.Notes) != 2 || !strings.Contains(e.Notes[0], "no category") ||
		!strings.HasSuffix(e.Notes[1], ": future, objectDefinitions.a.colour") {
		t.Fatalf("%+v, %v", e, err)
	}
	if !strings.HasPrefix(string(e.Block), "datasource:\n  name: backstage\n") {
		t.Errorf("%s", e.Block)
	}
}
