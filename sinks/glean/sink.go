package glean

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// Sink is a datasource of Glean.
type Sink struct {
	cfg     *Config
	schema  *schema
	client  *client
	clock   *clock
	purpose component.Purpose
	inRun   *component.ProvisionOptions // how a run sets the datasource up; nil when it does not

	datasource *manager
	operator   *operator
}

// open makes a sink; retry zero is the engine's policy.
func open(cfg *Config, s component.Settings, retry fault.Retry) (*Sink, error) {
	schema, err := newSchema(cfg.Datasource)
	if err != nil {
		return nil, err
	}
	k := &Sink{cfg: cfg, schema: schema, clock: systemClock(), purpose: s.Purpose,
		client: &client{clean: &connection.Redactor{}, datasource: schema.name}}
	k.datasource = &manager{client: k.client, cfg: cfg}
	k.operator = &operator{client: k.client, cfg: cfg, clock: k.clock, datasource: k.datasource,
		names: naming{schema.byEmail}, lender: schema.lender}
	if len(cfg.missing()) > 0 {
		return k, nil
	}
	if schema.urls == nil && !schema.entity {
		return nil, fault.Errorf(fault.Fatal, "set datasource.urlRegex to what all of the documents' addresses match",
			"datasource.urlRegex is missing, and the source has no ui_url that it could follow from")
	}
	k.client.conn, err = connection.New(cfg.Config, connection.Settings{
		Name: "glean", URL: cfg.address(), Token: cfg.Token, UserAgent: s.UserAgent, LoopbackOnly: s.Loopback,
		Log: s.Log, Observe: s.Observe, Retry: retry, Redactor: k.client.clean,
		Rate: cfg.RequestsPerSecond, Burst: cfg.Concurrency,
		Allow: func(method, path string) bool {
			return method == http.MethodPost && slices.Contains(k.allowed(), path)
		},
	})
	return k, err
}

// Place is the server's address and the datasource, "" where the address is
// not set.
func (k *Sink) Place() string { return k.cfg.place() }

// Open begins a run's use of the sink; it asks Glean for nothing.
func (k *Sink) Open(_ context.Context, o component.Opening) (component.Session, error) {
	limit := max(maxDocument, int(k.cfg.Batch.Bytes)) - envelope
	s := &session{sink: k, encoder: newEncoder(k.schema, limit, o.Written), publisher: newPublisher(k.client, k.cfg, k.clock, o)}
	if k.inRun != nil && !o.Offline {
		s.setup = &setup{datasource: k.datasource, options: *k.inRun}
	}
	return s, nil
}

// Close gives back idle connections.
func (k *Sink) Close() error {
	if k.client.conn != nil {
		k.client.conn.Close()
	}
	return nil
}
