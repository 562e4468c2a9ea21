package glean

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

var _ engine.Processor = (*Sink)(nil)

// Process has memberships processed, and then documents, for which Glean takes
// one call in three hours.
func (k *Sink) Process(ctx context.Context) error {
	if k.conn == nil {
		return errNoConnection
	}
	if err := k.post(ctx, api.PathProcessAllMemberships, api.ProcessAllMembershipsRequest{Datasource: k.schema.name}); err != nil {
		return err
	}
	err := k.post(ctx, api.PathProcessAllDocuments, api.ProcessAllDocumentsRequest{Datasource: k.schema.name})
	if statusOf(err) != http.StatusTooManyRequests {
		return err
	}
	when := "in three hours at the latest"
	if s, statusErr := k.status(ctx); statusErr == nil {
		var last time.Time
		for _, e := range s.Documents.ProcessingHistory {
			if at := moment(e.StartTime); at.After(last) {
				last = at
			}
		}
		if free := last.Add(processAway); free.After(k.now()) {
			when = "after " + free.Local().Format("15:04:05")
		}
	}
	return engine.Errorf(engine.Throttled, "ask again "+when+"; Glean processes what was uploaded by itself, too, within some 20 minutes",
		"Glean processes the documents of a datasource on request once in three hours, and was asked less than that ago; memberships are being processed: %w", err)
}

// post makes a request once, where another attempt would not help or do harm.
func (k *Sink) post(ctx context.Context, path string, in any) error {
	body, err := codec.Marshal(in)
	if err != nil {
		return err
	}
	err = write(ctx, k.conn, connection.Request{Path: path, Body: body, NoRetry: true})
	if s := statusOf(err); s == http.StatusBadRequest || s == http.StatusNotFound {
		return k.absent(err)
	}
	return err
}
