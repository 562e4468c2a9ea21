package glean

import (
	"context"
	"errors"
	"net/http"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/sinks/glean/api"
	"github.com/pipe-engine/pipe/sinks/glean/encode"
	"github.com/pipe-engine/pipe/sinks/glean/operate"
	"github.com/pipe-engine/pipe/sinks/glean/upload"
)

// session is one run's use of the sink.
type session struct {
	sink      *Sink
	encoder   *encode.Encoder
	publisher *upload.Publisher
	setup     *setup // how the run sets the datasource up; nil when it does not
	agrees    bool   // Glean's datasource agreed with the file
}

var (
	_ component.Session     = (*session)(nil)
	_ component.Identifier  = (*session)(nil)
	_ component.Noter       = (*session)(nil)
	_ component.Preflighter = (*session)(nil)
	_ component.Historian   = (*session)(nil)
	_ component.Changer     = (*session)(nil)
	_ component.Locator     = (*session)(nil)
	_ component.Keeper      = (*session)(nil)
)

// ID is the id that a document would have.
func (s *session) ID(item *component.Item) string { return s.encoder.ID(item) }

// Encode holds users and groups and makes documents.
func (s *session) Encode(item *component.Item) (e component.Encoded, kept bool, err error) {
	return s.encoder.Encode(item)
}

// Keep encodes who finds a document that Glean keeps as it is.
func (s *session) Keep(item *component.Item, id, typ string) (component.Encoded, error) {
	return s.encoder.Keep(item, id, typ)
}

// Seal emits users, groups and memberships.
func (s *session) Seal(ctx context.Context, out component.Outlet) error {
	return s.encoder.Seal(ctx, out)
}

// Notes returns the sentences about the whole run.
func (s *session) Notes() []string { return s.encoder.Notes() }

// Holds checks that Glean's datasource agrees with the file and that no other run is
// uploading to it, and counts its contents. If the run sets the datasource up, its config
// may differ.
func (s *session) Holds(ctx context.Context) (component.Holdings, error) {
	if s.setup != nil {
		if holds, err := s.setup.prepare(ctx); err != nil || holds.New {
			return holds, err
		}
	}
	if !s.agrees {
		if err := s.sink.datasource.Agree(ctx, s.setup != nil); err != nil {
			return component.Holdings{}, err
		}
		s.agrees = true
	}
	status, err := s.sink.status(ctx)
	if code := api.StatusOf(err); code == http.StatusNotFound || code == http.StatusGone || errors.Is(err, api.ErrShape) {
		return component.Holdings{Unsaid: err}, nil // the status is beta
	}
	if err != nil {
		return component.Holdings{}, &component.UnsaidError{Err: err}
	}
	underWay := api.UnderWay(status)
	if err := s.publisher.Claim(underWay); err != nil {
		return component.Holdings{}, err
	}
	h := api.Holdings(status)
	for _, u := range underWay {
		h.Unfinished = append(h.Unfinished, s.sink.client.Readable(u.ID))
	}
	h.History = operate.History(status)
	h.Uploads = upload.Listed(s.sink.client, status, api.StreamDocuments)
	return h, nil
}

// Preflight makes the checks of Holds. It keeps only the result that the datasource agrees
// with the file; the status may have changed by the time of publishing.
func (s *session) Preflight(ctx context.Context) error {
	_, err := s.Holds(ctx)
	s.publisher.Forget()
	if s.setup != nil {
		s.setup.plan = nil
	}
	return err
}

// Publish sets the datasource up, when the run does that, and sends the plan.
func (s *session) Publish(ctx context.Context, plan *component.Plan) error {
	if s.setup != nil {
		if err := s.setup.apply(ctx, plan); err != nil {
			return err
		}
	}
	return s.publisher.Publish(ctx, plan)
}

// Estimate returns how long publishing a plan takes by Glean's limits.
func (s *session) Estimate(plan *component.Plan) component.Estimate {
	return s.publisher.Estimate(plan)
}

// Locate returns which documents Glean has, and which of them can be found.
func (s *session) Locate(ctx context.Context, stream string, items []component.ItemName) ([]component.Location, error) {
	return s.publisher.Locate(ctx, stream, items)
}

// History lists the uploads of users, groups and documents in Glean's status.
func (s *session) History(ctx context.Context) (*component.UploadHistory, error) {
	status, err := s.sink.status(ctx)
	if err != nil {
		return nil, err
	}
	return operate.History(status), nil
}
