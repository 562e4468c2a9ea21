package backstage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/engine/refset"
)

// reader reads one kind.
type reader struct {
	*Source
	kind   string
	filter []string
	size   *pageSize
	emit   component.Emit

	seen    refset.Set      // the refs that came
	passes  []int32         // the last pass in which each came, by its number
	leftOut map[string]bool // refs that could not be read
	pages   int             // that were requested
}

// maxIdle is how many pages in a row may bring nothing new: a server that
// repeats itself has no end.
const maxIdle = 3

// read emits every entity of the kind once and returns their number. It reads the kind once
// more if rows are missing or its cursor was refused.
func (r *reader) read(ctx context.Context) (int, error) {
	r.seen, r.passes, r.leftOut = refset.Set{}, nil, map[string]bool{}
	short, refused := false, false
	for number := 1; ; number++ {
		p := pass{number: number}
		if err := r.walk(ctx, &p); err != nil {
			return 0, err
		}
		if !p.refused && p.rows() < p.promised {
			// Entities of the first page may have been deleted since.
			now, err := r.api.count(ctx, r.filter)
			if err != nil {
				return 0, err
			}
			if p.different()-now > collapse(p.different()) {
				return 0, fault.Errorf(fault.Transient, blindRemedy, "Backstage returned %d entities and now "+
					"shows %d: they cannot all have been deleted during the read", p.different(), now)
			}
			p.promised = min(p.promised, now)
		}
		switch {
		case p.complete():
			r.report(&p)
			return r.seen.Len(), nil
		case p.refused && !refused:
			refused = true
			r.log.WarnContext(ctx, "Backstage refused its own cursor; reading the kind from the start",
				"kind", r.kind)
		case !p.refused && !short:
			short = true
			r.log.WarnContext(ctx, "fewer rows than announced; reading the kind again", "kind", r.kind, "announced",
				p.promised, "got", p.rows())
		case p.refused:
			return 0,
				fault.Errorf(fault.Transient, "check whether Backstage is being restarted or updated, and run again",
					"Backstage refused its own cursor twice")
		default:
			return 0, fault.Errorf(fault.Transient,
				"the catalog changes while it is read, or Backstage leaves entities out: run again when it is "+
					"quiet; if that does not help, check Backstage's log",
				"incomplete: Backstage announced %d rows and returned %s, twice", p.promised, p.contents())
		}
	}
}

// walk reads all pages; each is requested while the previous one is processed.
func (r *reader) walk(ctx context.Context, p *pass) error {
	ctx, cancel := context.WithCancel(ctx)
	next := r.ahead(ctx, "")
	defer func() { // no goroutine outlives the walk
		cancel()
		if next != nil {
			<-next
		}
	}()
	for idle := 0; ; {
		a := <-next
		next = nil
		if unreadable(a.err) {
			a.page, a.err = r.around(ctx, p, a)
		}
		if a.err != nil {
			if a.cursor != "" && hasStatus(a.err, http.StatusBadRequest) {
				p.refused = true
				return nil
			}
			return a.err
		}
		if err := p.begin(a.page); err != nil {
			return err
		}
		r.expect(r.kind, p.promised)
		if a.page.next != "" {
			next = r.ahead(ctx, a.page.next)
		}
		before := p.different()
		if err := r.deliver(ctx, p, a.page); err != nil {
			return err
		}
		if err := p.tooManyUnread(r.kind); err != nil {
			return err
		}
		if a.page.next == "" {
			return nil
		}
		if idle++; p.different() > before {
			idle = 0
		}
		if idle > maxIdle {
			return fault.Errorf(fault.Permanent, "check whether a proxy or cache in front of Backstage repeats "+
				"responses",
				"the responses repeat: %d pages had nothing new", idle)
		}
		if err := p.endless(); err != nil {
			return err
		}
	}
}

// deliver emits the entities that no earlier page or pass had, and counts the others.
func (r *reader) deliver(ctx context.Context, p *pass, pg page) error {
	fresh := make([]*component.Record, 0, len(pg.items))
	before, again := p.different(), 0
	for _, item := range pg.items {
		p.brought++
		if string(item) == "null" {
			p.nulls++
			continue
		}
		rec, err := record(item, r.kind)
		var other *otherKind
		if errors.As(err, &other) {
			p.skip(other)
			continue
		}
		if err != nil {
			return fault.Errorf(fault.Permanent, mixedUp, "the response contains something other than an entity: "+
				"%w", err)
		}
		known, repeated := r.came(rec.Ref, p)
		if repeated {
			again++
			continue
		}
		p.got++
		p.last = rec.Ref
		if !known {
			fresh = append(fresh, rec)
		}
	}
	if p.different() > before { // a page that only repeats others proves nothing
		p.again += again
	}
	if len(fresh) == 0 {
		return nil
	}
	return r.emit(ctx, fresh)
}

// came records a ref of a pass. It returns whether the ref had come before, in any pass and
// in this one.
func (r *reader) came(ref string, p *pass) (known, repeated bool) {
	n, added := r.seen.Add(ref)
	if added {
		r.passes = append(r.passes, int32(p.number))
		return false, false
	}
	repeated = r.passes[n] == int32(p.number)
	r.passes[n] = int32(p.number)
	return true, repeated
}

// answer is a requested page with its cursor.
type answer struct {
	cursor string
	number int // of the page
	page   page
	err    error
}

// ahead requests a page; exactly one answer is sent.
func (r *reader) ahead(ctx context.Context, cursor string) chan answer {
	out := make(chan answer, 1)
	r.pages++
	a := answer{cursor: cursor, number: r.pages}
	go func() {
		defer func() {
			if v := recover(); v != nil {
				a.err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
			out <- a
		}()
		a.page, a.err = r.fetch(ctx, cursor, a.number)
	}()
	return out
}

// fetch requests a page of a size that the server can answer.
func (r *reader) fetch(ctx context.Context, cursor string, number int) (p page, err error) {
	err = r.size.ask(ctx, r.log.With("kind", r.kind), func(once bool) (int, error) {
		p, err = r.api.query(ctx,
			request{filter: r.filter, cursor: cursor, limit: r.size.now, maxBytes: r.size.maxBytes(), once: once,
				kind: r.kind, number: number})
		return p.bytes, err
	})
	return p, err
}
