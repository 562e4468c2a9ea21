package glean

import (
	"strings"
	"testing"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/config"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
)

// TestOpenAllowsNothing: the sink that was opened is refused every request. Its
// capabilities allow their own.
func TestOpenAllowsNothing(t *testing.T) {
	cfg := &settings.Config{ServerURL: "http://127.0.0.1:1", Token: config.NewSecret("x"), Config: connection.Default(),
		Datasource: api.DatasourceConfig{Name: "backstage", URLRegex: ".*"}}
	k, err := Open(cfg, component.Settings{Loopback: true}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, path := range []string{api.PathDebugStatus("backstage"), api.PathDeleteGroup, api.PathBulkIndexUsers} {
		err := k.client.Send(t.Context(), path, map[string]any{})
		if err == nil || !strings.Contains(err.Error(), "was not sent") {
			t.Errorf("%s: %v", path, err)
		}
	}
}
