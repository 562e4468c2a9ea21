package upload

import (
	"context"
	"fmt"
	"iter"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Empty replaces the documents, the members of the groups, all groups and all users with
// nothing, in this order, without Glean's guard on deletion. It returns the ids of the
// uploads by stream, except those of memberships.
func (s *Publisher) Empty(ctx context.Context, groups []string) (map[string]string, error) {
	ids := map[string]string{} // of the uploads, by stream; not of memberships
	p := &publishing{publisher: s, refusals: newRefusals(nil, s.naming()), plan: &component.Plan{
		RunID: s.o.RunID, Sent: func(string, int) {}, Note: func(string, ...any) {},
		Uploaded: func(stream, id string) { ids[stream] = id },
		Reject: func(stream string, _ component.Encoded, reason string) error {
			return fmt.Errorf("%s of nothing: %s", stream, reason)
		},
	}}
	if err := p.emptyStream(ctx, api.StreamDocuments, api.PathBulkIndexDocuments,
		`,"disableStaleDocumentDeletionCheck":true`, ""); err != nil {
		return nil, err
	}
	for _, group := range groups {
		if err := p.emptyStream(ctx, api.StreamMemberships, api.PathBulkIndexMemberships, "", `,"group":`+
			string(codec.Quote(nil, group))); err != nil {
			return nil, err
		}
	}
	for _, one := range [][2]string{{api.StreamGroups, api.PathBulkIndexGroups},
		{api.StreamUsers, api.PathBulkIndexUsers}} {
		if err := p.emptyStream(ctx, one[0], one[1], `,"disableStaleDataDeletionCheck":true`, ""); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// emptyStream uploads a stream of nothing.
func (p *publishing) emptyStream(ctx context.Context, stream, path, lift, place string) error {
	u := p.upload(stream, path, 0)
	u.lift = lift
	u.place += place
	if err := u.run(ctx, iter.Seq2[component.Encoded, error](func(func(component.Encoded, error) bool) {})); err != nil {
		return fmt.Errorf("empty %s: %w", stream, err)
	}
	if stream != api.StreamMemberships {
		p.plan.Uploaded(stream, u.id)
	}
	return nil
}
