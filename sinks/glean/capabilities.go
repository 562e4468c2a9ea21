package glean

import (
	"context"
	"strconv"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
)

var (
	_ component.Sink         = (*Sink)(nil)
	_ component.RequestTimer = (*Sink)(nil)
	_ component.Checker      = (*Sink)(nil)
	_ component.Decoder      = (*Sink)(nil)
	_ component.Presenter    = (*Sink)(nil)
	_ component.Provisioner  = (*Sink)(nil)
	_ component.Inspector    = (*Sink)(nil)
	_ component.Hider        = (*Sink)(nil)
	_ component.Pusher       = (*Sink)(nil)
	_ component.Purger       = (*Sink)(nil)
	_ component.Processor    = (*Sink)(nil)
	_ component.Rotator      = (*Sink)(nil)
	_ component.Encoding     = (*Sink)(nil)
)

// Check reports whether a run could publish.
func (k *Sink) Check(ctx context.Context) []component.Finding { return k.operator.Check(ctx) }

// Diagnose goes to the server step by step and sends no request.
func (k *Sink) Diagnose(ctx context.Context) []component.Finding { return k.client.Conn.Diagnose(ctx) }

// CertificateExpiry is when the client certificate expires, zero without one.
func (k *Sink) CertificateExpiry() time.Time { return k.client.Conn.CertificateExpiry() }

// RequestTime is how long an attempt of a request may take.
func (k *Sink) RequestTime() (time.Duration, string) { return k.cfg.Timeout.D(), "sink.glean.timeout" }

// Decode reads an item that a session encoded.
func (k *Sink) Decode(stream string, body []byte) (component.Stored, error) {
	return encode.Decode(k.schema, stream, body)
}

// Card returns what Glean shows of a document that a session encoded.
func (k *Sink) Card(stream string, body []byte) (component.Card, error) {
	return encode.Card(k.schema, stream, body)
}

// encodingVersion changes when the same item is encoded otherwise.
const encodingVersion = "1"

// Encoding identifies how items are encoded, and what the file declares about them.
func (k *Sink) Encoding() string {
	declared, err := codec.Marshal(k.cfg.Datasource)
	if err != nil {
		return "" // the config comes from a file, and can be encoded
	}
	return encodingVersion + "-" + strconv.FormatUint(codec.Hash(declared), 16)
}

// PlanProvision compares the datasource with the file.
func (k *Sink) PlanProvision(ctx context.Context, o component.ProvisionOptions) (*component.ProvisionPlan, error) {
	return k.datasource.PlanProvision(ctx, o)
}

// ExportProvision writes a datasource as the block of a pipeline file.
func (k *Sink) ExportProvision(ctx context.Context, o component.ExportOptions) (*component.ProvisionExport, error) {
	return k.datasource.ExportProvision(ctx, o)
}

// Inspect reads the datasource's status.
func (k *Sink) Inspect(ctx context.Context) (*component.Inspection, error) {
	return k.operator.Inspect(ctx)
}

// InspectItem returns the state of one document.
func (k *Sink) InspectItem(ctx context.Context, q component.ItemQuery) (*component.ItemInspection, error) {
	return k.operator.InspectItem(ctx, q)
}

// Hide removes everyone's access to a document and deletes it.
func (k *Sink) Hide(ctx context.Context, id string, types []string) (*component.Hidden, error) {
	return k.operator.Hide(ctx, id, types)
}

// Settle makes Glean process deletions and looks for uploads that may bring documents back.
func (k *Sink) Settle(ctx context.Context, o component.Opening, deleted bool) []string {
	return k.operator.Settle(ctx, o, deleted)
}

// Push sends documents one by one. The datasource must agree with the file, and
// nothing else may be uploading to it.
func (k *Sink) Push(ctx context.Context, s *component.Selection, o component.Opening) (*component.Pushed, error) {
	session, err := k.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	if _, err := session.Holds(ctx); err != nil {
		return nil, err
	}
	return k.operator.Push(ctx, s)
}

// Purge empties the datasource.
func (k *Sink) Purge(ctx context.Context, known map[string][]string, o component.Opening) error {
	return k.operator.Purge(ctx, known, o)
}

// Process makes Glean process uploads now.
func (k *Sink) Process(ctx context.Context) error { return k.operator.Process(ctx) }

// TokenPlace returns where the token is read from.
func (k *Sink) TokenPlace() (component.TokenPlace, error) { return k.operator.TokenPlace() }

// Rotate requests a new secret.
func (k *Sink) Rotate(ctx context.Context) (*component.Rotated, error) { return k.operator.Rotate(ctx) }
