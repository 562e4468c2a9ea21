package upload

import (
	"context"
	"net/http"
	"slices"

	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// begin opens an upload without items, after a refused first page whose refusal may or may
// not be about its items.
func (u *upload) begin(ctx context.Context) error {
	err := u.post(ctx, newPage(u.stream, Envelope), false)
	if !isRefusal(err) {
		return err
	}
	return fault.Errorf(fault.Permanent, "check the message and the datasource in Glean; if another upload is "+
		"under way, wait until it ends",
		"Glean refuses to start an upload of %s, even an empty one: %v", u.stream, err)
}

// rejectItem rejects the only item of a page that Glean refused, if the refusal is about the
// item.
func (u *upload) rejectItem(ctx context.Context, p *page, err error) error {
	large := api.StatusOf(err) == http.StatusRequestEntityTooLarge
	if !large {
		if err := u.stillOpen(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil { // another page has failed, this one proves nothing
		return ctx.Err()
	}
	u.refused.Add(1)
	e := p.items[0]
	e.Body = p.body(0)
	if large {
		return u.refusals.add(u.stream, u.planned, e, refusal{reason: "it is larger than Glean accepts in one " +
			"request",
			own: true}, u.reject)
	}
	return u.refusals.add(u.stream, u.planned, e, refusal{reason: api.ReasonOf(err), own: u.spare}, u.reject)
}

// stillOpen returns nil when a refusal can only be about the content of the page, because
// the upload is open.
func (u *upload) stillOpen(ctx context.Context) error {
	err := u.probe(ctx)
	if !isRefusal(err) {
		return err
	}
	s, statusErr := u.publisher.client.Status(ctx)
	if statusErr == nil && slices.ContainsFunc(api.UnderWay(s),
		func(o api.Unfinished) bool { return o.Stream == u.stream && o.ID == u.id }) {
		return nil // Glean refuses pages without items
	}
	return fault.Errorf(fault.Transient, "make sure that no other run writes to the datasource, and run again",
		"another upload has replaced this one in Glean: %v", err)
}
