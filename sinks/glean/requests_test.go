package glean

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/sandbox"
)

// TestOpenAllowsNothing: the sink that was opened is refused every request. Its
// capabilities allow their own.
func TestOpenAllowsNothing(t *testing.T) {
	f := start(t, sandbox.Rules{})
	for _, path := range []string{api.PathDebugStatus("backstage"), api.PathDeleteGroup, api.PathBulkIndexUsers} {
		err := f.Sink.client.Send(t.Context(), path, map[string]any{})
		if err == nil || !strings.Contains(err.Error(), "refused before it was made") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(f.requests) > 0 {
		t.Errorf("%q", f.requests)
	}
}
