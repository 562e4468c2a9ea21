package glean

import (
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/datasource"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// operator does what people do with a datasource outside a run.
type operator struct {
	client     *api.Client
	cfg        *settings.Config
	clock      *upload.Clock
	datasource *datasource.Manager
	names      encode.Naming
	lender     string // the datasource whose users and groups count; "": its own
}
