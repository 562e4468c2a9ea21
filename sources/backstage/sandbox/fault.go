package sandbox

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault is one way to misbehave: which requests it meets, and what happens to
// them. Of several that meet a request the first one given acts.
type Fault struct {
	Path  string // part of the path and query; "" is any
	Kind  string // only by-query reads that ask for this kind, in any case
	Page  int    // only the nth page of a by-query read, from 1; 0 is any request
	Times int    // how many requests it meets before it is spent; 0 is no end

	Delay      time.Duration // wait before anything else, or until the client leaves
	Reset      bool          // break the connection without an answer
	Status     int           // answer with this status and what Backstage says with it
	RetryAfter string        // that header, with Status
	HTML       bool          // answer with a sign-in page, with Status or 200
	Redirect   string        // answer with a redirect to this address
	Cut        int           // break the connection after so many bytes of the body
	Truncate   int           // end the body after so many bytes, as if it were whole
	Empty      bool          // no entities and a 200: what a missing permission looks like
	Promise    int           // more entities in totalItems than there are
	Repeat     bool          // the page's cursor leads to the same page again
	Items      [][]byte      // these entities in the place of the page's or list's own
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

// hides tells whether the entity is not to be seen.
func (f Fault) hides(e *entry) bool { return f.Empty || f.Hide != nil && f.Hide(e.ref) }

// breaks reports whether an answer with these entities fails, and answers then.
func (f Fault) breaks(w http.ResponseWriter, r *http.Request, entries ...*entry) bool {
	for _, e := range entries {
		if f.Broken != nil && e != nil && f.Broken(e.ref) {
			problemFor(http.StatusInternalServerError).write(w, r)
			return true
		}
	}
	return false
}

// endless is a page of entities that no other page holds.
func endless(filters []string, page, limit int) [][]byte {
	kind := "Component"
	for _, filter := range filters {
		for condition := range strings.SplitSeq(filter, ",") {
			if name, value, _ := strings.Cut(condition, "="); strings.EqualFold(name, "kind") {
				kind = value
			}
		}
	}
	items := make([][]byte, limit)
	for i := range items {
		items[i] = fmt.Appendf(nil, `{"kind":%q,"metadata":{"name":"endless-%d-%d","namespace":"default"},"relations":[]}`, kind, page, i)
	}
	return items
}

// show is the entity as it is served.
func (f Fault) show(e *entry) []byte {
	if f.Bare {
		return withoutRelations(e.raw)
	}
	return e.raw
}

// view is what is to be seen of a view in an order or, when field is "", in none.
func (f Fault) view(v view, field string) view {
	if f.Hide == nil && !f.Empty && !f.Double {
		return v
	}
	var out view
	entities := map[*entry]bool{}
	for _, r := range v.rows {
		if f.hides(r.entry) {
			continue
		}
		out.rows = append(out.rows, r)
		entities[r.entry] = true
		if f.Double && field != "" {
			out.rows = append(out.rows, r)
		}
	}
	if out.entities = len(entities); f.Double {
		out.entities = len(out.rows)
	}
	return out
}

// Fail adds faults; they act from the next request on.
func (s *Server) Fail(f ...Fault) { s.faults.add(f) }

// Heal ends all faults.
func (s *Server) Heal() { s.faults.clear() }

type faults struct {
	mu   sync.Mutex
	list []*Fault
}

func (fs *faults) add(list []Fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range list {
		if f.Times == 0 {
			f.Times = -1
		}
		fs.list = append(fs.list, &f)
	}
}

func (fs *faults) clear() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = nil
}

// meet is the fault that acts on the request, the zero Fault when none does.
func (fs *faults) meet(r *http.Request) Fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.list) == 0 {
		return Fault{}
	}
	filters, page := readOf(r)
	for _, f := range fs.list {
		if f.Times != 0 && f.meets(r, filters, page) {
			f.Times-- // from -1 it never comes to 0
			return *f
		}
	}
	return Fault{}
}

func (f *Fault) meets(r *http.Request, filters []string, page int) bool {
	if !strings.Contains(r.URL.RequestURI(), f.Path) || f.Page != 0 && f.Page != page {
		return false
	}
	if f.Kind == "" {
		return true
	}
	for _, filter := range filters {
		for condition := range strings.SplitSeq(filter, ",") {
			if strings.EqualFold(condition, "kind="+f.Kind) {
				return true
			}
		}
	}
	return false
}

// readOf is what a by-query request asks for: its filters and the number of
// its page, 0 for another request.
func readOf(r *http.Request) (filters []string, page int) {
	if !strings.HasSuffix(r.URL.Path, "/entities/by-query") {
		return nil, 0
	}
	q := r.URL.Query()
	if c, err := parseCursor(q.Get("cursor")); err == nil {
		return c.Filter, c.Page
	}
	return q["filter"], 1
}

// answer does what needs no catalog; false leaves the answer to the handler.
func (f Fault) answer(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case f.Reset:
		panic(http.ErrAbortHandler)
	case f.Body != nil:
		w.Header().Set("Content-Type", contentJSON)
		_, _ = w.Write(f.Body)
	case f.Redirect != "":
		w.Header().Set("Location", f.Redirect)
		w.WriteHeader(http.StatusFound)
	case f.HTML, f.Status == http.StatusBadGateway, f.Status == http.StatusGatewayTimeout:
		// A gateway in front of Backstage answers with a page of its own.
		status, title := f.Status, "Sign in to continue"
		if status == 0 {
			status = http.StatusOK
		} else if !f.HTML {
			title = http.StatusText(status)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body></body></html>\n", title)
	case f.Status != 0:
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		problemFor(f.Status).write(w, r)
	default:
		return false
	}
	return true
}

type faultKey struct{}

func withFault(ctx context.Context, f Fault) context.Context {
	return context.WithValue(ctx, faultKey{}, f)
}

// faultOf is the fault that the handler has to act on.
func faultOf(r *http.Request) Fault {
	f, _ := r.Context().Value(faultKey{}).(Fault)
	return f
}
