package backstage

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pipe-engine/pipe/engine/codec"
	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/connection"
	"github.com/pipe-engine/pipe/engine/fault"
	"github.com/pipe-engine/pipe/sources/backstage/ref"
)

const (
	byQuery = "/api/catalog/entities/by-query"
	byName  = "/api/catalog/entities/by-name/"
	byRefs  = "/api/catalog/entities/by-refs"
	// order is by a field that every entity has and that does not change when an entity is
	// registered again, so no entity is missed.
	order = "metadata.name,asc"
)

// allowed reports whether a request may be made (invariant 8). The POST requests more refs
// than an address can contain, and changes nothing.
func allowed(method, path string) bool {
	switch method {
	case http.MethodGet:
		return path == byQuery || strings.HasPrefix(path, byName) || strings.HasPrefix(path, staticDocs)
	case http.MethodPost:
		return path == byRefs
	}
	return false
}

// api is the part of the catalog's API that is used: nothing that Backstage
// 1.12 does not know.
type api struct {
	conn *connection.Connection
	// proven is set by the first page that was read: from then on a wrong answer is a
	// temporary fault, not a wrong address.
	proven *atomic.Bool
}

// page is an answer to by-query.
type page struct {
	items [][]byte // raw entities, parts of the answer's body
	total int
	next  string // the cursor, "" at the end
	bytes int
}

// request is a request for a page.
type request struct {
	filter    []string
	cursor    string // "" at the start
	offset    int    // rows to pass over, without a cursor; Backstage before 1.31 has no such thing
	limit     int
	unordered bool
	maxBytes  int64 // of the answer; 0 means the configured limit
	once      bool  // the caller decides about retries
	kind      string
	number    int // of the page among those of the kind, from 1; 0 when nothing of it is read
}

// part describes a page of a kind; nil when nothing of it is read.
func (rq *request) part() *component.Part {
	if rq.number == 0 {
		return nil
	}
	return &component.Part{Name: component.PartPage, Kind: rq.kind, Number: rq.number}
}

// query requests a page. Filter, order and limit are sent with each one: a cursor carries no
// limit, and old servers lose its filter.
func (a api) query(ctx context.Context, rq request) (page, error) {
	q := url.Values{"filter": rq.filter, "limit": {strconv.Itoa(rq.limit)}}
	if !rq.unordered {
		q.Set("orderField", order)
	}
	if rq.cursor != "" {
		q.Set("cursor", rq.cursor)
	}
	if rq.offset > 0 {
		q.Set("offset", strconv.Itoa(rq.offset))
	}
	var p page
	part := rq.part()
	_, err := a.conn.Do(ctx,
		connection.Request{Method: http.MethodGet, Path: byQuery, Query: q, MaxBytes: rq.maxBytes, NoRetry: rq.once,
			Proven: a.proven.Load(), Part: part,
			Parse: func(body []byte) (err error) {
				if p, err = parsePage(body); part != nil {
					part.Records = len(p.items)
				}
				return err
			}})
	if err != nil {
		return page{}, explained(err)
	}
	a.proven.Store(true)
	return p, nil
}

func parsePage(body []byte) (page, error) {
	p := page{bytes: len(body), total: -1}
	listed, err := codec.List(body, "items", func(item []byte) {
		p.items = append(p.items, item)
	}, func(name string, value []byte) error {
		switch {
		case string(value) == "null":
		case name == "totalItems":
			return codec.Unmarshal(value, &p.total)
		case name == "pageInfo":
			var info struct {
				Next string `json:"nextCursor"`
			}
			err := codec.Unmarshal(value, &info)
			p.next = info.Next
			return err
		}
		return nil
	})
	if err != nil {
		return page{}, brokenJSON(err)
	}
	if !listed || p.total < 0 {
		return page{}, fault.Errorf(fault.Permanent, wrongAddress, "the response is not a page of entities")
	}
	return p, nil
}

// count returns how many entities satisfy a filter. It requests no entity, since one that
// Backstage cannot return would fail the count; a server that requires a limit above 0 is
// asked for one entity. It requests no order: with one, Backstage before 1.51 counts an
// entity as often as its search table holds the field, which may be twice.
func (a api) count(ctx context.Context, filter []string) (int, error) {
	p, err := a.query(ctx, request{filter: filter, unordered: true})
	if hasStatus(err, http.StatusBadRequest) {
		p, err = a.query(ctx, request{filter: filter, limit: 1, unordered: true})
	}
	return p.total, err
}

// refsRequest is a request for entities by their refs.
type refsRequest struct {
	refs     []string // full, lower-case
	filter   []string
	maxBytes int64
	once     bool
}

// found is an answer to by-refs.
type found struct {
	items [][]byte // raw entities in the order of the refs, nil for a missing one
	bytes int
}

// refs requests entities by their refs.
func (a api) refs(ctx context.Context, rq refsRequest) (found, error) {
	body, err := codec.Marshal(map[string][]string{"entityRefs": rq.refs})
	if err != nil {
		return found{}, err
	}
	var f found
	_, err = a.conn.Do(ctx,
		connection.Request{Method: http.MethodPost, Path: byRefs, Query: url.Values{"filter": rq.filter}, Body: body,
			Idempotent: true, MaxBytes: rq.maxBytes, NoRetry: rq.once, Proven: a.proven.Load(),
			Parse: func(body []byte) (err error) {
				f, err = parseFound(body, len(rq.refs))
				return err
			}})
	if hasStatus(err, http.StatusNotFound, http.StatusMethodNotAllowed) {
		return found{}, fault.Errorf(fault.ClassOf(err), "let POST "+byRefs+" pass the proxy in front of "+
			"Backstage: it only reads, and every Backstage since 1.12 has it",
			"asking Backstage whether entities are gone failed: %w", err)
	}
	if err != nil {
		return found{}, explained(err)
	}
	return f, nil
}

func parseFound(body []byte, want int) (found, error) {
	f := found{bytes: len(body)}
	listed, err := codec.List(body, "items", func(item []byte) {
		if string(item) == "null" {
			item = nil
		}
		f.items = append(f.items, item)
	}, func(string, []byte) error { return nil })
	switch {
	case err != nil:
		return found{}, brokenJSON(err)
	case !listed:
		return found{}, fault.Errorf(fault.Permanent, wrongAddress, "the response is not a list of entities")
	case len(f.items) != want:
		return found{}, fault.Errorf(fault.Permanent, mixedUp, "%d refs were requested, %d returned",
			want, len(f.items))
	}
	return f, nil
}

func brokenJSON(err error) error {
	return fault.Errorf(fault.Transient, "check whether a proxy in front of Backstage truncates responses",
		"the response is not valid JSON: %w", err)
}

// mixedUp is what to do about an answer to another question.
const mixedUp = "check whether a proxy or cache in front of Backstage mixes up responses"

// get is one entity by its full ref, nil when there is none; once makes one
// attempt.
func (a api) get(ctx context.Context, of string, once bool) ([]byte, error) {
	kind, namespace, name, ok := ref.Split(of)
	if !ok {
		return nil, fault.Errorf(fault.Permanent, "write kind:namespace/name", "%q is not an entity ref", of)
	}
	r, err := a.conn.Do(ctx,
		connection.Request{Method: http.MethodGet, Path: byName + kind + "/" + namespace + "/" + name, NoRetry: once})
	if hasStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, explained(err)
	}
	return r.Body, nil
}

const wrongAddress = "check url: it is the address of the Backstage backend without /api/catalog, which may " +
	"differ from the address of its pages; Backstage 1.12 or later is required"

// explained adds the meaning of a status at a Backstage.
func explained(err error) error {
	remedy := ""
	switch {
	case hasStatus(err, http.StatusUnauthorized):
		remedy = "set token (BACKSTAGE_API_TOKEN) to a token from backend.auth.externalAccess of Backstage; a token of a " +
			"signed-in user expires within the hour"
	case hasStatus(err, http.StatusForbidden):
		remedy = "the token is valid but may not read the catalog: add `plugin: catalog` to its " +
			"accessRestrictions in backend.auth.externalAccess"
	case hasStatus(err, http.StatusNotFound):
		remedy = wrongAddress
	case hasStatus(err, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge):
		remedy = "use fewer or shorter filters: they are part of the address and of its cursor"
	default:
		return err
	}
	return fault.Errorf(fault.ClassOf(err), remedy, "%w", err)
}

func hasStatus(err error, statuses ...int) bool {
	var e *connection.StatusError
	if !errors.As(err, &e) {
		return false
	}
	for _, s := range statuses {
		if e.Status == s {
			return true
		}
	}
	return false
}
