package glean

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/pipe-engine/pipe/engine"
	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// upload is one bulk upload: a first page, others in parallel, and a last one
// that goes out when all the others were acknowledged (invariant 1).
type upload struct {
	*publishing
	stream, path string
	id           string
	tail         string // what every page's envelope ends with
	last         string // what the last one has beside
	sent         func(n int)
	reject       func(e engine.Encoded, reason string)
	opened       bool // a first page was acknowledged
	force        bool // the first page discards an unfinished upload
}

func (p *publishing) upload(stream, path string) *upload {
	u := &upload{publishing: p, stream: stream, path: path, id: p.uploadID(stream)}
	u.force, _ = p.restarts(stream, p.unfinished[stream]) // Holds has refused others' uploads
	u.tail = `,"uploadId":` + string(codec.Quote(nil, u.id)) + `,"datasource":` + string(codec.Quote(nil, p.schema.name))
	u.sent = func(n int) { p.plan.Sent(stream, n) }
	u.reject = func(e engine.Encoded, reason string) { p.plan.Reject(stream, e, reason) }
	return u
}

// run cuts the items into pages and sends them. Its error leaves the upload
// unfinished, so that Glean changes and deletes nothing.
func (u *upload) run(ctx context.Context, items iter.Seq2[engine.Encoded, error]) error {
	batch := u.sink.cfg.Batch
	crew := newCrew(ctx, u.sink.cfg.Concurrency)
	current := newPage(u.stream, 0)
	err := func() error {
		for e, err := range items {
			if err != nil || crew.ctx.Err() != nil {
				return err
			}
			if n := len(current.items); n > 0 && (n >= batch.Documents || len(current.buf)+len(e.Body)+envelope > int(batch.Bytes)) {
				full := current
				current = newPage(u.stream, len(full.buf)+envelope)
				if !u.opened {
					if err := u.deliver(ctx, full, false); err != nil {
						return err
					}
				} else {
					crew.do(func(ctx context.Context) error { return u.deliver(ctx, full, false) })
				}
			}
			current.add(e)
		}
		return nil
	}()
	if err := crew.wait(err); err != nil {
		return err
	}
	return u.deliver(ctx, current, true)
}

// envelope is room for what stands around the items.
const envelope = 512

// deliver sends a page. One that is too large or that Glean refuses is halved
// until it is clear which items it is about; those are rejected, each for
// itself.
func (u *upload) deliver(ctx context.Context, p *page, last bool) error {
	err := u.post(ctx, p, last)
	if err == nil {
		u.sent(len(p.items))
		return nil
	}
	status := statusOf(err)
	n := len(p.items)
	switch {
	case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge || n == 0:
		return err
	case n == 1:
		if u.opened && !u.active(ctx) {
			return engine.Errorf(engine.Transient, "see that no other run writes to the datasource, and run again", "the upload is no longer Glean's current one, another has taken its place: %w", err)
		}
		if ctx.Err() != nil { // another page has failed, this one proves nothing
			return ctx.Err()
		}
		reason := reasonOf(err)
		if status == http.StatusRequestEntityTooLarge {
			reason = "it is larger than Glean takes in one request"
		}
		if err := u.refusals.add(u.stream, p.items[0], reason, u.reject); err != nil || !last {
			return err
		}
		return u.deliver(ctx, newPage(u.stream, envelope), true)
	}
	a, b := u.halves(p, status, reasonOf(err))
	if err := u.deliver(ctx, a, false); err != nil {
		return err
	}
	return u.deliver(ctx, b, last)
}

// active tells whether Glean still has this upload under way; it does when it
// cannot be asked.
func (u *upload) active(ctx context.Context) bool {
	s, err := u.sink.status(ctx)
	return err != nil || slices.Contains(activeUploads(s)[u.stream], u.id)
}

// halves splits a page in two; a reason that names one item sets that apart.
func (u *upload) halves(p *page, status int, reason string) (a, b *page) {
	first := func(i int) bool { return i < len(p.items)/2 }
	if status == http.StatusBadRequest {
		reason = strings.ToLower(reason)
		named := slices.IndexFunc(p.items, func(e engine.Encoded) bool { return strings.Contains(reason, `"`+strings.ToLower(e.ID)+`"`) })
		if named >= 0 {
			first = func(i int) bool { return i == named }
		}
	}
	return p.some(u.stream, first), p.some(u.stream, func(i int) bool { return !first(i) })
}

// post makes the request of a page and finds out what a refusal of the first or
// the last one means.
func (u *upload) post(ctx context.Context, p *page, last bool) error {
	first := !u.opened
	err := u.request(ctx, p, first, last)
	if err == nil || ctx.Err() != nil || !first && !last {
		return u.end(err, first)
	}
	status := statusOf(err)
	if first && status != http.StatusConflict && status != http.StatusBadRequest && !last {
		return err
	}
	s, statusErr := u.sink.status(ctx)
	if statusErr != nil {
		return err
	}
	history := histories(s)[u.stream]
	if last && slices.ContainsFunc(history, func(b api.BulkUpload) bool { return b.UploadID == u.id && b.Status == api.UploadSuccessful }) {
		return u.end(nil, first) // the answer to an earlier attempt was lost
	}
	if !first || status != http.StatusConflict && status != http.StatusBadRequest {
		return err
	}
	restart, foreign := u.restarts(u.stream, activeUploads(s)[u.stream])
	if foreign != nil {
		return foreign
	}
	if restart && !u.force {
		u.force = true
		return u.end(u.request(ctx, p, first, last), first)
	}
	if status == http.StatusConflict {
		return engine.Errorf(engine.Fatal, "wait until the other upload has ended, and run again", "Glean has another upload of %s under way, which its status does not name: %w", u.stream, err)
	}
	return err
}

// end notes that the upload is open.
func (u *upload) end(err error, first bool) error {
	if err == nil && first {
		u.opened = true
	}
	return err
}

func (u *upload) request(ctx context.Context, p *page, first, last bool) error {
	tail := u.tail
	if first {
		tail += `,"isFirstPage":true`
		if u.force {
			tail += `,"forceRestartUpload":true`
		}
	}
	if last {
		tail += `,"isLastPage":true` + u.last
	}
	_, err := u.sink.conn.Do(ctx, connection.Request{
		Method: http.MethodPost, Path: u.path, Body: p.request(tail), Want: connection.NoBody,
		Idempotent: true, // pages are upserts by id; post sorts out the first and the last
	})
	return err
}
