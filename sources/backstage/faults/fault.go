package faults

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/sources/backstage/sandbox"
)

// Fault is one way to misbehave: the affected requests, and what happens to them. If several
// match a request, the first one applies.
type Fault struct {
	Path  string // part of the path and query; "" is any
	Kind  string // only by-query reads of this kind, in any case
	Page  int    // only the nth page of a by-query read, from 1; 0 is any request
	Times int    // how many requests it meets before it is spent; 0 is no end

	Delay      time.Duration // wait before anything else, or until the client leaves
	Reset      bool          // break the connection without an answer
	Status     int           // answer with this status and Backstage's error body
	RetryAfter string        // that header, with Status
	HTML       bool          // answer with a sign-in page, with Status or 200
	Redirect   string        // answer with a redirect to this address
	Cut        int           // break the connection after so many bytes of the body
	Truncate   int           // end the body after this many bytes, as if it were complete
	Empty      bool          // no entities and a 200, as with a missing permission
	Promise    int           // more entities in totalItems than there are
	Repeat     bool          // the page's cursor leads to the same page again
	Items      [][]byte      // these entities instead of the page's or list's own
	Extra      [][]byte      // these rows after those of a read, counted in totalItems; nil is a null
	Body       []byte        // answer with this as JSON and 200; empty, not nil, is an answer without a body
	Cursorless bool          // the page's cursor is missing
	Endless    bool          // after the last page come others, of entities that exist nowhere else

	Hide   func(ref string) bool // entities that are not there and not counted; see Half
	Broken func(ref string) bool // entities that cannot be read: what holds one is answered with 500
	Bare   bool                  // entities come with an empty list of relations
	Double bool                  // ordered reads hold and count every entity twice, as some before 1.51 did
}

// Half hides about half of all entities, always the same ones.
func Half(ref string) bool { return sha256.Sum256([]byte(ref))[0]&1 == 1 }

// meets reports whether the fault acts on a request.
func (f *Fault) meets(r *http.Request, filters []string, page int) bool {
	if !strings.Contains(r.URL.RequestURI(), f.Path) || f.Page != 0 && f.Page != page {
		return false
	}
	return f.Kind == "" || slices.ContainsFunc(kinds(filters), func(k string) bool { return strings.EqualFold(k, f.Kind) })
}

// kinds returns the kinds that the filters of a read name.
func kinds(filters []string) (out []string) {
	for _, filter := range filters {
		for condition := range strings.SplitSeq(filter, ",") {
			if name, value, _ := strings.Cut(condition, "="); strings.EqualFold(name, "kind") {
				out = append(out, value)
			}
		}
	}
	return out
}

// changes returns the changes of an answer that the server itself makes.
func (f *Fault) changes() sandbox.Changes {
	c := sandbox.Changes{Hide: f.Hide, Double: f.Double, Show: f.show, Page: f.page,
		Total: func(n int) int { return n + f.Promise + len(f.Extra) }}
	if f.Empty {
		c.Hide = func(string) bool { return true }
	}
	if f.Items != nil {
		c.Items = func([][]byte) [][]byte { return f.Items }
	}
	return c
}

func (f *Fault) show(ref string, raw []byte) (shown []byte, ok bool) {
	if f.Broken != nil && f.Broken(ref) {
		return nil, false
	}
	if f.Bare {
		return withoutRelations(raw), true
	}
	return raw, true
}

func (f *Fault) page(p *sandbox.Page) {
	empty := len(p.Items) == 0
	switch {
	case f.Cursorless:
		p.Next = ""
	case f.Repeat && !empty:
		p.Next = p.Again()
	case f.Endless && p.Last:
		p.Next = p.Beyond()
	}
	if f.Items != nil {
		p.Items = f.Items
	}
	if p.Next == "" && !f.Cursorless {
		p.Items = append(slices.Clip(p.Items), f.Extra...)
	}
	if f.Endless && empty {
		p.Items = endless(p.Filter, p.Number, p.Limit)
	}
}

// endless is a page of entities that no other page holds.
func endless(filters []string, page, limit int) [][]byte {
	kind := "Component"
	if named := kinds(filters); len(named) > 0 {
		kind = named[len(named)-1]
	}
	items := make([][]byte, limit)
	for i := range items {
		items[i] = fmt.Appendf(nil, `{"kind":%q,"metadata":{"name":"endless-%d-%d","namespace":"default"},"relations":[]}`,
			kind, page, i)
	}
	return items
}

// withoutRelations is the entity with none, as before the catalog has computed
// them.
func withoutRelations(raw []byte) []byte {
	e, err := codec.Decode(raw)
	if err != nil { // the server has seen that it is an object
		return raw
	}
	e["relations"] = []any{}
	bare, err := codec.Marshal(e)
	if err != nil {
		return raw
	}
	return bare
}
