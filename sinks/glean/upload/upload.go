package upload

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sourcegraph/conc/pool"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// upload is one bulk upload: a first page, others in parallel, and a last one that is sent
// when all others were acknowledged (invariant 1).
type upload struct {
	publisher    *Publisher
	plan         *component.Plan
	refusals     *refusals
	stream, path string
	planned      int      // the items that it consists of
	id           string   // the id of the accepted attempt at the first page, once it is opened
	tried        []string // the ids of all attempts at a first page
	place        string   // the rest of every page's envelope, without the id
	lift         string   // the flag that the last page has when nothing was refused
	sent         func(n int)
	reject       func(e component.Encoded, reason string) error // its error leaves the upload unfinished
	opened       bool                                           // a first page was acknowledged
	force        bool                                           // the first page discards an unfinished upload
	spare        bool                                           // any number of items may be refused

	// hidden is Plan.Hidden, nil if nothing can be hidden. withheld are the IDs that were
	// not sent because they are hidden; only run's goroutine writes it.
	hidden   func() (func(component.Encoded) bool, error)
	withheld map[string]bool

	accepted, refused atomic.Int64 // items
	numbers           atomic.Int64 // the pages that were sent
}

func (p *publishing) upload(stream, path string, planned int) *upload {
	u := &upload{publisher: p.publisher, plan: p.plan, refusals: p.refusals,
		stream: stream, path: path, planned: planned, force: p.publisher.discards[stream]}
	u.place = `,"datasource":` + string(codec.Quote(nil, p.publisher.client.Datasource))
	u.sent = func(n int) { p.plan.Sent(stream, n) }
	u.reject = p.rejects(stream)
	return u
}

// run cuts the items into pages and sends them. An error leaves the upload unfinished, so
// Glean changes and deletes nothing.
func (u *upload) run(ctx context.Context, items iter.Seq2[component.Encoded, error]) error {
	defer u.publisher.forgetIDs(u)
	last, err := u.send(ctx, items)
	if err != nil {
		return err
	}
	if last, err = u.withoutHidden(last); err != nil {
		return err
	}
	if err := u.plan.StillHeld(); err != nil {
		return err
	}
	return u.deliver(ctx, last, true)
}

// send sends all pages but the last one, which it returns. The first error ends
// the others.
func (u *upload) send(ctx context.Context, items iter.Seq2[component.Encoded, error]) (last *page, err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers := pool.New().WithMaxGoroutines(u.publisher.cfg.Concurrency)
	last, err = u.pages(ctx, items, func(full *page) error {
		if !u.opened {
			return u.deliver(ctx, full, false)
		}
		workers.Go(func() {
			if err := u.deliver(ctx, full, false); err != nil {
				fail(err)
			}
		})
		return nil
	})
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return last, err
}

// pages cuts the items into pages, emits the full ones without hidden items, and returns the
// last one.
func (u *upload) pages(ctx context.Context, items iter.Seq2[component.Encoded, error],
	each func(full *page) error) (last *page, err error) {
	batch := u.publisher.cfg.Batch
	current := newPage(u.stream, 0)
	for e, err := range items {
		if err != nil || ctx.Err() != nil {
			return nil, err
		}
		n := len(current.items)
		if n > 0 && (n >= batch.Documents || len(current.buf)+len(e.Body)+Envelope > int(batch.Bytes)) {
			full, err := u.withoutHidden(current)
			if err != nil {
				return nil, err
			}
			current = newPage(u.stream, len(full.buf)+Envelope)
			if len(full.items) > 0 {
				if err := each(full); err != nil {
					return nil, err
				}
			}
		}
		current.add(e)
	}
	return current, nil
}

// Envelope is the room for the parts of a page around its items.
const Envelope = 512

// deliver sends a page. One that is too large or that Glean refuses is halved until it
// is known which items the refusal is about. With last, the last part closes the
// upload.
func (u *upload) deliver(ctx context.Context, p *page, last bool) error {
	for waiting := []*page{p}; len(waiting) > 0; {
		part := waiting[0]
		instead, err := u.attempt(ctx, part, last && len(waiting) == 1)
		if err != nil {
			return err
		}
		waiting = append(instead, waiting[1:]...)
	}
	return nil
}

// attempt sends a page and, if Glean refuses it, returns the pages to send instead. A single
// refused item is rejected.
func (u *upload) attempt(ctx context.Context, p *page, last bool) (instead []*page, err error) {
	if last {
		if err := u.complete(p); err != nil {
			return nil, err
		}
	}
	err = u.post(ctx, p, last)
	if err == nil {
		u.accepted.Add(int64(len(p.items)))
		u.sent(len(p.items))
		return nil, nil
	}
	status := api.StatusOf(err)
	n := len(p.items)
	switch {
	case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge || n == 0:
		return nil, err
	case n == 1 && !u.opened && status == http.StatusBadRequest: // the refusal is about the item or about the upload
		return []*page{p}, u.begin(ctx)
	case n == 1:
		if err := u.rejectItem(ctx, p, err); err != nil || !last {
			return nil, err
		}
		return []*page{newPage(u.stream, Envelope)}, nil // it closes the upload
	}
	a, b := u.halves(p, status, api.ReasonOf(err))
	return []*page{a, b}, nil
}

// complete refuses to end an upload with a page unless every planned item is in the upload,
// was refused because of its content or is hidden by now, and at least one is in it: Glean
// deletes items that the upload lacks (invariants 1 and 4).
func (u *upload) complete(p *page) error {
	accepted, refused, withheld := int(u.accepted.Load())+len(p.items), int(u.refused.Load()), len(u.withheld)
	switch {
	case accepted+refused+withheld != u.planned:
		return fault.Errorf(fault.Permanent, "", "%d of %d items were sent, %d refused and %d hidden: this is a "+
			"defect in pipe, and the upload was left unfinished", accepted, u.planned, refused, withheld)
	case accepted == 0 && withheld > 0:
		return fault.Errorf(fault.Fatal, "run again: the guards then decide whether everything may be deleted",
			"every document was hidden while the run published; the upload was left unfinished, and the hidden documents are "+
				"deleted one by one")
	case accepted == 0 && u.planned > 0 && !u.spare:
		return fault.Errorf(fault.Fatal, "correct what the rejections name and run again; the upload was left "+
			"unfinished, so nothing was deleted",
			"Glean rejects all %d items", u.planned)
	}
	return nil
}

// halves splits a page in two; an item that the reason names is separated from the others.
func (u *upload) halves(p *page, status int, reason string) (a, b *page) {
	first := func(i int) bool { return i < len(p.items)/2 }
	if status == http.StatusBadRequest {
		reason = strings.ToLower(reason)
		named := slices.IndexFunc(p.items, func(e component.Encoded) bool {
			return strings.Contains(reason, `"`+
				strings.ToLower(e.ID)+`"`)
		})
		if named >= 0 {
			first = func(i int) bool { return i == named }
		}
	}
	return p.some(u.stream, first), p.some(u.stream, func(i int) bool { return !first(i) })
}
