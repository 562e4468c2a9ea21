package glean

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Purge replaces the documents, then the members of the groups that are known,
// the groups, and the users with nothing: nobody is left without a group while
// a document names it. Glean's guard on deletion is lifted, as emptying is meant;
// a group that is not known loses its members when it goes itself.
func (k *operator) Purge(ctx context.Context, known map[string][]string, o component.Opening) error {
	if err := k.client.ready(); err != nil {
		return err
	}
	status, err := k.client.status(ctx)
	if err != nil {
		return k.client.noDatasource(err)
	}
	s := newPublisher(k.client, k.cfg, k.clock, o)
	if err := s.claim(underWay(status)); err != nil {
		return err
	}
	ids := map[string]string{} // of the uploads, by stream; not of memberships
	p := &publishing{publisher: s, refusals: newRefusals(), plan: &component.Plan{
		RunID: o.RunID, Sent: func(string, int) {}, Note: func(string, ...any) {}, Uploaded: func(stream, id string) { ids[stream] = id },
		Reject: func(stream string, _ component.Encoded, reason string) error {
			return fmt.Errorf("%s of nothing: %s", stream, reason)
		},
	}}
	if err := p.empty(ctx, streamDocuments, api.PathBulkIndexDocuments, `,"disableStaleDocumentDeletionCheck":true`, ""); err != nil {
		return err
	}
	for _, group := range known[streamMemberships] {
		if err := p.empty(ctx, streamMemberships, api.PathBulkIndexMemberships, "", `,"group":`+string(codec.Quote(nil, group))); err != nil {
			return err
		}
	}
	for _, one := range [][2]string{{streamGroups, api.PathBulkIndexGroups}, {streamUsers, api.PathBulkIndexUsers}} {
		if err := p.empty(ctx, one[0], one[1], `,"disableStaleDataDeletionCheck":true`, ""); err != nil {
			return err
		}
	}
	return k.emptied(ctx, ids)
}

// empty uploads a stream of nothing.
func (p *publishing) empty(ctx context.Context, stream, path, lift, place string) error {
	u := p.upload(stream, path, 0)
	u.lift = lift
	u.place += place
	if err := u.run(ctx, iter.Seq2[component.Encoded, error](func(func(component.Encoded, error) bool) {})); err != nil {
		return fmt.Errorf("empty %s: %w", stream, err)
	}
	if stream != streamMemberships {
		p.plan.Uploaded(stream, u.id)
	}
	return nil
}

// emptiedWithin is how long a purge waits for Glean to count nothing.
const emptiedWithin = 10 * time.Second

// emptied asks until the status counts nothing, or emptiedWithin is over.
func (k *operator) emptied(ctx context.Context, ids map[string]string) error {
	for waited, delay := time.Duration(0), time.Second; ; delay *= 2 {
		s, err := k.client.status(ctx)
		if err != nil {
			return unconfirmed("everything was emptied, and whether it is gone could not be asked: %v", err)
		}
		left := []string{}
		h := holdings(s)
		for _, stream := range streamNames {
			if n, known := h.Streams[stream]; !known || n > 0 {
				left = append(left, fmt.Sprintf("%d %s", n, stream))
			}
		}
		for stream, history := range histories(s) {
			if i := slices.IndexFunc(history, func(b api.BulkUpload) bool { return b.UploadID == ids[stream] }); i >= 0 && history[i].ProcessingState == api.StateDeletionPaused {
				return unconfirmed("Glean took the emptying of %s and has paused their deletion for seven days", stream)
			}
		}
		switch {
		case len(left) == 0:
			return nil
		case waited >= emptiedWithin:
			return unconfirmed("Glean took the emptying and still counts %s; its counts may be three hours old, and `pipe process FILE` has it delete at once", enumerate(left, 4))
		}
		delay = min(delay, emptiedWithin-waited)
		if err := k.clock.sleep(ctx, delay); err != nil {
			return err
		}
		waited += delay
	}
}
