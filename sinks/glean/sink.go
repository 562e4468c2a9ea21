package glean

import (
	"cmp"
	"context"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/redact"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/datasource"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/settings"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// Sink is a datasource of Glean.
type Sink struct {
	cfg    *settings.Config
	schema *settings.Schema
	client *api.Client
	clock  *upload.Clock
	inRun  *component.ProvisionOptions // how a run sets the datasource up; nil when it does not

	datasource *datasource.Manager
	operator   *operate.Operator
}

// Options are what tests open a sink with.
type Options struct {
	Retry fault.Retry   // the zero value is the connection's policy
	Clock *upload.Clock // nil is the system's
}

// Open makes a sink. It opens no connection.
func Open(cfg *settings.Config, s component.Settings, o Options) (*Sink, error) {
	schema, err := settings.NewSchema(cfg.Datasource)
	if err != nil {
		return nil, err
	}
	k := &Sink{cfg: cfg, schema: schema, clock: cmp.Or(o.Clock, upload.SystemClock()),
		client: &api.Client{Redactor: cmp.Or(s.Redactor, &redact.Redactor{}), Datasource: schema.Name}}
	k.datasource = &datasource.Manager{Client: k.client, Config: cfg}
	k.operator = &operate.Operator{Client: k.client, Config: cfg, Clock: k.clock, Datasource: k.datasource,
		Names: encode.Naming{ByEmail: schema.ByEmail}, Lender: schema.Lender}
	if len(cfg.Missing()) > 0 {
		return k, nil
	}
	if schema.URLs == nil && !schema.Entity {
		return nil, fault.Errorf(fault.Fatal, "set datasource.urlRegex to a pattern that all addresses of "+
			"documents match",
			"datasource.urlRegex is missing and cannot be derived: the source has no ui_url")
	}
	k.client.Conn, err = connection.New(cfg.Config, connection.Settings{
		Name: "glean", URL: cfg.Address(), Token: cfg.Token, UserAgent: s.UserAgent, LoopbackOnly: s.Loopback,
		Log: s.Log, Observe: s.Observe, Retry: o.Retry, Redactor: k.client.Redactor,
		Rate: cfg.RequestsPerSecond, Burst: cfg.Concurrency,
		Deprecation: api.Deprecation,
		Allow:       func(string, string) bool { return false }, // each capability allows its own: api.Client.For
	})
	return k, err
}

// status reads the datasource's status for a session.
func (k *Sink) status(ctx context.Context) (api.DatasourceStatus, error) {
	return k.client.For(api.PathDebugStatus(k.client.Datasource)).Status(ctx)
}

// Place is the server's address and the datasource, "" if the address is not set.
func (k *Sink) Place() string { return k.cfg.Place() }

// RefID returns the ref in lower case: Glean compares ids without regard to case.
func (k *Sink) RefID(ref string) string { return encode.DocumentID(ref) }

// Open begins a run's session; it makes no request.
func (k *Sink) Open(_ context.Context, o component.Opening) (component.Session, error) {
	limit := max(encode.MaxDocument, int(k.cfg.Batch.Bytes)) - upload.Envelope
	s := &session{sink: k, encoder: encode.New(k.schema, limit, o.Written),
		publisher: upload.New(k.client.For(upload.Requests(k.client.Datasource)...), k.cfg, k.clock, o)}
	if k.inRun != nil && !o.Offline {
		s.setup = &setup{datasource: k.datasource, options: *k.inRun}
	}
	return s, nil
}

// Close closes idle connections.
func (k *Sink) Close() error {
	if k.client.Conn != nil {
		k.client.Conn.Close()
	}
	return nil
}
