package backstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
)

// maxGap is how many consecutive unreadable rows are skipped.
const maxGap = 8

// unreadable reports whether err may be about a single requested entity: Backstage fails on
// it, or it is larger than an answer may be.
func unreadable(err error) bool {
	return errors.Is(err, connection.ErrTooLarge) ||
		hasStatus(err, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout)
}

// around finds the rows that make a page fail, by halving it, and returns the page after
// them if all of them are listed under skip_unreadable. Its error names the first of them;
// if the server itself fails, it is the error of a.
func (r *reader) around(ctx context.Context, p *pass, a answer) (page, error) {
	if !r.answers(ctx) {
		return page{}, a.err
	}
	cursor, window := a.cursor, r.size.now
	for window > 1 {
		half := window / 2
		pg, err := r.one(ctx, request{cursor: cursor, limit: half, number: a.number})
		switch {
		case err == nil && pg.next == "":
			return pg, nil
		case err == nil:
			if err := p.begin(pg); err != nil {
				return page{}, err
			}
			if err := r.deliver(ctx, p, pg); err != nil {
				return page{}, err
			}
			cursor, window = pg.next, window-half
		case unreadable(err):
			window = half
		default:
			return page{}, err
		}
	}
	return r.past(ctx, p, answer{cursor: cursor, number: a.number, err: a.err})
}

// answers reports whether the server answers other requests. The one entity of a
// count may be the unreadable one: two counts are tried.
func (r *reader) answers(ctx context.Context) bool {
	for _, filter := range [][]string{r.filter, nil} {
		if _, err := r.api.query(ctx, request{filter: filter, limit: 1, unordered: true, once: true}); err == nil {
			return true
		}
	}
	return false
}

// one makes one attempt at a request of the kind.
func (r *reader) one(ctx context.Context, rq request) (page, error) {
	rq.kind, rq.filter, rq.once, rq.maxBytes = r.kind, r.filter, true, r.size.limit
	return r.api.query(ctx, rq)
}

// past skips the unreadable rows after a's cursor, by their offset. A row before and one
// after them prove that the offset is right and that the server answers.
func (r *reader) past(ctx context.Context, p *pass, a answer) (page, error) {
	at := p.brought
	if at > 0 {
		pg, err := r.one(ctx, request{offset: at - 1, limit: 1})
		if hasStatus(err, http.StatusBadRequest) {
			return page{}, r.unreadableRows(p, at, 1, "", a.err)
		}
		if err != nil || !r.holds(pg, p.last) {
			return page{}, a.err
		}
	}
	for gap := 1; gap <= maxGap; gap++ {
		behind, err := r.one(ctx, request{offset: at + gap, limit: 1})
		switch {
		case unreadable(err):
			continue
		case hasStatus(err, http.StatusBadRequest):
			return page{}, r.unreadableRows(p, at, gap, "", a.err)
		case err != nil:
			return page{}, err
		}
		// with all retries
		pg, err := r.api.query(ctx, request{filter: r.filter, cursor: a.cursor, limit: 1, maxBytes: r.size.limit,
			kind: r.kind, number: a.number})
		if err == nil {
			return pg, nil
		}
		if !unreadable(err) {
			return page{}, err
		}
		if err := p.begin(page{total: behind.total}); err != nil {
			return page{}, err
		}
		skipped, err := r.listed(ctx, p, gap)
		if err != nil {
			return page{}, err
		}
		if len(skipped) < gap {
			return page{}, r.unreadableRows(p, at, gap, r.first(behind), a.err)
		}
		return behind, r.leaveOut(ctx, p, skipped)
	}
	return page{}, a.err
}

// holds reports whether a page is the one entity.
func (r *reader) holds(pg page, ref string) bool { return ref != "" && r.first(pg) == ref }

// first is the ref of the first entity of a page, "" when there is none.
func (r *reader) first(pg page) string {
	if len(pg.items) == 0 {
		return ""
	}
	rec, err := record(pg.items[0], r.kind)
	if err != nil {
		return ""
	}
	return rec.Ref
}

// listed are refs of skip_unreadable that explain unreadable rows: they are of
// the kind, no row of the pass was theirs, and by their name they cannot be read
// either.
func (r *reader) listed(ctx context.Context, p *pass, most int) (out []string, err error) {
	for _, ref := range refsOf(r.cfg.SkipUnreadable, r.kind) {
		if n, known := r.seen.Find(ref); known && r.passes[n] == int32(p.number) || len(out) == most {
			continue
		}
		_, err := r.api.get(ctx, ref, true)
		switch {
		case unreadable(err):
			out = append(out, ref)
		case err != nil:
			return nil, err
		}
	}
	return out, nil
}

// leaveOut emits unreadable entities as records that the model rejects, so they are counted
// and named.
func (r *reader) leaveOut(ctx context.Context, p *pass, refs []string) error {
	var records []*component.Record
	for _, ref := range refs {
		known, _ := r.came(ref, p)
		p.brought++
		p.got++
		r.leftOut[ref] = true
		if !known {
			records = append(records,
				&component.Record{Entry: component.Entry{Ref: ref, Kind: r.kind},
					Raw: codec.Quote(nil, "Backstage cannot return it; skip_unreadable leaves it out")})
		}
	}
	if len(records) == 0 {
		return nil
	}
	return r.emit(ctx, records)
}

// unreadableRows is the error that names where unreadable rows are.
func (r *reader) unreadableRows(p *pass, at, gap int, behind string, err error) error {
	what := fmt.Sprintf("row %d", at+1)
	if gap > 1 {
		what = fmt.Sprintf("rows %d to %d", at+1, at+gap)
	}
	var where []string
	if p.last != "" {
		where = append(where, "after "+p.last)
	}
	if behind != "" {
		where = append(where, "before "+behind)
	}
	if len(where) > 0 {
		what += ", " + strings.Join(where, " and ") + ","
	}
	return fault.Errorf(fault.ClassOf(err),
		fmt.Sprintf("find the entity between these two names, and the reason in Backstage's log; to read the "+
			"others without it, list its ref under source.backstage, as "+
			"skip_unreadable: [%s:default/NAME]", strings.ToLower(r.kind)),
		"%s of %d in the order of names cannot be read: %w", what, p.promised, err)
}
