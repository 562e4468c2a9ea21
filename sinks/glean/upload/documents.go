package upload

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/sinks/glean/api"
)

// Glean accepts 600 documents a minute outside of uploads. A page of pageOfChanges may be
// sent immediately, and the rest at the pace of the minute.
const (
	changesPerMinute = 600
	pageOfChanges    = 50
	changesPerSecond = float64(changesPerMinute-pageOfChanges) / 60
)

// pace delays documents to Glean's limit a minute. It belongs to one goroutine.
type pace struct {
	clock *Clock
	next  time.Time
}

// wait returns when n documents may be sent.
func (p *pace) wait(ctx context.Context, n int) error {
	now := p.clock.Now()
	if d := p.next.Sub(now); d > 0 {
		if err := p.clock.Sleep(ctx, d); err != nil {
			return err
		}
		now = p.next
	}
	p.next = now.Add(time.Duration(float64(n) / changesPerSecond * float64(time.Second)))
	return nil
}

// write sends new and changed documents in pages, one after another.
func (c *changes) write(ctx context.Context, step component.Step) error {
	batch := c.publisher.cfg.Batch
	var waiting []component.Change
	current := newPage(api.StreamDocuments, 0)
	flush := func() error {
		p, all := current, waiting
		current, waiting = newPage(api.StreamDocuments, 0), nil
		return c.page(ctx, p, all)
	}
	err := c.eachChange(step, api.StreamDocuments, func(ch component.Change) error {
		if err := c.mayGoOn(); err != nil {
			return err
		}
		n := len(current.items)
		if n > 0 && (n >= min(batch.Documents, pageOfChanges) || len(current.buf)+len(ch.Body)+Envelope > int(batch.Bytes)) {
			if err := flush(); err != nil {
				return err
			}
		}
		current.add(ch.Encoded)
		ch.Body = nil
		waiting = append(waiting, ch)
		return nil
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	return flush()
}

// page sends some documents, and halves a refused page until it is known which document the
// refusal is about.
func (c *changes) page(ctx context.Context, p *page, all []component.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hidden := func(component.Encoded) bool { return false }
	if c.plan.Hidden != nil {
		now, err := c.plan.Hidden()
		if err != nil {
			return err
		}
		if now != nil {
			hidden = now
		}
	}
	keep := func(i int) bool { return !hidden(p.items[i]) }
	if slices.ContainsFunc(p.items, hidden) {
		for _, e := range p.items {
			if hidden(e) {
				c.withhold(e)
			}
		}
		p, all = p.some(api.StreamDocuments, keep), some(all, keep)
	}
	if len(p.items) == 0 {
		return nil
	}
	if err := c.pace.wait(ctx, len(p.items)); err != nil {
		return err
	}
	err := c.post(ctx, p)
	status := api.StatusOf(err)
	switch {
	case err == nil:
		for _, ch := range all {
			c.acknowledged(ch)
		}
		return nil
	case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge:
		return err
	case len(p.items) == 1:
		return c.refuse(ctx, p, all[0], err)
	}
	first := func(i int) bool { return i < len(p.items)/2 }
	second := func(i int) bool { return !first(i) }
	if err := c.page(ctx, p.some(api.StreamDocuments, first), some(all, first)); err != nil {
		return err
	}
	return c.page(ctx, p.some(api.StreamDocuments, second), some(all, second))
}

// some returns the wanted changes.
func some(all []component.Change, want func(i int) bool) []component.Change {
	var out []component.Change
	for i, ch := range all {
		if want(i) {
			out = append(out, ch)
		}
	}
	return out
}

// post writes the documents of a page.
func (c *changes) post(ctx context.Context, p *page) error {
	client := c.publisher.client
	tail := `,"datasource":` + string(codec.Quote(nil, client.Datasource))
	return client.Write(ctx, connection.Request{Path: api.PathIndexDocuments, Body: p.request(tail), Idempotent: true,
		Again: func() []byte { return p.request(tail) }, Part: p.describe(api.StreamDocuments, &c.numbers)})
}

// writeOne writes a document whose permissions Glean could not replace.
func (c *changes) writeOne(ctx context.Context, ch component.Change) error {
	p := newPage(api.StreamDocuments, len(ch.Body)+Envelope)
	p.add(ch.Encoded)
	err := c.post(ctx, p)
	if s := api.StatusOf(err); s == http.StatusBadRequest || s == http.StatusRequestEntityTooLarge {
		if err := c.refuse(ctx, p, ch, err); err != nil {
			return err
		}
		return errRejected
	}
	return err
}

// refuse rejects a document that Glean refuses, and deletes Glean's earlier version: a full
// publish would not keep it either.
func (c *changes) refuse(ctx context.Context, p *page, ch component.Change, err error) error {
	e := p.items[0]
	e.Body = p.body(0)
	why := refusal{reason: api.ReasonOf(err)}
	if api.StatusOf(err) == http.StatusRequestEntityTooLarge {
		why = refusal{reason: "it is larger than Glean accepts in one request", own: true}
	}
	if err := c.refusals.add(ch.Stream, c.planned(ch.Stream), e, why, c.rejects(ch.Stream)); err != nil {
		return err
	}
	return c.remove(ctx, component.Change{Step: ch.Step, Stream: ch.Stream, Remove: true,
		Encoded: component.Encoded{ID: ch.ID, Ref: ch.Ref, Type: ch.Type}})
}

// hideAgain hides documents of some steps that are on the hidden list by now: the requests
// that sent them may have reached Glean after those of `pipe hide`.
func (c *changes) hideAgain(ctx context.Context, steps ...component.Step) error {
	if c.plan.Hidden == nil {
		return nil
	}
	hidden, err := c.plan.Hidden()
	if err != nil || hidden == nil {
		return notHidden(nil, err)
	}
	var failed []string
	for _, step := range steps {
		err := c.eachChange(step, api.StreamDocuments, func(ch component.Change) error {
			if ch.Remove || !hidden(ch.Encoded) || c.withheld[ch.ID] || c.refusals.has(ch.Stream, ch.ID) {
				return nil
			}
			note, err := c.publisher.client.TakeAway(ctx, ch.ID, ch.Type)
			if err != nil {
				failed = append(failed, ch.Ref+": "+err.Error())
				return nil
			}
			if note != "" {
				c.plan.Note("%s: %s", ch.Ref, note)
			}
			c.plan.Withhold(ch.Stream, ch.Encoded, true)
			return nil
		})
		if err != nil {
			return notHidden(failed, err)
		}
	}
	return notHidden(failed, nil)
}
