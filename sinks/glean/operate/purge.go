package operate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/display"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// purgeRequests are the requests of Purge.
func purgeRequests(datasource string) []string {
	return []string{
		api.PathBulkIndexDocuments, api.PathBulkIndexMemberships, api.PathBulkIndexGroups, api.PathBulkIndexUsers,
		api.PathDebugStatus(datasource),
	}
}

// Purge replaces the documents, then the members of the known groups, the groups and the
// users with nothing; in this order, no one loses a group that a document names. Glean's
// guard on deletion is lifted, since emptying is intended. An unknown group loses its
// members when it is deleted.
func (k *Operator) Purge(ctx context.Context, known map[string][]string, o component.Opening) error {
	k = k.only(purgeRequests(k.Config.Datasource.Name))
	if err := k.Client.Ready(); err != nil {
		return err
	}
	status, err := k.Client.Status(ctx)
	if err != nil {
		return k.Client.NoDatasource(err)
	}
	p := upload.New(k.Client, k.Config, k.Clock, o)
	if err := p.Claim(api.UnderWay(status)); err != nil {
		return err
	}
	ids, err := p.Empty(ctx, known[api.StreamMemberships])
	if err != nil {
		return err
	}
	return k.emptied(ctx, ids)
}

// emptiedWithin is how long a purge waits for Glean to count nothing.
const emptiedWithin = 10 * time.Second

// emptied polls the status until it counts nothing, or emptiedWithin is over.
func (k *Operator) emptied(ctx context.Context, ids map[string]string) error {
	for waited, delay := time.Duration(0), time.Second; ; delay *= 2 {
		s, err := k.Client.Status(ctx)
		if err != nil {
			return unconfirmed("everything was emptied; asking whether it is gone failed: %v", err)
		}
		left := []string{}
		h := api.Holdings(s)
		for _, stream := range api.StreamNames {
			if n, known := h.Streams[stream]; !known || n > 0 {
				left = append(left, fmt.Sprintf("%d %s", n, stream))
			}
		}
		for stream, history := range api.Histories(s) {
			if i := slices.IndexFunc(history, func(b api.BulkUpload) bool { return b.UploadID == ids[stream] }); i >= 0 &&
				history[i].ProcessingState == api.StateDeletionPaused {
				return unconfirmed("Glean accepted the deletion of %s and paused it for seven days", stream)
			}
		}
		switch {
		case len(left) == 0:
			return nil
		case waited >= emptiedWithin:
			return unconfirmed("Glean accepted the deletion but still counts %s; its counts may be three hours "+
				"old, and `pipe process FILE` requests the deletion at once", display.List(left, 4, "; "))
		}
		delay = min(delay, emptiedWithin-waited)
		if err := k.Clock.Sleep(ctx, delay); err != nil {
			return err
		}
		waited += delay
	}
}
