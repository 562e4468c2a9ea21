package operate

import (
	"context"
	"net/http"
	"time"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// processRequests are the requests of Process.
func processRequests(datasource string) []string {
	return []string{api.PathProcessAllMemberships, api.PathProcessAllDocuments, api.PathDebugStatus(datasource)}
}

// Process makes Glean process memberships, and then documents, for which Glean accepts one
// call in three hours.
func (k *Operator) Process(ctx context.Context) error {
	k = k.only(processRequests(k.Config.Datasource.Name))
	if err := k.Client.Ready(); err != nil {
		return err
	}
	if err := k.Client.SendOnce(ctx, api.PathProcessAllMemberships,
		api.ProcessAllMembershipsRequest{Datasource: k.Config.Datasource.Name}); err != nil {
		return err
	}
	err := k.processDocuments(ctx)
	if fault.ClassOf(err) != fault.Throttled {
		return err
	}
	return fault.Errorf(fault.Throttled, "ask again "+k.nextProcessing(ctx)+
		"; Glean also processes uploads on its own within about 20 minutes",
		"Glean processes the documents of a datasource on request only once in three hours, and the last request "+
			"was less than that ago; memberships are being processed: %w", err)
}

// processDocuments makes Glean process documents. Its error has the class Throttled if the
// last call was less than three hours ago.
func (k *Operator) processDocuments(ctx context.Context) error {
	err := k.Client.SendOnce(ctx, api.PathProcessAllDocuments,
		api.ProcessAllDocumentsRequest{Datasource: k.Config.Datasource.Name})
	if api.StatusOf(err) == http.StatusTooManyRequests {
		return fault.Errorf(fault.Throttled, "", "%w", err)
	}
	return err
}

// nextProcessing returns when Glean accepts the next processalldocuments, if its status has
// the time of the last.
func (k *Operator) nextProcessing(ctx context.Context) string {
	s, err := k.Client.Status(ctx)
	if err != nil {
		return "in three hours at the latest"
	}
	var last time.Time
	for _, e := range s.Documents.ProcessingHistory {
		if at := api.Moment(e.StartTime); at.After(last) {
			last = at
		}
	}
	if free := last.Add(processAway); free.After(k.Clock.Now()) {
		return "after " + free.Local().Format("15:04:05")
	}
	return "in three hours at the latest"
}
