package sandbox

import (
	"context"
	"net/http"
	"strings"
)

// Interceptor answers a request. serve answers it as the server does, with changes.
type Interceptor func(w http.ResponseWriter, r *http.Request,
	serve func(http.ResponseWriter, *http.Request, Changes))

// Changes alter one answer; the zero value alters nothing. The program makes none.
type Changes struct {
	// Hide reports the entities that are not there and not counted.
	Hide func(ref string) bool
	// Double has reads in an order hold and count each entity twice.
	Double bool
	// Show returns an entity as served; if ok is false the request is answered with 500.
	Show func(ref string, raw []byte) (shown []byte, ok bool)
	// Total returns how many entities the first page of a read promises instead of n.
	Total func(n int) int
	// Page alters a page of by-query.
	Page func(p *Page)
	// Items returns the items of a by-refs answer; nil is written as null.
	Items func(items [][]byte) [][]byte
}

// Page is a page of by-query before it is written.
type Page struct {
	Filter []string // of the read
	Number int      // from 1
	Limit  int
	Last   bool // no rows follow it
	Items  [][]byte
	Next   string // the cursor of the next page, "" for none
	// Again is a cursor of this page, Beyond one after every entity.
	Again, Beyond func() string
}

// WriteError answers a request with a status and Backstage's error body.
func WriteError(w http.ResponseWriter, r *http.Request, status int) { problemFor(status).write(w, r) }

// ReadOf returns the filters and the page number of a by-query request; the page is 0 for
// any other request.
func ReadOf(r *http.Request) (filters []string, page int) {
	if !strings.HasSuffix(r.URL.Path, "/entities/by-query") {
		return nil, 0
	}
	q := r.URL.Query()
	if c, err := parseCursor(q.Get("cursor")); err == nil {
		return c.Filter, c.Page
	}
	return q["filter"], 1
}

func (c Changes) hides(e *entry) bool { return c.Hide != nil && c.Hide(e.ref) }

func (c Changes) show(e *entry) (shown []byte, ok bool) {
	if c.Show == nil {
		return e.raw, true
	}
	return c.Show(e.ref, e.raw)
}

// view applies the changes to a view in an order or, when field is "", in none.
func (c Changes) view(v view, field string) view {
	if c.Hide == nil && !c.Double {
		return v
	}
	var out view
	entities := map[*entry]bool{}
	for _, r := range v.rows {
		if c.hides(r.entry) {
			continue
		}
		out.rows = append(out.rows, r)
		entities[r.entry] = true
		if c.Double && field != "" {
			out.rows = append(out.rows, r)
		}
	}
	if out.entities = len(entities); c.Double {
		out.entities = len(out.rows)
	}
	return out
}

type changesKey struct{}

func withChanges(ctx context.Context, c Changes) context.Context {
	return context.WithValue(ctx, changesKey{}, c)
}

// changesOf returns the changes that the handler has to make.
func changesOf(r *http.Request) Changes {
	c, _ := r.Context().Value(changesKey{}).(Changes)
	return c
}
