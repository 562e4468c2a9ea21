package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pipe-engine/pipe/engine/component"
	"github.com/pipe-engine/pipe/engine/explain"
	"github.com/pipe-engine/pipe/engine/serve"
	"github.com/pipe-engine/pipe/engine/serve/ask"
	"github.com/pipe-engine/pipe/engine/serve/preview"
)

// readingTime is how long a call waits for documents that are being read.
const readingTime = 20 * time.Second

// documentsStatus is whether the documents of a pipeline were read.
type documentsStatus struct {
	Reading bool      `json:"reading"`
	Read    time.Time `json:"read,omitzero"`
	Error   string    `json:"error,omitempty"`
}

func newDocumentsStatus(now serve.SearchStatus) documentsStatus {
	s := documentsStatus{Reading: now.Reading, Read: now.Built.UTC()}
	if now.Err != nil {
		s.Error = now.Err.Error()
	}
	return s
}

// documents returns whether the documents were read.
func (c *call) documents() (int, any, error) {
	return http.StatusOK, newDocumentsStatus(c.pipeline.SearchStatus()), nil
}

// readDocuments reads the documents, also when they were read before.
func (c *call) readDocuments() (int, any, error) {
	now, err := c.caller.ReadDocuments(c.Context())
	return http.StatusAccepted, newDocumentsStatus(now), err
}

func (c *call) beginReading() error {
	return c.caller.Note(c.Context(), ask.Entry{Action: serve.ActRead}, nil)
}

// withIndex calls use with the documents. While there are none, it has them read and waits; when
// that takes long, the answer says when to ask again.
func (c *call) withIndex(use func(x *preview.Index) (int, any, error)) (int, any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), readingTime)
	defer cancel()
	x, release, err := c.pipeline.AwaitIndex(ctx, c.beginReading)
	if errors.Is(err, context.DeadlineExceeded) {
		c.w.Header().Set("Retry-After", "1") // the next call waits, too
		return http.StatusAccepted, newDocumentsStatus(c.pipeline.SearchStatus()), nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer release()
	return use(x)
}

// as returns what the audit log says of an action with the results of a person, who may be "".
func as(what, person string) string {
	if person == "" {
		return what
	}
	return strings.TrimSpace(what + " as " + person)
}

// explain returns how a record becomes a document, and whether a person finds it.
func (c *call) explain() (int, any, error) {
	ref, who := c.PathValue("ref"), strings.TrimSpace(c.URL.Query().Get("person"))
	if ref == "" {
		return 0, nil, badRequest{"the path names no record", "write its ref at the end of the path"}
	}
	return c.withIndex(func(x *preview.Index) (int, any, error) {
		e, err := x.Explain(c.Context(), ref, who)
		detail, name := short(ref), short(who)
		if err == nil {
			detail = e.Ref
		}
		if p, known := x.Person(who); known && who != "" {
			name = p.String()
		}
		err = c.caller.Note(c.Context(), ask.Entry{Action: serve.ActOpen, Detail: as(detail, name)}, err)
		if err != nil {
			return 0, nil, err
		}
		return http.StatusOK, struct {
			Read time.Time `json:"read"`
			*explain.Explanation
		}{x.Built.UTC(), e}, nil
	})
}

// found is a document that a search found.
type found struct {
	ID         string     `json:"id"`
	Ref        string     `json:"ref"`
	Title      string     `json:"title"`
	Type       string     `json:"type,omitempty"`
	Owner      string     `json:"owner,omitempty"`
	URL        string     `json:"url,omitempty"`
	Updated    time.Time  `json:"updated,omitzero"`
	Snippet    string     `json:"snippet"`
	Properties []property `json:"properties"`
	Audience   string     `json:"audience"`
}

type property struct {
	Name   string   `json:"name"`
	Label  string   `json:"label"`
	Values []string `json:"values"`
}

func newFound(h preview.Hit) found {
	out := found{ID: h.ID, Ref: h.Ref, Title: text(h.Title), Type: h.Type, Owner: h.Owner, URL: h.URL, Updated: h.Updated,
		Snippet: text(h.Snippet), Properties: []property{}, Audience: h.Audience.String()}
	for _, p := range h.Properties {
		out.Properties = append(out.Properties, newProperty(p))
	}
	return out
}

func newProperty(p component.CardProperty) property {
	return property{p.Name, p.Label, append([]string{}, p.Values...)}
}

// text returns a text without its marks.
func text(parts []preview.Part) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(p.Text)
	}
	return out.String()
}

// search returns the documents that a person finds.
func (c *call) search() (int, any, error) {
	values := c.URL.Query()
	page := 1
	if text := values.Get("page"); text != "" {
		var err error
		if page, err = strconv.Atoi(text); err != nil || page < 1 {
			return 0, nil, badRequest{fmt.Sprintf("page is %q", short(text)), "write a number from 1"}
		}
	}
	return c.withIndex(func(x *preview.Index) (int, any, error) {
		q := preview.Query{Text: values.Get("q"), View: preview.After, Page: page - 1}
		name, r, err := c.find(x, &q, values.Get("person"))
		err = c.caller.Note(c.Context(), ask.Entry{Action: serve.ActSearch, Detail: as(short(q.Text), name)}, err)
		if err != nil {
			return 0, nil, err
		}
		answer := struct {
			Read      time.Time `json:"read"`
			Person    string    `json:"person,omitempty"`
			Total     int       `json:"total"`
			Page      int       `json:"page"`
			PageSize  int       `json:"page_size"`
			Documents []found   `json:"documents"`
		}{x.Built.UTC(), q.Person.Email, r.Total, page, preview.PageSize, []found{}}
		if q.Page*preview.PageSize >= r.Total {
			r.Hits = nil // those of the last page
		}
		for _, h := range r.Hits {
			answer.Documents = append(answer.Documents, newFound(h))
		}
		return http.StatusOK, answer, nil
	})
}

// find searches as a person, and returns who that is for the audit log.
func (c *call) find(x *preview.Index, q *preview.Query, person string) (name string, r *preview.Results, err error) {
	var known bool
	if q.Person, known = x.Person(person); !known {
		return short(person), nil, &preview.UnknownPersonError{Person: person}
	}
	r, err = x.Search(c.Context(), *q)
	return q.Person.String(), r, err
}
