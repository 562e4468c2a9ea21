package operate

import (
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/datasource"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// Operator performs operations on a datasource outside a run. Each of its capabilities
// states the requests that it makes, and all others are refused.
type Operator struct {
	Client     *api.Client
	Config     *settings.Config
	Clock      *upload.Clock
	Datasource *datasource.Manager
	Names      encode.Naming
	Lender     string // the datasource whose users and groups count; "": its own
}

// only returns an operator that may make only requests to the paths.
func (k *Operator) only(paths []string) *Operator {
	out := *k
	out.Client = k.Client.For(paths...)
	return &out
}
