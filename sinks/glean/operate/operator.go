package operate

import (
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/datasource"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// Operator does what people do with a datasource outside a run.
type Operator struct {
	Client     *api.Client
	Config     *settings.Config
	Clock      *upload.Clock
	Datasource *datasource.Manager
	Names      encode.Naming
	Lender     string // the datasource whose users and groups count; "": its own
}
