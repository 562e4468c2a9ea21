package backstage

import (
	"fmt"
	"strings"

	"github.com/pipe-engine/pipe/engine/fault"
)

// pass is one walk over all pages of a kind. Backstage counts rows, not entities: older
// versions return a row twice, or null for an entity that they have not finished processing,
// and count both. So the number of rows is compared with the promised one.
type pass struct {
	number   int
	promised int  // rows that Backstage counts
	started  bool // the first page has come
	refused  bool // the server took back its cursor

	brought int // rows of all pages
	got     int // entities, each once
	again   int // rows of entities that came before
	nulls   int
	others  int // rows of another kind
	sample  *otherKind
	last    string // the ref that came last, "" for none
}

// rows is what counts towards the promise.
func (p *pass) rows() int { return p.different() + p.again }

// different returns the number of rows without repeated ones.
func (p *pass) different() int { return p.got + p.nulls + p.others }

func (p *pass) complete() bool { return !p.refused && p.rows() >= p.promised }

// begin records the promise of the first page.
func (p *pass) begin(first page) error {
	if p.started {
		return nil
	}
	p.started = true
	if p.promised = first.total; p.promised == 0 && len(first.items) > 0 {
		return fault.Errorf(fault.Transient,
			"run again; if the error repeats, check whether a proxy or cache in front of Backstage changes responses",
			"Backstage returns entities with totalItems 0, so the last page cannot be recognised")
	}
	return nil
}

// skip counts a row of another kind.
func (p *pass) skip(other *otherKind) {
	if p.sample == nil {
		p.sample = other
	}
	p.others++
}

// spare is how many rows more than twice the promise a read may bring.
const spare = 1000

// endless is the error of a read that has brought far more than was promised.
func (p *pass) endless() error {
	if p.brought <= 2*p.promised+spare {
		return nil
	}
	return fault.Errorf(fault.Transient,
		"run again: a catalog that is being filled grows while it is read; if the error repeats, check whether a "+
			"proxy or cache in front of Backstage changes responses",
		"no end: Backstage announced %d rows and returned %d, and more follow", p.promised, p.brought)
}

// collapse is how many entities may be deleted during a read; a larger number looks like a
// token that lost its permission.
func collapse(of int) int { return max(20, of/5) }

// mayBeUnread is how many rows of a pass may hold no entity of the kind: each may
// replace an entity that was not read.
func mayBeUnread(rows int) int { return max(20, rows/100) }

// tooManyUnread is the error of a pass with too many rows without an entity of the kind. It
// is an error of the read, not a guard's refusal: it is unknown which entities are missing,
// there is nothing to approve, and the rows disappear when Backstage has processed its
// catalog.
func (p *pass) tooManyUnread(kind string) error {
	most := mayBeUnread(max(p.brought, p.promised))
	switch {
	case p.nulls > most:
		return fault.Errorf(fault.Transient,
			"Backstage before 1.29 returns null for an entity that it has not finished processing: run again "+
				"when its log is quiet, or update it",
			"%d of %d rows are null; each may be an entity that was not read (limit %d)", p.nulls, p.brought, most)
	case p.others > most:
		return fault.Errorf(fault.Permanent, mixedUp, "%d of %d rows have another kind than %s (limit %d): %w",
			p.others, p.brought, kind, most, p.sample)
	}
	return nil
}

// contents is the rows in words.
func (p *pass) contents() string {
	if p.rows() == p.got {
		return fmt.Sprint(p.got)
	}
	parts := []string{fmt.Sprintf("%d entities", p.got)}
	for _, part := range []struct {
		n    int
		what string
	}{{p.again, "repeated"}, {p.nulls, "null"}, {p.others, "of another kind"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprint(part.n, " ", part.what))
		}
	}
	return fmt.Sprintf("%d (%s)", p.rows(), strings.Join(parts, ", "))
}

// report adds notes about irregularities of a complete pass.
func (r *reader) report(p *pass) {
	for _, ref := range refsOf(r.cfg.SkipUnreadable, r.kind) {
		if !r.leftOut[ref] {
			r.note("skip_unreadable names %s, which Backstage returned or does not have: remove it from "+
				"the list", ref)
		}
	}
	if p.again > 0 || p.nulls > 0 {
		r.note("kind %s: Backstage counts %d rows and returned %s", r.kind, p.promised, p.contents())
	}
	if p.nulls > 0 {
		r.note("kind %s: Backstage returned null for %d entities that it has not finished processing; they were "+
			"not read", r.kind, p.nulls)
	}
	if p.others > 0 {
		r.note("kind %s: %d rows of another kind were skipped; the first: %v", r.kind, p.others, p.sample)
	}
}

// note adds a sentence to the report.
func (s *Source) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}
